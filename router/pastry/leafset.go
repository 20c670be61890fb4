package pastry

import (
	"slices"

	"iris/internal/id"
)

// A leaf set is one slice of handles in clockwise order from the node: first the
// successors, which lie on the clockwise half of the ring, then the predecessors.
// Each side holds the nearest limit/2; a mesh takes everybody. The slice is never
// modified, so messages carry it without a copy.

// place returns where h belongs in set.
func (n *Node) place(set []Handle, x id.ID) int {
	d := clockwise(n.id, x)
	lo, hi := 0, len(set)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if less(clockwise(n.id, n.book.ID(set[mid])), d) {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// antipode is the point of the ring opposite to the node.
func (n *Node) antipode() id.ID { return id.ID{Hi: n.id.Hi ^ 1<<63, Lo: n.id.Lo} }

// fits reports whether set would take h in.
func (n *Node) fits(set []Handle, h Handle) bool {
	x := n.book.ID(h)
	if x == n.id {
		return false
	}
	i := n.place(set, x)
	if i < len(set) && n.book.ID(set[i]) == x {
		return n.book.Epoch(set[i]) < n.book.Epoch(h)
	}
	if n.Mesh() {
		return len(set) < n.limit
	}
	k, half := n.place(set, n.antipode()), n.limit/2
	if !behind(clockwise(n.id, x)) {
		return k < half || i < k
	}
	return len(set)-k < half || i > k
}

// with returns set with h taken in, and who had to go for it. h fits.
func (n *Node) with(set []Handle, h Handle) (next []Handle, out Handle) {
	x := n.book.ID(h)
	i := n.place(set, x)
	if i < len(set) && n.book.ID(set[i]) == x {
		next = slices.Clone(set)
		out, next[i] = set[i], h
		return next, out
	}
	k, half, drop := n.place(set, n.antipode()), n.limit/2, -1
	switch after := !behind(clockwise(n.id, x)); {
	case n.Mesh():
	case after && k >= half:
		drop = k - 1
	case !after && len(set)-k >= half:
		drop = k
	}
	if drop < 0 {
		next = make([]Handle, len(set)+1)
		copy(next, set[:i])
		next[i] = h
		copy(next[i+1:], set[i:])
		return next, None
	}
	next = make([]Handle, len(set))
	copy(next, set)
	if i <= drop { // a successor: the farthest one goes
		copy(next[i+1:drop+1], set[i:drop])
		next[i] = h
	} else {
		copy(next[drop:i-1], set[drop+1:i])
		next[i-1] = h
	}
	return next, set[drop]
}

// without returns set without the i-th.
func without(set []Handle, i int) []Handle {
	next := make([]Handle, 0, len(set)-1)
	return append(append(next, set[:i]...), set[i+1:]...)
}

func (n *Node) isLeaf(h Handle) bool { return slices.Contains(n.leaves, h) }

// addLeaf takes in h, from which something was heard, if it fits.
func (n *Node) addLeaf(h Handle) {
	if n.isLeaf(h) || !n.fits(n.leaves, h) {
		return
	}
	if n.peer(h) == nil {
		n.addPeer(h, 0)
	}
	var out Handle
	n.leaves, out = n.with(n.leaves, h)
	n.progress = true
	if out != None {
		n.pushedOut(out, h)
	}
	n.resize(false)
	n.leafChanged()
}

// pushedOut forgets a leaf that had to go, unless the table wants it.
func (n *Node) pushedOut(out, by Handle) {
	if n.book.ID(out) == n.book.ID(by) { // an earlier incarnation
		n.dropEntry(out)
		n.reroute(out)
	} else if p := n.peer(out); p != nil {
		n.consider(out, p.rtt())
	}
	n.dropPeer(out)
}

// leafChanged notes who the neighbours are now.
func (n *Node) leafChanged() {
	if n.up&upChanged == 0 {
		n.up |= upChanged
		n.out.Up = append(n.out.Up, Upcall{Kind: Changed})
	}
	if s := n.successor(); s != n.watched {
		n.watched, n.watchFrom = s, n.now
		n.at(timerWatch, n.now+n.cfg.Heartbeat+n.cfg.Heartbeat/4)
	}
}

// successor and predecessor return the ring neighbours, None when alone.
func (n *Node) successor() Handle {
	if len(n.leaves) == 0 {
		return None
	}
	return n.leaves[0]
}

func (n *Node) predecessor() Handle {
	if len(n.leaves) == 0 {
		return None
	}
	return n.leaves[len(n.leaves)-1]
}

// whole reports whether the leaf set is the whole ring: there is room for more,
// and the table knows nobody else.
func (n *Node) whole() bool { return len(n.leaves) < n.limit && len(n.peers) == len(n.leaves) }

// sides splits the leaves into successors and predecessors.
func (n *Node) sides() (after, before []Handle) {
	k := n.place(n.leaves, n.antipode())
	return n.leaves[:k], n.leaves[k:]
}

// span returns the farthest leaf of each side.
func (n *Node) span() (first, last id.ID) {
	first, last = n.id, n.id
	after, before := n.sides()
	if len(after) > 0 {
		last = n.book.ID(after[len(after)-1])
	}
	if len(before) > 0 {
		first = n.book.ID(before[0])
	}
	return first, last
}

// covers reports whether the root of key is a leaf or this node.
func (n *Node) covers(key id.ID) bool {
	if n.whole() {
		return true
	}
	first, last := n.span()
	return !less(clockwise(first, last), clockwise(first, key))
}

// estimate returns the number of nodes by the density of the leaf set.
func (n *Node) estimate() float64 {
	if n.whole() {
		return float64(len(n.leaves) + 1)
	}
	first, last := n.span()
	return max(float64(len(n.leaves))/share(clockwise(first, last)), float64(len(n.peers)+1))
}

// trim cuts the leaf set down to the nearest of each side.
func (n *Node) trim() {
	after, before := n.sides()
	half := n.limit / 2
	near, far := after[:min(half, len(after))], after[min(half, len(after)):]
	k := max(len(before)-half, 0)
	out := slices.Concat(far, before[:k])
	n.leaves = slices.Concat(near, before[k:])
	for _, h := range out {
		if p := n.peer(h); p != nil {
			n.consider(h, p.rtt())
		}
		n.dropPeer(h)
	}
	n.tentative = nil
}
