package tree

import (
	"slices"
	"time"

	"iris/internal/id"
	"iris/topics/scribe"
	"iris/transport/wire"
)

// Config describes one machine. Zero durations and bounds mean the defaults.
type Config struct {
	Self  id.ID
	Group wire.Group
	// Index tells the machines of one node apart. It is the upper half of every
	// Seq and PushSeq, because a GroupAck names no group: see [IndexOf].
	Index uint32
	// Epoch is larger than that of any earlier machine of this node for this
	// group, for example the time in microseconds. Registrations and reigns count on from it.
	Epoch uint64

	Lease    time.Duration // life of entries and of views; 0 means 10 s
	PushWait time.Duration // how long an ack waits for askers; 0 means 500 ms
	PullWait time.Duration // how long a new root waits for its neighbours; 0 means 100 ms
	Idle     time.Duration // a view unused for so long is not renewed; 0 means 60 s

	MaxAskers  int // 0 means 65536
	MaxWaiters int // joins and lookups the root holds back at a time; 0 means 65536
	Copies     int // nodes that hold replicas; 0 means 2
	Pulls      int // nearest nodes asked by a new root; 0 means 3
}

// maxListBytes bounds the encoded member list: a GroupView must fit the control
// lane's frame limit of 64 KiB.
const maxListBytes = wire.MaxControl - 2048

// entryBytes is the most an entry takes on the wire without its zone: array
// header, bin16 node, epoch, members, weight, zone header, two flags.
const entryBytes = 1 + 18 + 9 + 5 + 5 + 3 + 2

func listBytes(e *wire.Entry) int { return entryBytes + len(e.Zone) }

// Key returns the point of a group on the ring.
func Key(g wire.Group) id.ID {
	kind := "cluster"
	switch g.Kind {
	case wire.GroupTopic:
		kind = "topic"
	case wire.GroupReliable:
		kind = "reliable"
	}
	return id.Hash(kind, g.Name)
}

// The lower half of a number counts; pushes have their own half of that, so the
// ack of a push is never taken for the ack of a join.
const (
	indexShift = 32
	pushBit    = 1 << 31
	countMask  = pushBit - 1
)

// IndexOf returns the Config.Index of the machine that an answer is for.
func IndexOf(seq uint64) uint32 { return uint32(seq >> indexShift) }

// Machine is one node's part in one group. See the package comment.
//
// Invariants, checked by valid:
//
//  1. only the root has entries, askers or reigns; a former root keeps askers only while it takes leases back
//  2. the list handed out equals the entries, sorted by node, within maxListBytes
//  3. no asker acknowledged more than the version counter
//  4. every waiting ack waits for a version already made or due to be pushed
//  5. the asker's view holds each node once, sorted
//  6. without local members and without an unacknowledged leave nothing is sent as a member
//  7. lookups and joins are held back only while a pull runs or acks are awaited
//  8. a node is away from the list only as a member of the trees
type Machine struct {
	cfg   Config
	key   id.ID
	now   time.Time // of the current Step
	out   *Out      // of the current Step
	ring  Ring
	seq   uint64 // numbers the frames that want an answer
	loop  []Recv // frames to ourselves, handled before Step returns
	epoch uint64 // the largest given to a registration or a reign

	member  member
	asker   asker
	root    root
	copy    replica
	locator locator
	trees   Trees // of the group on this node

	published *View
}

// New returns a machine without a role.
func New(cfg Config) *Machine {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	num := func(n *int, v int) {
		if *n <= 0 {
			*n = v
		}
	}
	def(&cfg.Lease, 10*time.Second)
	def(&cfg.PushWait, 500*time.Millisecond)
	def(&cfg.PullWait, 100*time.Millisecond)
	def(&cfg.Idle, time.Minute)
	num(&cfg.MaxAskers, 1<<16)
	num(&cfg.MaxWaiters, 1<<16)
	num(&cfg.Copies, 2)
	num(&cfg.Pulls, 3)
	return &Machine{cfg: cfg, key: Key(cfg.Group), epoch: cfg.Epoch}
}

// Step handles one event and appends to out what is to be done. now never goes
// back between calls.
func (m *Machine) Step(now time.Time, e Event, out *Out) {
	m.now, m.out = now, out
	switch e := e.(type) {
	case Ring:
		m.onRing(e)
	case Recv:
		m.recv(e)
	case Trees:
		m.onTrees(e)
	case Located:
		m.onLocated(e.Node)
	case Lost:
		m.onLost(e.To)
	case Join:
		m.onJoin(e)
	case Ask:
		m.onAsk(e.Waiter)
	case Tick:
		if e.Used {
			m.asker.lastUsed = now
		}
	}
	for range 64 { // each round is caused by a frame to ourselves; two or three are usual
		for len(m.loop) > 0 {
			r := m.loop[0]
			m.loop = m.loop[1:]
			m.recv(r)
		}
		m.pollCrossing()
		m.pollMember()
		m.pollAsker()
		m.pollMode()
		m.pollRoot()
		m.pollReplica()
		m.pollLocator()
		if len(m.loop) == 0 {
			break
		}
	}
	m.publish()
	out.Wake = m.wake()
	out.Trees, out.Mode, out.Reign = m.member.trees, m.root.census.mode, m.root.reign
	out.Idle = m.idle()
	m.out = nil
}

// Root returns whom this node speaks to as a member or an asker; the zero id if it
// is neither, or does not know.
func (m *Machine) Root() id.ID {
	if !m.seeks() {
		return id.ID{}
	}
	return m.ring.Root
}

// View returns the asker's current view, nil without one.
func (m *Machine) View() *View { return m.asker.view }

// Listed is the member list of a group as its root keeps it.
type Listed struct {
	Entries []wire.Entry // by node id; shared, read only
	Mode    scribe.Mode  // Trees: the group's trees have members too, who need not be listed
}

// Listed returns the list that this node keeps as the root; false while it is not.
func (m *Machine) Listed() (l Listed, reigns bool) {
	if !m.root.reign {
		return l, false
	}
	return Listed{m.root.list, m.shown()}, true
}

// recv hands a frame to the role it is for.
func (m *Machine) recv(r Recv) {
	switch f := r.Frame.(type) {
	case *wire.GroupJoin:
		m.rootJoin(r.From, f)
	case *wire.GroupLeave:
		m.rootLeave(r.From, f)
	case *wire.GroupLookup:
		m.rootLookup(r.From, f)
	case *wire.GroupPull:
		m.onPull(r.From, f)
	case *wire.GroupReplica:
		if f.Seq == 0 {
			m.onReplica(r.From, f)
		} else {
			m.onPulled(r.From, f)
		}
	case *wire.GroupView:
		if f.Seq == 0 {
			m.onPush(r.From, f)
		} else {
			m.onView(r.From, f)
		}
	case *wire.GroupAck:
		if f.Seq&pushBit != 0 {
			m.rootPushed(r.From, f)
		} else {
			m.memberAck(r.From, f)
		}
	}
}

// send puts a frame out; one to ourselves is handled before Step returns, one to
// a root that is not known is lost.
func (m *Machine) send(to id.ID, f wire.Frame) {
	if to.IsZero() {
		return
	}
	if to == m.cfg.Self {
		m.loop = append(m.loop, Recv{From: to, Frame: f})
		return
	}
	m.out.Sends = append(m.out.Sends, Send{To: to, Frame: f})
}

func (m *Machine) answer(waiter uint64, c Code) {
	if waiter != 0 {
		m.out.Answers = append(m.out.Answers, Answer{waiter, c})
	}
}

// nextSeq numbers a frame that wants an answer; it is never 0.
func (m *Machine) nextSeq() uint64 {
	m.seq = m.seq%countMask + 1
	return uint64(m.cfg.Index)<<indexShift | m.seq
}

func (m *Machine) nextEpoch() uint64 {
	m.epoch = max(m.epoch+1, uint64(max(m.now.UnixMicro(), 0)))
	return m.epoch
}

// onRing takes a new picture of the ring to all roles.
func (m *Machine) onRing(r Ring) {
	before := m.ring
	r.Root = m.look(r)
	if r.Structured { // links come and go; who is new near the key may know more of the group
		r.Up = slices.DeleteFunc(slices.Clone(r.Nearest), func(n id.ID) bool {
			return n == m.cfg.Self || slices.Contains(before.Nearest, n)
		})
	}
	m.ring = Ring{Root: r.Root, Nearest: slices.Clone(r.Nearest), Alive: r.Alive, Structured: r.Structured}
	m.rootRing(before.Root, r)
	for _, n := range r.Down {
		m.askerDown(n)
	}
	if r.Root != before.Root {
		m.memberRoot()
		m.askerRoot()
	} else if len(r.Up) > 0 {
		m.askerGrew()
	}
}

func (m *Machine) onLost(to id.ID) {
	soon := m.now.Add(lostRetry)
	if m.member.sentTo == to && soon.Before(m.member.retryAt) {
		m.member.retryAt = soon
	}
	if m.asker.sentTo == to && soon.Before(m.asker.retryAt) {
		m.asker.retryAt = soon
	}
}

// publish compares the asker's view with what was last given out.
func (m *Machine) publish() {
	v := m.asker.view
	m.out.View = v
	if v == m.published {
		return
	}
	m.out.Changed = true
	if v != nil { // a view dropped for idleness says nothing about the members
		var old []wire.Entry
		if m.published != nil {
			old = m.published.Entries
		}
		m.diff(old, v.Entries)
	}
	m.published = v
}

// diff reports the differences of two lists sorted by node.
func (m *Machine) diff(old, now []wire.Entry) {
	for len(old) > 0 || len(now) > 0 {
		switch {
		case len(old) == 0 || len(now) > 0 && now[0].Node.Compare(old[0].Node) < 0:
			m.out.Joined = append(m.out.Joined, now[0])
			now = now[1:]
		case len(now) == 0 || old[0].Node.Compare(now[0].Node) < 0:
			gone := old[0]
			gone.Members = 0
			m.out.Left = append(m.out.Left, gone)
			old = old[1:]
		default:
			switch {
			case old[0].Members < now[0].Members:
				m.out.Joined = append(m.out.Joined, now[0])
			case old[0].Members > now[0].Members:
				m.out.Left = append(m.out.Left, now[0])
			}
			old, now = old[1:], now[1:]
		}
	}
}

// wake returns the earliest time something is due.
func (m *Machine) wake() time.Time {
	var w time.Time
	at := func(t time.Time) {
		if !t.IsZero() && (w.IsZero() || t.Before(w)) {
			w = t
		}
	}
	m.wakeMember(at)
	m.wakeAsker(at)
	m.wakeRoot(at)
	m.wakeLocator(at)
	m.wakeMode(at)
	at(m.copy.until)
	return w
}

func (m *Machine) idle() bool {
	return m.member.idle() && m.asker.idle() && m.root.idle() && m.copy.until.IsZero()
}

// Retransmission: links lose nothing, but peers die and rings disagree for a moment.
const (
	lostRetry     = 50 * time.Millisecond  // after a frame could not be sent
	disagreeRetry = 20 * time.Millisecond  // after NotRoot, doubled up to retryMax
	lookupRetry   = 300 * time.Millisecond // a lookup takes a round trip and at most one pull
	joinRetry     = 800 * time.Millisecond // a join may wait for the askers
	fullRetry     = time.Second
	retryMax      = 2 * time.Second
)
