package scribe

import (
	"slices"
	"time"

	"iris/internal/id"
)

// copied is a root's state as a node next to the key keeps it.
type copied struct {
	root     id.ID
	children []id.ID
	until    time.Time // zero: none
}

// copyDelay collects changes of the root's children into one copy.
const copyDelay = 100 * time.Millisecond

// ascend makes this node the root.
func (m *Machine) ascend() {
	if !m.parent.IsZero() {
		m.send(m.parent, &Leave{})
		m.clearParent()
	}
	m.attempt, m.rooted = attempt{}, true
	if c := m.copy; !c.until.IsZero() {
		for _, n := range c.children {
			if n != m.cfg.Self && m.child(n) < 0 {
				m.send(n, &Invite{Old: c.root})
			}
		}
		m.copy = copied{}
	}
	m.announce()
	m.spread()
}

// descend makes this node an ordinary one; it keeps its children and joins.
func (m *Machine) descend() {
	for _, n := range m.copies {
		if n != m.route.Next { // the new root may need it yet
			m.send(n, &Replica{})
		}
	}
	m.copies, m.publish = nil, time.Time{}
	m.rooted = false
	m.backups = nil
}

// spread copies the root's children to the leaves next to the key.
func (m *Machine) spread() {
	m.publish = time.Time{}
	for _, n := range m.copies {
		if !slices.Contains(m.route.Leaves, n) {
			m.send(n, &Replica{})
		}
	}
	if !m.inTree() {
		for _, n := range m.copies {
			m.send(n, &Replica{})
		}
		m.copies = nil
		return
	}
	f := &Replica{Children: make([]id.ID, 0, len(m.children))}
	for i := range m.children {
		f.Children = append(f.Children, m.children[i].node)
	}
	m.copies = m.route.Leaves
	for _, n := range m.copies {
		m.send(n, f)
	}
	m.publish = m.now.Add(m.cfg.Refresh)
}

func (m *Machine) pollRoot() {
	switch {
	case !m.route.Root:
	case m.publish.IsZero() && m.inTree() && len(m.copies) == 0 && len(m.route.Leaves) > 0:
		m.publish = m.now.Add(copyDelay)
	case !m.publish.IsZero() && !m.now.Before(m.publish):
		m.spread()
	}
	if !m.copy.until.IsZero() && !m.now.Before(m.copy.until) {
		m.copy = copied{}
	}
}

// onReplica keeps the copy of a root's state.
func (m *Machine) onReplica(from id.ID, f *Replica) {
	if m.route.Root {
		return
	}
	if len(f.Children) == 0 && !m.copy.until.IsZero() && m.copy.root != from {
		return
	}
	m.copy = copied{}
	if len(f.Children) > 0 {
		m.copy = copied{from, slices.Clone(f.Children[:min(len(f.Children), m.cfg.Cap)]), m.now.Add(m.cfg.Expire)}
	}
}
