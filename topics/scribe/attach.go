package scribe

import (
	"slices"
	"time"

	"iris/internal/id"
)

// attempt is the search for a parent: one node is asked at a time.
type attempt struct {
	active  bool
	seq     uint64
	to      id.ID // asked now; zero: none
	kind    Kind
	base    time.Duration // of the target asked
	since   time.Time     // when it was asked
	until   time.Time     // answer due; while nobody is asked: time of the next round
	queue   []target      // to be asked next, before the overlay
	tried   []id.ID       // in this round
	backoff time.Duration
}

// Waits between rounds in which nobody accepted.
const (
	roundWait = 100 * time.Millisecond // doubled up to roundMax
	roundMax  = 5 * time.Second
	sizeEvery = time.Second // least time between two reports of a changed size
)

// orphan begins the search after the parent was lost: backups, then overlay.
func (m *Machine) orphan() {
	m.clearParent()
	m.attempt = attempt{active: true}
	for _, b := range m.backups {
		m.attempt.queue = append(m.attempt.queue, target{node: b, kind: Backup})
	}
	m.changed = true
}

func (m *Machine) clearParent() {
	m.parent, m.path, m.rooted, m.refresh = id.ID{}, nil, false, time.Time{}
}

// seek lets the attempt go on; it is called at the end of each step.
func (m *Machine) seek() {
	if m.route.Root || !m.inTree() || !m.parent.IsZero() {
		m.attempt = attempt{}
		return
	}
	a := &m.attempt
	if !a.active {
		*a = attempt{active: true}
	}
	if !a.to.IsZero() {
		if m.now.Before(a.until) {
			return
		}
		m.failed(a.to)
	}
	if !a.until.IsZero() && len(a.queue) == 0 {
		if m.now.Before(a.until) {
			return
		}
		a.tried, a.until = a.tried[:0], time.Time{}
	}
	for len(a.queue) > 0 {
		t := a.queue[0]
		a.queue = a.queue[1:]
		if m.ask(t) {
			return
		}
	}
	if m.ask(target{node: m.route.Next, kind: Overlay}) {
		return
	}
	a.backoff = min(max(2*a.backoff, roundWait), roundMax)
	a.until = m.now.Add(a.backoff)
}

// failed notes that n did not become the parent in this round.
func (m *Machine) failed(n id.ID) {
	if m.attempt.to == n {
		m.attempt.to, m.attempt.until = id.ID{}, time.Time{}
	}
	if len(m.attempt.tried) < maxTried {
		m.attempt.tried = append(m.attempt.tried, n)
	}
}

// ask sends a join unless that is senseless.
func (m *Machine) ask(t target) bool {
	a := &m.attempt
	if t.node.IsZero() || t.node == m.cfg.Self || slices.Contains(a.tried, t.node) || m.child(t.node) >= 0 && t.kind != Overlay {
		return false
	}
	a.seq, a.to, a.kind, a.base, a.since = m.nextSeq(), t.node, t.kind, t.base, m.now
	a.until = m.now.Add(max(m.cfg.JoinWait, 4*m.cfg.RTT(t.node)))
	m.send(t.node, m.join(a.seq, t.kind))
	m.out.Attaches = append(m.out.Attaches, t.node)
	return true
}

func (m *Machine) join(seq uint64, k Kind) *Join {
	m.told = m.size()
	return &Join{Seq: seq, Kind: k, Size: m.told, Sample: m.tell()}
}

// onAck takes the answer to a join, or the parent's news.
func (m *Machine) onAck(from id.ID, f *Ack) {
	if from == m.parent {
		m.fromParent(f)
		return
	}
	a := &m.attempt
	asked := a.active && a.to == from
	if !asked && f.Code == Accepted { // too late: another was asked meanwhile
		m.send(from, &Leave{})
	}
	if !asked || f.Seq != a.seq && f.Code != Accepted { // accepted is accepted, whichever join it answers
		return
	}
	m.learn(f.Sample)
	switch f.Code {
	case Accepted:
		if !m.sound(f.Path, from) {
			m.send(from, &Leave{})
			m.failed(from)
			return
		}
		m.removeChild(from) // it cannot be both
		m.parent, m.attempt = from, attempt{}
		m.refresh = m.jittered()
		m.adopted(f)
	case Redirect:
		m.failed(from)
		m.redirected(from, f)
	case Loop, Unrooted:
		m.failed(from)
		if a.kind == Overlay && !f.Next.IsZero() && len(a.queue) < maxQueue {
			a.queue = append([]target{{node: f.Next, kind: Overlay}}, a.queue...)
		}
	default:
		m.failed(from)
	}
}

// fromParent takes news of the parent: its path, backups, or the end.
func (m *Machine) fromParent(f *Ack) {
	if f.Code != Accepted {
		m.orphan()
		return
	}
	if !m.sound(f.Path, m.parent) { // two stale paths made a loop
		m.send(m.parent, &Leave{})
		m.clearParent()
		m.backups = nil // they may be in the loop
		m.changed = true
		return
	}
	m.learn(f.Sample)
	m.adopted(f)
}

// sound reports whether a path begins at from, is short and does not meet us.
func (m *Machine) sound(path []id.ID, from id.ID) bool {
	return len(path) > 0 && path[0] == from && len(path) < maxPath && !slices.Contains(path, m.cfg.Self)
}

// adopted takes over what a parent says and tells the children what changed.
func (m *Machine) adopted(f *Ack) {
	m.heard = m.now
	moved := m.rooted != f.Rooted || m.mode != f.Mode || !slices.Equal(m.path, f.Path)
	m.path, m.rooted, m.mode = f.Path, f.Rooted, f.Mode
	var backup id.ID
	if len(m.backups) > 0 {
		backup = m.backups[0]
	}
	m.backups = m.backups[:0]
	for _, b := range f.Backups[:min(len(f.Backups), maxBackups)] {
		if b != m.cfg.Self && !b.IsZero() {
			m.backups = append(m.backups, b)
		}
	}
	m.changed = m.changed || len(m.backups) > 0 && m.backups[0] != backup
	if moved {
		m.changed = true
		m.announce()
	}
}

// onInvite follows a new root if it replaces our dead parent.
func (m *Machine) onInvite(from id.ID, f *Invite) {
	if m.route.Root || !m.inTree() || f.Old != m.parent && !m.parent.IsZero() {
		return
	}
	m.orphan()
	m.attempt.queue = append([]target{{node: from, kind: Overlay}}, m.attempt.queue...)
}

// pollParent refreshes the place with the parent and notices its silence.
func (m *Machine) pollParent() {
	if m.parent.IsZero() {
		return
	}
	if !m.inTree() || m.route.Root {
		m.send(m.parent, &Leave{})
		m.clearParent()
		m.changed = true
		return
	}
	if m.now.Sub(m.heard) >= m.cfg.Expire {
		m.send(m.parent, &Leave{})
		m.orphan()
		return
	}
	if m.told != m.size() {
		if soon := m.now.Add(sizeEvery); soon.Before(m.refresh) {
			m.refresh = soon
		}
	}
	if !m.now.Before(m.refresh) {
		m.refresh = m.jittered()
		m.send(m.parent, m.join(m.nextSeq(), Refresh))
	}
}

func (m *Machine) jittered() time.Time {
	d := float64(m.cfg.Refresh) * (0.9 + 0.2*m.cfg.Rand.Float64())
	return m.now.Add(time.Duration(d))
}
