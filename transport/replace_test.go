package transport

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"iris/actor"
	"iris/transport/wire"
)

// stale makes a pair of which y has lost the link without x knowing, and returns the
// link that x still holds.
func stale(t *testing.T, w *world, x, y *place) *Link {
	t.Helper()
	lx, ly := linked(t, x, y)
	for _, cut := range []bool{true, false} {
		w.cut.set(x, y, cut)
		w.cut.set(y, x, cut)
		if cut {
			ly.Close(wire.CodeInternal, "lost, and the other end does not hear of it")
			y.until(t, "down", func() bool { return y.Link(x.ID()) == nil })
		}
	}
	return lx
}

// Who waits for what went over a link that another one replaced is told at once, at
// both ends of the dial that replaces it.
func TestWhoWaitsOnAReplacedLinkIsToldAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.place("net"), w.place("net")
		a.start(t)
		b.start(t)
		if err := w.net.Start(); err != nil {
			t.Fatal(err)
		}
		for _, pair := range [][2]*place{{a, b}, {b, a}} {
			x, y := pair[0], pair[1]
			mute := y.sys.Spawn(actor.Func(func(actor.Context) {}))
			there := actor.NewPID(y.ID().String(), mute.Id)
			lx := stale(t, w, x, y)
			replies, ends := make(chan actor.Reply, 1), make(chan *actor.Terminated, 1)
			watching := make(chan bool)
			x.sys.Spawn(actor.Func(func(ctx actor.Context) {
				switch m := ctx.Message().(type) {
				case *actor.Started:
					ctx.Watch(there)
					close(watching)
				case *actor.Terminated:
					ends <- m
				}
			}))
			<-watching
			req, err := x.sys.Replies().Open(lx.Name(), time.Now().Add(time.Minute), func(r actor.Reply) { replies <- r })
			if err == nil {
				err = lx.TrySend(Direct, &wire.Ask{ID: req, Target: mute.Id})
			}
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			y.Dial(x.addr(), x.ID())
			if r := <-replies; !errors.Is(r.Err, actor.ErrLost) || time.Since(began) > time.Second {
				t.Errorf("the asker was told %v after %v", r.Err, time.Since(began))
			}
			late := time.NewTimer(time.Minute)
			select {
			case m := <-ends:
				if m.Why != actor.TerminatedNodeLost || time.Since(began) > time.Second {
					t.Errorf("the watcher was told %v after %v", m.Why, time.Since(began))
				}
			case <-late.C:
				t.Error("the watcher was told nothing")
			}
			late.Stop()
			x.until(t, "the new link", func() bool { l := x.Link(y.ID()); return l != nil && l != lx })
			y.until(t, "the new link at the dialler", func() bool { return y.Link(x.ID()) != nil })
			x.Link(y.ID()).Close(wire.CodeInternal, "next")
			x.until(t, "end", func() bool { return x.Link(y.ID()) == nil })
			y.until(t, "end", func() bool { return y.Link(x.ID()) == nil })
		}
		a.close(t)
		b.close(t)
	})
}

// What goes over the new link is not taken for lost with the old one, however soon it
// is sent.
func TestRequestsOverTheNewLinkAreNotLostWithTheOld(t *testing.T) {
	for _, insist := range []bool{true, false} {
		bubble(t, func(t *testing.T, w *world) {
			x, y := w.place("net"), w.place("net")
			x.start(t)
			y.start(t)
			if err := w.net.Start(); err != nil {
				t.Fatal(err)
			}
			echo := y.sys.Spawn(actor.Func(func(ctx actor.Context) {
				if b, ok := ctx.Message().(actor.Bytes); ok {
					ctx.Respond(b)
				}
			}))
			var lx *Link
			if insist {
				lx = stale(t, w, x, y)
			} else { // the end and the next link come one upon the other
				lx, _ = linked(t, x, y)
			}
			type outcome struct {
				fresh bool
				err   error
			}
			outcomes := make(chan outcome, 1<<16)
			stop, stopped := make(chan bool), make(chan bool)
			asked := 0 // read once stopped is closed
			go func() {
				defer close(stopped)
				for {
					select {
					case <-stop:
						return
					case <-time.After(200 * time.Microsecond):
					}
					l := x.Link(y.ID())
					if l == nil {
						continue
					}
					req, err := x.sys.Replies().Open(l.Name(), time.Now().Add(time.Minute), func(r actor.Reply) { outcomes <- outcome{l != lx, r.Err} })
					if err != nil {
						t.Error(err)
						return
					}
					asked++
					body := wire.Body{Data: []byte("x")}
					if err := l.TrySend(Direct, &wire.Ask{ID: req, TTLMs: 60_000, Target: echo.Id, Body: body}); err != nil && x.sys.Replies().Cancel(req) {
						asked--
					}
				}
			}()
			began := time.Now()
			if insist {
				y.Dial(x.addr(), x.ID())
			} else {
				lx.end(LinkDown{Link: lx, Code: wire.CodeInternal, Reason: "broken"})
				x.Dial(y.addr(), y.ID())
			}
			x.until(t, "the new link", func() bool { l := x.Link(y.ID()); return l != nil && l != lx })
			some := time.NewTimer(time.Second)
			<-some.C
			close(stop)
			<-stopped
			var fresh, lost int
			for range asked {
				o := <-outcomes
				switch {
				case o.fresh && o.err == nil:
					fresh++
				case !o.fresh && errors.Is(o.err, actor.ErrLost):
					lost++
				case o.fresh:
					t.Errorf("insist %v: a request over the new link: %v", insist, o.err)
				}
			}
			if fresh == 0 || insist && lost == 0 || time.Since(began) > 10*time.Second {
				t.Errorf("insist %v: %d answered over the new link, %d lost with the old one, after %v", insist, fresh, lost, time.Since(began))
			}
			x.close(t)
			y.close(t)
		})
	}
}

// Whoever else is about to end the old link: nothing is sent over it once those who wait were told.
func TestALinkThatIsEndingIsReplacedAfterItsEnd(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.place("net"), w.place("net")
		w.running(a, b)
		l := a.Link(b.ID())
		l.mu.Lock() // the first half of Link.end
		l.ended, l.cause = true, LinkDown{Link: l, Code: wire.CodeStuck}
		l.mu.Unlock()
		vacated := make(chan bool)
		go func() {
			a.Endpoint.mu.Lock()
			defer a.Endpoint.mu.Unlock()
			vacated <- a.vacate(b.ID(), "replaced by the peer")
		}()
		synctest.Wait()
		if l.told.Load() {
			t.Error("those who wait were told before the lanes were shut")
		}
		closeConn(l.conn, wire.CodeStuck, "") // the second half
		for _, x := range l.lanes {
			x.shut(actor.ErrUnreachable)
		}
		l.bulk.shut()
		close(l.done)
		if !<-vacated || !l.told.Load() {
			t.Error("the link still stands in the way")
		}
		if err := l.TrySend(Direct, &wire.Tell{Target: "x"}); !errors.Is(err, actor.ErrUnreachable) {
			t.Errorf("sent after those who wait were told: %v", err)
		}
		a.sys.Send(l.pid, nil, linkEnded{})
		a.until(t, "down", func() bool { return a.Link(b.ID()) == nil })
		a.close(t)
		b.close(t)
	})
}
