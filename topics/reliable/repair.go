package reliable

import (
	"slices"
	"time"

	"iris/internal/id"
)

// armDigest makes sure that a digest follows news within a period.
func (m *Machine) armDigest() {
	if m.digestAt.IsZero() && m.cfg.Reliable {
		d := float64(m.cfg.Digest) * (0.9 + 0.2*m.cfg.Rand.Float64())
		m.digestAt = m.now.Add(time.Duration(d))
		m.at(m.digestAt)
	}
}

// news returns the streams of which rings may hold something.
func (m *Machine) news() (news []*stream) {
	for _, s := range m.order {
		if s.high > 0 && m.now.Sub(s.active) < m.cfg.Age {
			news = append(news, s)
		}
	}
	return news
}

// pollDoubts tells neighbours who may not have got something what there is, also of
// streams that fell silent meanwhile: a link may be broken for longer than rings last.
func (m *Machine) pollDoubts() {
	if m.doubtAt.IsZero() {
		return
	}
	if m.now.Before(m.doubtAt) {
		m.at(m.doubtAt)
		return
	}
	for _, n := range m.doubts {
		var marks []Mark
		for _, s := range m.order {
			if p := &m.places[s.stripe]; p.edge(n) != nil && s.Publisher != n && s.high > 0 {
				marks = append(marks, s.mark())
			}
		}
		for some := range slices.Chunk(marks, maxMarks) {
			m.send(n, &Digest{Marks: some})
		}
	}
	m.doubts, m.doubtAt = m.doubts[:0], time.Time{}
}

// ended reports whether a stream has just fallen silent: nothing follows that would
// show a neighbour in its stripe that the last message was lost, and not everybody has
// another who could tell. It holds for two digests.
func (m *Machine) ended(s *stream) bool {
	silent := m.now.Sub(s.active)
	return silent >= m.cfg.Digest/2 && silent < m.cfg.Digest*5/2
}

// pollDigest tells those who are not neighbours in a stream's stripe about the
// streams that had news while rings may still hold them, and those who are about its end.
func (m *Machine) pollDigest() {
	if m.digestAt.IsZero() {
		return
	}
	if m.now.Before(m.digestAt) {
		m.at(m.digestAt)
		return
	}
	m.digestAt = time.Time{}
	news := m.news()
	if len(news) == 0 {
		return
	}
	m.armDigest()
	for _, n := range m.lazies() {
		var marks []Mark
		for _, s := range news {
			p := &m.places[s.stripe]
			if p.edge(n) != nil && (n == s.via || !m.ended(s)) || !p.inTree && s != m.own || n == s.Publisher {
				continue
			}
			if marks = append(marks, s.mark()); len(marks) == maxMarks {
				break
			}
		}
		if len(marks) > 0 {
			m.send(n, &Digest{Marks: marks})
		}
	}
	for i := range m.places {
		m.tellCopies(i, news)
	}
	if m.own != nil && slices.Contains(news, m.own) {
		if p := &m.places[m.own.stripe]; !p.inTree {
			m.tellEntry(p)
		}
	}
}

// lazies are the neighbours in any stripe and one random member.
func (m *Machine) lazies() []id.ID {
	var to []id.ID
	for i := range m.places {
		for j := range m.places[i].edges {
			if n := m.places[i].edges[j].node; !slices.Contains(to, n) {
				to = append(to, n)
			}
		}
	}
	if m.lazy.IsZero() || !m.now.Before(m.rotateAt) {
		m.lazy, m.rotateAt = id.ID{}, m.now.Add(m.cfg.Rotate)
		p := &m.places[m.cfg.Rand.IntN(len(m.places))]
		if len(p.sample) > 0 {
			m.lazy = p.sample[m.cfg.Rand.IntN(len(p.sample))]
		}
	}
	if !m.lazy.IsZero() && m.lazy != m.cfg.Self && !slices.Contains(to, m.lazy) {
		to = append(to, m.lazy)
	}
	return to
}

// tellCopies lets those who may be the next root know where streams are.
func (m *Machine) tellCopies(stripe int, news []*stream) {
	p := &m.places[stripe]
	if !p.root || len(p.copies) == 0 {
		return
	}
	var marks []Mark
	for _, s := range news {
		if s.stripe == stripe && len(marks) < maxMarks {
			marks = append(marks, s.mark())
		}
	}
	for _, n := range p.copies {
		if p.edge(n) == nil && len(marks) > 0 {
			m.send(n, &Digest{Copy: true, Marks: marks})
		}
	}
}

// pollEntry tells the entry again, as long as the own stream is known, what this node
// published outside the tree: it may have been cut off for longer than its ring lasts.
func (m *Machine) pollEntry() {
	switch {
	case m.own == nil || m.tellAt.IsZero() || m.places[m.own.stripe].inTree:
	case m.now.Before(m.tellAt):
		m.at(m.tellAt)
	default:
		m.tellEntry(&m.places[m.own.stripe])
	}
}

// tellEntry lets the entry know what this node published.
func (m *Machine) tellEntry(p *place) {
	if !m.cfg.Reliable {
		return
	}
	m.tellAt = m.now.Add(m.cfg.Age)
	m.at(m.tellAt)
	to := p.door
	if to.IsZero() {
		to = p.entry
	}
	if !to.IsZero() && to != m.cfg.Self {
		m.send(to, &Digest{Hops: 1, Marks: []Mark{m.own.mark()}})
	}
}

// onDigest compares what somebody has with what is here, and tells who lacks the
// end of a stream: nothing that follows would show it.
func (m *Machine) onDigest(from id.ID, f *Digest) {
	if !m.cfg.Reliable {
		return
	}
	var ends []Mark
	for _, k := range f.Marks[:min(len(f.Marks), maxMarks)] {
		p := &m.places[m.stripeOf(k.Publisher)]
		switch {
		case !k.sound():
		case k.Publisher == m.cfg.Self: // nobody knows more; but it may have to go on
			m.carry(p, f.Hops, k)
		case p.based:
			if f.Hops > 0 {
				from = k.Publisher
				if f.Hops > 1 {
					m.send(from, &Enter{m.stripeOf(k.Publisher)})
				}
			}
			m.noteMark(from, k)
			if s := m.streams[k.Stream]; f.Hops == 0 && s != nil && s.high > k.High && m.now.Sub(s.active) >= m.cfg.Digest/2 {
				ends = append(ends, s.mark())
			}
		case p.inTree: // fresh: the base comes first
		case f.Copy:
			s := m.find(k.Stream)
			s.active = m.now
			s.win.skipTo(max(k.High, s.win.low))
			s.known, s.high = s.win.low, s.win.low
		default:
			m.carry(p, f.Hops, k)
		}
	}
	if len(ends) > 0 && !f.Copy {
		m.send(from, &Digest{Marks: ends})
	}
}

// carry sends a publisher's digest of its stream on towards the tree, also from the
// publisher itself if the door, which is in the tree no more, led back to it.
func (m *Machine) carry(p *place, hops uint8, k Mark) {
	if hops > 0 && hops < maxHops && !p.inTree && !p.entry.IsZero() && p.entry != m.cfg.Self {
		m.send(p.entry, &Digest{Hops: hops + 1, Marks: []Mark{k}})
	}
}

// noteMark learns what exists; what is missing will be pulled unless it comes by
// itself before that.
func (m *Machine) noteMark(from id.ID, k Mark) {
	if k.Publisher == m.cfg.Self { // nobody knows more of it
		return
	}
	s := m.find(k.Stream)
	m.know(s, k.High)
	m.source(s, from)
}

// source notes that a node may have what is missing.
func (m *Machine) source(s *stream, from id.ID) {
	if !s.lacks() {
		return
	}
	if !slices.Contains(s.sources, from) {
		s.sources = append(s.sources[:min(len(s.sources), maxSources-1)], from)
	}
	if s.askAt.IsZero() {
		s.askAt = m.now.Add(max(2*m.cfg.RTT(from), m.cfg.MinWait))
	}
	m.at(s.askAt)
}

// pull asks the next source for what is missing.
func (m *Machine) pull(s *stream) {
	if len(s.sources) == 0 || !s.lacks() {
		s.askAt = time.Time{}
		return
	}
	m.warn(s)
	to := s.sources[0]
	s.sources = append(s.sources[1:], to) // the others are next
	f := &Pull{Stream: s.Stream, Ranges: s.missing(maxRanges)}
	for _, r := range f.Ranges {
		m.Counters.Pulled += r.To - r.From + 1
	}
	m.send(to, f)
	s.tries++
	s.askAt = m.now.Add(max(4*m.cfg.RTT(to), time.Duration(min(s.tries, 5))*2*m.cfg.MinWait))
}

// warn tells the neighbours of messages at the end of a stream that this node only
// heard of. None that it could send them would show that those exist, and where nobody has
// them all are to wait for the same Horizon, not each for another after its parent's.
func (m *Machine) warn(s *stream) {
	if s.known <= s.high || s.known <= s.warned {
		return
	}
	s.warned = s.known
	for _, e := range m.places[s.stripe].edges {
		if e.ready && e.node != s.Publisher && !slices.Contains(s.sources, e.node) {
			m.send(e.node, &Digest{Marks: []Mark{{s.Stream, s.win.low, s.known}}})
		}
	}
}

// onPull answers with what the ring holds.
func (m *Machine) onPull(from id.ID, f *Pull) {
	s := m.streams[f.Stream]
	if s == nil {
		return
	}
	n, volume := 0, 0
	for _, r := range f.Ranges[:min(len(f.Ranges), maxRanges)] {
		for seq := max(r.From, 1); seq <= min(r.To, s.high) && seq-r.From < uint64(m.cfg.Window); seq++ {
			d := s.bodies[seq]
			if d == nil {
				continue
			}
			if n++; n > maxAnswer {
				return
			}
			if volume += cost(d); volume > maxVolume && n > 1 {
				return
			}
			m.Counters.Replayed++
			m.send(from, d)
		}
	}
}
