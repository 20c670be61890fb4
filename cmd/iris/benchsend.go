package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"iris/actor"
)

// send does the work of the sending process and returns how many it sent. took gets
// what this process can time.
func (b *benchmark) send(ctx context.Context, g *budget, took *histogram) (int64, error) {
	switch b.mode {
	case "pub":
		return b.sendEach(g, func(msg any) error { return b.part.publish(ctx, msg) })
	case "broadcast":
		return b.sendEach(g, func(msg any) error { return b.part.Broadcast(ctx, "bench", msg) })
	case "request":
		return b.ask(ctx, g, took)
	case "tunnel":
		return b.write(ctx, g, took)
	case "ring":
		return b.whisper(ctx, g)
	}
	return 0, fmt.Errorf("no benchmark %q", b.mode)
}

// sampled is how many messages share one that says when it was sent. Reading the clock
// for each would cost more than sending it.
const sampled = 64

func (b *benchmark) sendEach(g *budget, send func(any) error) (sent int64, err error) {
	var plain any = stamped(b.size, b.run, time.Time{})
	for ; g.take(16); sent++ {
		msg := plain
		if sent%sampled == 0 {
			msg = stamped(b.size, b.run, time.Now())
			b.done.Store(sent)
		}
		if err := send(msg); err != nil {
			return sent, err
		}
	}
	return sent, nil
}

// ask keeps so many requests outstanding.
func (b *benchmark) ask(ctx context.Context, g *budget, took *histogram) (int64, error) {
	var sent atomic.Int64
	errs := make([]error, b.outstanding)
	var asking sync.WaitGroup
	for i := range b.outstanding {
		asking.Go(func() {
			var msg any = stamped(b.size, b.run, time.Time{})
			for g.take(1) {
				at := time.Now()
				if errs[i] = b.part.request(ctx, msg); errs[i] != nil {
					return
				}
				took.add(time.Since(at))
				b.done.Store(sent.Add(1))
			}
		})
	}
	asking.Wait()
	return sent.Load(), firstError(errs)
}

// firstError keeps hundreds of equal lines from the user.
func firstError(errs []error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// write writes into a tunnel to each receiver, one after the other in turn.
func (b *benchmark) write(ctx context.Context, g *budget, took *histogram) (sent int64, err error) {
	first := 1
	if b.processes == 1 {
		first = 0
	}
	type stream interface {
		Send(context.Context, []byte) error
		Close() error
	}
	streams := make([]stream, 0, len(b.receivers))
	for i := range b.receivers {
		t, err := b.part.Tunnel(ctx, drain(first+i))
		if err != nil {
			return 0, err
		}
		streams = append(streams, t)
	}
	msg := []byte(stamped(b.size, b.run, time.Time{}))
	for g.take(1) {
		at := time.Now()
		for _, t := range streams {
			if err := t.Send(ctx, msg); err != nil {
				return sent, err
			}
			sent++
		}
		took.add(time.Since(at))
		b.done.Add(1)
	}
	for _, t := range streams {
		if err := t.Close(); err != nil {
			return sent, err
		}
	}
	return sent, nil
}

var errRingBroken = errors.New("whispers got lost: none came back for 2s")

// whisper keeps so many whispers in the ring. The first player sends the next when one
// has come round.
func (b *benchmark) whisper(ctx context.Context, g *budget) (int64, error) {
	var sent, back atomic.Int64
	ended := make(chan struct{})
	next := func() bool {
		if !g.take(1) {
			return false
		}
		sent.Add(1)
		b.part.System().Send(actor.Cluster(player(2)), nil, stamped(b.size, b.run, time.Now()))
		return true
	}
	var once sync.Once
	b.part.ending = func([]byte) {
		b.done.Store(back.Add(1))
		if !next() && back.Load() >= sent.Load() {
			once.Do(func() { close(ended) })
		}
	}
	for range b.outstanding {
		if !next() {
			break
		}
	}
	tick := time.NewTicker(benchPatience)
	defer tick.Stop()
	for seen := int64(-1); ; {
		select {
		case <-ended:
			return sent.Load(), nil
		case <-ctx.Done():
			return sent.Load(), context.Cause(ctx)
		case <-tick.C:
			n := back.Load()
			if n == seen {
				return sent.Load(), errRingBroken
			}
			seen = n
		}
	}
}
