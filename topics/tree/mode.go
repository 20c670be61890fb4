package tree

import (
	"time"

	"iris/topics/scribe"
	"iris/transport/wire"
)

// Topics with more member nodes than a list serves well are kept by trees
// (package scribe), and become a list again when they shrink. This file is the
// list's side of that.
//
// The root says how the group is kept: to members in the ack of a join, to askers
// in the view. A member that is told "trees" joins the trees, and leaves the
// list when it is in all of them. When the trees announce "list" it joins the list, and
// leaves the trees a while after the root has acknowledged that with mode "list". An asker
// that is told "trees" sends to the trees and to whom the list still names; it is
// told so as long as anybody is in the trees. So at any time each member is where
// every asker sends.

const (
	// linger is how long a member stays in the trees once it is on the list again:
	// what was sent before the sender knew is still on its way.
	linger = 2 * time.Second
	// recount is how long after a change the count of members in the trees is not
	// believed: sizes travel up with the refreshes of children.
	recount = 30 * time.Second
	// lasting is how long the trees must be small before they become a list: who loses
	// its parent is not counted for a moment.
	lasting = 10 * time.Second
)

// census is what the root counts by.
type census struct {
	mode  scribe.Mode // how the group is to be kept
	since time.Time   // no change back before; zero: as this reign began
	small time.Time   // since when the trees are small; zero: they are not
}

// moded reports whether this group has trees at all: clusters need the list.
func (m *Machine) moded() bool { return m.cfg.Group.Kind == wire.GroupTopic }

// shown is the mode that askers are told.
func (m *Machine) shown() scribe.Mode {
	if m.root.census.mode == scribe.Trees || m.trees.Root && m.trees.Members > 0 {
		return scribe.Trees
	}
	return scribe.List
}

// crossed takes mode "trees" from a root before this one.
func (m *Machine) crossed(mode uint8) bool {
	c := &m.root.census
	if !m.moded() || scribe.Mode(mode) != scribe.Trees || c.mode == scribe.Trees {
		return false
	}
	*c = census{mode: scribe.Trees, since: m.now.Add(recount)}
	return true
}

// headless makes a root that finds members in the trees which it did not send there go
// on with trees: there was a root before it.
func (m *Machine) headless() bool {
	return m.root.census.since.IsZero() && m.trees.Root && m.trees.Members > 0 && m.crossed(wire.ModeTrees)
}

// pollMode decides as root how the group is kept from now on. A member may be counted
// twice, on the list and in the trees, while it goes over; never less than once.
func (m *Machine) pollMode() {
	r := &m.root
	if !r.reign || !m.moded() {
		return
	}
	c, n := &r.census, len(r.entries)
	if c.mode == scribe.Trees {
		if !m.trees.Root || m.now.Before(c.since) {
			return
		}
		n += int(m.trees.Members)
	}
	next := scribe.NextMode(c.mode, n)
	switch {
	case next == c.mode:
		c.small = time.Time{}
	case next == scribe.List && c.small.IsZero():
		c.small = m.now
	case next == scribe.Trees || !m.now.Before(c.small.Add(lasting)):
		*c = census{mode: next, since: m.now.Add(recount)}
		m.changed()
	}
}

func (m *Machine) wakeMode(at func(time.Time)) {
	if c := &m.root.census; m.root.reign && c.mode == scribe.Trees {
		if m.now.Before(c.since) {
			at(c.since)
		} else if !c.small.IsZero() {
			at(c.small.Add(lasting))
		}
	}
	at(m.member.linger)
}

// onTrees takes the state of the trees here.
func (m *Machine) onTrees(e Trees) {
	before := m.shown()
	m.trees = e
	m.member.trees = m.member.trees || e.Member
	if r := &m.root; r.reign && (m.headless() || m.shown() != before) {
		m.changed()
	}
}

// pollCrossing goes over as a member.
func (m *Machine) pollCrossing() {
	r := &m.member
	if !r.linger.IsZero() && !m.now.Before(r.linger) {
		r.trees, r.linger = false, time.Time{}
	}
	if !r.trees || r.local.Members == 0 {
		return
	}
	switch known := r.change != 0 && r.acked >= r.change; {
	case !r.away && known && r.told == scribe.Trees && m.trees.Rooted && m.trees.Mode == scribe.Trees:
		r.away = true
		m.register(Join{})
	case r.away && m.trees.Mode == scribe.List:
		r.away = false
		m.register(r.local)
	}
}

// tell takes the mode from an ack of the root.
func (m *Machine) tell(mode uint8) {
	r := &m.member
	if !m.moded() || r.want.Members == 0 {
		return
	}
	switch r.told = scribe.Mode(mode); {
	case r.told == scribe.Trees:
		r.trees, r.linger = true, time.Time{}
	case r.trees && r.linger.IsZero():
		r.linger = m.now.Add(linger)
	}
}
