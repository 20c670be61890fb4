package pastry

import "time"

// pending is a message that this node has taken over and nobody else yet.
type pending struct {
	msg     Msg
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
	if m.Seq != 0 {
		n.send(from, &Msg{Kind: Ack, Seq: m.Seq})
	}
	next := *m
	next.Hops++
	if m.Kind == Join {
		if n.book.ID(m.Origin) == n.id {
			return
		}
		n.gather(&next)
	}
	n.forward(&next)
}

// forward sees to it that m gets on.
func (n *Node) forward(m *Msg) {
	p := pending{msg: *m, expires: n.now + n.cfg.Expire}
	if m.Kind == Join {
		p.shun.never = m.Key
	}
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
	n.delivered++
	n.out.Up = append(n.out.Up, Upcall{Kind: Deliver, Peer: m.Origin, Msg: *m})
}

// acked drops what somebody took over, whichever of those asked it was.
func (n *Node) acked(from Handle, m *Msg) {
	for i, p := range n.pending {
		if p.msg.Seq != m.Seq || p.to == None {
			continue
		}
		if p.to == from && p.tries == 0 { // Karn: only what was sent once tells the time
			if q := n.peer(from); q != nil {
				q.measure(max(n.now-p.sent, 1))
			}
		}
		n.dropPending(i)
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

// pendingDue sends around those who did not take a message in time.
func (n *Node) pendingDue() {
	for i := 0; i < len(n.pending); i++ {
		p := n.pending[i]
		if p.due > n.now {
			continue
		}
		if n.now >= p.expires {
			n.undelivered(p)
			n.dropPending(i)
			i--
			continue
		}
		if p.to != None {
			p.tries++
			n.verify(p.to, verdict)
			if p.tries%4 == 0 {
				p.shun.n = 0 // it may all have been bad luck
			} else {
				p.shun.add(p.to)
			}
		}
		if !n.try(p) {
			n.dropPending(i)
			i--
		}
	}
}

// reroute makes everything that waits for h due.
func (n *Node) reroute(h Handle) {
	for _, p := range n.pending {
		if p.to == h {
			p.due = n.now
			n.wakeBy(n.now)
		}
	}
}

func (n *Node) undelivered(p *pending) {
	if p.msg.Kind == Route {
		n.out.Up = append(n.out.Up, Upcall{Kind: Undelivered, Peer: p.msg.Origin, Msg: p.msg})
	}
}
