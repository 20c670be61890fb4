package actor

// notice is a Terminated on its way to the handler. It comes in by the system lane, because protoactor has to know of it
// at once, but is handed to the actor in the order of the user lane: what the other actor sent before it ended is
// handled before the news of its end.
type notice struct {
	incarnation uint32
	msg         *Terminated
	child       bool
}

// terminated takes note of the end of a child or of a watched actor.
func (g *guard) terminated(m *Terminated) {
	c := g.cell
	n := &notice{g.incarnation, m, false}
	if k := c.kids[m.Who.Id]; k != nil && m.Who.Address == c.sys.node && k.cell.gone.Load() {
		n.child = true
		g.childGone(k)
	}
	watched := c.watching.has(keyOf(m.Who))
	switch {
	case !n.child && !watched:
	case phase(c.phase.Load()) == phaseAlive && c.mb.post(n, true) == nil:
		c.notices++
		return
	default: // stopping or restarting: this incarnation handles nothing else any more
		c.watching.remove(keyOf(m.Who))
		g.contain(m, DirectiveStop)
	}
	g.drained()
}

// notice delivers a Terminated, unless the watch was taken back, or it is about a child of an earlier incarnation.
func (g *guard) notice(n *notice) {
	c := g.cell
	c.notices--
	watched := c.watching.has(keyOf(n.msg.Who))
	c.watching.remove(keyOf(n.msg.Who))
	if watched || n.child && n.incarnation == g.incarnation {
		g.act(current{msg: n.msg})
	}
	g.drained()
}

// drained ends a poisoned actor when its last child is gone and it knows.
func (g *guard) drained() {
	c := g.cell
	if c.draining && len(c.kids) == 0 && c.notices == 0 && phase(c.phase.Load()) == phaseAlive {
		c.stop("poisoned")
	}
}

// drain carries out a poison: the children first, in the same way.
func (g *guard) drain() {
	g.cell.draining = true
	for _, k := range g.cell.kids {
		k.cell.poison()
	}
	g.drained()
}
