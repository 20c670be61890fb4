package pastry

import "fmt"

// Valid checks the invariants listed at Node, between Steps.
func (n *Node) Valid() error {
	for i, h := range n.leaves {
		x := n.book.ID(h)
		if x == n.id || i > 0 && !less(clockwise(n.id, n.book.ID(n.leaves[i-1])), clockwise(n.id, x)) {
			return fmt.Errorf("(1) leaf %d of %d is out of order", i, len(n.leaves))
		}
	}
	after, before := n.sides()
	if len(n.leaves) > n.limit || !n.Mesh() && max(len(after), len(before)) > n.limit/2 {
		return fmt.Errorf("(2) %d successors, %d predecessors, limit %d", len(after), len(before), n.limit)
	}
	known := map[Handle]bool{}
	for _, h := range n.leaves {
		known[h] = true
	}
	for r, row := range n.table {
		if row == nil {
			continue
		}
		for c, h := range row {
			if h == None {
				continue
			}
			if x := n.book.ID(h); shared(n.id, x) != r || x.Digit(r) != c {
				return fmt.Errorf("(3) %v in row %d, column %d", x, r, c)
			}
			known[h] = true
		}
	}
	for i := range n.peers {
		if i > 0 && n.peers[i-1].h >= n.peers[i].h || !known[n.peers[i].h] {
			return fmt.Errorf("(4) record %d of %d is out of order or of a stranger", i, len(n.peers))
		}
	}
	if len(known) != len(n.peers) {
		return fmt.Errorf("(4) %d neighbours, %d records", len(known), len(n.peers))
	}
	for _, g := range n.gone {
		if known[g.h] {
			return fmt.Errorf("(5) neighbour %d counts as gone", g.h)
		}
	}
	if n.delivered > 0 && !n.wasActive {
		return fmt.Errorf("(6) delivered %d before being active", n.delivered)
	}
	return n.validDeadlines()
}

func (n *Node) validDeadlines() error {
	if len(n.pending) > n.cfg.Pending {
		return fmt.Errorf("(7) %d pending messages", len(n.pending))
	}
	leaf := 0
	for i := range n.probes {
		if n.probes[i].due < n.wake {
			return fmt.Errorf("(7) probe due at %v, wake-up at %v", n.probes[i].due, n.wake)
		}
		if n.probes[i].kind == LeafProbe {
			leaf++
		}
	}
	if leaf != n.leafProbes {
		return fmt.Errorf("(7) %d leaf probes, counted %d", leaf, n.leafProbes)
	}
	for _, p := range n.pending {
		if p.due < n.wake {
			return fmt.Errorf("(7) message due at %v, wake-up at %v", p.due, n.wake)
		}
	}
	return nil
}
