package discovery

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Reach says whether what this host sends by one way of discovery comes back to
// it. What does not come back reaches nobody else either. The converse does not
// hold: a switch or a cloud may drop what this host lets through.
type Reach struct {
	Interface string
	Multicast bool  // else broadcast
	LAN       bool  // else within this host
	Err       error // nil if it came back
}

// ErrLost is the error of a way by which nothing came back.
var ErrLost = errors.New("nothing came back")

const (
	reachTime   = time.Second            // for what was sent to come back
	reachRepeat = 100 * time.Millisecond // between two attempts
)

// TryReach sends probes by each way that discovery would use with the given
// beacon key, on this host and on its local networks, and listens for them. Nodes
// ignore such datagrams. It blocks for a second if something does not come back.
// The error says why nothing can be heard at all.
func TryReach(ctx context.Context, key []byte) ([]Reach, error) {
	return tryReach(ctx, &sockets{host: true, lan: true, channels: newKeyset([][]byte{key}).channels(0)})
}

func tryReach(ctx context.Context, a air) ([]Reach, error) {
	outs, inlets, listening, errs := a.refresh()
	var readers sync.WaitGroup
	defer readers.Wait()
	defer a.close()
	if !listening {
		return nil, errors.Join(errs...)
	}
	mark := "IRP " + rand.Text() + " " // no beacon begins like that
	came := make(chan int, len(outs)*16)
	for _, in := range inlets {
		readers.Go(func() { hearProbes(in, mark, came) })
	}
	list := make([]Reach, len(outs))
	missing := len(outs)
	for i, o := range outs {
		list[i] = Reach{Interface: o.name, Multicast: o.way != loopbackBroadcast, LAN: o.way == lanMulticast, Err: ErrLost}
	}
	ctx, cancel := context.WithTimeout(ctx, reachTime)
	defer cancel()
	again := time.NewTicker(reachRepeat)
	defer again.Stop()
	for missing > 0 {
		for i, o := range outs {
			if list[i].Err == nil {
				continue
			}
			list[i].Err = ErrLost
			if err := a.send(o, fmt.Appendf(nil, "%s%d", mark, i)); err != nil {
				list[i].Err = err
			}
		}
	waiting:
		for missing > 0 {
			select {
			case i := <-came:
				if i >= 0 && i < len(list) && list[i].Err != nil {
					list[i].Err = nil
					missing--
				}
			case <-again.C:
				break waiting
			case <-ctx.Done():
				return list, nil
			}
		}
	}
	return list, nil
}

// hearProbes reads an inlet until it is closed and says which probes came.
func hearProbes(in inlet, mark string, came chan<- int) {
	buf := make([]byte, maxDatagram)
	for {
		n, _, err := in.read(buf)
		if err != nil {
			return // closed, or of no use
		}
		var i int
		if _, err := fmt.Sscanf(string(buf[:n]), mark+"%d", &i); err != nil {
			continue
		}
		select {
		case came <- i:
		default: // told often enough
		}
	}
}
