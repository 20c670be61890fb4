package tree

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"iris/internal/id"
)

const (
	oneHop    = 3 * maxDelay           // to locate a root
	unreached = 300 * time.Millisecond // until it is told that a node cannot be reached
)

// section is the ring as a node sees it in the structured form: the w.leaf nodes
// of each side of it, and the root only if the key is among them. all is sorted
// by the distance to the key.
func (n *simNode) section(all, down []id.ID) Ring {
	around := slices.Clone(all)
	slices.SortFunc(around, id.ID.Compare)
	at, size := slices.Index(around, n.id), len(around)
	r := Ring{Structured: true}
	for _, d := range down {
		if n.linked(d) {
			r.Down = append(r.Down, d)
		}
	}
	if size <= 2*n.w.leaf+1 {
		r.Root, r.Nearest = all[0], all[:min(size, 5)]
		return r
	}
	first, last := around[(at+size-n.w.leaf)%size], around[(at+n.w.leaf)%size]
	if id.Between(first, Key(n.w.group), last) {
		r.Root = all[0]
		for _, o := range all {
			if i := (slices.Index(around, o) - at + size) % size; (i <= n.w.leaf || i >= size-n.w.leaf) && len(r.Nearest) < 5 {
				r.Nearest = append(r.Nearest, o)
			}
		}
	}
	return r
}

// linked reports whether the node has a reason to hold a link to o.
func (n *simNode) linked(o id.ID) bool {
	if n.m.ring.Root == o || slices.Contains(n.m.ring.Nearest, o) || n.view != nil && has(n.view, o) {
		return true
	}
	return n.m.root.entries[o] != nil || n.m.root.askers[o] != nil
}

// locate asks the node that is nearest to the key, whose own picture may be old.
func (w *world) locate(n *simNode) {
	w.after(w.delay(oneHop), func() {
		var root *simNode
		for _, o := range w.live() {
			if root == nil || id.Closer(Key(n.w.group), o.id, root.id) {
				root = o
			}
		}
		r := root.ring(nil, nil)
		w.after(w.delay(oneHop), func() { n.step(Located{r.Root}) })
	})
}

// TestViewsConvergeInTheStructuredForm is TestViewsConverge where most nodes do
// not see the root of the group in their picture of the ring.
func TestViewsConvergeInTheStructuredForm(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(rt, rapid.Uint64().Draw(rt, "seed"))
		w.leaf = 2
		for range rapid.IntRange(1, 12).Draw(rt, "nodes") {
			w.start()
		}
		w.run(time.Duration(rapid.IntRange(0, 1000).Draw(rt, "boot")) * time.Millisecond)
		for range rapid.IntRange(1, 40).Draw(rt, "operations") {
			w.operate(rt)
			w.run(time.Duration(rapid.SampledFrom([]int{0, 5, 40, 200, 700, 6000}).Draw(rt, "pause")) * time.Millisecond)
		}
		w.run(35 * time.Second)
		w.converged()
	})
}
