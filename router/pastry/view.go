package pastry

import (
	"slices"
	"time"

	"iris/internal/id"
)

// Active reports whether the node delivers.
func (n *Node) Active() bool { return n.phase == active }

// Neighbours returns the nodes before and after this one on the ring, None while
// it knows of nobody.
func (n *Node) Neighbours() (before, after Handle) { return n.predecessor(), n.successor() }

// Leaves returns the leaf set, clockwise. The slice is shared and never modified.
func (n *Node) Leaves() []Handle { return n.leaves }

// Mesh reports whether everybody known is a leaf.
func (n *Node) Mesh() bool { return n.limit > n.cfg.Leaf }

// Whole reports whether the leaf set is everybody: there is room for more on either
// side. A side that is full may have left out somebody, who is nearest to keys beyond
// it: messages still find him, by way of that side, but he is not among the leaves.
func (n *Node) Whole() bool {
	after, before := n.sides()
	return n.whole() && (n.Mesh() || max(len(after), len(before)) < n.limit/2)
}

// Estimate returns about how many nodes there are.
func (n *Node) Estimate() float64 { return n.estimate() }

// RTT returns the smoothed round trip to a neighbour, 0 if it is not known.
func (n *Node) RTT(h Handle) time.Duration {
	if p := n.peer(h); p != nil {
		return p.rtt()
	}
	return 0
}

// Entries returns how many nodes the routing table holds.
func (n *Node) Entries() int {
	k := 0
	for r := range n.table {
		k += len(n.appendRow(nil, r))
	}
	return k
}

// Uses appends every handle that the node may still put into a message or compare
// with one, so that the driver can free the others.
func (n *Node) Uses(to []Handle) []Handle {
	to = append(to, n.self)
	for i := range n.peers {
		to = append(to, n.peers[i].h)
	}
	for i := range n.probes {
		to = append(to, n.probes[i].h)
	}
	for _, p := range n.pending {
		to = append(append(to, p.to, p.from, p.msg.Origin), p.msg.Refs...)
		to = append(to, p.shun.hs[:p.shun.n]...)
	}
	for i := range n.arrivals {
		to = append(to, n.arrivals[i].origin)
	}
	for _, g := range n.gone {
		to = append(to, g.h)
	}
	to = slices.Concat(to, n.news, n.seeds, n.tentative)
	return append(to, n.watched, n.near, n.mesher)
}

// Entry returns the node in a slot of the routing table, None if there is none.
func (n *Node) Entry(row, column int) Handle { return n.entry(row, column) }

// Covers reports whether the root of key is this node or one of its leaves.
func (n *Node) Covers(key id.ID) bool { return n.covers(key) }

// Row appends the entries of a row of the routing table: nodes that share as many
// digits with this one as row says.
func (n *Node) Row(to []Handle, row int) []Handle { return n.appendRow(to, row) }

// Rows returns the number of rows of the routing table, empty ones included.
func (n *Node) Rows() int { return len(n.table) }
