package transport

import (
	"io"
	"testing"
	"testing/synctest"
	"time"

	"iris/internal/id"
	"iris/transport/wire"
)

// dialled returns what the owner was told of dials that met somebody.
func (p *place) dialled() (list []*Dialed) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append(list, p.done...)
}

// The owner hears where a dial ended, also when there was a link already.
func TestEveryDialHasAnOutcome(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.place("net"), w.place("net")
		a.start(t)
		b.start(t)
		if err := w.net.Start(); err != nil {
			t.Fatal(err)
		}
		linked(t, a, b)
		a.Dial(b.addr(), id.ID{}) // whoever lives there: that turns out to be b
		a.until(t, "outcome", func() bool { return len(a.done) == 2 })
		for _, d := range a.dialled() {
			if d.Addr != b.addr() || d.Peer != b.ID() {
				t.Errorf("dialled %s, peer %v", d.Addr, d.Peer)
			}
		}
		if len(a.Links()) != 1 || len(a.fail) != 0 {
			t.Errorf("%d links, %d dials failed", len(a.Links()), len(a.fail))
		}
		a.close(t)
		b.close(t)
	})
}

// Heartbeats and what a link needs for itself are no traffic; frames of any lane
// are, at both ends.
func TestTrafficIsNotHeartbeats(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.place("net"), w.place("net")
		at := collect(b)
		for _, k := range []wire.Kind{wire.KindHeartbeat, wire.KindPeers, wire.KindGroupLookup} {
			b.Handle(k, func(*Link, wire.Frame) { at.got <- "control" })
		}
		a.start(t)
		b.start(t)
		if err := w.net.Start(); err != nil {
			t.Fatal(err)
		}
		la, lb := linked(t, a, b)
		lookup := &wire.GroupLookup{Group: wire.Group{Kind: wire.GroupCluster, Name: "c"}}
		for _, c := range []struct {
			lane Lane
			f    wire.Frame
			want string
			is   bool
		}{
			{Control, &wire.Heartbeat{Seq: 1}, "control", false},
			{Control, &wire.Peers{}, "control", false},
			{Control, lookup, "control", true},
			{Fanout, event("e", 10), "e/10", true},
		} {
			sent, got := la.Stats().Traffic, lb.Stats().Traffic
			if err := la.TrySend(c.lane, c.f); err != nil {
				t.Fatal(err)
			}
			at.want(t, c.want)
			synctest.Wait()
			if now := la.Stats().Traffic; (now != sent) != c.is {
				t.Errorf("%v: sender counts %d after %d", c.f.Kind(), now, sent)
			}
			if now := lb.Stats().Traffic; (now != got) != c.is {
				t.Errorf("%v: receiver counts %d after %d", c.f.Kind(), now, got)
			}
		}
		a.close(t)
		b.close(t)
	})
}

// A pair has tunnels as long as one half of one stream is in use.
func TestOpenTunnelsAreCounted(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.place("net"), w.place("net")
		done := make(chan struct{})
		b.HandleStream(func(_ id.ID, s Stream) {
			defer close(done)
			_, _ = io.Copy(s, s)
			_ = s.Close()
		})
		a.start(t)
		b.start(t)
		if err := w.net.Start(); err != nil {
			t.Fatal(err)
		}
		linked(t, a, b)
		s, err := a.OpenStream(t.Context(), b.ID())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		if !a.Tunnels(b.ID()) || !b.Tunnels(a.ID()) {
			t.Errorf("open: %v, %v", a.Tunnels(b.ID()), b.Tunnels(a.ID()))
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		<-done
		if !a.Tunnels(b.ID()) {
			t.Error("the reading half is forgotten")
		}
		if _, err := s.Read(make([]byte, 1)); err != io.EOF {
			t.Fatal(err)
		}
		if a.Tunnels(b.ID()) || b.Tunnels(a.ID()) {
			t.Errorf("closed: %v, %v", a.Tunnels(b.ID()), b.Tunnels(a.ID()))
		}
		a.close(t)
		b.close(t)
	})
}

// What the peer had sent on a lane that it opened just before the link ended
// arrives: its answer to GOODBYE says how many lanes there are.
func TestGoodbyeWaitsForLanesJustOpened(t *testing.T) {
	for range 20 {
		bubble(t, func(t *testing.T, w *world) {
			a, b := w.place("net"), w.place("net")
			at := collect(a)
			a.start(t)
			b.start(t)
			if err := w.net.Start(); err != nil {
				t.Fatal(err)
			}
			la, lb := linked(t, a, b)
			w.cut.lossy(5)
			la.Close(wire.CodeOK, "idle")
			<-time.After(4 * time.Millisecond) // GOODBYE is nearly there
			sent := lb.TrySend(Fanout, event("late", 1000)) == nil
			b.until(t, "end", func() bool { return len(b.down) == 1 })
			a.until(t, "end", func() bool { return len(a.down) == 1 })
			if d := b.down[0]; d.Code != wire.CodeOK || !d.Remote {
				t.Errorf("ended with %v, remote %v", d.Code, d.Remote)
			}
			if sent != (len(at.got) == 1) {
				t.Errorf("sent %v, arrived %d", sent, len(at.got))
			}
			w.cut.lossy(0)
			a.close(t)
			b.close(t)
		})
	}
}
