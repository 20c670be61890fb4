package scribe

import (
	"math/rand/v2"
	"slices"
	"time"

	"iris/internal/id"
)

// Config describes a machine. Zero values of the rest mean the defaults.
type Config struct {
	Self id.ID
	Key  id.ID // of the stripe

	Cap      int           // most children; 0 means 16
	Refresh  time.Duration // of the place with the parent, jittered by a tenth; 0 means 10 s
	Expire   time.Duration // of a silent child or parent; 0 means 35 s
	JoinWait time.Duration // least wait for the answer to a join, else 4 RTT; 0 means 500 ms
	// RTT returns a measured round trip time, 0 if unknown. nil knows none.
	RTT  func(id.ID) time.Duration
	Rand *rand.Rand // jitter and samples; required
}

// Bounds of what is told and remembered.
const (
	maxPath    = 64 // a longer path is a loop
	maxBackups = 4
	maxCopies  = 3
	maxTold    = 2 // members named in one message
	maxSample  = 8 // members remembered
	maxQueue   = 24
	maxTried   = 64
)

// Machine is one node's part in one tree.
//
// Invariants, checked by Valid:
//
//  1. at most Cap children, each once, never this node itself
//  2. the parent is no child, and is the first of the path; without parent the path is empty
//  3. this node is not on its own path
//  4. a root has neither parent nor attempt; any other node with members or children
//     has a parent or an attempt to get one
//  5. a node without members, children and rootship has no parent: it left
//  6. an attempt waits for one answer or for a time, never for neither
type Machine struct {
	cfg   Config
	now   time.Time
	out   *Out
	route Route
	seq   uint64

	local bool
	mode  Mode

	parent  id.ID
	heard   time.Time // from the parent
	path    []id.ID   // parent first; shared, never changed in place
	rooted  bool      // path ends at a root; or this node is it
	backups []id.ID
	refresh time.Time // when to tell the parent again
	told    uint32    // Size that the parent knows
	attempt attempt

	children []child // in order of arrival
	sample   []id.ID

	copy    copied    // of a root's state
	publish time.Time // when copies are due, zero: never
	copies  []id.ID   // who holds copies of ours
	changed bool
}

// child is one child of this node.
type child struct {
	node  id.ID
	size  uint32
	heard time.Time
}

// New returns a machine. It does nothing before its first Route.
func New(cfg Config) *Machine {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	if cfg.Cap <= 0 {
		cfg.Cap = 16
	}
	def(&cfg.Refresh, 10*time.Second)
	def(&cfg.Expire, 35*time.Second)
	def(&cfg.JoinWait, 500*time.Millisecond)
	if cfg.RTT == nil {
		cfg.RTT = func(id.ID) time.Duration { return 0 }
	}
	return &Machine{cfg: cfg, mode: Trees}
}

// Step handles one event and appends to out what is to be done. now never goes
// back between calls.
func (m *Machine) Step(now time.Time, e Event, out *Out) {
	m.now, m.out = now, out
	switch e := e.(type) {
	case Route:
		m.onRoute(e)
	case Down:
		m.onDown(e.Node)
	case Subscribe:
		m.changed = m.changed || m.local != e.Want
		m.local = e.Want
	case SetMode:
		m.onMode(e.Mode)
	case Recv:
		m.recv(e)
	case Tick:
	}
	m.poll()
	out.Changed = out.Changed || m.changed
	out.Wake = m.wake()
	out.Idle = !m.inTree() && m.copy.until.IsZero()
	m.changed, m.out = false, nil
}

func (m *Machine) recv(r Recv) {
	if r.From == m.cfg.Self {
		return
	}
	switch f := r.Msg.(type) {
	case *Join:
		m.onJoin(r.From, f)
	case *Ack:
		m.onAck(r.From, f)
	case *Leave:
		m.removeChild(r.From)
	case *Replica:
		m.onReplica(r.From, f)
	case *Invite:
		m.onInvite(r.From, f)
	}
}

// inTree reports whether the node has, or wants, a place in the tree.
func (m *Machine) inTree() bool { return m.local || len(m.children) > 0 }

// Tree returns the node's place now.
func (m *Machine) Tree() Tree {
	t := Tree{
		Root: m.route.Root, Rooted: m.rooted || m.route.Root, Parent: m.parent, Path: m.path,
		Copies: m.copies, Sample: slices.Clone(m.sample), Members: m.size(), Mode: m.mode, Entry: m.entry(),
	}
	if len(m.backups) > 0 {
		t.Backup = m.backups[0]
	}
	for i := range m.children {
		t.Children = append(t.Children, m.children[i].node)
	}
	return t
}

// Parent returns the parent, zero without one. It costs nothing.
func (m *Machine) Parent() id.ID { return m.parent }

// Members returns the member nodes in this subtree, as the children told last. It
// may change without Out.Changed.
func (m *Machine) Members() uint32 { return m.size() }

// Idle reports whether nothing is left of the machine.
func (m *Machine) Idle() bool { return !m.inTree() && m.copy.until.IsZero() }

func (m *Machine) entry() id.ID {
	if m.route.Root || m.inTree() {
		return m.cfg.Self
	}
	return m.route.Next
}

// size is the number of member nodes in this subtree.
func (m *Machine) size() uint32 {
	var n uint32
	if m.local {
		n = 1
	}
	for i := range m.children {
		n += m.children[i].size
	}
	return n
}

func (m *Machine) send(to id.ID, f Message) { m.out.Sends = append(m.out.Sends, Send{to, f}) }

func (m *Machine) nextSeq() uint64 {
	m.seq++
	return m.seq
}

// onRoute takes a new picture of the overlay.
func (m *Machine) onRoute(r Route) {
	was := m.route.Root
	m.route = Route{Root: r.Root, Next: r.Next, Leaves: slices.Clone(r.Leaves[:min(len(r.Leaves), maxCopies)])}
	switch {
	case r.Root && !was:
		m.ascend()
	case !r.Root && was:
		m.descend()
	case r.Root && !slices.Equal(m.route.Leaves, m.copies):
		m.spread()
		m.announce()
	}
	m.changed = true
}

func (m *Machine) onDown(n id.ID) {
	m.backups = without(m.backups, n)
	m.sample = without(m.sample, n)
	m.attempt.queue = slices.DeleteFunc(m.attempt.queue, func(c target) bool { return c.node == n })
	m.removeChild(n)
	if m.parent == n {
		m.orphan()
	}
	if m.attempt.to == n {
		m.attempt.tried = append(m.attempt.tried, n)
		m.attempt.to = id.ID{}
	}
}

func (m *Machine) onMode(mode Mode) {
	if m.route.Root && m.mode != mode {
		m.mode, m.changed = mode, true
		m.announce()
	}
}

// learn mixes members told by a neighbour into those remembered.
func (m *Machine) learn(told []id.ID) {
	for _, n := range told[:min(len(told), maxTold)] {
		switch {
		case n == m.cfg.Self || n.IsZero() || slices.Contains(m.sample, n):
		case len(m.sample) < maxSample:
			m.sample = append(m.sample, n)
		default:
			m.sample[m.cfg.Rand.IntN(maxSample)] = n
		}
	}
}

// tell returns members for a neighbour, this node among them if it is one.
func (m *Machine) tell() []id.ID {
	told := make([]id.ID, 0, maxTold)
	if m.local && (len(m.sample) == 0 || m.cfg.Rand.IntN(2) == 0) {
		told = append(told, m.cfg.Self)
	}
	for len(told) < maxTold && len(m.sample) > 0 {
		n := m.sample[m.cfg.Rand.IntN(len(m.sample))]
		if slices.Contains(told, n) {
			break
		}
		told = append(told, n)
	}
	return told
}

// without returns list without n; list is reused.
func without(list []id.ID, n id.ID) []id.ID {
	return slices.DeleteFunc(list, func(x id.ID) bool { return x == n })
}
