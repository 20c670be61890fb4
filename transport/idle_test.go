package transport

import (
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"testing/synctest"

	"iris/internal/id"
	"iris/transport/wire"
)

// goroutines counts the goroutines that run each of the functions.
func goroutines(of ...string) map[string]int {
	buf := make([]byte, 4<<20)
	stacks := strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n")
	n := make(map[string]int)
	for _, s := range stacks {
		for _, f := range of {
			if strings.Contains(s, f+"(") {
				n[f]++
			}
		}
	}
	return n
}

// The goroutines of an idle link, per end: four of ours and two of quic-go. Its
// actor has none. A lane costs one at each end once it was used; the dialler's
// half of control begins with its first heartbeat.
func TestGoroutinesOfALink(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.place("net"), w.place("net")
		in := collect(b)
		a.start(t)
		b.start(t)
		if err := w.net.Start(); err != nil {
			t.Fatal(err)
		}
		idle := map[string]int{ // at both ends together
			"transport.(*inbound).readControl":   2,
			"transport.(*inbound).acceptLanes":   2,
			"transport.(*inbound).refuseStreams": 2,
			"transport.(*lane).write":            1, // control of the acceptor
			"quic-go.(*Conn).run":                2,
			"quic-go.(*sendQueue).Run":           2,
		}
		check := func(when string, want map[string]int) {
			t.Helper()
			synctest.Wait()
			var names []string
			for f := range want {
				names = append(names, f)
			}
			got := goroutines(names...)
			for f, n := range want {
				if got[f] != n {
					t.Errorf("%s: %d goroutines in %s, want %d", when, got[f], f, n)
				}
			}
		}
		before := runtime.NumGoroutine()
		l, _ := linked(t, a, b)
		check("new", idle)
		if err := l.TrySend(Control, &wire.Heartbeat{Seq: 1}); err != nil {
			t.Fatal(err)
		}
		idle["transport.(*lane).write"]++
		check("idle", idle)
		if n := runtime.NumGoroutine() - before; n > 12+4 { // workers of the two actor systems may have come
			t.Errorf("a link takes %d goroutines at both ends", n)
		}
		if err := l.Send(t.Context(), Fanout, event("x", 1)); err != nil {
			t.Fatal(err)
		}
		in.want(t, "x/1")
		idle["transport.(*lane).write"]++
		idle["transport.(*inbound).readLane"] = 1
		check("with a lane", idle)
		a.close(t)
		b.close(t)
	})
}

// The memory of an idle link at one end: heap and stacks, quic-go's included.
//
//	go test ./transport -run - -bench IdleLink -benchtime 1x
func BenchmarkIdleLink(b *testing.B) {
	const links = 100
	for range b.N {
		listen := func(c *Config) { c.Listen = "127.0.0.1:0" }
		hub := newPlace(b, "idle", listen)
		hub.start(b)
		var others []*place
		for range links {
			p := newPlace(b, "idle", listen)
			p.start(b)
			others = append(others, p)
		}
		heap, stacks, routines := memory()
		for _, p := range others {
			p.Dial(hub.addr(), id.ID{})
		}
		hub.until(b, "all links", func() bool { return len(hub.Links()) == links })
		for _, p := range others {
			p.until(b, "the link", func() bool { return len(p.Links()) == 1 })
		}
		moreHeap, moreStacks, moreRoutines := memory()
		ends := float64(2 * links)
		b.ReportMetric(float64(moreHeap-heap)/ends/1024, "KiB-heap/end")
		b.ReportMetric(float64(moreStacks-stacks)/ends/1024, "KiB-stack/end")
		b.ReportMetric(float64(moreRoutines-routines)/ends, "goroutines/end")
		for _, p := range append(others, hub) {
			p.close(b)
		}
	}
}

func memory() (heap, stacks uint64, routines int) {
	debug.FreeOSMemory()
	debug.FreeOSMemory() // what finalizers and pools let go of in the first round
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc, m.StackInuse, runtime.NumGoroutine()
}
