package transport

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"iris/transport/wire"
)

// What peers begin to send and do not finish takes the room of large frames for
// a while only; who keeps to the rules waits and is not lost.
func TestUnfinishedLargeFramesGiveWay(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		limit := func(c *Config) { c.Limits.Message = 4 << 20 }
		to, good := w.place("net", limit), w.place("net")
		in := collect(to)
		var bad []*place
		for range assemblies + 1 {
			bad = append(bad, w.place("net"))
		}
		for _, p := range append(bad, to, good) {
			p.start(t)
		}
		if err := w.net.Start(); err != nil {
			t.Fatal(err)
		}
		l, _ := linked(t, good, to)
		size := largest(4 << 20)
		var sending sync.WaitGroup
		for _, p := range bad {
			hostile, _ := linked(t, p, to)
			chunks := []wire.Frame{&wire.LaneOpen{Lane: 4}}
			for left := size - 1; left > 0; left -= wire.MaxChunk {
				chunks = append(chunks, &wire.Chunk{Lane: 2, Total: uint64(size), Data: make([]byte, min(left, wire.MaxChunk))})
			}
			sending.Go(func() { _ = raw(hostile, false, chunks...) }) // cut off in the end
		}
		to.until(t, "all links", func() bool { return len(to.Links()) == len(bad)+1 })
		for i := range 3 {
			if err := l.Send(t.Context(), Fanout, event(fmt.Sprint(i), 3<<20)); err != nil {
				t.Fatal(err)
			}
			if err := l.Send(t.Context(), Direct, &wire.Tell{Target: "iris/user/x"}); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 3 {
			in.want(t, fmt.Sprintf("%d/%d", i, 3<<20))
		}
		to.until(t, "the end of a link", func() bool { return len(to.down) > 0 })
		for _, d := range to.down {
			if d.Code != wire.CodeStuck || d.Link.Peer() == good.ID() {
				t.Errorf("ended with %v (%s)", d.Code, d.Reason)
			}
		}
		for _, p := range append(bad, good, to) {
			p.close(t)
		}
		sending.Wait()
		if a := to.assembly; a.used != 0 || len(a.frames) != 0 {
			t.Errorf("after all: %d bytes held for %d frames", a.used, len(a.frames))
		}
	})
}

// Large frames of many peers at once all arrive, though not all have room at the
// same time.
func TestLargeFramesShareTheirRoom(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		to := w.place("net", func(c *Config) { c.Limits.Message = 1 << 20 })
		in := collect(to)
		to.start(t)
		var from []*place
		for range 3 * assemblies {
			p := w.place("net")
			p.start(t)
			from = append(from, p)
		}
		if err := w.net.Start(); err != nil {
			t.Fatal(err)
		}
		for _, p := range from {
			l, _ := linked(t, p, to)
			for range 3 {
				if err := l.TrySend(Fanout, event("large", 900<<10)); err != nil {
					t.Fatal(err)
				}
			}
		}
		for range 3 * len(from) {
			in.want(t, fmt.Sprintf("large/%d", 900<<10))
		}
		for _, p := range append(from, to) {
			p.close(t)
		}
		if a := to.assembly; a.used != 0 || len(a.frames) != 0 {
			t.Errorf("after all: %d bytes held for %d frames", a.used, len(a.frames))
		}
	})
}

// A lane whose reader waits for a large frame is not taken for stuck, however
// much is queued behind it.
func TestALaneMayWaitForItsLargeFrame(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.place("net"), w.place("net")
		in := collect(b)
		a.start(t)
		b.start(t)
		if err := w.net.Start(); err != nil {
			t.Fatal(err)
		}
		l, _ := linked(t, a, b)
		all := b.assembly.begin(nil, 0)
		all.until = time.Now().Add(time.Hour)
		if err := all.take(b.assembly.limit); err != nil {
			t.Fatal(err)
		}
		if err := l.Send(t.Context(), Fanout, event("large", 1<<20)); err != nil {
			t.Fatal(err)
		}
		const n = 1000
		for range n { // more than the window of the stream
			if err := l.Send(t.Context(), Fanout, event("x", 4000)); err != nil {
				t.Fatal(err)
			}
		}
		long := time.NewTimer(4 * writeTimeout)
		<-long.C
		all.release()
		in.want(t, fmt.Sprintf("large/%d", 1<<20))
		for range n {
			in.want(t, "x/4000")
		}
		a.close(t)
		b.close(t)
	})
}
