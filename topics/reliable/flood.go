package reliable

import "iris/internal/id"

// publish numbers a message and sends it on its way.
func (m *Machine) publish(e Publish) {
	if m.own == nil || m.now.Sub(m.own.active) >= m.cfg.Forget/2 {
		m.epoch = max(m.epoch+1, uint64(max(m.now.UnixMicro(), 1)))
		m.own = m.find(Stream{m.cfg.Self, m.epoch})
	}
	s := m.own
	d := &Data{Stream: s.Stream, Seq: s.high + 1, Body: e.Body, Twin: e.Twin, Trace: e.Trace}
	m.take(s, d, m.local)
	p := &m.places[s.stripe]
	if p.inTree {
		m.flood(p, id.ID{}, d, true)
	} else {
		m.enter(p, d)
	}
}

// take notes a message that was not had before, and delivers it if there are
// subscribers here.
func (m *Machine) take(s *stream, d *Data, here bool) {
	s.active = m.now
	if m.cfg.Reliable {
		m.had(s, d)
		return
	}
	if !s.win.fits(d.Seq) {
		s.win.skipTo(d.Seq - s.win.size())
	}
	s.win.set(d.Seq)
	late := d.Seq < s.high
	s.high = max(s.high, d.Seq)
	s.known = s.high
	switch {
	case late && here:
		m.Counters.Late++
	case here:
		m.deliver(d)
	}
}

// onData takes a message of the tree, of a pull, or of a publisher outside. listed
// says that there may be subscribers here all the same, to whom it sent directly.
func (m *Machine) onData(from id.ID, d *Data, listed bool) {
	stripe := m.stripeOf(d.Publisher)
	p := &m.places[stripe]
	switch {
	case d.Seq == 0 || d.Seq > maxSeq || d.Publisher == m.cfg.Self && d.Hops == 0:
		return
	case (!p.inTree || listed && !p.based) && !m.cfg.Reliable && d.Hops == 0 && from == d.Publisher:
		m.direct(d, m.local || listed)
		return
	case !p.inTree: // also what is ours and came back, because the door left the tree
		m.enter(p, d)
		return
	case d.Publisher == m.cfg.Self:
		m.flood(p, from, d.inside(), true)
		return
	case !p.based:
		m.Counters.Unbased++
		return
	}
	if d.Hops > 0 {
		m.send(d.Publisher, &Enter{stripe})
		d = d.inside()
	}
	s := m.find(d.Stream)
	if s.win.has(d.Seq) {
		m.Counters.Duplicate++
		return
	}
	// What a pull brought most parents have; to be sure ours hears that it exists.
	pulled := d.Seq <= s.known && p.edge(from) == nil && from != d.Publisher
	m.take(s, d, m.local || listed)
	if d.Seq == s.high {
		s.via = from
	}
	m.flood(p, from, d, !pulled)
	if pulled && !p.parent.IsZero() {
		m.send(p.parent, &Digest{Marks: []Mark{s.mark()}})
	}
}

// direct takes a message of a plain topic that its publisher sent to a member
// because that was on the list, and may not be in the tree yet.
func (m *Machine) direct(d *Data, here bool) {
	s := m.find(d.Stream)
	if s.win.has(d.Seq) {
		m.Counters.Duplicate++
		return
	}
	m.take(s, d, here)
}

// flood sends a message along all edges that carry data but the one it came by.
func (m *Machine) flood(p *place, from id.ID, d *Data, up bool) {
	for i := range p.edges {
		e := &p.edges[i]
		if e.ready && e.node != from && e.node != d.Publisher && (up || e.node != p.parent) {
			m.send(e.node, d)
		}
	}
}

// inside returns a message from outside of the tree as it travels in it.
func (d *Data) inside() *Data {
	in := *d
	in.Hops = 0
	return &in
}

// enter sends a message towards the tree. One that goes the long way because the door
// led back here finds a new door on it.
func (m *Machine) enter(p *place, d *Data) {
	to := p.entry
	if !p.door.IsZero() && d.Publisher == m.cfg.Self && d.Hops == 0 {
		to = p.door
	}
	if to.IsZero() || to == m.cfg.Self || d.Hops >= maxHops {
		m.Counters.Homeless++
		return
	}
	next := *d
	next.Hops++
	m.send(to, &next)
}
