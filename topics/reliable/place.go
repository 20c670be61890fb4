package reliable

import (
	"slices"
	"time"

	"iris/internal/id"
)

// place is the node's place in the tree of one stripe.
type place struct {
	inTree, root bool
	based        bool // knows where the streams begin
	restored     bool // so it will, once in the tree
	parent       id.ID
	edges        []edge // parent and children
	entry        id.ID
	door         id.ID // cached from Enter; zero: use entry
	copies       []id.ID
	sample       []id.ID
}

// edge is one neighbour in a tree.
type edge struct {
	node  id.ID
	ready bool      // data flows
	owed  bool      // it asked for our Sync when we had no base
	askAt time.Time // when to send a Sync again if it is not ready
	parts []Mark    // of a Sync in parts
}

func (p *place) edge(n id.ID) *edge {
	for i := range p.edges {
		if p.edges[i].node == n {
			return &p.edges[i]
		}
	}
	return nil
}

// onPlace takes the neighbours as the tree has them now.
func (m *Machine) onPlace(e Place) {
	p := &m.places[e.Stripe]
	old := p.edges
	wasRoot, entry := p.root, p.door
	if entry.IsZero() {
		entry = p.entry
	}
	p.inTree, p.root, p.parent, p.entry = e.InTree || e.Root, e.Root, e.Parent, e.Entry
	p.copies, p.sample = e.Copies, e.Sample
	p.edges = make([]edge, 0, len(e.Children)+1)
	add := func(n id.ID) {
		if n.IsZero() || n == m.cfg.Self || p.edge(n) != nil {
			return
		}
		if i := slices.IndexFunc(old, func(x edge) bool { return x.node == n }); i >= 0 {
			p.edges = append(p.edges, old[i])
			return
		}
		p.edges = append(p.edges, edge{node: n, ready: !m.cfg.Reliable, askAt: m.now.Add(syncRetry)})
		m.at(m.now.Add(syncRetry))
	}
	add(e.Parent)
	for _, c := range e.Children {
		add(c)
	}
	switch {
	case !p.inTree:
		m.leave(e.Stripe)
	case !m.cfg.Reliable:
		p.based = true
	case p.root && !wasRoot || p.restored:
		m.base(e.Stripe)
	}
	if !p.inTree && p.door.IsZero() && p.entry != entry && m.own != nil && m.own.stripe == e.Stripe {
		m.tellEntry(p)
	}
}

// leave forgets the streams of a stripe in whose tree this node is no longer.
func (m *Machine) leave(stripe int) {
	p := &m.places[stripe]
	if !p.based {
		return
	}
	p.based = false
	if !m.cfg.Reliable { // what comes by the list yet is to be known again
		return
	}
	for _, s := range slices.Clone(m.order) {
		if s.stripe == stripe && s != m.own {
			m.forget(s)
		}
	}
}

// onAttach sends what we have right behind a join.
func (m *Machine) onAttach(e Attach) {
	if m.cfg.Reliable {
		m.sync(e.Stripe, e.To, true)
	}
}

// sync sends where we are in the stripe's streams.
func (m *Machine) sync(stripe int, to id.ID, answer bool) {
	var marks []Mark
	for _, s := range m.order {
		if s.stripe == stripe {
			marks = append(marks, s.mark())
		}
	}
	for {
		n := min(len(marks), maxMarks)
		m.send(to, &Sync{Stripe: stripe, Answer: answer, Fresh: !m.places[stripe].based, More: n < len(marks), Marks: marks[:n]})
		if marks = marks[n:]; len(marks) == 0 {
			return
		}
	}
}

// sound reports whether a mark can be true.
func (k Mark) sound() bool { return k.Low <= k.High && k.High <= maxSeq }

// mark tells where the stream is: what was given up counts as had.
func (s *stream) mark() Mark { return Mark{s.Stream, s.win.low, max(s.high, s.win.low)} }

// onSync takes where a neighbour is, and gives it what it lacks.
func (m *Machine) onSync(from id.ID, f *Sync) {
	if f.Stripe < 0 || f.Stripe >= len(m.places) || !m.cfg.Reliable {
		return
	}
	p := &m.places[f.Stripe]
	e := p.edge(from)
	if e == nil {
		return
	}
	marks := append(e.parts, f.Marks[:min(len(f.Marks), maxMarks)]...)
	e.parts = nil
	if f.More && len(marks) < m.cfg.Streams {
		e.parts = marks
		return
	}
	if !p.based {
		if f.Fresh {
			e.owed = e.owed || f.Answer
			return
		}
		for _, k := range marks {
			if m.stripeOf(k.Publisher) == f.Stripe && k.sound() && k.Publisher != m.cfg.Self {
				m.find(k.Stream).begin(k.Low) // also one of which a root or the past told something older
			}
		}
		m.base(f.Stripe)
		e = p.edge(from)
	}
	if f.Answer {
		m.sync(f.Stripe, from, false)
	}
	e.ready, e.owed = true, false
	lows := make(map[Stream]uint64, len(marks))
	for _, k := range marks {
		if m.stripeOf(k.Publisher) != f.Stripe || !k.sound() {
			continue
		}
		lows[k.Stream] = k.Low
		if _, known := m.streams[k.Stream]; !known && p.root && !m.local { // nobody here wants the past
			m.find(k.Stream).begin(k.Low)
		}
		m.noteMark(from, k)
	}
	for _, r := range m.ring.entries {
		if r.s.stripe != f.Stripe || r.s.bodies[r.data.Seq] != r.data {
			continue
		}
		low, ok := lows[r.s.Stream]
		if !ok && f.Fresh {
			low = r.s.win.low
		}
		if r.data.Seq > low && r.data.Publisher != from {
			m.Counters.Replayed++
			m.send(from, r.data)
		}
	}
}

// base makes this node one that knows where streams begin, and answers those who
// waited for that.
func (m *Machine) base(stripe int) {
	p := &m.places[stripe]
	if p.based {
		return
	}
	p.based, p.restored = true, false
	for i := range p.edges {
		if e := &p.edges[i]; e.owed {
			e.owed, e.askAt = false, m.now.Add(syncRetry)
			m.sync(stripe, e.node, true)
		}
	}
}

// pollEdges sends a Sync to neighbours from whom none came.
func (m *Machine) pollEdges(stripe int) {
	p := &m.places[stripe]
	for i := range p.edges {
		e := &p.edges[i]
		if e.ready || e.owed && !p.based {
			continue
		}
		if !m.now.Before(e.askAt) {
			e.askAt = m.now.Add(syncRetry)
			m.sync(stripe, e.node, true)
		}
		m.at(e.askAt)
	}
}
