package reliable

import "time"

// ring is a node's replay ring: the latest messages of all streams, in the
// order they came.
type ring struct {
	entries []kept
	bytes   int
}

type kept struct {
	s    *stream
	data *Data
	at   time.Time
}

// cost is what a message counts in the ring.
func cost(d *Data) int { return len(d.Body.Data) + len(d.Body.Type) + len(d.Trace) + 64 }

// keep puts a message into the ring, and out what is too much or too old.
func (m *Machine) keep(s *stream, d *Data) {
	if s.bodies == nil {
		s.bodies = map[uint64]*Data{}
	}
	s.bodies[d.Seq] = d
	m.ring.entries = append(m.ring.entries, kept{s, d, m.now})
	m.ring.bytes += cost(d)
	for len(m.ring.entries) > 1 && (len(m.ring.entries) > m.cfg.Messages || m.ring.bytes > m.cfg.Bytes) {
		m.evict()
	}
	m.at(m.ring.entries[0].at.Add(m.cfg.Age))
}

// evict lets the oldest message go. If it still waits for what is missing before
// it, that is given up, so that it is delivered and not lost.
func (m *Machine) evict() {
	e := m.ring.entries[0]
	m.ring.entries[0] = kept{}
	m.ring.entries = m.ring.entries[1:]
	m.ring.bytes -= cost(e.data)
	if e.s.bodies[e.data.Seq] != e.data { // the stream was forgotten
		return
	}
	if e.data.Seq > e.s.win.low {
		m.giveUp(e.s, e.data.Seq-1)
	}
	delete(e.s.bodies, e.data.Seq)
}

// pollRing lets the old go.
func (m *Machine) pollRing() {
	for len(m.ring.entries) > 0 && !m.now.Before(m.ring.entries[0].at.Add(m.cfg.Age)) {
		m.evict()
	}
	if len(m.ring.entries) > 0 {
		m.at(m.ring.entries[0].at.Add(m.cfg.Age))
	} else {
		m.ring.entries = nil
	}
}
