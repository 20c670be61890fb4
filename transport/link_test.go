package transport

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/transport/wire"
)

// inbox collects the events that an endpoint receives.
type inbox struct{ got chan string }

func collect(p *place) *inbox {
	in := &inbox{got: make(chan string, 100_000)}
	p.Handle(wire.KindEvent, func(_ *Link, f wire.Frame) {
		e := f.(*wire.Event)
		in.got <- fmt.Sprintf("%s/%d", e.Topic, len(e.Body.Data))
	})
	return in
}

func (in *inbox) want(t *testing.T, want string) {
	t.Helper()
	limit := time.NewTimer(10 * time.Minute)
	defer limit.Stop()
	select {
	case got := <-in.got:
		if got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
	case <-limit.C:
		t.Fatalf("nothing arrived, want %s", want)
	}
}

func event(topic string, size int) *wire.Event {
	return &wire.Event{Topic: topic, Body: wire.Body{Data: make([]byte, size)}}
}

func TestLinkCarriesFramesInOrder(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.place("net"), w.place("net")
		in := collect(b)
		a.start(t)
		b.start(t)
		if err := w.net.Start(); err != nil {
			t.Fatal(err)
		}
		l, _ := linked(t, a, b)
		const n = 2000
		for i := range n {
			if err := l.Send(t.Context(), Fanout, event(fmt.Sprintf("t%d", i%10), i)); err != nil {
				t.Fatal(err)
			}
		}
		for i := range n {
			in.want(t, fmt.Sprintf("t%d/%d", i%10, i))
		}
		if h := l.Hello(); h.Incarnation != 1 || len(h.Addrs) != 1 || h.Addrs[0] != b.addr() {
			t.Errorf("hello of the peer: %+v", h)
		}
		a.close(t)
		b.close(t)
	})
}

// Two ends that dial each other at the same moment end with the same single
// link, whoever is smaller.
func TestCrossingDialsKeepOneLink(t *testing.T) {
	for round := range 4 {
		bubble(t, func(t *testing.T, w *world) {
			a, b := w.place("net"), w.place("net")
			a.start(t)
			b.start(t)
			if err := w.net.Start(); err != nil {
				t.Fatal(err)
			}
			a.Dial(b.addr(), b.ID())
			b.Dial(a.addr(), a.ID())
			a.until(t, "link at a", func() bool { return a.Link(b.ID()) != nil })
			b.until(t, "link at b", func() bool { return b.Link(a.ID()) != nil })
			settle := time.NewTimer(3 * time.Second)
			<-settle.C
			la, lb := a.Link(b.ID()), b.Link(a.ID())
			if la == nil || lb == nil {
				t.Fatalf("round %d: no link is left", round)
			}
			if la.Dialed() == lb.Dialed() {
				t.Errorf("round %d: the ends hold different connections", round)
			}
			if len(a.down)+len(b.down) > 0 {
				t.Errorf("round %d: a link went down: %d at a, %d at b", round, len(a.down), len(b.down))
			}
			a.close(t)
			b.close(t)
		})
	}
}

// An oversized frame keeps its place among the small ones of its lane, and
// does not hold those of other lanes.
func TestOversizedFramesKeepTheirPlace(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.place("net"), w.place("net")
		in := collect(b)
		a.start(t)
		b.start(t)
		if err := w.net.Start(); err != nil {
			t.Fatal(err)
		}
		l, _ := linked(t, a, b)
		sizes := []int{10, 3 << 20, 20, 300 << 10, 5 << 20, 30}
		for _, n := range sizes {
			if err := l.TryEvent("big", "", make([]byte, n), "", false); err != nil {
				t.Fatal(err)
			}
		}
		for _, n := range sizes {
			in.want(t, fmt.Sprintf("big/%d", n))
		}
		if err := l.TryEvent("huge", "", make([]byte, 65<<20), "", false); !errors.Is(err, wire.ErrTooLarge) {
			t.Errorf("a message beyond the limit: %v, want ErrTooLarge", err)
		}
		a.close(t)
		b.close(t)
	})
}

// Closing for good delivers everything that was sent before.
func TestDrainDeliversEverything(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.place("net"), w.place("net")
		in := collect(b)
		a.start(t)
		b.start(t)
		if err := w.net.Start(); err != nil {
			t.Fatal(err)
		}
		l, _ := linked(t, a, b)
		const n = 500
		for range n {
			if err := l.Send(t.Context(), Fanout, event("last", 4000)); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.Send(t.Context(), Fanout, event("last", 1<<20)); err != nil {
			t.Fatal(err)
		}
		a.close(t)
		for range n {
			in.want(t, "last/4000")
		}
		in.want(t, fmt.Sprintf("last/%d", 1<<20))
		b.until(t, "news of the end", func() bool { return len(b.down) == 1 })
		if d := b.down[0]; d.Code != wire.CodeLeave || !d.Remote {
			t.Errorf("the peer's end was reported as %v (remote %v)", d.Code, d.Remote)
		}
		if err := l.TrySend(Direct, event("late", 1)); !errors.Is(err, actor.ErrUnreachable) {
			t.Errorf("send on an ended link: %v, want ErrUnreachable", err)
		}
		b.close(t)
	})
}

// A peer that does not read one lane fills that lane and no other.
func TestAFullLaneFailsAloneAndRecovers(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.place("net", func(c *Config) { c.Limits.Lane = 1 << 20 }), w.place("net")
		hold := make(chan struct{})
		b.Handle(wire.KindEvent, func(*Link, wire.Frame) { <-hold })
		got := make(chan uint64, 1)
		b.Handle(wire.KindLeave, func(_ *Link, f wire.Frame) { got <- f.(*wire.Leave).Incarnation })
		a.start(t)
		b.start(t)
		if err := w.net.Start(); err != nil {
			t.Fatal(err)
		}
		l, _ := linked(t, a, b)
		var err error
		sent := 0
		for range 100_000 {
			if err = l.TrySend(Fanout, event("x", 8000)); err != nil {
				break
			}
			sent++
		}
		if !errors.Is(err, actor.ErrOverloaded) {
			t.Fatalf("after %d frames: %v, want ErrOverloaded", sent, err)
		}
		if err := l.TrySend(Control, &wire.Leave{Incarnation: 7}); err != nil {
			t.Fatalf("control beside a full lane: %v", err)
		}
		if n := <-got; n != 7 {
			t.Errorf("control carried %d", n)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for err = nil; err == nil; {
			err = l.Send(ctx, Fanout, event("x", 8000))
		}
		if !errors.Is(err, actor.ErrOverloaded) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("waiting for space: %v", err)
		}
		close(hold)
		if err := l.Send(t.Context(), Fanout, event("x", 8000)); err != nil {
			t.Errorf("after the reader went on: %v", err)
		}
		a.close(t)
		b.close(t)
	})
}

func TestOtherNetworksAreRefused(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.place("net"), w.place("other")
		a.start(t)
		b.start(t)
		if err := w.net.Start(); err != nil {
			t.Fatal(err)
		}
		a.Dial(b.addr(), id.ID{})
		b.Dial(a.addr(), id.ID{})
		a.until(t, "failure at a", func() bool { return len(a.fail) == 1 })
		b.until(t, "failure at b", func() bool { return len(b.fail) == 1 })
		if len(a.Links())+len(b.Links()) > 0 {
			t.Error("nodes of two networks are linked")
		}
		a.close(t)
		b.close(t)
	})
}

// A node that another one is wanted at its address is not taken for it.
func TestDialChecksTheID(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.place("net"), w.place("net")
		a.start(t)
		b.start(t)
		if err := w.net.Start(); err != nil {
			t.Fatal(err)
		}
		a.Dial(b.addr(), id.ID{Lo: 1})
		a.until(t, "failure", func() bool { return len(a.fail) == 1 })
		a.Dial(a.addr(), id.ID{})
		a.until(t, "failure to link with itself", func() bool { return len(a.fail) == 2 })
		if len(a.Links())+len(b.Links()) > 0 {
			t.Error("linked in spite of the wrong id")
		}
		a.close(t)
		b.close(t)
	})
}

// A cut network ends the link at both ends, and a new dial makes a new one.
func TestACutLinkGoesDownAndComesBack(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.place("net"), w.place("net")
		a.start(t)
		b.start(t)
		if err := w.net.Start(); err != nil {
			t.Fatal(err)
		}
		linked(t, a, b)
		w.cut.set(a, b, true)
		w.cut.set(b, a, true)
		a.until(t, "down at a", func() bool { return len(a.down) == 1 })
		b.until(t, "down at b", func() bool { return len(b.down) == 1 })
		if a.Link(b.ID()) != nil || b.Link(a.ID()) != nil {
			t.Error("a link that went down is still offered")
		}
		w.cut.set(a, b, false)
		w.cut.set(b, a, false)
		linked(t, a, b)
		a.close(t)
		b.close(t)
	})
}

// One end has lost its link without the other knowing: its new dial wins over
// the stale link of the other.
func TestADiallerWithoutALinkReplacesAStaleOne(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.place("net"), w.place("net")
		a.start(t)
		b.start(t)
		if err := w.net.Start(); err != nil {
			t.Fatal(err)
		}
		for _, pair := range [][2]*place{{a, b}, {b, a}} {
			x, y := pair[0], pair[1]
			lx, ly := linked(t, x, y)
			w.cut.set(y, x, true)
			w.cut.set(x, y, true)
			ly.Close(wire.CodeInternal, "lost, and the other end does not hear of it")
			y.until(t, "down", func() bool { return y.Link(x.ID()) == nil })
			w.cut.set(y, x, false)
			w.cut.set(x, y, false)
			y.Dial(x.addr(), x.ID())
			y.until(t, "new link at the dialler", func() bool { return y.Link(x.ID()) != nil })
			x.until(t, "the stale link replaced", func() bool { l := x.Link(y.ID()); return l != nil && l != lx })
			x.Link(y.ID()).Close(wire.CodeInternal, "next")
			x.until(t, "end", func() bool { return x.Link(y.ID()) == nil })
			y.until(t, "end", func() bool { return y.Link(x.ID()) == nil })
		}
		a.close(t)
		b.close(t)
	})
}

func TestTunnelStreamsHaveAConnectionOfTheirOwn(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.place("net"), w.place("net")
		echo := func(_ id.ID, s Stream) {
			_, _ = io.Copy(s, s)
			_ = s.Close()
		}
		a.HandleStream(echo)
		b.HandleStream(echo)
		a.start(t)
		b.start(t)
		if err := w.net.Start(); err != nil {
			t.Fatal(err)
		}
		linked(t, a, b)
		for _, pair := range [][2]*place{{a, b}, {b, a}, {a, b}} {
			s, err := pair[0].OpenStream(t.Context(), pair[1].ID())
			if err != nil {
				t.Fatal(err)
			}
			sent := binary.BigEndian.AppendUint64(nil, 42)
			if _, err := s.Write(sent); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(s); err != nil || !bytes.Equal(got, sent) {
				t.Errorf("echo: %x, %v", got, err)
			}
		}
		if _, err := a.OpenStream(t.Context(), id.ID{Lo: 9}); !errors.Is(err, actor.ErrUnreachable) {
			t.Errorf("stream to a stranger: %v", err)
		}
		a.Link(b.ID()).Close(wire.CodeDead, "declared dead")
		b.until(t, "end", func() bool { return len(b.down) == 1 })
		if d := b.down[0]; d.Code != wire.CodeDead {
			t.Errorf("told %v, want DEAD", d.Code)
		}
		a.close(t)
		b.close(t)
	})
}

// A hostile holder of the key sends what is no protocol: its link ends with a
// code, and nothing else does.
func TestGarbageEndsOnlyItsLink(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b, c := w.place("net"), w.place("net"), w.place("net")
		in := collect(b)
		for _, p := range []*place{a, b, c} {
			p.start(t)
		}
		if err := w.net.Start(); err != nil {
			t.Fatal(err)
		}
		bad, _ := linked(t, a, b)
		good, _ := linked(t, c, b)
		s, err := bad.conn.OpenUniStream()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Write([]byte{0xff, 0xff, 0xff, 0xff, 0x7f, 0xdd, 0xff, 0xff, 0xff, 0xff}); err != nil {
			t.Fatal(err)
		}
		b.until(t, "the end of the link", func() bool { return len(b.down) == 1 })
		if d := b.down[0]; d.Code != wire.CodeProtocol || d.Link.Peer() != a.ID() {
			t.Errorf("ended with %v for %v", d.Code, d.Link.Peer())
		}
		a.until(t, "the reason at the sender", func() bool { return len(a.down) == 1 })
		if d := a.down[0]; d.Code != wire.CodeProtocol || !d.Remote {
			t.Errorf("the sender was told %v", d.Code)
		}
		if err := good.Send(t.Context(), Fanout, event("ok", 1)); err != nil {
			t.Fatal(err)
		}
		in.want(t, "ok/1")
		for _, p := range []*place{a, b, c} {
			p.close(t)
		}
	})
}
