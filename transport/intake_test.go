package transport

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"iris/transport/wire"
)

// noted is an Intake that notes what it was told.
type noted struct {
	mu   sync.Mutex
	log  []string
	kept [][]byte
	keep func(n int) bool
	boom string // topic at which it panics
	last wire.Frame
}

func (n *noted) note(what string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.log = append(n.log, what)
}

func (n *noted) Frame(f wire.Frame) {
	n.last = f
	e := f.(*wire.Event)
	if e.Topic == n.boom {
		panic("boom")
	}
	n.note(e.Topic)
	if n.keep(len(e.Body.Data)) {
		n.kept = append(n.kept, e.Body.Data)
	}
}

func (n *noted) Again() { n.Frame(n.last) }
func (n *noted) Flush() { n.note("flush") }

// taking makes a place give its events to one intake.
func taking(p *place) *noted {
	n := &noted{}
	p.HandleBatch(func(_ *Link, keep func(n int) bool) Intake {
		n.keep = keep
		return n
	}, wire.KindEvent)
	return n
}

// entries returns the log without what was flushed, after checking that nothing is left to flush.
func (n *noted) entries(t *testing.T) (list []string) {
	t.Helper()
	synctest.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	if k := len(n.log); k > 0 && n.log[k-1] != "flush" {
		t.Errorf("nothing was flushed behind %q", n.log[k-1])
	}
	for _, e := range n.log {
		if e != "flush" {
			list = append(list, e)
		}
	}
	return list
}

func TestIntakeIsFlushedBeforeAnythingElse(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.place("net"), w.place("net")
		n := taking(b)
		b.Handle(wire.KindBroadcast, func(_ *Link, f wire.Frame) {
			n.mu.Lock()
			last := n.log[len(n.log)-1]
			n.mu.Unlock()
			if last != "flush" {
				t.Errorf("a broadcast behind %q that was not flushed", last)
			}
			n.note("broadcast")
			n.note("flush") // it is no business of the intake
		})
		a.start(t)
		b.start(t)
		if err := w.net.Start(); err != nil {
			t.Fatal(err)
		}
		l, _ := linked(t, a, b)
		var want []string
		for i := range 3000 {
			what := fmt.Sprint("event ", i)
			var f wire.Frame = event(what, i%200)
			if i%10 == 3 {
				what, f = "broadcast", &wire.Broadcast{Cluster: "c"}
			}
			if i%1000 == 999 { // in chunks, beside the lane
				f = event(what, 300_000)
			}
			want = append(want, what)
			if err := l.Send(t.Context(), Fanout, f); err != nil {
				t.Fatal(err)
			}
			if i%500 == 0 {
				if got := n.entries(t); len(got) > len(want) {
					t.Fatalf("%d of %d", len(got), len(want))
				}
			}
		}
		a.close(t) // what is on its way arrives, and is flushed
		if got := n.entries(t); !slices.Equal(got, want) {
			t.Errorf("%d entries, want %d in their order", len(got), len(want))
		}
		b.close(t)
	})
}

// What was kept is not written to by what comes later, in the lane's buffer or in chunks.
func TestKeptBytesAreTheIntakesOwn(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.place("net"), w.place("net")
		n := taking(b)
		a.start(t)
		b.start(t)
		if err := w.net.Start(); err != nil {
			t.Fatal(err)
		}
		l, _ := linked(t, a, b)
		sizes := []int{100, 40_000, 65_536, 65_536, 10, 300_000, 40_000, 1000}
		for i, size := range sizes {
			f := event("e", size)
			copy(f.Body.Data, bytes.Repeat([]byte{byte(i + 1)}, size))
			if err := l.Send(t.Context(), Fanout, f); err != nil {
				t.Fatal(err)
			}
		}
		a.close(t)
		if got := n.entries(t); len(got) != len(sizes) {
			t.Fatalf("%d events", len(got))
		}
		if len(n.kept) != 5 { // all from 32 KiB on
			t.Errorf("%d were kept, want 5", len(n.kept))
		}
		for _, k := range n.kept {
			if bytes.Count(k, k[:1]) != len(k) || len(k) != sizes[k[0]-1] {
				t.Errorf("%d bytes of event %d have changed", len(k), k[0]-1)
			}
		}
		b.close(t)
	})
}

// A defect of an intake ends the link that met it, and nothing else.
func TestIntakeThatPanics(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.place("net"), w.place("net")
		n := taking(b)
		n.boom = "boom"
		a.start(t)
		b.start(t)
		if err := w.net.Start(); err != nil {
			t.Fatal(err)
		}
		l, _ := linked(t, a, b)
		for _, topic := range []string{"one", "boom", "two"} {
			if err := l.Send(t.Context(), Fanout, event(topic, 1)); err != nil {
				t.Fatal(err)
			}
		}
		b.until(t, "end", func() bool { return len(b.down) == 1 })
		if d := b.down[0]; d.Code != wire.CodeInternal || !strings.Contains(d.Reason, "panicked") {
			t.Errorf("ended with %v: %s", d.Code, d.Reason)
		}
		if got := n.entries(t); !slices.Equal(got, []string{"one"}) {
			t.Errorf("got %v", got)
		}
		a.close(t)
		b.close(t)
	})
}

// What came in chunks is memory of its own, which a small part must not hold.
func TestASmallPartOfALargeFrameIsNotKept(t *testing.T) {
	d := dispatcher{apart: 1 << 20}
	if d.keep(1) || d.keep(1<<19) || !d.keep(1<<19+1) {
		t.Fatal("kept less than half of a frame, or not the most of it")
	}
}
