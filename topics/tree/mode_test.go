package tree

import (
	"testing"
	"time"

	"iris/topics/scribe"
	"iris/transport/wire"
)

// grove stands in for the trees of a topic: who wants is in them a moment later,
// the root of the list counts them and says which mode they announce, and every node
// hears of changes at its own time.
type grove struct {
	mode    scribe.Mode
	members map[*simNode]bool // true: in all trees
}

const planting = 100 * time.Millisecond // until a node is in the trees, or hears of something

// follow does what the machine of n wants of the trees.
func (g *grove) follow(n *simNode, out *Out) {
	w := n.w
	if out.Reign && out.Mode != g.mode {
		g.mode = out.Mode
		g.spread(w)
	}
	switch _, in := g.members[n]; {
	case out.Trees && !in:
		g.members[n] = false
		w.after(w.delay(planting), func() {
			if _, in := g.members[n]; in {
				g.members[n] = true
				g.spread(w)
			}
		})
	case !out.Trees && in:
		delete(g.members, n)
		g.spread(w)
	}
}

// spread lets everybody hear how it is.
func (g *grove) spread(w *world) {
	for _, n := range w.nodes {
		w.after(w.delay(planting), func() {
			state := Trees{Rooted: g.members[n], Root: n.m.ring.Root == n.id, Mode: g.mode}
			for _, o := range w.live() {
				if _, in := g.members[o]; in && state.Root {
					state.Members++
				}
			}
			if n.alive && state != n.m.trees {
				n.step(state)
			}
		})
	}
}

// newGroveWorld is a world of one topic.
func newGroveWorld(t fataler, seed uint64, nodes int) *world {
	w := newWorld(t, seed)
	w.group = wire.Group{Kind: wire.GroupTopic, Name: "news"}
	w.grove = &grove{mode: scribe.Trees, members: map[*simNode]bool{}}
	for range nodes {
		w.start()
	}
	w.run(time.Second)
	return w
}

// reached checks that every member that was acknowledged is where every asker sends.
func (w *world) reached() {
	w.t.Helper()
	for _, a := range w.live() {
		v := a.view
		if !v.Live(w.now) {
			continue
		}
		for _, n := range w.live() {
			if n.want == 0 || !n.ok || has(v, n.id) || v.Mode == scribe.Trees && w.grove.members[n] {
				continue
			}
			w.t.Fatalf("asker %v, mode %d, does not reach %v: in the trees %v, %+v", a.id.Short(), v.Mode, n.id.Short(), w.grove.members[n], n.m.member)
		}
	}
}

func (w *world) count(mode func(n *simNode) bool) (c int) {
	for _, n := range w.live() {
		if mode(n) {
			c++
		}
	}
	return c
}

// A topic grows beyond a list and shrinks again. Nobody is ever out of reach.
func TestTopicBecomesTreesAndAListAgain(t *testing.T) {
	w := newGroveWorld(t, 1, 44)
	askers := w.nodes[40:]
	calm := func(d time.Duration) {
		for range d / (20 * time.Millisecond) {
			w.run(20 * time.Millisecond)
			w.reached()
		}
	}
	for _, a := range askers {
		a.used = true
		w.ask(a, func(Code) {})
	}
	onList := func(n *simNode) bool { return n.m.member.want.Members > 0 }
	inTrees := func(n *simNode) bool { return w.grove.members[n] }
	for i, n := range w.nodes[:40] {
		w.join(n, 1, func(Code) {})
		calm(100 * time.Millisecond)
		if i == 31 && (w.count(inTrees) > 0 || askers[0].view.Mode != scribe.List) {
			t.Fatal("trees for 32 members")
		}
	}
	calm(10 * time.Second)
	if l, in := w.count(onList), w.count(inTrees); l != 0 || in != 40 || askers[0].view.Mode != scribe.Trees || len(askers[0].view.Entries) != 0 {
		t.Fatalf("%d on the list, %d in the trees, view %+v", l, in, askers[0].view)
	}
	sent := w.sent
	calm(2 * time.Minute)
	if d := w.sent - sent; d > 2000 {
		t.Errorf("%d frames in 2 minutes of rest", d)
	}
	for _, n := range w.nodes[:15] {
		w.join(n, 0, func(Code) {})
		calm(100 * time.Millisecond)
	}
	calm(time.Minute)
	if in := w.count(inTrees); in != 25 {
		t.Fatalf("%d in the trees of 25", in)
	}
	w.join(w.nodes[15], 0, func(Code) {})
	calm(30 * time.Second)
	if l, in := w.count(onList), w.count(inTrees); l != 24 || in != 0 || askers[0].view.Mode != scribe.List || len(askers[0].view.Entries) != 24 {
		t.Fatalf("%d on the list, %d in the trees, view %+v", l, in, askers[0].view)
	}
}

// The root of a topic that is kept by trees dies, or another one is nearer.
func TestRootsChangeWhileATopicIsTrees(t *testing.T) {
	w := newGroveWorld(t, 2, 44)
	a := w.nodes[0]
	a.used = true
	w.ask(a, func(Code) {})
	for _, n := range w.nodes[4:] {
		w.join(n, 1, func(Code) {})
	}
	w.run(20 * time.Second)
	for range 6 {
		for _, n := range w.live() {
			if n.m.root.reign && n != a {
				w.crash(n)
				delete(w.grove.members, n)
				w.grove.spread(w)
			}
		}
		w.start()
		for range 100 {
			w.run(50 * time.Millisecond)
			w.reached()
			if v := a.view; v.Live(w.now) && v.Mode != scribe.Trees {
				t.Fatalf("a list for %d members: %+v", len(w.grove.members), v)
			}
		}
	}
}

// TestTopicBreathes checks reached under joins and leaves in any order.
func TestTopicBreathes(t *testing.T) {
	for seed := range uint64(8) {
		w := newGroveWorld(t, seed, 42)
		for _, n := range w.nodes[38:] {
			n.used = true
			w.ask(n, func(Code) {})
		}
		pause := func(choices ...int) {
			w.run(time.Duration(choices[w.rnd.IntN(len(choices))]) * time.Millisecond)
			w.reached()
		}
		members := 0
		for range 4 {
			to := 18 + w.rnd.IntN(21)
			for ; members < to; members++ {
				w.join(w.nodes[members], 1, func(Code) {})
				pause(0, 10, 300)
			}
			for ; members > to; members-- {
				w.join(w.nodes[members-1], 0, func(Code) {})
				pause(0, 10, 300)
			}
			for range w.rnd.IntN(200) {
				pause(100, 300)
			}
		}
	}
}
