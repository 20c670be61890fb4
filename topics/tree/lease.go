package tree

import (
	"slices"
	"time"

	"iris/internal/id"
	"iris/transport/wire"
)

// pushGap is the least time between two pushes: with n nodes joining at once
// and n askers every change would otherwise cost n lists of n entries.
const pushGap = 5 * time.Millisecond

// grant gives a lease on the list.
func (m *Machine) grant(l lookup) {
	r := &m.root
	if r.dirty {
		m.flush()
	}
	a := r.askers[l.from]
	if a == nil {
		if len(r.askers) >= m.cfg.MaxAskers {
			m.send(l.from, &wire.GroupView{Seq: l.seq, Group: m.cfg.Group, Version: r.version, Code: CodeFull})
			return
		}
		a = &leased{acked: r.version.Counter}
		r.askers[l.from] = a
	}
	a.until = m.now.Add(m.cfg.Lease)
	f := &wire.GroupView{
		Seq: l.seq, Group: m.cfg.Group, Version: r.version, LeaseMs: uint32(m.cfg.Lease.Milliseconds()), Entries: r.list,
		Mode: uint8(m.shown()),
	}
	if l.have == r.version {
		f.Code, f.Entries = CodeSame, nil
	}
	m.send(l.from, f)
}

// changed makes a new version of the list; flush gives it out.
func (m *Machine) changed() {
	m.rebuild()
	m.root.dirty = true
}

func (m *Machine) flush() {
	r := &m.root
	r.dirty, r.next = false, m.now.Add(pushGap)
	m.push(CodeOK)
	m.replicate()
}

func (m *Machine) rebuild() {
	r := &m.root
	r.list = make([]wire.Entry, 0, len(r.entries))
	r.bytes = 0
	for _, e := range r.entries {
		r.list = append(r.list, e.Entry)
		r.bytes += listBytes(&e.Entry)
	}
	slices.SortFunc(r.list, func(a, b wire.Entry) int { return a.Node.Compare(b.Node) })
}

// push tells every asker with a live lease.
func (m *Machine) push(c Code) {
	r := &m.root
	r.version.Counter++
	f := &wire.GroupView{
		PushSeq: uint64(m.cfg.Index)<<indexShift | pushBit | r.version.Counter&countMask,
		Group:   m.cfg.Group, Version: r.version, Code: c, Entries: r.list, Mode: uint8(m.shown()),
	}
	for _, n := range keys(r.askers) {
		if a := r.askers[n]; m.now.Before(a.until) {
			m.send(n, f)
		}
	}
}

// rootPushed counts the ack of a push. The version it echoes says of which
// reign; the counter is in it whole.
func (m *Machine) rootPushed(from id.ID, f *wire.GroupAck) {
	r := &m.root
	a := r.askers[from]
	if a == nil || f.Version.Root != m.cfg.Self || f.Version.Epoch != r.version.Epoch || f.Version.Counter > r.version.Counter {
		return
	}
	a.acked = max(a.acked, f.Version.Counter)
}

// told reports whether every asker whose lease lives has acknowledged counter.
func (m *Machine) told(counter uint64) bool {
	r := &m.root
	if counter <= r.known {
		return true
	}
	for _, a := range r.askers {
		if a.acked < counter && m.now.Before(a.until) {
			return false
		}
	}
	r.known = counter
	return true
}

// settle sends the acks that waited long enough.
func (m *Machine) settle() {
	r := &m.root
	if len(r.acks) == 0 {
		return
	}
	kept := r.acks[:0]
	for _, a := range r.acks {
		late := !m.now.Before(a.until)
		unsent := a.counter > r.version.Counter
		if !late && (unsent || a.sure && !r.confirmed || !m.told(a.counter)) {
			kept = append(kept, a)
			continue
		}
		if a.pulled {
			m.answerPull(a.to, a.seq)
		} else {
			m.ack(a.to, a.seq, CodeOK)
		}
	}
	r.acks = kept
}
