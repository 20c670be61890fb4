package pastry

import "time"

// joinWait is how long a seed may take to answer.
const joinWait = 3 * time.Second

// join starts, or starts again, through one of the seeds.
func (n *Node) join() {
	n.phase, n.introduced, n.settled, n.searches, n.exchange, n.patches = searching, false, false, 0, 0, 0
	if h := n.pick(); h != None {
		n.search(h)
		return
	}
	n.pauseJoin()
}

// joinAgain asks another seed when nothing came of the first.
func (n *Node) joinAgain() {
	if n.phase == searching || n.phase == joining {
		n.forget(n.near)
		n.join()
	}
}

// search asks for the first row of h: its entries are near h. The nearest of
// them is nearer to us than h; a few such steps find a neighbour in the network
// below, and what it knows is near us, too (Pastry, section 2.5).
func (n *Node) search(h Handle) {
	n.searches++
	n.near, n.rowDue = h, true
	n.at(timerJoin, n.now+n.jitter(joinWait))
	n.send(h, &Msg{Kind: RowRequest, Row: rowNearby})
}

// searched has the distances of one round. The last node found leads on; its
// first row can wait, the search has found some of the like.
func (n *Node) searched() {
	if n.rowDue {
		return
	}
	nearest := n.near
	var best uint16
	for i := range n.peers {
		if p := &n.peers[i]; p.srtt != 0 && (best == 0 || p.srtt < best) {
			best, nearest = p.srtt, p.h
		}
	}
	if nearest != n.near && int(n.searches) < n.cfg.Search {
		n.search(nearest)
		return
	}
	n.phase, n.near, n.asked = joining, nearest, 0
	n.joinID = n.bits()
	n.at(timerJoin, n.now+n.jitter(2*joinWait))
	n.send(nearest, &Msg{Kind: Join, Row: 1, Origin: n.self, Key: n.id, ID: n.joinID})
}

// gather adds to a passing Join the rows that its origin can use.
func (n *Node) gather(m *Msg) {
	last := min(shared(n.id, m.Key), digits-1)
	if int(m.Row) > last {
		return
	}
	have := m.Refs[:min(len(m.Refs), MaxRefs-1)]
	refs := make([]Handle, len(have), len(have)+1+15*(last+1-int(m.Row)))
	copy(refs, have)
	refs = append(refs, n.self)
	for r := int(m.Row); r <= last && len(refs) < MaxRefs-16; r++ {
		refs = n.appendRow(refs, r)
	}
	m.Refs, m.Row = refs, uint8(last+1)
}

// welcome answers a Join that has come to the root of its origin's id.
func (n *Node) welcome(m *Msg) {
	leaves := make([]Handle, 0, len(n.leaves)+1)
	leaves = append(append(leaves, n.leaves...), n.self)
	n.send(m.Origin, &Msg{Kind: Welcome, ID: m.ID, Leaves: leaves, Refs: m.Refs})
}

// welcomed knows its place. While joining it now probes its leaves; while
// healing, those of the other ring that should be leaves.
func (n *Node) welcomed(m *Msg) {
	if m.ID != n.joinID || n.phase == idle {
		return
	}
	if n.phase == joining || n.phase == searching {
		n.phase = probing
		n.due[timerJoin] = 0
		n.meshIf(m.Mesh)
	}
	n.candidates(m.Leaves)
	for _, h := range m.Refs[:min(len(m.Refs), MaxRefs)] {
		n.curious(h, n.phase != active)
	}
	n.settle()
}

// curious measures the distance to h if the table has use for it.
func (n *Node) curious(h Handle, anyway bool) {
	if h == None || h == n.self || n.peer(h) != nil || n.isGone(h) {
		return
	}
	r, c, ok := n.slot(h)
	if ok && (anyway || n.entry(r, c) == None) {
		n.ask(h, Ping, distance)
	}
}

// activate begins to deliver.
func (n *Node) activate() {
	first := n.phase != active
	n.phase, n.wasActive = active, true
	n.due[timerJoin] = 0
	if first {
		n.out.Up = append(n.out.Up, Upcall{Kind: Ready})
	}
	n.at(timerBeat, n.now+n.cfg.Heartbeat)
	n.at(timerTable, n.now+n.jitter(n.cfg.TableMin))
	n.at(timerExchange, n.now+n.jitter(settleRows))
	n.at(timerHeal, n.now+n.jitter(n.healPeriod()))
	n.exposed = n.now
	for _, p := range n.pending {
		p.due = n.now
	}
	if first {
		n.greet()
	}
	n.needRepair(0)
	n.wakeBy(n.now)
}

// introduce makes the node known to its table, nearest entries first of all
// profit: they may take it in turn.
func (n *Node) introduce() {
	n.introduced = true
	for _, row := range n.table {
		if row == nil {
			continue
		}
		for _, h := range row {
			if h == None {
				continue
			}
			if p := n.peer(h); p.srtt != 0 {
				n.send(h, &Msg{Kind: Introduce, Seq: uint32(p.rtt() / time.Microsecond)})
			}
		}
	}
	n.pioneer()
}

// introducedBy considers a new node; one that names no round trip knows none.
func (n *Node) introducedBy(from Handle, m *Msg) {
	n.revive(from)
	if m.Active {
		n.consider(from, min(time.Duration(m.Seq)*time.Microsecond, time.Hour))
	}
	n.candidates([]Handle{from})
}

// stoodStill follows a pause of the process: others may have buried this node
// and live on without it, so it delivers nothing before its leaves have answered.
func (n *Node) stoodStill() {
	if n.phase != active {
		return
	}
	n.phase = probing
	n.out.Up = append(n.out.Up, Upcall{Kind: Unready})
	for i := range n.peers {
		n.peers[i].heard = beats(n.now)
	}
	n.watchFrom = n.now
	for i := range n.probes { // silence was ours
		n.probes[i].tries = 0
		n.probes[i].due = n.now + n.cfg.RTOFirst
		n.wakeBy(n.probes[i].due)
	}
	for _, h := range n.leaves {
		n.ask(h, LeafProbe, verdict)
	}
	n.settle()
}

// leave says goodbye to all who may know the node.
func (n *Node) leave() {
	for i := range n.peers {
		n.send(n.peers[i].h, &Msg{Kind: Leave, Leaves: n.leaves})
	}
	n.phase = stopped
	n.pending, n.probes, n.leafProbes, n.tentative = nil, nil, 0, nil
}

// left takes a goodbye.
func (n *Node) left(from Handle) {
	n.untry(from)
	for i := range n.probes {
		if n.probes[i].h == from {
			n.endProbe(i)
			break
		}
	}
	if n.peer(from) != nil {
		n.remove(from)
	}
	n.bury(from, false)
	n.settle()
}
