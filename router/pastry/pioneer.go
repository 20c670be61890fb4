package pastry

// A node that is the first one with its prefix fits into an empty slot of all who
// share one digit less with it. Those are its neighbours on the ring, but maybe
// more than its leaf set holds. It walks along the leaf sets of its leaves and
// makes itself known to all; without that, messages for its prefix would take
// ways round until the slots are filled by chance.

// maxWalk is the number of leaf sets that a new node asks for.
const maxWalk = 12

// lastRow returns the last row that is not empty: nobody shares more digits with
// this node than its entries.
func (n *Node) lastRow() int {
	r := len(n.table) - 1
	for r > 0 && n.table[r] == nil {
		r--
	}
	return r
}

// pioneer starts the walks, if any are needed.
func (n *Node) pioneer() {
	n.walks = 0
	if n.whole() {
		return
	}
	after, before := n.sides()
	if len(after) > 0 {
		n.walkOn(after[len(after)-1])
	}
	if len(before) > 0 {
		n.walkOn(before[0])
	}
}

// walkOn asks h for its leaf set if its neighbours may need to know this node.
func (n *Node) walkOn(h Handle) {
	if n.walks < maxWalk && shared(n.id, n.book.ID(h)) >= n.lastRow() {
		n.walks++
		n.send(h, &Msg{Kind: RowRequest, Row: rowLeaves})
	}
}

// walk makes the node known to those leaves of from that lie farther away.
func (n *Node) walk(from Handle, leaves []Handle) {
	if n.phase != active || n.walks == 0 {
		return
	}
	last, at := n.lastRow(), n.book.ID(from)
	back := behind(clockwise(n.id, at))
	far := from
	for _, h := range leaves[:min(len(leaves), MaxLeaves)] {
		if h == None || h == n.self || behind(clockwise(at, n.book.ID(h))) != back {
			continue
		}
		if n.peer(h) == nil && !n.isGone(h) && shared(n.id, n.book.ID(h)) == last {
			n.send(h, &Msg{Kind: Introduce})
		}
		if less(clockwise(at, n.book.ID(far)), clockwise(at, n.book.ID(h))) != back || far == from {
			far = h
		}
	}
	if far != from {
		n.walkOn(far)
	}
}
