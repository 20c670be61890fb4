package tree

import (
	"slices"
	"time"

	"iris/internal/id"
	"iris/topics/scribe"
	"iris/transport/wire"
)

// replica is the role of a node next to the root: it keeps what it would need
// as root. A former root keeps its own list the same way.
type replica struct {
	from    id.ID // who gave it
	version wire.Version
	entries []wire.Entry // by node; shared, never changed
	mode    uint8        // as askers were told
	until   time.Time    // zero: nothing held
}

// empty reports whether a copy says nothing that a new root would not assume.
func (c *replica) empty() bool { return len(c.entries) == 0 && c.mode == wire.ModeList }

// onReplica takes the list from whoever is root, as far as it is not older
// than what we hold.
func (m *Machine) onReplica(from id.ID, f *wire.GroupReplica) {
	c := &m.copy
	if m.root.reign || f.Version.Root != from {
		return
	}
	if !c.until.IsZero() && c.from == from && (f.Version.Epoch < c.version.Epoch ||
		f.Version.Epoch == c.version.Epoch && f.Version.Counter < c.version.Counter) {
		return
	}
	if !c.until.IsZero() && c.from != from && from != m.ring.Root && f.Version.Epoch < c.version.Epoch {
		return
	}
	if len(f.Entries) == 0 && f.Mode == wire.ModeList { // nothing to keep
		if c.from == from {
			*c = replica{}
		}
		return
	}
	*c = replica{from: from, version: f.Version, entries: sorted(f.Entries), mode: f.Mode, until: m.now.Add(2 * m.cfg.Lease)}
}

// drop forgets a dead node.
func (c *replica) drop(n id.ID) {
	if i, ok := find(c.entries, n); ok {
		c.entries = slices.Delete(slices.Clone(c.entries), i, i+1)
	}
}

func (m *Machine) pollReplica() {
	if c := &m.copy; !c.until.IsZero() && (!m.now.Before(c.until) || c.empty()) {
		*c = replica{}
	}
}

// copyHolders returns the nodes next to the root: in the structured form all of
// the nearest, for there a new root cannot ask everybody.
func (m *Machine) copyHolders() []id.ID {
	var to []id.ID
	for _, n := range m.ring.Nearest {
		if n != m.cfg.Self && (m.ring.Structured || len(to) < m.cfg.Copies) {
			to = append(to, n)
		}
	}
	return to
}

// precious reports whether this root knows what the next one must know.
func (m *Machine) precious() bool {
	return m.root.reign && (len(m.root.entries) > 0 || m.shown() == scribe.Trees)
}

// replicate gives the list to the nodes that would follow us.
func (m *Machine) replicate() {
	r := &m.root
	if !r.reign {
		return
	}
	r.copies = m.copyHolders()
	for _, n := range r.copies {
		m.send(n, &wire.GroupReplica{Group: m.cfg.Group, Version: r.version, Entries: r.list, Mode: uint8(m.shown())})
	}
	r.replicate = m.now.Add(m.cfg.Lease / 2)
}
