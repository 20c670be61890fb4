package transport

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"iris/transport/wire"
)

// A lane that nothing is written to, or that goes on, is not stalled; one whose stream
// takes nothing is, from the beginning of the write.
func TestALaneKnowsHowLongItHasTakenNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gated{let: make(chan struct{})}
		l, running := testLane(t, 4<<20, func() (sendStream, error) { return g, nil })
		want := func(want time.Duration, busy bool) {
			t.Helper()
			synctest.Wait()
			if d, b := l.stalled(); d != want || b != busy {
				t.Errorf("stalled for %v, busy %v; want %v, %v", d, b, want, busy)
			}
		}
		want(0, false)
		for range 3 {
			if err := l.put(event("x", maxWrite)); err != nil { // two writes each
				t.Fatal(err)
			}
		}
		want(0, true)
		<-time.After(time.Second)
		want(time.Second, true)
		g.let <- struct{}{}
		want(0, true)
		<-time.After(time.Millisecond)
		want(time.Millisecond, true)
		close(g.let)
		want(0, false)
		l.shut(nil)
		running.Wait()
	})
}

// A peer that is cut off is stalled once it is silent for longer than a round trip; one that
// is slow to read, but there, is not.
func TestALinkIsStalledWhenItsPeerIsSilent(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.place("net"), w.place("net")
		read := make(chan struct{})
		b.Handle(wire.KindEvent, func(*Link, wire.Frame) { <-read })
		a.start(t)
		b.start(t)
		if err := w.net.Start(); err != nil {
			t.Fatal(err)
		}
		l, _ := linked(t, a, b)
		if d := l.Stalled(Fanout); d != 0 {
			t.Errorf("idle, stalled for %v", d)
		}
		fill := func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			for l.Send(ctx, Fanout, event("x", 1<<10)) == nil {
				continue
			}
		}
		fill() // b reads nothing more
		l.Stalled(Fanout)
		if err := l.TrySend(Control, &wire.Leave{}); err != nil {
			t.Fatal(err)
		}
		<-time.After(100 * time.Millisecond)
		if d := l.Stalled(Fanout); d >= 100*time.Millisecond {
			t.Errorf("stalled for %v though a packet came meanwhile", d)
		}
		w.cut.set(b, a, true)
		l.Stalled(Fanout)
		<-time.After(300 * time.Millisecond)
		if d := l.Stalled(Fanout); d < 150*time.Millisecond || d > 500*time.Millisecond {
			t.Errorf("cut off for 300ms, stalled for %v", d)
		}
		w.cut.set(b, a, false)
		close(read)
		for l.Stalled(Fanout) > 0 {
			<-time.After(10 * time.Millisecond)
		}
		a.close(t)
		b.close(t)
	})
}
