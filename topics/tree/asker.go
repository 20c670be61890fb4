package tree

import (
	"slices"
	"time"

	"iris/internal/id"
	"iris/topics/scribe"
	"iris/transport/wire"
)

// asker is the role of a node that sends to the group: it holds a leased copy.
type asker struct {
	active   bool
	mode     scribe.Mode // as the root said last
	view     *View       // replaced, never changed
	stale    bool        // the list was changed here: ask for all of it next time
	lastUsed time.Time

	sent    uint64 // seq of the lookup in flight, 0 none
	sentTo  id.ID
	sentAt  time.Time // first; the lease counts from here, so it ends before the root's record of it
	refused bool      // it was answered, but not with a list
	retryAt time.Time
	backoff time.Duration

	waiters []uint64
}

func (r *asker) idle() bool { return !r.active }

func (m *Machine) onAsk(waiter uint64) {
	r := &m.asker
	r.active = true
	r.lastUsed = m.now
	if r.view.Live(m.now) {
		m.answer(waiter, CodeOK)
		return
	}
	if waiter != 0 {
		r.waiters = append(r.waiters, waiter)
	}
	if r.sent == 0 {
		r.backoff = 0
		m.lookup()
	}
}

// lookup asks the root for the list. Until it has said something it is asked the same question again, with the same number:
// whichever answer comes first counts. A root that needs longer than the pause between two, because it or this node has too
// much to do, would else never be heard, and asked all the more.
func (m *Machine) lookup() {
	r := &m.asker
	if r.sent == 0 || r.refused || r.sentTo != m.ring.Root || m.now.Sub(r.sentAt) >= m.cfg.Lease*3/4 {
		r.sent, r.sentTo, r.sentAt, r.refused = m.nextSeq(), m.ring.Root, m.now, false
	}
	r.backoff = min(max(r.backoff*2, lookupRetry), retryMax)
	r.retryAt = m.now.Add(r.backoff)
	f := &wire.GroupLookup{Seq: r.sent, Group: m.cfg.Group}
	if r.view != nil && !r.stale && r.view.Root == r.sentTo {
		f.Have = r.view.Version
	}
	m.send(r.sentTo, f)
}

// onView takes the answer to a lookup.
func (m *Machine) onView(from id.ID, f *wire.GroupView) {
	r := &m.asker
	if !r.active || r.sent == 0 || f.Seq != r.sent || from != r.sentTo {
		return
	}
	switch f.Code {
	case CodeOK:
		r.mode = scribe.Mode(f.Mode)
		m.install(from, f.Version, sorted(f.Entries), m.lease(f), from == m.ring.Root)
		r.stale = false
	case CodeSame:
		if r.view == nil || r.view.Version != f.Version || r.stale {
			r.retryAt, r.stale, r.refused = m.now, true, true // it was dropped here meanwhile
			return
		}
		r.mode = scribe.Mode(f.Mode)
		m.install(from, f.Version, r.view.Entries, m.lease(f), from == m.ring.Root)
	case CodeNotRoot:
		m.astray(from)
		r.retryAt, r.refused = m.now.Add(m.again(&r.backoff)), true
		return
	default:
		for _, w := range r.waiters {
			m.answer(w, f.Code)
		}
		r.waiters = nil
		r.retryAt, r.refused = m.now.Add(fullRetry), true
		return
	}
	r.sent, r.backoff = 0, 0
	m.askerDone()
}

// lease returns the end of a lease that was asked for at sentAt.
func (m *Machine) lease(f *wire.GroupView) time.Time {
	return m.asker.sentAt.Add(min(time.Duration(f.LeaseMs)*time.Millisecond, m.cfg.Lease))
}

func (m *Machine) install(root id.ID, v wire.Version, entries []wire.Entry, until time.Time, settled bool) {
	m.asker.view = &View{Root: root, Version: v, Entries: entries, Until: until, Mode: m.asker.mode, Settled: settled}
}

func (m *Machine) askerDone() {
	r := &m.asker
	if !r.view.Live(m.now) {
		return
	}
	for _, w := range r.waiters {
		m.answer(w, CodeOK)
	}
	r.waiters = nil
}

// onPush takes a change from the root that gave the lease. It is acknowledged
// even if there is no view any more: then nobody here chooses from it either.
func (m *Machine) onPush(from id.ID, f *wire.GroupView) {
	m.send(from, &wire.GroupAck{Seq: f.PushSeq, Version: f.Version})
	r := &m.asker
	v := r.view
	if v == nil || v.Root != from || v.Version.Epoch != f.Version.Epoch || f.Version.Counter <= v.Version.Counter {
		return
	}
	if f.Code == CodeMoved { // ask whoever is root now before anybody chooses again
		m.install(from, f.Version, v.Entries, m.now, false)
		r.stale = true
		m.astray(from)
		if m.ring.Root != from || r.sent == 0 {
			r.backoff = 0
			m.lookup()
		}
		return
	}
	r.mode = scribe.Mode(f.Mode)
	m.install(from, f.Version, sorted(f.Entries), v.Until, from == m.ring.Root)
	r.stale = false
	m.askerDone()
}

// askerDown takes a dead node out of the view without waiting for the root.
func (m *Machine) askerDown(n id.ID) {
	v := m.asker.view
	if v == nil {
		return
	}
	i, ok := find(v.Entries, n)
	if !ok {
		return
	}
	list := make([]wire.Entry, 0, len(v.Entries)-1)
	list = append(append(list, v.Entries[:i]...), v.Entries[i+1:]...)
	// An empty list that we made ourselves is not the root's word.
	m.install(v.Root, v.Version, list, v.Until, v.Settled && len(list) > 0)
	m.asker.stale = true
	if len(list) == 0 {
		m.askerGrew()
	}
}

// askerRoot asks the new root at once; until it answers the members known are
// still used, but their absence proves nothing.
func (m *Machine) askerRoot() {
	r := &m.asker
	if !r.active {
		return
	}
	if v := r.view; v != nil {
		m.install(v.Root, v.Version, v.Entries, v.Until, v.Root == m.ring.Root)
	}
	r.backoff = 0
	m.lookup()
}

// askerGrew asks for the whole list if something was left out of it.
func (m *Machine) askerGrew() {
	if r := &m.asker; r.active && r.stale && r.sent == 0 {
		r.backoff = 0
		m.lookup()
	}
}

func (m *Machine) pollAsker() {
	r := &m.asker
	if !r.active {
		return
	}
	if m.now.Sub(r.lastUsed) >= m.cfg.Idle {
		for _, w := range r.waiters { // no root answered for so long
			m.answer(w, CodeNotRoot)
		}
		*r = asker{}
		return
	}
	if r.sent != 0 {
		if !m.now.Before(r.retryAt) {
			m.lookup()
		}
	} else if !m.now.Before(m.renewAt()) {
		m.lookup()
	}
}

func (m *Machine) renewAt() time.Time {
	if m.asker.view == nil {
		return m.now
	}
	return m.asker.view.Until.Add(-m.cfg.Lease / 2)
}

func (m *Machine) wakeAsker(at func(time.Time)) {
	r := &m.asker
	if !r.active {
		return
	}
	if r.sent != 0 {
		at(r.retryAt)
	} else {
		at(m.renewAt())
	}
}

// sorted returns entries by node, each node once (the larger epoch wins). The
// sender sorts; a peer that does not harms nobody.
func sorted(entries []wire.Entry) []wire.Entry {
	less := func(a, b wire.Entry) int { return a.Node.Compare(b.Node) }
	strict := true
	for i := 1; i < len(entries); i++ {
		strict = strict && less(entries[i-1], entries[i]) < 0
	}
	if strict {
		return entries
	}
	c := slices.Clone(entries)
	slices.SortFunc(c, func(a, b wire.Entry) int {
		if d := less(a, b); d != 0 {
			return d
		}
		if a.Epoch > b.Epoch {
			return -1
		}
		return 1
	})
	return slices.CompactFunc(c, func(a, b wire.Entry) bool { return a.Node == b.Node })
}

// find returns where n is in a list sorted by node.
func find(list []wire.Entry, n id.ID) (int, bool) {
	return slices.BinarySearchFunc(list, n, func(e wire.Entry, n id.ID) int { return e.Node.Compare(n) })
}
