package scribe

import (
	"cmp"
	"slices"
	"time"

	"iris/internal/id"
)

// child returns where n is among the children, -1 if it is none.
func (m *Machine) child(n id.ID) int {
	return slices.IndexFunc(m.children, func(c child) bool { return c.node == n })
}

func (m *Machine) removeChild(n id.ID) {
	if i := m.child(n); i >= 0 {
		m.children = slices.Delete(m.children, i, i+1)
		m.childrenChanged()
	}
}

func (m *Machine) childrenChanged() {
	m.changed = true
	if m.route.Root && m.publish.IsZero() {
		m.publish = m.now.Add(copyDelay)
	}
}

// onJoin answers a node that wants to be, or stay, a child.
func (m *Machine) onJoin(from id.ID, f *Join) {
	i := m.child(from)
	if c := m.judge(from, f.Kind, i >= 0); c != Accepted {
		if i >= 0 {
			m.removeChild(from)
		}
		a := &Ack{Seq: f.Seq, Code: c, Next: m.route.Next}
		if c == Redirect {
			a.Path, a.Others = m.pathHere(), m.others(from)
		}
		m.send(from, a)
		return
	}
	m.learn(f.Sample)
	if i < 0 {
		i = len(m.children)
		m.children = append(m.children, child{node: from})
		m.childrenChanged()
	}
	c := &m.children[i]
	c.size, c.heard = f.Size, m.now
	m.send(from, m.ack(from, f.Seq))
}

// judge decides on a join.
func (m *Machine) judge(from id.ID, k Kind, already bool) Code {
	if slices.Contains(m.path, from) {
		return Loop
	}
	// Two nodes that ask each other: the one nearer to the key is the parent.
	if m.attempt.to == from && id.Closer(m.cfg.Key, from, m.cfg.Self) {
		return Loop
	}
	switch {
	case already:
		return Accepted
	case k == Refresh && !(m.rooted || m.route.Root):
		return Dropped
	case k == Backup && !(m.rooted || m.route.Root):
		return Unrooted
	case k == Push && !m.inTree() && !m.route.Root:
		return Unrooted
	case len(m.children) >= m.cfg.Cap && k == Refresh:
		return Dropped
	case len(m.children) >= m.cfg.Cap:
		return Redirect
	}
	return Accepted
}

// others names the children to a joiner that finds no room here.
func (m *Machine) others(from id.ID) []Other {
	o := make([]Other, 0, len(m.children))
	for i := range m.children {
		if c := &m.children[i]; c.node != from {
			o = append(o, Other{c.node, m.cfg.RTT(c.node), c.size})
		}
	}
	return o
}

// ack is what child n has to know.
func (m *Machine) ack(n id.ID, seq uint64) *Ack {
	return &Ack{
		Seq: seq, Rooted: m.rooted || m.route.Root, Path: m.pathHere(), Backups: m.backupsFor(n), Sample: m.tell(), Mode: m.mode,
	}
}

// pathHere is the path from this node to the root.
func (m *Machine) pathHere() []id.ID {
	p := make([]id.ID, 0, len(m.path)+1)
	return append(append(p, m.cfg.Self), m.path...)
}

// backupsFor names the parents that n may turn to when this node dies: who is
// above this node, or would be in its place, then n's nearest siblings.
func (m *Machine) backupsFor(n id.ID) []id.ID {
	var b []id.ID
	if m.route.Root {
		for _, l := range m.route.Leaves {
			if l != n && len(b) < 2 {
				b = append(b, l)
			}
		}
	} else if !m.parent.IsZero() {
		b = append(b, m.parent)
	}
	type near struct {
		node id.ID
		rtt  time.Duration
	}
	siblings := make([]near, 0, len(m.children))
	for i := range m.children {
		if c := m.children[i].node; c != n && !slices.Contains(b, c) {
			siblings = append(siblings, near{c, m.cfg.RTT(c)})
		}
	}
	slices.SortStableFunc(siblings, func(x, y near) int { return cmp.Compare(x.rtt, y.rtt) })
	for _, s := range siblings {
		if len(b) == maxBackups {
			break
		}
		b = append(b, s.node)
	}
	return b
}

// announce tells every child where it is now.
func (m *Machine) announce() {
	for i := range m.children {
		m.send(m.children[i].node, m.ack(m.children[i].node, 0))
	}
}

// pollChildren lets silent children go.
func (m *Machine) pollChildren() {
	for i := 0; i < len(m.children); {
		c := m.children[i]
		if m.now.Sub(c.heard) < m.cfg.Expire {
			i++
			continue
		}
		m.removeChild(c.node)
		m.send(c.node, &Ack{Code: Dropped})
	}
}

// poll does what is due, at the end of each step.
func (m *Machine) poll() {
	m.pollChildren()
	m.pollParent()
	m.pollRoot()
	m.seek()
}

// wake returns the earliest time something is due.
func (m *Machine) wake() time.Time {
	var w time.Time
	at := func(t time.Time) {
		if !t.IsZero() && (w.IsZero() || t.Before(w)) {
			w = t
		}
	}
	for i := range m.children {
		at(m.children[i].heard.Add(m.cfg.Expire))
	}
	if !m.parent.IsZero() {
		at(m.refresh)
		at(m.heard.Add(m.cfg.Expire))
	}
	if m.attempt.active {
		at(m.attempt.until)
	}
	at(m.publish)
	at(m.copy.until)
	return w
}
