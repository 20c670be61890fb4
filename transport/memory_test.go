package transport

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"iris/actor"
	"iris/internal/budget"
)

// Lanes whose peers take nothing leave room for one more, however many they are, and all
// that they held is free again when they go on or break.
func TestFullLanesShareTheMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var over atomic.Int32
		share := budget.New(64<<20, func(b bool, _ uint64) {
			if b {
				over.Add(1)
			} else {
				over.Add(-1)
			}
		})
		let := make(chan struct{})
		var running sync.WaitGroup
		var lanes []*lane
		fill := func() int {
			l := newLane(Fanout, 4<<20, new(buffers))
			g := &gated{let: let}
			l.open, l.fail, l.spawn, l.writes = func() (sendStream, error) { return g, nil }, func(error) {}, running.Go, new(atomic.Uint64)
			l.share = share
			lanes = append(lanes, l)
			for l.put(event("x", 1000)) == nil {
				continue
			}
			synctest.Wait()
			return l.queued()
		}
		sum, last := 0, 0
		for range 32 { // the first few have their own limit
			last = fill()
			sum += last
		}
		if sum > 64<<20+32*(smallBuffer+2000) {
			t.Errorf("32 lanes hold %d bytes", sum)
		}
		if last < 128<<10 {
			t.Errorf("the last one holds %d bytes", last)
		}
		if over.Load() != 1 {
			t.Error("nobody was told")
		}
		lanes[0].shut(actor.ErrUnreachable)
		close(let)
		synctest.Wait()
		if share.Used() != 0 || over.Load() != 0 {
			t.Errorf("%d bytes are held by nobody", share.Used())
		}
		for _, l := range lanes {
			l.shut(nil)
		}
		running.Wait()
	})
}

// What waits as large frames is part of that memory; the first of a link need not be there.
func TestLargeFramesShareTheMemory(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.place("net", func(c *Config) { c.Limits.Memory = 128 << 20 }), w.place("net")
		a.start(t)
		b.start(t)
		if err := w.net.Start(); err != nil {
			t.Fatal(err)
		}
		l, _ := linked(t, a, b)
		w.cut.set(a, b, true)
		sent := 0
		for l.TrySend(Fanout, event("x", 1<<20)) == nil {
			sent++
			synctest.Wait() // what can be handed on to the lane is
		}
		if used := a.lanes.Used(); sent < 5 || sent > 7 || used < int64(sent-1)<<20 || used > 2*(32<<20)/9 {
			t.Errorf("%d frames of 1 MiB wait, %d bytes are counted; a ninth of 32 MiB is one queue's, and they wait in two: whole and in chunks", sent, used)
		}
		w.cut.set(a, b, false)
		a.close(t)
		b.close(t)
		if used := a.lanes.Used(); used != 0 {
			t.Errorf("%d bytes are held by nobody", used)
		}
	})
}
