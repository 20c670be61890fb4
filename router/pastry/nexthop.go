package pastry

import (
	"slices"

	"iris/internal/id"
)

// NextHop returns who gets a message for key next; self says that it is this node,
// the root as far as it knows. It is None and false while the node is not active.
func (n *Node) NextHop(key id.ID) (next Handle, self bool) {
	if n.phase != active {
		return None, false
	}
	h, _ := n.next(key, &shunned{})
	return h, h == n.self
}

// Nearest returns the k leaves closest to key, nearest first, without this node:
// those who would be root of it next. It is nil while the node is not active, and
// where the leaf set does not cover the key.
func (n *Node) Nearest(key id.ID, k int) []Handle {
	if n.phase != active || !n.covers(key) {
		return nil
	}
	near := make([]Handle, 0, k+1)
	for _, h := range n.leaves {
		i := len(near)
		for i > 0 && id.Closer(key, n.book.ID(h), n.book.ID(near[i-1])) {
			i--
		}
		if i < k {
			near = slices.Insert(near, i, h)
			near = near[:min(len(near), k)]
		}
	}
	return near
}
