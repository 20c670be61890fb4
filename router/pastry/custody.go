package pastry

import (
	"slices"
	"time"
)

// A message that is on its way is always with two nodes: the one that is to send
// it on, and the one before, which keeps a copy until it hears that the next but
// one has it. A node that crashes takes nothing with it: the node before finds it
// dead and sends the copy another way. What arrives twice by that is dropped by
// the root.

const (
	checkEvery = 3 * time.Second // without word from its holder, who must be alive
	maxChecks  = 4               // until that is good enough
	maxArrived = 256             // messages that a root remembers; further ones may arrive twice
)

// passedOn tells the previous hop that p is in other hands, or arrived.
func (n *Node) passedOn(p *pending) {
	if p.from != None {
		n.send(p.from, &Msg{Kind: Passed, Seq: p.fromSeq})
		p.from = None
	}
}

// keep makes p the copy of a message that by has taken over.
func (n *Node) keep(p *pending, by Handle) {
	if p.taken {
		return
	}
	p.taken, p.checks, p.to = true, 0, by
	p.due = n.now + checkEvery
	n.wakeBy(p.due)
}

// check finds out whether the holder of a copied message lives. If not, the copy
// is rerouted. It returns false when the copy is of no more use.
func (n *Node) check(p *pending) bool {
	if p.checks++; p.checks > maxChecks || n.now >= p.expires {
		return false
	}
	n.ask(p.to, Ping, verdict)
	p.due = n.now + checkEvery
	n.wakeBy(p.due)
	return true
}

// arrival is a message that was delivered here.
type arrival struct {
	origin Handle
	id     uint64
	when   Time
}

// arrivedBefore reports whether m was delivered here lately, and remembers it.
// Messages without an ID are all different.
func (n *Node) arrivedBefore(m *Msg) bool {
	if m.ID == 0 {
		return false
	}
	old := 0
	for i := range n.arrivals {
		a := &n.arrivals[i]
		if a.origin == m.Origin && a.id == m.ID {
			return true
		}
		if n.now-a.when > n.cfg.Expire {
			old = i + 1
		}
	}
	if old == 0 && len(n.arrivals) == maxArrived {
		old = 1
	}
	n.arrivals = append(slices.Delete(n.arrivals, 0, old), arrival{m.Origin, m.ID, n.now})
	return false
}
