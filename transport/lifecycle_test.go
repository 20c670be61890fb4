package transport

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/transport/wire"
)

// paired fails unless each link that came up went down exactly once.
func (p *place) paired(t *testing.T) {
	t.Helper()
	synctest.Wait() // the gate learns of the end of connections on goroutines of its own
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gate.mu.Lock()
	defer p.gate.mu.Unlock()
	open := make(map[*Link]int)
	for _, l := range p.ups {
		open[l]++
	}
	for _, d := range p.down {
		open[d.Link]--
	}
	for l, n := range open {
		if n != 0 {
			t.Errorf("%s: link to %s: %+d more LinkUp than LinkDown", p.ID().Short(), l.Peer().Short(), n)
		}
	}
	if n := len(p.Links()); n != 0 {
		t.Errorf("%s: %d links are left", p.ID().Short(), n)
	}
	if len(p.claims)+len(p.dials)+len(p.tunnels)+p.greetings.open+p.gate.open+len(p.gate.sources) != 0 {
		t.Errorf("%s: left: %d claims, %d dials, %d tunnel connections, %d greetings, %d handshakes of %d sources", p.ID().Short(),
			len(p.claims), len(p.dials), len(p.tunnels), p.greetings.open, p.gate.open, len(p.gate.sources))
	}
}

// Whatever happens to links, the owner hears of the end of each it heard of, and
// nothing is left behind.
func TestEveryUpHasItsDown(t *testing.T) {
	for range 3 {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		rnd := rand.New(rand.NewPCG(seed, 1))
		bubble(t, func(t *testing.T, w *world) {
			var all []*place
			for range 4 {
				p := w.place("net")
				p.HandleStream(func(_ id.ID, s Stream) { s.CancelRead(wire.CodeOK); s.CancelWrite(wire.CodeOK) })
				p.start(t)
				all = append(all, p)
			}
			if err := w.net.Start(); err != nil {
				t.Fatal(err)
			}
			codes := []wire.Code{wire.CodeOK, wire.CodeLeave, wire.CodeDead, wire.CodeInternal, wire.CodeBusy}
			for range 400 {
				x, y := all[rnd.IntN(4)], all[rnd.IntN(4)]
				switch rnd.IntN(12) {
				case 0:
					w.cut.set(x, y, true)
				case 1, 2:
					w.cut.set(x, y, false)
					w.cut.set(y, x, false)
				case 3:
					for _, l := range x.Links() {
						l.Close(codes[rnd.IntN(len(codes))], "by chance")
					}
				case 4:
					if l := x.Link(y.ID()); l != nil {
						_ = l.TrySend(Fanout, event("large", rnd.IntN(1<<20)))
					}
				case 5:
					ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
					if s, err := x.OpenStream(ctx, y.ID()); err == nil {
						_, _ = s.Write([]byte("x"))
					}
					cancel()
				case 6:
					next := time.NewTimer(time.Duration(rnd.IntN(500)) * time.Millisecond)
					<-next.C
				default:
					x.Dial(y.addr(), id.ID{})
					y.Dial(x.addr(), x.ID())
				}
			}
			for _, p := range all {
				p.close(t)
			}
			for _, p := range all {
				p.paired(t)
			}
		})
	}
}

// A link that cannot get an actor ends, and nobody is told that it was up.
func TestALinkWithoutAnActorEnds(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.place("net"), w.place("net")
		a.start(t)
		b.start(t)
		if err := w.net.Start(); err != nil {
			t.Fatal(err)
		}
		if err := b.sys.Stop(t.Context(), b.service); err != nil {
			t.Fatal(err)
		}
		a.Dial(b.addr(), b.ID())
		a.until(t, "the end at the dialler", func() bool { return len(a.fail) == 1 || len(a.down) == 1 })
		b.Dial(a.addr(), a.ID())
		b.until(t, "the failure at the other", func() bool { return len(b.fail) == 1 })
		if len(b.ups)+len(b.down) != 0 {
			t.Errorf("told of %d links up, %d down", len(b.ups), len(b.down))
		}
		a.close(t)
		b.close(t)
		a.paired(t)
		b.paired(t)
	})
}

// A link that ended before its actor ran went up and down, for its own reason.
func TestALinkThatEndsBeforeItsActorStarts(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.place("net"), w.place("net")
		a.start(t)
		b.start(t)
		if err := w.net.Start(); err != nil {
			t.Fatal(err)
		}
		conn := bare(t, a, b)
		control, err := conn.OpenStream()
		if err != nil {
			t.Fatal(err)
		}
		l := newLink(a.Endpoint, b.ID(), conn, control, true)
		a.Endpoint.mu.Lock()
		err = a.installLocked(l)
		a.Endpoint.mu.Unlock()
		if err != nil {
			t.Fatal(err)
		}
		l.end(LinkDown{Link: l, Code: wire.CodeDead, Reason: "before it began"})
		if err := a.run(l); err != nil {
			t.Fatal(err)
		}
		a.until(t, "up and down", func() bool { return len(a.ups) == 1 && len(a.down) == 1 })
		if d := a.down[0]; d.Link != l || d.Code != wire.CodeDead {
			t.Errorf("down with %v (%s)", d.Code, d.Reason)
		}
		a.close(t)
		b.close(t)
		a.paired(t)
		b.paired(t)
	})
}

func TestCloseWithAndWithoutAContext(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b, c := w.place("net"), w.place("net"), w.place("net")
		for _, p := range []*place{a, b, c} {
			p.start(t)
		}
		if err := w.net.Start(); err != nil {
			t.Fatal(err)
		}
		linked(t, a, b)
		linked(t, c, b)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := a.Close(ended, wire.CodeLeave, "at once"); err != nil {
			t.Errorf("close with an ended context: %v", err)
		}
		b.until(t, "the end", func() bool { return len(b.down) == 1 })
		if d := b.down[0]; d.Code != wire.CodeLeave || !d.Remote {
			t.Errorf("the peer heard %v", d.Code)
		}
		results := make(chan error, 3)
		for range 3 {
			go func() { results <- c.Close(context.Background(), wire.CodeLeave, "for ever") }()
		}
		for range 3 {
			if err := <-results; err != nil {
				t.Errorf("close without a deadline: %v", err)
			}
		}
		for _, p := range []*place{a, b, c} {
			p.close(t) // again
			p.paired(t)
		}
		if err := a.Start(nil); !errors.Is(err, actor.ErrClosed) {
			t.Errorf("start after close: %v", err)
		}
		if _, err := a.OpenStream(t.Context(), b.ID()); !errors.Is(err, actor.ErrUnreachable) {
			t.Errorf("stream after close: %v", err)
		}
	})
}

// What was installed and never started leaves nothing either.
func TestAnEndpointThatNeverStarted(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.place("net"), w.place("net")
		b.start(t)
		if err := w.net.Start(); err != nil {
			t.Fatal(err)
		}
		a.Dial(b.addr(), b.ID()) // does nothing
		b.Dial(a.addr(), a.ID())
		settle := time.NewTimer(time.Second)
		<-settle.C
		a.close(t)
		b.until(t, "the failed dial", func() bool { return len(b.fail) == 1 })
		if code := explain(b.fail[0].Err).Code; code != wire.CodeLeave {
			t.Errorf("the dialler was told %v, want LEAVE", code)
		}
		b.close(t)
		a.paired(t)
		b.paired(t)
	})
}
