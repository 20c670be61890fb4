package reliable

import "fmt"

// Valid reports the first broken invariant of m, numbered as in its comment. It is
// for tests and simulators, between steps.
func (m *Machine) Valid() error {
	if len(m.order) != len(m.streams) {
		return fmt.Errorf("%d streams in order, %d known", len(m.order), len(m.streams))
	}
	for _, s := range m.order {
		if m.streams[s.Stream] != s {
			return fmt.Errorf("a stream in order is not known")
		}
		if !m.cfg.Reliable {
			continue
		}
		if s.win.has(s.win.low + 1) {
			return fmt.Errorf("(1) seq %d was had and is not delivered", s.win.low+1)
		}
		if s.known < s.win.low || s.known > s.win.low+s.win.size() || s.high > s.known {
			return fmt.Errorf("(2) low %d high %d known %d", s.win.low, s.high, s.known)
		}
		if n := len(s.waits); s.lacks() != (n > 0) || n > 0 && s.waits[n-1].upto < s.known && !s.win.has(s.known) {
			return fmt.Errorf("(3) low %d known %d waits %v", s.win.low, s.known, s.waits)
		}
		for seq := s.win.low + 1; seq <= s.known; seq++ {
			if s.win.has(seq) && s.bodies[seq] == nil {
				return fmt.Errorf("(5) seq %d was had and is not in the ring", seq)
			}
		}
	}
	if n := len(m.ring.entries); n > m.cfg.Messages || n > 1 && m.ring.bytes > m.cfg.Bytes {
		return fmt.Errorf("(4) %d messages, %d bytes", n, m.ring.bytes)
	}
	for i := range m.places {
		p := &m.places[i]
		for j := range p.edges {
			if n := p.edges[j].node; n == m.cfg.Self || p.edge(n) != &p.edges[j] {
				return fmt.Errorf("(6) edge %v", n.Short())
			}
		}
	}
	return nil
}
