package tree

import (
	"slices"
	"time"

	"iris/internal/id"
)

// locator finds the root of the group where the node's picture of the ring does
// not show it: the structured form, for keys that are far away. It asks ([Out].Locate)
// when it knows nobody, when the node taken for root denies it or is lost, and
// every relocate while this node is a member or an asker.
type locator struct {
	shown  bool      // the ring shows the root: nothing to find
	root   id.ID     // shown or located last; zero: unknown
	at     time.Time // when
	doubt  bool      // it denied, or gave up its reign
	asking time.Time // since when an answer is awaited, zero: none
	next   time.Time // not asked again before
	pause  time.Duration
	lost   id.ID // the root lost last
	lostAt time.Time
}

const (
	relocate   = 30 * time.Second
	locateWait = 6 * time.Second       // the router gives up after 5 s
	locateGap  = 50 * time.Millisecond // between questions, doubled up to locateMax while nothing new is heard
	locateMax  = time.Second           //
	lostTrust  = 2 * time.Second       // so long the overlay may name a root that was just lost
)

// look takes what the ring shows and returns whom to take for root.
func (m *Machine) look(r Ring) id.ID {
	l := &m.locator
	if l.shown = !r.Root.IsZero(); l.shown {
		*l = locator{shown: true, root: r.Root, at: m.now}
		return r.Root
	}
	if l.root == m.cfg.Self { // only the ring can tell that we are it
		l.root = id.ID{}
	}
	if slices.Contains(r.Down, l.root) {
		l.lost, l.lostAt = l.root, m.now
		l.root = id.ID{}
	}
	return l.root
}

// seeks reports whether this node needs to know the root.
func (m *Machine) seeks() bool { return m.member.active() || m.asker.active }

// astray notes that n, taken for root, says that it is none.
func (m *Machine) astray(n id.ID) {
	if l := &m.locator; !l.shown && l.root == n {
		l.doubt = true
	}
}

// onLocated takes the answer of the overlay.
func (m *Machine) onLocated(n id.ID) {
	l := &m.locator
	if l.shown || l.asking.IsZero() {
		return
	}
	l.asking = time.Time{}
	stale := n == l.lost && m.now.Sub(l.lostAt) < lostTrust
	if n.IsZero() || n == m.cfg.Self || stale || n == l.root {
		l.pause = min(max(2*l.pause, locateGap), locateMax)
	} else {
		l.pause = locateGap
	}
	l.next = m.now.Add(l.pause)
	if n.IsZero() || n == m.cfg.Self || stale {
		return
	}
	l.at, l.doubt = m.now, false
	if n == l.root {
		return
	}
	l.root = n
	m.onRing(Ring{Nearest: m.ring.Nearest, Alive: m.ring.Alive, Structured: m.ring.Structured})
}

// locates returns when the next question is due; false: none is, or one is on its way.
func (m *Machine) locates() (time.Time, bool) {
	l := &m.locator
	if l.shown || !l.asking.IsZero() || !m.seeks() {
		return time.Time{}, false
	}
	if again := l.at.Add(relocate); !l.root.IsZero() && !l.doubt && again.After(l.next) {
		return again, true
	}
	return l.next, true
}

func (m *Machine) pollLocator() {
	l := &m.locator
	if !l.asking.IsZero() && !m.now.Before(l.asking.Add(locateWait)) {
		l.asking = time.Time{} // the answer was lost
	}
	if at, ok := m.locates(); ok && !m.now.Before(at) {
		l.asking = m.now
		m.out.Locate = true
	}
}

func (m *Machine) wakeLocator(at func(time.Time)) {
	l := &m.locator
	if due, ok := m.locates(); ok {
		at(due)
	} else if !l.asking.IsZero() {
		at(l.asking.Add(locateWait))
	}
}
