package router

import (
	"time"

	"iris/internal/id"
	"iris/transport/wire"
)

const (
	refsPerFrame  = 256
	bytesPerFrame = 48 << 10 // below wire.MaxControl
)

// tellPeers sends the peers believed alive to n over l; in the structured form
// the leaves among them, enough to find a place. Suspects are left out: what we
// do not reach we do not recommend. An empty frame is sent too, because
// the receiver waits for it before it converges.
func (m *membership) tellPeers(l link, n id.ID) {
	f := &wire.Peers{}
	size := 0
	for _, p := range m.peers {
		if p.ID == n || p.State != Alive || p.link == nil || !m.recommends(p.ID) {
			continue
		}
		ref := wire.NodeRef{ID: p.ID, Incarnation: p.Incarnation, Addrs: p.addrs}
		cost := 64
		for _, a := range p.addrs {
			cost += len(a) + 3
		}
		if len(f.Nodes) == refsPerFrame || size+cost > bytesPerFrame {
			_ = l.TrySend(control, f) // lost: repeated by anti-entropy
			f, size = &wire.Peers{}, 0
		}
		f.Nodes = append(f.Nodes, ref)
		size += cost
	}
	_ = l.TrySend(control, f)
}

// introduce takes a Peers frame: candidates, never members.
func (m *membership) introduce(now time.Time, e *peersIn) {
	p := m.peers[e.from]
	if p == nil {
		return
	}
	p.introduced = true
	for _, n := range e.nodes {
		if q := m.peers[n.ID]; q != nil && q.link != nil || n.ID.IsZero() {
			continue
		}
		addrs := reachable(n.Addrs, p.sameHost)
		m.r.places.note(n.ID, usable(addrs))
		m.hear(now, hint{peer: n.ID, incarnation: n.Incarnation, addrs: addrs, from: heard})
	}
}
