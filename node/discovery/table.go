package discovery

import (
	"net/netip"
	"slices"
	"time"

	"iris/internal/id"
)

const (
	maxNodes    = 1024
	forgetAfter = 5 * time.Minute // a node not heard for so long is new again
	maxSkew     = 5 * time.Minute
	tellEvery   = 500 * time.Millisecond
	answers     = 2 // to the queries of one node ...
	answersPer  = 5 * time.Second
	windowSize  = 64
)

// table remembers the nodes heard. Only holders of the network key get into it.
//
// Invariant: len(nodes) <= maxNodes. Owned by the run goroutine.
type table struct{ nodes map[id.ID]*node }

// node is what we know of another node.
type node struct {
	incarnation uint64
	window      window
	heard       time.Time
	told        time.Time // Found was called
	addrs       []netip.AddrPort
	answered    int // queries answered since answeredAt
	answeredAt  time.Time
}

// verdict is what to do about an accepted beacon.
type verdict struct {
	isNew  bool // first beacon of this incarnation
	tell   bool // pass the addresses on
	answer bool // it asked and deserves an answer
}

func newTable() *table { return &table{nodes: map[id.ID]*node{}} }

// accept judges an authentic beacon of another node.
func (t *table) accept(b *beacon, now time.Time) (v verdict, drop reason, ok bool) {
	n := t.nodes[b.ID]
	if n != nil && now.Sub(n.heard) >= forgetAfter {
		n = nil
	}
	switch {
	case n == nil:
		// The first beacon is welcome whatever its clock says: an old one costs a
		// dial that fails, a wrong clock should not hide a node.
		t.makeRoom(now)
		n = &node{}
		t.nodes[b.ID] = n
		v.isNew = true
	case now.Sub(b.Wall).Abs() >= maxSkew:
		return v, dropClock, false
	case b.Incarnation < n.incarnation:
		return v, dropReplay, false
	case b.Incarnation > n.incarnation:
		*n = node{}
		v.isNew = true
	}
	n.incarnation = b.Incarnation
	if !n.window.accept(b.Seq) {
		return verdict{}, dropReplay, false
	}
	n.heard = now
	if v.isNew || now.Sub(n.told) >= tellEvery || !slices.Equal(n.addrs, b.Addrs) {
		// Beacons by different ways carry different addresses, and each counts;
		// the rate limit bounds what a node can make of that.
		v.tell = true
		n.told, n.addrs = now, b.Addrs
	}
	if b.Query {
		if now.Sub(n.answeredAt) >= answersPer {
			n.answered, n.answeredAt = 0, now
		}
		if n.answered < answers {
			n.answered++
			v.answer = true
		}
	}
	return v, 0, true
}

// makeRoom keeps the table under its bound: nodes not heard for long go first,
// then the one heard least recently.
func (t *table) makeRoom(now time.Time) {
	if len(t.nodes) < maxNodes {
		return
	}
	var oldest id.ID
	var at time.Time
	for k, n := range t.nodes {
		if now.Sub(n.heard) >= forgetAfter {
			delete(t.nodes, k)
		} else if at.IsZero() || n.heard.Before(at) {
			oldest, at = k, n.heard
		}
	}
	if len(t.nodes) >= maxNodes {
		delete(t.nodes, oldest)
	}
}

// window accepts each sequence number once and refuses those older than the
// newest by windowSize or more (RFC 4303, section 3.4.3). The zero window has
// seen nothing.
type window struct {
	top  uint64
	seen uint64 // bit i: top-i was seen
}

func (w *window) accept(seq uint64) bool {
	switch {
	case w.seen == 0: // nothing seen
		w.top, w.seen = seq, 1
		return true
	case seq > w.top:
		if shift := seq - w.top; shift < windowSize {
			w.seen = w.seen<<shift | 1
		} else {
			w.seen = 1
		}
		w.top = seq
		return true
	case w.top-seq >= windowSize || w.seen&(1<<(w.top-seq)) != 0:
		return false
	}
	w.seen |= 1 << (w.top - seq)
	return true
}
