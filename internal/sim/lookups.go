package sim

import (
	"time"

	"iris/internal/id"
	"iris/router/pastry"
)

// lookup is one message on its way to the root of a random key.
type lookup struct {
	origin pastry.Handle
	start  pastry.Time
	done   bool
}

// lookups are those sent since the last reset, and what became of them.
type lookups struct {
	sent          []lookup
	hops          [pastry.MaxHops + 1]int
	delivered     int
	duplicates    int
	misdelivered  int
	route, direct time.Duration // delays, summed
	ratio         float64       // of them, summed
	rated         int
}

// Lookup sends a message from a random node to a random key.
func (w *World) Lookup() {
	from := w.random()
	w.lookups.sent = append(w.lookups.sent, lookup{origin: from, start: w.now})
	key := id.ID{Hi: w.rng.Uint64(), Lo: w.rng.Uint64()}
	w.step(from, &pastry.Event{Kind: pastry.Send, Msg: &pastry.Msg{Key: key, ID: uint64(len(w.lookups.sent))}})
}

// ResetLookups forgets all lookups; those on their way no longer count.
func (w *World) ResetLookups() { w.lookups = lookups{} }

func (w *World) delivered(at pastry.Handle, m *pastry.Msg) {
	l := &w.lookups
	if m.ID == 0 || m.ID > uint64(len(l.sent)) {
		return
	}
	s := &l.sent[m.ID-1]
	if s.origin != m.Origin {
		return
	}
	if w.root(m.Key) != at {
		l.misdelivered++
	}
	if s.done {
		l.duplicates++
		return
	}
	s.done = true
	l.delivered++
	l.hops[min(int(m.Hops), pastry.MaxHops)]++
	if at != s.origin {
		direct := w.Net.delay(w, s.origin, at)
		l.route += w.now - s.start
		l.direct += direct
		l.ratio += float64(w.now-s.start) / float64(direct)
		l.rated++
	}
}

// lost returns how many lookups that started before t have not arrived, those
// whose origin crashed in the meantime apart.
func (w *World) lost(t time.Duration) (lost, orphaned int) {
	for i := range w.lookups.sent {
		s := &w.lookups.sent[i]
		switch {
		case s.done || s.start > t:
		case w.members[s.origin].node == nil:
			orphaned++
		default:
			lost++
		}
	}
	return lost, orphaned
}
