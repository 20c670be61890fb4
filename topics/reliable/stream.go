package reliable

import (
	"slices"
	"time"

	"iris/internal/id"
)

// stream is what a node knows of one stream.
type stream struct {
	Stream
	stripe int
	win    window
	high   uint64           // highest had
	known  uint64           // highest known to exist; missing are those in (low, known] not had
	warned uint64           // known, when neighbours were told of it by warn
	waits  []wait           // since when they are missing; both fields rise
	bodies map[uint64]*Data // those in the ring
	active time.Time        // last news
	via    id.ID            // who brought the highest; zero: this node's own

	sources []id.ID   // who said to have more, latest first
	askAt   time.Time // next pull; zero: none due
	tries   int
}

// wait says: what is missing up to a seq, and above the previous wait's, is
// known to be missing since then.
type wait struct {
	upto  uint64
	since time.Time
}

const maxSources = 4

// find returns the stream, made anew if it is not known.
func (m *Machine) find(k Stream) *stream {
	if s := m.streams[k]; s != nil {
		return s
	}
	if len(m.order) >= m.cfg.Streams {
		m.forget(slices.MinFunc(m.order, func(a, b *stream) int { return a.active.Compare(b.active) }))
	}
	s := &stream{Stream: k, stripe: m.stripeOf(k.Publisher), win: newWindow(m.cfg.Window), active: m.now}
	if low, ok := m.past[k]; ok { // it went on where this node did not hear it
		s.begin(low)
		delete(m.past, k)
	}
	m.streams[k] = s
	m.order = append(m.order, s)
	m.at(m.now.Add(m.cfg.Forget))
	return s
}

// forget drops a stream. What subscribers still wait for is given up first.
func (m *Machine) forget(s *stream) {
	end := s.high // of a plain topic: what has not come by now is late
	if m.cfg.Reliable {
		m.giveUp(s, s.known)
		end = s.win.low
	}
	s.bodies = nil
	delete(m.streams, s.Stream)
	if m.places[s.stripe].based && end > 0 {
		m.remember(s.Stream, end)
	}
	m.order = slices.DeleteFunc(m.order, func(x *stream) bool { return x == s })
	if m.own == s {
		m.own = nil
	}
}

// remember keeps where a forgotten stream ended: after a long partition it may
// go on, and what was delivered is neither a gap then nor delivered again.
func (m *Machine) remember(k Stream, low uint64) {
	if len(m.pastOrder) >= maxPast {
		delete(m.past, m.pastOrder[0])
		m.pastOrder = m.pastOrder[1:]
	}
	if _, known := m.past[k]; !known {
		m.pastOrder = append(m.pastOrder, k)
	}
	m.past[k] = low
}

// know takes notice that messages up to k exist.
func (m *Machine) know(s *stream, k uint64) {
	if k <= s.known {
		return
	}
	if !s.win.fits(k) {
		m.giveUp(s, k-s.win.size())
	}
	s.known, s.active = k, m.now
	s.waits = append(s.waits, wait{k, m.now})
	m.at(m.now.Add(m.cfg.Horizon))
	m.armDigest()
}

// had takes a message that was not had before.
func (m *Machine) had(s *stream, d *Data) {
	if !s.lacks() && d.Seq == s.known+1 { // the usual case needs no wait
		s.known, s.active = d.Seq, m.now
		m.armDigest()
	} else {
		m.know(s, d.Seq)
	}
	s.win.set(d.Seq)
	s.high = max(s.high, d.Seq)
	m.keep(s, d)
	m.drain(s)
}

// drain delivers what is next in order.
func (m *Machine) drain(s *stream) {
	for s.win.next() {
		if d := s.bodies[s.win.low]; d != nil && m.local {
			m.deliver(d)
		}
	}
	for len(s.waits) > 0 && s.waits[0].upto <= s.win.low {
		s.waits = s.waits[1:]
	}
	s.known = max(s.known, s.win.low)
	if s.known == s.win.low {
		s.waits, s.sources, s.askAt, s.tries = nil, nil, time.Time{}, 0
	}
}

func (m *Machine) deliver(d *Data) {
	m.Counters.Delivered++
	m.out.Ups = append(m.out.Ups, Up{Data: d})
}

// giveUp ends the wait for what is missing up to a seq. Neighbours may not have
// heard of it, and nobody else tells them any more.
func (m *Machine) giveUp(s *stream, upto uint64) {
	gave := false
	for m.drain(s); s.win.low < upto; m.drain(s) {
		from := s.win.low + 1
		to := s.win.skip(upto)
		m.Counters.Gaps += to - from + 1
		gave = true
		if m.local {
			m.out.Ups = append(m.out.Ups, Up{Gap: Gap{s.Stream, Range{from, to}}})
		}
	}
	if !gave {
		return
	}
	for _, e := range m.places[s.stripe].edges {
		if e.ready {
			m.send(e.node, &Digest{Marks: []Mark{s.mark()}})
		}
	}
}

// lacks reports whether something of the stream is missing.
func (s *stream) lacks() bool { return s.known > s.win.low }

// missing returns the first runs of what is missing.
func (s *stream) missing(most int) []Range {
	var r []Range
	for seq := s.win.low + 1; seq <= s.known; seq++ {
		if s.win.has(seq) {
			continue
		}
		if n := len(r); n > 0 && r[n-1].To == seq-1 {
			r[n-1].To = seq
		} else if n == most {
			break
		} else {
			r = append(r, Range{seq, seq})
		}
	}
	return r
}

// begin moves a stream in which nothing is waited for on to where somebody else is.
func (s *stream) begin(low uint64) {
	if !s.lacks() && low > s.win.low {
		s.win.low, s.known, s.high = low, low, low
	}
}
