package tree

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestViewsConverge drives a world with random operations and checks
//
//	(a) after quiescence every asker's view is the set of live members
//	(b) in a calm ring an acknowledged join is in, and an acknowledged leave is
//	    out of, every live view at that moment
//	(c) in a calm ring no asker is told "nobody" while a registered member lives
func TestViewsConverge(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(rt, rapid.Uint64().Draw(rt, "seed"))
		for range rapid.IntRange(1, 5).Draw(rt, "nodes") {
			w.start()
		}
		w.run(time.Duration(rapid.IntRange(0, 1000).Draw(rt, "boot")) * time.Millisecond)
		for range rapid.IntRange(1, 40).Draw(rt, "operations") {
			w.operate(rt)
			w.run(time.Duration(rapid.SampledFrom([]int{0, 5, 40, 200, 700, 6000}).Draw(rt, "pause")) * time.Millisecond)
		}
		w.run(25 * time.Second)
		w.converged()
	})
}

func (w *world) operate(rt *rapid.T) {
	live := w.live()
	n := live[rapid.IntRange(0, 12).Draw(rt, "node")%len(live)]
	switch rapid.SampledFrom([]string{"join", "join", "leave", "leave", "ask", "ask", "ask", "crash", "start", "amnesia", "use"}).Draw(rt, "do") {
	case "join":
		w.checkedJoin(n, uint32(rapid.IntRange(1, 3).Draw(rt, "members")))
	case "leave":
		w.checkedJoin(n, 0)
	case "ask":
		w.checkedAsk(n)
	case "crash":
		if len(live) > 1 {
			w.crash(n)
		}
	case "start":
		if len(live) < 7 || w.leaf > 0 && len(live) < 15 {
			w.start()
		}
	case "amnesia": // the actor of the group restarts; its supervisor repeats what it is to be
		w.shake(10 * time.Second) // leases given before are forgotten until they end
		n.reset()
		n.view = nil
		n.step(Join{Members: n.want})
	case "use":
		n.used = !n.used
	}
}

func (w *world) checkedJoin(n *simNode, members uint32) {
	begun := w.now
	w.join(n, members, func(c Code) {
		if c != CodeOK {
			w.t.Fatalf("join of %v ended with code %d", n.id.Short(), c)
		}
		if n.want != members || w.shaken.Add(w.calm(members)).After(begun) {
			return
		}
		for _, a := range w.live() {
			if !a.view.Live(w.now) {
				continue
			}
			if got := has(a.view, n.id); got != (members > 0) {
				w.t.Fatalf("(b) %v with %d members was acknowledged, in the view of %v: %v", n.id.Short(), members, a.id.Short(), got)
			}
		}
	})
}

func (w *world) checkedAsk(n *simNode) {
	begun := w.now
	var registered []*simNode
	for _, m := range w.live() {
		if m.want > 0 && m.ok {
			registered = append(registered, m)
		}
	}
	w.ask(n, func(c Code) {
		if c != CodeOK || w.shaken.Add(calm).After(begun) || len(n.view.Entries) > 0 {
			return
		}
		for _, m := range registered {
			if m.alive && m.want > 0 && m.ok {
				w.t.Fatalf("(c) %v was told that nobody serves, but %v does", n.id.Short(), m.id.Short())
			}
		}
	})
}
