package scribe

import (
	"fmt"
	"slices"
)

// Valid reports the first broken invariant of m, numbered as in its comment. It is
// for tests and simulators, between steps.
func (m *Machine) Valid() error {
	if len(m.children) > m.cfg.Cap {
		return fmt.Errorf("(1) %d children", len(m.children))
	}
	for i, c := range m.children {
		if c.node == m.cfg.Self || c.node.IsZero() || m.child(c.node) != i {
			return fmt.Errorf("(1) child %v", c.node.Short())
		}
	}
	if m.child(m.parent) >= 0 {
		return fmt.Errorf("(2) %v is parent and child", m.parent.Short())
	}
	if m.parent.IsZero() != (len(m.path) == 0) || len(m.path) > 0 && m.path[0] != m.parent {
		return fmt.Errorf("(2) parent %v, path %v", m.parent.Short(), m.path)
	}
	if slices.Contains(m.path, m.cfg.Self) {
		return fmt.Errorf("(3) on its own path")
	}
	switch a := &m.attempt; {
	case m.route.Root && (!m.parent.IsZero() || a.active):
		return fmt.Errorf("(4) the root has parent %v, attempt %v", m.parent.Short(), a.active)
	case !m.route.Root && m.inTree() && m.parent.IsZero() && !a.active:
		return fmt.Errorf("(4) no parent and no attempt")
	case !m.route.Root && !m.inTree() && !m.parent.IsZero():
		return fmt.Errorf("(5) parent without need")
	case a.active && a.until.IsZero():
		return fmt.Errorf("(6) an attempt that waits for nothing")
	}
	return nil
}
