package discovery

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"sync"
)

// ether is a host in memory: every datagram sent to a channel reaches everybody
// who listens there, the sender too.
type ether struct {
	mu    sync.Mutex
	ears  []*ear // guarded by mu
	next  uint16 // guarded by mu
	total int    // datagrams sent; guarded by mu
	log   [][]byte
}

// antenna is the air of one node.
type antenna struct {
	ether *ether
	ks    keyset
	port  uint16
	deaf  bool // refresh opens no inlet

	mu     sync.Mutex
	outs   []outlet // what refresh reports; guarded by mu
	ears   []*ear   // guarded by mu
	closed bool     // guarded by mu
}

type ear struct {
	channel channel
	in      chan packet // bounded, drop-new like a socket buffer
	closed  chan struct{}
}

type packet struct {
	from netip.AddrPort
	data []byte
}

var errDown = errors.New("network is down")

func (e *ether) antenna(keys [][]byte) *antenna {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.next++
	return &antenna{
		ether: e, ks: newKeyset(keys), port: e.next,
		outs: []outlet{{name: "lo", way: loopbackBroadcast}, {name: "lo", way: loopbackMulticast}},
	}
}

func (a *antenna) refresh() (outs []outlet, fresh []inlet, listening bool, errs []error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.deaf {
		return a.outs, nil, false, []error{errDown}
	}
	if len(a.ears) == 0 && !a.closed {
		for _, c := range a.ks.channels(0) {
			l := &ear{c, make(chan packet, 256), make(chan struct{})}
			a.ears = append(a.ears, l)
			fresh = append(fresh, l)
			a.ether.mu.Lock()
			a.ether.ears = append(a.ether.ears, l)
			a.ether.mu.Unlock()
		}
	}
	return a.outs, fresh, len(a.ears) > 0, nil
}

func (a *antenna) set(outs []outlet) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.outs = outs
}

func (a *antenna) send(_ outlet, datagram []byte) error {
	to := a.ks.channels(0)[0]
	a.ether.inject(netip.AddrPortFrom(loopbackIP, a.port), to, datagram)
	return nil
}

// inject delivers a datagram of anybody.
func (e *ether) inject(from netip.AddrPort, to channel, datagram []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.total++
	if len(e.log) < 1000 {
		e.log = append(e.log, bytes.Clone(datagram))
	}
	for _, l := range e.ears {
		if l.channel == to {
			select {
			case l.in <- packet{from, bytes.Clone(datagram)}:
			default:
			}
		}
	}
}

func (e *ether) sent() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.total
}

func (a *antenna) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	for _, l := range a.ears {
		close(l.closed)
	}
}

func (l *ear) read(buf []byte) (int, netip.AddrPort, error) {
	select {
	case p := <-l.in:
		return copy(buf, p.data), p.from, nil
	case <-l.closed:
		return 0, netip.AddrPort{}, net.ErrClosed
	}
}
