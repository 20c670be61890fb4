package pastry

import (
	"time"

	"iris/internal/id"
)

// row holds, by next digit, nodes that share as many digits with this one as the
// row's index says. The column of the own digit stays empty.
type row [16]Handle

// slot returns where h belongs; ok is false for another incarnation of oneself.
func (n *Node) slot(h Handle) (r, c int, ok bool) {
	x := n.book.ID(h)
	r = shared(n.id, x)
	if r >= digits {
		return 0, 0, false
	}
	return r, x.Digit(r), true
}

// entry returns the node in a slot.
func (n *Node) entry(r, c int) Handle {
	if r >= len(n.table) || n.table[r] == nil {
		return None
	}
	return n.table[r][c]
}

func (n *Node) inTable(h Handle) bool {
	r, c, ok := n.slot(h)
	return ok && n.entry(r, c) == h
}

// consider takes h, which was heard directly, into the table if its slot is
// empty, holds an older incarnation, or somebody farther away.
func (n *Node) consider(h Handle, rtt time.Duration) {
	r, c, ok := n.slot(h)
	if !ok {
		return
	}
	old := n.entry(r, c)
	if old == h {
		return
	}
	if old != None && n.book.ID(old) == n.book.ID(h) {
		if n.book.Epoch(old) > n.book.Epoch(h) {
			return
		}
	} else if old != None {
		p := n.peer(old)
		if rtt == 0 || p.srtt != 0 && units(rtt) >= p.srtt {
			return
		}
	}
	for len(n.table) <= r {
		if len(n.table) == cap(n.table) {
			t := make([]*row, len(n.table), len(n.table)+2)
			copy(t, n.table)
			n.table = t
		}
		n.table = append(n.table, nil)
	}
	if n.table[r] == nil {
		n.table[r] = new(row)
	}
	n.table[r][c] = h
	if n.peer(h) == nil {
		n.addPeer(h, rtt)
	}
	if old != None {
		n.dropPeer(old)
	}
}

// dropEntry takes h out of the table.
func (n *Node) dropEntry(h Handle) bool {
	r, c, ok := n.slot(h)
	if !ok || n.entry(r, c) != h {
		return false
	}
	n.table[r][c] = None
	return true
}

// appendRow appends the nodes of row r.
func (n *Node) appendRow(to []Handle, r int) []Handle {
	if r < len(n.table) && n.table[r] != nil {
		for _, h := range n.table[r] {
			if h != None {
				to = append(to, h)
			}
		}
	}
	return to
}

// closest returns the node of the whole table that is the best root of key
// among those that are better than best and not shunned; best if there is none.
// Only those that share at least prefix digits with key count.
func (n *Node) closest(key id.ID, best Handle, prefix int, shun *shunned) Handle {
	b := n.book.ID(best)
	for _, row := range n.table {
		if row == nil {
			continue
		}
		for _, h := range row {
			if h == None {
				continue
			}
			if x := n.book.ID(h); id.Closer(key, x, b) && shared(key, x) >= prefix && !shun.has(h, x) {
				best, b = h, x
			}
		}
	}
	return best
}
