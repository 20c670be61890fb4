package tree

import (
	"slices"
	"time"

	"iris/internal/id"
	"iris/transport/wire"
)

// pull is a new root asking those who may know more.
type pull struct {
	seq     uint64
	waiting map[id.ID]bool
	until   time.Time
	answers []pulled
}

type pulled struct {
	from    id.ID
	version wire.Version
	entries []wire.Entry
	mode    uint8
}

// confirm starts a pull unless the reign is confirmed or one runs. Alone it is
// confirmed at once.
func (m *Machine) confirm() {
	r := &m.root
	if r.confirmed || r.pull != nil {
		return
	}
	p := &pull{waiting: map[id.ID]bool{}, until: m.now.Add(m.cfg.PullWait)}
	for _, n := range m.ring.Nearest {
		if n != m.cfg.Self && len(p.waiting) < m.cfg.Pulls {
			p.waiting[n] = true
		}
	}
	for _, n := range r.fresh {
		p.waiting[n] = true
	}
	if len(p.waiting) == 0 {
		m.confirmedNow()
		return
	}
	p.seq = m.nextSeq()
	r.pull = p
	for _, n := range keys(p.waiting) {
		m.send(n, &wire.GroupPull{Seq: p.seq, Group: m.cfg.Group})
	}
}

func (m *Machine) confirmedNow() {
	r := &m.root
	r.confirmed, r.fresh, r.pull = true, nil, nil
	for _, l := range r.lookups {
		m.grant(l)
	}
	r.lookups = nil
}

// onPulled takes an answer.
func (m *Machine) onPulled(from id.ID, f *wire.GroupReplica) {
	p := m.root.pull
	if p == nil || f.Seq != p.seq || !p.waiting[from] {
		return
	}
	p.answers = append(p.answers, pulled{from, f.Version, f.Entries, f.Mode})
	m.pullAnswered(from)
}

// pullAnswered stops waiting for n; also when it died.
func (m *Machine) pullAnswered(n id.ID) {
	if p := m.root.pull; p != nil {
		delete(p.waiting, n)
		if len(p.waiting) == 0 {
			m.merge()
		}
	}
}

func (m *Machine) pollPull() {
	if p := m.root.pull; p != nil && !m.now.Before(p.until) {
		m.merge()
	}
}

// merge ends the pull: roots count for their own reign, of the copies only the
// newest reign whose root did not answer itself, and each node for its own
// membership. Everything merged must be refreshed by its member within a lease.
func (m *Machine) merge() {
	r := &m.root
	answers := r.pull.answers
	var newest wire.Version
	for _, a := range answers {
		if a.version.Root != a.from && a.version.Epoch > newest.Epoch {
			newest = a.version
		}
	}
	own := newest.Root == m.cfg.Self && newest.Epoch == r.version.Epoch
	for _, a := range answers { // roots first would make no difference: epochs decide
		if a.version.Root == a.from && a.from == newest.Root {
			own = true // the root of that reign is here itself
		}
	}
	changed := false
	for _, a := range answers {
		all := a.version.Root == a.from || !own && a.version.Root == newest.Root && a.version.Epoch == newest.Epoch
		if all {
			changed = m.crossed(a.mode) || changed
		}
		for _, e := range a.entries {
			if all || e.Node == a.from {
				changed = m.adopt(e) || changed
			}
		}
	}
	if changed {
		m.changed()
	}
	m.confirmedNow()
}

// adopt takes an entry at second hand, unless more is known at first hand.
func (m *Machine) adopt(e wire.Entry) bool {
	r := &m.root
	if old := r.entries[e.Node]; old != nil && old.Epoch >= e.Epoch {
		return false
	}
	if g, ok := r.gone[e.Node]; ok && g.epoch >= e.Epoch {
		return false
	}
	if e.Node == m.cfg.Self || e.Members == 0 { // we know better
		return false
	}
	if m.ring.Alive != nil && !m.ring.Alive(e.Node) { // it will say so itself once it is linked
		return false
	}
	if len(r.entries) >= wire.MaxEntries || r.bytes+listBytes(&e) > maxListBytes {
		return false
	}
	r.entries[e.Node] = &held{e, m.now.Add(m.cfg.Lease), true}
	r.bytes += listBytes(&e)
	return true
}

// onPull answers a node that believes to be root. If it is nearer to the key
// than we are, our reign ends here, even if our ring does not show it yet, and
// it hears so only when our askers have given their leases back.
func (m *Machine) onPull(from id.ID, f *wire.GroupPull) {
	r := &m.root
	if r.reign && id.Closer(m.key, from, m.cfg.Self) {
		m.abdicate()
		r.superseded = m.now.Add(m.cfg.PushWait)
	}
	if !r.reign && !m.told(r.version.Counter) && len(r.acks) < m.cfg.MaxWaiters {
		r.acks = append(r.acks, pendingAck{
			to: from, seq: f.Seq, counter: r.version.Counter, until: m.now.Add(m.cfg.PullWait * 4 / 5), pulled: true,
		})
		return
	}
	m.answerPull(from, f.Seq)
}

// answerPull says what this node knows: as root, else as a copy, and of itself.
func (m *Machine) answerPull(to id.ID, seq uint64) {
	f := &wire.GroupReplica{Seq: seq, Group: m.cfg.Group, Version: m.copy.version, Entries: m.copy.entries, Mode: m.copy.mode}
	if m.root.reign {
		f.Version, f.Entries, f.Mode = m.root.version, m.root.list, uint8(m.shown())
	}
	if w := m.member.want; w.Members > 0 {
		if i, ok := find(f.Entries, w.Node); !ok {
			f.Entries = slices.Insert(slices.Clone(f.Entries), i, w)
		} else if f.Entries[i] != w {
			f.Entries = slices.Clone(f.Entries)
			f.Entries[i] = w
		}
		if len(f.Entries) > wire.MaxEntries {
			f.Entries = f.Entries[:wire.MaxEntries]
		}
	}
	m.send(to, f)
}
