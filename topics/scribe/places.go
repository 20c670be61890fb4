package scribe

import (
	"cmp"
	"math"
	"slices"
	"time"

	"iris/internal/id"
)

// target is a place to ask for.
//
//	     P          A node that is full names its path and its children. The first of
//	  ┌──┼──┐       them that a search meets (F) is where the overlay sends many, while
//	  F  S  S       others beside it (S) have room: so its parent P is asked before its
//	┌─┼─┐   ┊       children C. A place below S is as deep as C itself.
//	C C C   X
type target struct {
	node  id.ID
	kind  Kind
	base  time.Duration // of a Push: round trips from where the search began to node, along the tree
	cost  time.Duration // base, and on to us
	depth int           // of a Push: how deep we are likely to be if we ask there
}

// unmeasured is the cost of a node of which nothing is known.
const unmeasured = time.Hour

// redirected queues what a full node names: its children, and its parent if it is
// the first full one since the overlay or a backup was asked.
func (m *Machine) redirected(from id.ID, f *Ack) {
	a := &m.attempt
	depth := max(len(f.Path)-1, 0) // of the full node
	if a.kind != Push && depth > 0 {
		a.queue = append(a.queue, target{node: f.Path[1], kind: Push, base: a.base, depth: depth + 1})
	}
	here := m.cfg.RTT(from)
	if here == 0 {
		here = m.now.Sub(a.since)
	}
	for _, o := range f.Others[:min(len(f.Others), m.cfg.Cap)] {
		base := a.base + o.RTT
		a.queue = append(a.queue, target{
			node: o.Node, kind: Push, base: base, cost: base + m.distance(o, here), depth: depth + 2 + levels(o.Size, m.cfg.Cap),
		})
	}
	slices.SortStableFunc(a.queue, byPlace)
	a.queue = a.queue[:min(len(a.queue), maxQueue)]
}

// byPlace puts places found by redirection before all others, which keep their
// order, and of those the least deep first, then the ones on the shortest way.
func byPlace(x, y target) int {
	if x.kind != Push || y.kind != Push {
		return cmp.Compare(order(x.kind), order(y.kind))
	}
	return cmp.Or(cmp.Compare(x.depth, y.depth), cmp.Compare(x.cost, y.cost))
}

func order(k Kind) int {
	if k == Push {
		return 0
	}
	return 1
}

// levels returns how many levels below a node the next free place is, if nodes
// have up to width children and the size members in its subtree sit as high as they can.
func levels(size uint32, width int) (l int) {
	for full, level := width, width; l < maxPath && int64(size) >= int64(full); l++ {
		level *= width
		full += level
	}
	return l
}

// distance is the round trip to a child of a node that is here away: as measured,
// else as if the two ways that are known were at right angles.
func (m *Machine) distance(o Other, here time.Duration) time.Duration {
	if d := m.cfg.RTT(o.Node); d > 0 {
		return d
	}
	if o.RTT <= 0 {
		return unmeasured
	}
	return time.Duration(math.Hypot(float64(here), float64(o.RTT)))
}
