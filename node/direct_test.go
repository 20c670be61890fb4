package node

import (
	"fmt"
	"testing"
	"time"

	"iris/actor"
)

// Messages, questions and watches between actors reach nodes without a link; and
// what nobody uses any more is closed again, without anybody being reported dead.
func TestStructuredWorldLinksOnDemand(t *testing.T) {
	long(t)
	inStructuredWorld(t, many, func(t *testing.T, w *world) {
		told := make(chan string, 10_000)
		targets := map[*worldNode]*actor.PID{}
		for _, n := range w.nodes {
			targets[n] = n.System().Spawn(actor.Func(func(ctx actor.Context) {
				switch m := ctx.Message().(type) {
				case actor.Bytes:
					if actor.Meta(ctx).Kind == actor.Request {
						ctx.Respond(m)
						return
					}
					told <- fmt.Sprintf("%s at %s", m, n.ID())
				}
			}))
		}
		before := w.ends()
		want := map[string]bool{}
		var slowest time.Duration
		watched := map[*worldNode]int{}
		w.strangers(20, func(a, b *worldNode) {
			for k := range 3 {
				a.System().Send(targets[b], nil, actor.Bytes(fmt.Sprint(k, " from ", a.ID())))
				want[fmt.Sprintf("%d from %s at %s", k, a.ID(), b.ID())] = true
			}
			began := time.Now()
			if _, err := a.System().Root().Request(t.Context(), targets[b], actor.Bytes("who")); err != nil {
				t.Errorf("ask a stranger: %v after %v", err, time.Since(began))
			}
			slowest = max(slowest, time.Since(began))
			a.System().Spawn(actor.Func(func(ctx actor.Context) {
				switch m := ctx.Message().(type) {
				case *actor.Started:
					ctx.Watch(targets[b])
				case *actor.Terminated:
					told <- fmt.Sprintf("end %d of %s at %s", m.Why, b.ID(), a.ID())
				}
			}))
			watched[b]++
			want[fmt.Sprintf("end %d of %s at %s", actor.TerminatedStopped, b.ID(), a.ID())] = true
		})
		t.Logf("%d ends of links before, %d with strangers; the slowest answer took %v", before, w.ends(), slowest)
		pass(100 * time.Second) // the watches hold their links
		most := w.ends()
		for n := range watched {
			if err := n.System().Stop(t.Context(), targets[n]); err != nil {
				t.Error(err)
			}
		}
		pass(time.Second)
		for len(told) > 0 {
			got := <-told
			if !want[got] {
				t.Errorf("unexpected: %s", got)
			}
			delete(want, got)
		}
		for missing := range want {
			t.Errorf("missing: %s", missing)
		}
		pass(90 * time.Second)
		t.Logf("%d ends of links while watched, %d when all was over", most, w.ends())
		if w.ends() >= most {
			t.Error("links that nobody uses were not closed")
		}
		for _, n := range w.nodes {
			n.mu.Lock()
			for _, e := range n.seen {
				if d, ok := e.(*actor.PeerDown); ok && d.Reason != "idle" {
					t.Errorf("%s lost %s: %s", n.ID(), d.Peer, d.Reason)
				}
			}
			n.mu.Unlock()
		}
	})
}

// ends counts the links of all nodes.
func (w *world) ends() (k int) {
	for _, n := range w.nodes {
		k += len(n.Peers())
	}
	return k
}
