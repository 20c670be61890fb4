package reliable

// State returns what a machine that takes the place of m needs to go on where the
// subscribers here are. It is valid between steps.
func (m *Machine) State() State {
	s := State{Based: make([]bool, len(m.places))}
	for i := range m.places {
		s.Based[i] = m.places[i].based || m.places[i].restored
	}
	for _, x := range m.order {
		low := x.win.low
		if !m.cfg.Reliable { // nothing is waited for
			low = x.high
		}
		k := Mark{x.Stream, low, low}
		if x == m.own {
			k.High = x.high
			s.Own = k
			continue
		}
		if m.cfg.Reliable && !s.Based[x.stripe] {
			continue
		}
		s.Marks = append(s.Marks, k)
	}
	return s
}

// restore begins where another machine ended. What that had published and not
// everybody has is a Gap for those who lack it, for they hear how far it was.
func (m *Machine) restore(s State) {
	for _, k := range s.Marks {
		if k.sound() && k.Publisher != m.cfg.Self {
			m.find(k.Stream).begin(k.Low)
		}
	}
	if s.Own.High > 0 && s.Own.Publisher == m.cfg.Self {
		m.own = m.find(s.Own.Stream)
		m.own.begin(s.Own.High)
		m.epoch = max(m.epoch, s.Own.Epoch)
		m.armDigest()
	}
	for i := range m.places {
		m.places[i].restored = i < len(s.Based) && s.Based[i]
	}
}

// Based reports whether this node is in the tree of a stripe and knows where its
// streams begin: what is published from then on reaches the subscribers here.
func (m *Machine) Based(stripe int) bool { return m.places[stripe].based }

// Idle reports whether nobody misses anything if the machine is forgotten: no
// subscribers, nothing to replay, no stream to go on with. Being in a tree does not count.
func (m *Machine) Idle() bool { return !m.local && len(m.ring.entries) == 0 && m.own == nil }
