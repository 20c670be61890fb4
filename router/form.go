package router

import (
	"slices"
	"time"

	"iris/internal/id"
)

const (
	bootLinks  = 32                     // hearsay is dialled up to so many links at least while there is no ring yet
	beginEvery = 500 * time.Millisecond // between attempts to begin a ring
	strayEvery = time.Minute            // one word of hearsay is followed even in a structured ring
)

// The ring is a mesh or structured; the overlay actor knows which. Peers and links
// are the same in both forms, but in the structured one a node does not link to
// everybody it hears of: the overlay says whom it needs.

// reform takes the news of the overlay actor.
func (m *membership) reform(now time.Time, e *ringIs) {
	if was := m.form.structured; was != e.structured && m.form.ring.Active && e.ring.Active {
		m.r.log.Info("overlay changed its form", "structured", e.structured, "nodes", max(e.ring.Size, len(m.peers)+1))
	}
	back := m.form.structured && !e.structured
	m.form = *e
	m.touch(now)
	if !back {
		return
	}
	for _, p := range m.peers { // everybody is of interest again
		if p.link != nil {
			m.tellPeers(p.link, p.ID)
		}
	}
}

// curious reports whether nodes known by hearsay alone are worth a dial. In a
// structured ring, and in a mesh that is full, they are not. While there is no
// ring yet it takes some links to agree on who begins.
func (m *membership) curious() bool {
	limit := m.r.meshMax
	if !m.form.ring.Active {
		return len(m.peers) < max(limit, bootLinks)
	}
	return !m.form.structured && len(m.peers) < limit
}

// hear takes a candidate that somebody else named, or a beacon. Two rings that
// never knew of each other would not meet if all hearsay was ignored, so now and
// then some of it is followed.
func (m *membership) hear(now time.Time, h hint) {
	if h.peer.IsZero() && m.settled(h.addrs) {
		return
	}
	if m.curious() {
		m.book.add(now, h)
		return
	}
	if h.fresh && m.peers[h.peer] == nil && !now.Before(m.stray) && m.r.open.Load() {
		m.stray = now.Add(m.book.jitter(strayEvery))
		for _, a := range usable(h.addrs) {
			m.r.ep.Dial(a, h.peer)
		}
	}
}

// settled reports whether this node or a peer with a link is known to live at one
// of the addresses, which somebody named without saying whose they are.
func (m *membership) settled(addrs []string) bool {
	known := func(list []string) bool {
		return slices.ContainsFunc(addrs, func(a string) bool { return slices.Contains(list, a) })
	}
	if known(m.book.own) {
		return true
	}
	for _, p := range m.peers {
		if p.link != nil && known(p.addrs) {
			return true
		}
	}
	return false
}

// begin makes this node the first one of the ring, if it is its turn: nobody
// that it is linked to has a place in one, and it has the smallest id of them. If
// the one whose turn it is does not use it, anybody does.
func (m *membership) begin(now time.Time) {
	if m.ripe.IsZero() {
		m.ripe = now
	}
	if now.Before(m.beginAt) {
		return
	}
	first := true
	for n, p := range m.peers {
		first = first && (p.link == nil || p.State != Alive || m.r.ep.ID().Compare(n) < 0)
	}
	if first || now.Sub(m.ripe) > beginAfter {
		m.beginAt = now.Add(beginEvery)
		m.r.toOverlay(begin{})
	}
}

// recommends reports whether others should hear of n: in the structured form the
// leaves are enough.
func (m *membership) recommends(n id.ID) bool {
	return !m.form.structured || slices.Contains(m.form.ring.Leaves, n)
}
