package transport

import (
	"testing"
	"time"

	"iris/transport/wire"
)

// Who leaves hears everything that the other end had sent by then, and the
// other way round, also when packets are lost.
func TestDrainDeliversBothWays(t *testing.T) {
	for _, lose := range []int{0, 7, 11} { // what is lost more often may outlast the drain's bound
		bubble(t, func(t *testing.T, w *world) {
			a, b := w.place("net"), w.place("net")
			atA, atB := collect(a), collect(b)
			a.start(t)
			b.start(t)
			if err := w.net.Start(); err != nil {
				t.Fatal(err)
			}
			la, lb := linked(t, a, b)
			w.cut.lossy(lose)
			const n = 60
			for range n {
				if err := la.Send(t.Context(), Fanout, event("to b", 1000)); err != nil {
					t.Fatal(err)
				}
				if err := lb.Send(t.Context(), Fanout, event("to a", 1000)); err != nil {
					t.Fatal(err)
				}
			}
			la.Close(wire.CodeLeave, "drains")
			a.until(t, "end", func() bool { return len(a.down) == 1 })
			b.until(t, "end", func() bool { return len(b.down) == 1 })
			if len(atA.got) != n || len(atB.got) != n {
				t.Errorf("every %dth packet lost: %d of %d events reached the end that leaves, %d the other", lose, len(atA.got), n, len(atB.got))
			}
			w.cut.lossy(0)
			a.close(t)
			b.close(t)
		})
	}
}

// A peer that says GOODBYE and does not go is let go: its lanes are shut, so the
// link is of no use.
func TestAPeerThatSaysGoodbyeMustGo(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.place("net"), w.place("net")
		a.start(t)
		b.start(t)
		if err := w.net.Start(); err != nil {
			t.Fatal(err)
		}
		l, _ := linked(t, a, b)
		for range 100 {
			if err := l.TrySend(Control, &wire.Goodbye{Code: wire.CodeLeave, Reason: "soon", Lanes: 255}); err != nil {
				t.Fatal(err)
			}
		}
		began := time.Now()
		b.until(t, "the end", func() bool { return len(b.down) == 1 })
		if took := time.Since(began); took > 3*drainTimeout {
			t.Errorf("after %v", took)
		}
		if d := b.down[0]; d.Code != wire.CodeLeave || !d.Remote {
			t.Errorf("ended with %v, remote %v; want LEAVE of the peer", d.Code, d.Remote)
		}
		a.close(t)
		b.close(t)
	})
}
