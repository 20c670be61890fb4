package transport

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"iris/actor"
	"iris/transport/wire"
)

// gated is a stream whose writes wait until they are let through.
type gated struct {
	nowhere
	let chan struct{}
	got atomic.Int64
}

func (g *gated) Write(b []byte) (int, error) {
	<-g.let
	g.got.Add(int64(len(b)))
	return len(b), nil
}

func testLane(t *testing.T, limit int, open func() (sendStream, error)) (*lane, *sync.WaitGroup) {
	t.Helper()
	var running sync.WaitGroup
	l := newLane(Fanout, limit, new(buffers))
	l.open, l.fail, l.spawn, l.writes = open, func(error) {}, running.Go, new(atomic.Uint64)
	return l, &running
}

// However many frames were queued at once, a lane that has nothing to do holds
// two small buffers at most, and one that broke holds none.
func TestAnIdleLaneHoldsLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gated{let: make(chan struct{})}
		l, running := testLane(t, 4<<20, func() (sendStream, error) { return g, nil })
		sent := 0
		for l.put(event("burst", 1000)) == nil {
			sent++
		}
		if held := l.held(); held < 4<<20 {
			t.Fatalf("%d frames of 1000 bytes fill a lane that holds %d bytes", sent, held)
		}
		close(g.let)
		synctest.Wait()
		if n := l.queued(); n != 0 || g.got.Load() < int64(sent)*1000 {
			t.Fatalf("%d bytes are queued still, %d written", n, g.got.Load())
		}
		if held := l.held(); held > 2*smallBuffer {
			t.Errorf("idle, the lane holds %d bytes, want %d at most", held, 2*smallBuffer)
		}
		l.shut(nil)
		running.Wait()

		stuck := &gated{let: make(chan struct{})}
		l, running = testLane(t, 4<<20, func() (sendStream, error) { return stuck, nil })
		for l.put(event("more", 1000)) == nil {
			continue
		}
		l.shut(errors.New("broken"))
		if held := l.held(); held != 0 {
			t.Errorf("broken, the lane holds %d bytes", held)
		}
		close(stuck.let)
		running.Wait()
	})
}

// held returns the capacity of the lane's own buffers.
func (l *lane) held() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := cap(l.buf) + cap(l.spare)
	for _, p := range l.ready {
		n += cap(p.data)
	}
	return n
}

// A lone frame is written at once; those that come while the writer is at work leave
// together; and a lane that had a rest begins again.
func TestFramesThatGatherLeaveTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gated{let: make(chan struct{})}
		l, running := testLane(t, 4<<20, func() (sendStream, error) { return g, nil })
		for range 3 {
			before := l.writes.Load()
			for range 101 {
				if err := l.put(event("x", 100)); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
			}
			g.let <- struct{}{}
			g.let <- struct{}{}
			synctest.Wait()
			if n := l.writes.Load() - before; n != 2 || l.queued() != 0 {
				t.Errorf("%d writes of 101 frames, %d bytes left; want one for the first and one for the rest", n, l.queued())
			}
		}
		l.shut(nil)
		running.Wait()
	})
}

// Senders that wait for space get it in turn with the writer; none is forgotten.
func TestSendersWaitForSpace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gated{let: make(chan struct{})}
		l, running := testLane(t, 64<<10, func() (sendStream, error) { return g, nil })
		var senders sync.WaitGroup
		for range 8 {
			senders.Go(func() {
				for range 200 {
					if err := l.wait(context.Background(), event("x", 4000)); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		close(g.let)
		senders.Wait()
		l.shut(nil)
		running.Wait()
		if n := g.got.Load(); n < 8*200*4000 {
			t.Errorf("%d bytes were written", n)
		}
		if err := l.put(event("x", 1)); !errors.Is(err, actor.ErrUnreachable) {
			t.Errorf("put on a lane that was shut: %v", err)
		}
	})
}

// The end of a lane wakes those who wait for space in it.
func TestTheEndOfALaneWakesItsSenders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gated{let: make(chan struct{})}
		l, running := testLane(t, 64<<10, func() (sendStream, error) { return g, nil })
		var senders sync.WaitGroup
		for range 8 {
			senders.Go(func() {
				for {
					if err := l.wait(context.Background(), event("x", 4000)); err != nil {
						if !errors.Is(err, actor.ErrUnreachable) {
							t.Error(err)
						}
						return
					}
				}
			})
		}
		synctest.Wait()
		l.shut(errors.New("broken"))
		senders.Wait()
		close(g.let)
		running.Wait()
	})
}

// An oversized frame whose placeholder found its lane full waits for that lane.
func TestALargeFrameWaitsForItsPlace(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.place("net", func(c *Config) { c.Limits.Lane = 1 << 20 }), w.place("net")
		hold := make(chan struct{})
		b.Handle(wire.KindEvent, func(*Link, wire.Frame) { <-hold })
		a.start(t)
		b.start(t)
		if err := w.net.Start(); err != nil {
			t.Fatal(err)
		}
		l, _ := linked(t, a, b)
		for full := 0; full < 2; { // also after the writer has taken what it can
			if l.TrySend(Fanout, event("x", 8000)) != nil {
				full++
				synctest.Wait()
			}
		}
		x := l.lanes[Fanout]
		x.mu.Lock()
		x.limit = x.waiting // to the last byte
		x.mu.Unlock()
		sent := make(chan error)
		go func() { sent <- l.Send(context.Background(), Fanout, event("large", 1<<20)) }()
		synctest.Wait()
		select {
		case err := <-sent:
			t.Fatalf("sent to a full lane: %v", err)
		default:
		}
		close(hold)
		limit := time.NewTimer(20 * time.Second)
		defer limit.Stop()
		select {
		case err := <-sent:
			if err != nil {
				t.Error(err)
			}
		case <-limit.C:
			t.Error("not woken when the lane had space")
		}
		a.close(t)
		b.close(t)
	})
}

// A peer that never lets us open a lane does not read, whatever else it does.
func TestALaneThatNeverOpensIsStuck(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.place("net"), w.place("net")
		b.base.conf.MaxIncomingUniStreams = -1 // none
		a.start(t)
		b.start(t)
		if err := w.net.Start(); err != nil {
			t.Fatal(err)
		}
		l, _ := linked(t, a, b)
		if err := l.TrySend(Direct, event("x", 1)); err != nil {
			t.Fatal(err)
		}
		a.until(t, "the end", func() bool { return len(a.down) == 1 })
		if d := a.down[0]; d.Code != wire.CodeStuck {
			t.Errorf("ended with %v (%s), want STUCK", d.Code, d.Reason)
		}
		a.close(t)
		b.close(t)
	})
}

// What a lane tells of itself adds up, also of frames that found no room.
func TestALaneTellsWhatItDid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gated{let: make(chan struct{})}
		l, running := testLane(t, 16<<10, func() (sendStream, error) { return g, nil })
		sent, refused := uint64(0), uint64(0)
		for range 40 {
			if l.put(event("told", 1000)) == nil {
				sent++
			} else {
				refused++
			}
			synctest.Wait()
		}
		<-time.After(3 * time.Second)
		s := l.stats()
		if s.Sent != sent || s.Refused != refused || refused == 0 || s.Queued == 0 || s.Limit != 16<<10 || s.Stalled != 3*time.Second {
			t.Errorf("sent %d, refused %d: %+v", sent, refused, s)
		}
		close(g.let)
		l.shut(nil)
		running.Wait()
		if s = l.stats(); s.Queued != 0 || s.Bytes != uint64(g.got.Load()) || s.Stalled != 0 {
			t.Errorf("%d bytes written: %+v", g.got.Load(), s)
		}
	})
}
