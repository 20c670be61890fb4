package pastry

import "time"

// pending is a message that this node has taken over, until another has done so
// and passed it on.
type pending struct {
	msg     Msg
	from    Handle // the previous hop, to be told when it is passed on; None: needs not
	fromSeq uint32 // what it called the message
	taken   bool   // by to, but not yet passed on: this is a copy
	checks  uint8  // whether to is alive, since then
	to      Handle // None: not sent
	tries   uint8
	again   uint8 // of them to the same node in a row
	shun    shunned
	sent    Time
	due     Time
	expires Time
}

// accept takes over a message unless it could not be handled: what is not
// acknowledged, the previous hop sends elsewhere.
func (n *Node) accept(from Handle, m *Msg) {
	if n.phase != active || m.Hops >= MaxHops || len(n.pending) >= n.cfg.Pending {
		return
	}
	p := pending{msg: *m, expires: n.now + n.cfg.Expire}
	p.msg.Hops++
	if m.Seq != 0 {
		p.from, p.fromSeq = from, m.Seq
	}
	if m.Kind == Join { // if it gets lost, its origin sends another
		n.passedOn(&p)
		if n.book.ID(m.Origin) == n.id {
			return
		}
		p.shun.never = m.Key
		n.gather(&p.msg)
	}
	if n.try(&p) {
		if p.from != None {
			n.send(from, &Msg{Kind: Ack, Seq: m.Seq})
		}
		n.pending = append(n.pending, &p)
		return
	}
	n.passedOn(&p)
}

// forward sends a message of this node.
func (n *Node) forward(m *Msg) {
	p := pending{msg: *m, expires: n.now + n.cfg.Expire}
	if len(n.pending) >= n.cfg.Pending {
		n.undelivered(&p)
		return
	}
	if n.try(&p) {
		n.pending = append(n.pending, &p)
	}
}

// try sends p to its next hop. It returns false when p is done with.
func (n *Node) try(p *pending) bool {
	if n.phase != active {
		p.to, p.due = None, n.now+n.cfg.RTOFirst
		n.wakeBy(p.due)
		return true
	}
	h, hold := n.next(p.msg.Key, &p.shun)
	if h == n.self {
		n.arrived(&p.msg)
		return false
	}
	if hold {
		p.shun.n = 0
	}
	if n.Forward != nil && p.msg.Kind == Route && !n.Forward(&p.msg, p.msg.Key, h) {
		return false
	}
	if h == p.to {
		p.again = min(p.again+1, 4)
	} else {
		p.again = 0
	}
	if p.msg.Seq == 0 || p.tries == 0 {
		n.seq++
		p.msg.Seq = n.seq
	}
	p.to, p.sent = h, n.now
	p.due = n.now + min(n.rto(n.peer(h))<<p.again, 2*time.Second)
	n.wakeBy(p.due)
	n.send(h, &p.msg)
	return true
}

// arrived is the end of the way.
func (n *Node) arrived(m *Msg) {
	if m.Kind == Join {
		n.welcome(m)
		return
	}
	if n.arrivedBefore(m) {
		return
	}
	n.delivered++
	n.out.Up = append(n.out.Up, Upcall{Kind: Deliver, Peer: m.Origin, Msg: *m})
}

// acked hears that somebody took a message over, whichever of those asked it was.
func (n *Node) acked(from Handle, m *Msg) {
	for i, p := range n.pending {
		if p.msg.Seq != m.Seq || p.to == None {
			continue
		}
		if p.to == from && p.tries == 0 && !p.taken { // Karn: only what was sent once tells the time
			if q := n.peer(from); q != nil {
				q.measure(max(n.now-p.sent, 1))
			}
		}
		n.passedOn(p)
		if m.Kind == Passed || len(n.pending) > n.cfg.Pending/2 {
			n.dropPending(i)
		} else {
			n.keep(p, from)
		}
		return
	}
}

func (n *Node) dropPending(i int) {
	last := len(n.pending) - 1
	n.pending[i] = n.pending[last]
	n.pending[last] = nil
	n.pending = n.pending[:last]
	if last == 0 {
		n.pending = nil
	}
}

// pendingDue sees to all that was not taken, or not passed on, in time.
func (n *Node) pendingDue() {
	for i := 0; i < len(n.pending); i++ {
		p := n.pending[i]
		if p.due > n.now {
			continue
		}
		if !n.goOn(p) {
			n.dropPending(i)
			i--
		}
	}
}

// goOn takes the next step with p, which is due. It returns false when p is done
// with.
func (n *Node) goOn(p *pending) bool {
	if p.taken {
		return n.check(p)
	}
	if n.now >= p.expires {
		n.passedOn(p)
		n.undelivered(p)
		return false
	}
	if p.to != None { // around those who did not take it
		p.tries++
		n.verify(p.to, verdict)
		if p.tries%4 == 0 {
			p.shun.n = 0 // it may all have been bad luck
		} else {
			p.shun.add(p.to)
		}
	}
	if n.try(p) {
		return true
	}
	n.passedOn(p)
	return false
}

// reroute makes everything that waits for h due.
func (n *Node) reroute(h Handle) {
	for _, p := range n.pending {
		if p.to == h {
			p.due, p.taken = n.now, false
			n.wakeBy(n.now)
		}
	}
}

func (n *Node) undelivered(p *pending) {
	if p.msg.Kind == Route {
		n.out.Up = append(n.out.Up, Upcall{Kind: Undelivered, Peer: p.msg.Origin, Msg: p.msg})
	}
}
