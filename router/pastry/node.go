package pastry

import (
	"time"

	"iris/internal/id"
)

// phase is where a node stands between Start and Stop.
type phase uint8

const (
	idle      phase = iota // not started
	searching              // looks for a near node among the acquaintances of a seed
	joining                // waits for Welcome
	probing                // waits for its leaves to answer; delivers nothing
	active                 // delivers
	stopped
)

// The deadlines of a node that are not tied to a message.
const (
	timerJoin     = iota // the seed has not helped: ask another
	timerBeat            // the predecessor may need a heartbeat
	timerWatch           // the successor may be silent for too long
	timerTable           // one table entry may need a probe
	timerExchange        // compare a row with a neighbour's
	timerAnnounce        // tell the leaf set about the dead
	timerRepair          // fill up a short side of the leaf set
	timerHeal            // look for lost nodes
	timers
)

const upChanged = 1 // Changed was reported in this Step

// Node is the overlay as one node sees it. Its state holds that
//
//	(1) leaves is in strictly clockwise order from the node, without the node;
//	(2) there are at most limit/2 leaves on each side, in a mesh limit together,
//	    limit being Leaf or, in a mesh, MeshMax;
//	(3) entry c of row r shares exactly r digits with the node and has c next;
//	(4) peers is ordered, and has a record of exactly the leaves and entries;
//	(5) nobody in leaves or table counts as gone: only a message from itself
//	    brings a node in, and takes it off the list;
//	(6) until the node was active once it has delivered nothing;
//	(7) every probe and pending message has a deadline not before the wake-up
//	    that was asked for, and there are at most Config.Pending messages.
type Node struct {
	now  Time
	wake Time // as asked for; 0 before the first Step
	out  *Out // during a Step

	cfg  *Config
	book *Book
	id   id.ID
	self Handle

	// Forward, if set, sees every Route before it is sent on.
	Forward Forward

	phase      phase
	up         uint8
	introduced bool // the table entries were told
	rowDue     bool // the row that the search asked for is still to come
	shadowed   bool // nodes that are not there may have kept others out of the leaf set
	progress   bool // a leaf was added since the last repair
	searches   uint8
	walks      uint8 // leaf sets asked for by pioneer
	settled    bool  // the first rows were compared
	exchange   uint8 // next row to compare
	patches    uint8 // rows asked for because of empty slots
	limit      int
	leaves     []Handle
	tentative  []Handle // leaves and leaf probes; nil unless some are out
	table      []*row
	peers      []peer

	due [timers]Time // 0: not armed
	rng uint64
	seq uint32

	probes     []probe
	leafProbes int // of them
	pending    []*pending
	arrivals   []arrival // oldest first
	news       []Handle  // dead leaves to announce
	gone       []gone
	seeds      []Handle
	near       Handle // nearest node found by the search, which was asked; None: nobody is
	turn       uint8  // the seed to be asked next
	asked      uint8  // seeds in a row that had no place
	joinID     uint64

	strange   Time // not before is another stranger asked who lives next to this node
	lastLeft  Time // when something was last sent to the predecessor
	watched   Handle
	watchFrom Time
	streak    uint8 // successors that died in a row
	burst     uint8 // deaths of leaves since burstAt
	burstAt   Time
	repairs   uint8 // fruitless in a row
	cursor    uint16
	fails     float32 // deaths and
	exposure  float32 // peer seconds behind them
	exposed   Time
	meshAgain Time
	meshHold  time.Duration
	mesher    Handle // of a mesh that is small enough; None: not known
	meshAsk   Time   // not before is it looked at again

	delivered uint64
	wasActive bool
}

// New returns the node that self stands for in book. seed makes its random
// choices repeatable.
func New(cfg *Config, book *Book, self Handle, seed uint64) *Node {
	return &Node{cfg: cfg, book: book, id: book.ID(self), self: self, rng: seed, limit: cfg.Leaf, meshHold: meshHoldMin}
}

// Step takes in one event and appends its effects to out. Time never goes back.
func (n *Node) Step(now Time, e *Event, out *Out) {
	n.now, n.out, n.up = now, out, 0
	if n.wake != 0 && now-n.wake > n.cfg.Pause {
		n.stoodStill()
	}
	if n.phase != stopped {
		n.handle(e)
	}
	if n.wake != 0 && now >= n.wake {
		n.fire()
		n.rearm()
	}
	if n.phase == stopped {
		n.wake = 0
	}
	out.Wake = n.wake
	n.out = nil
}

// placed reports whether the node knows its place in the ring.
func (n *Node) placed() bool { return n.phase == probing || n.phase == active }

func (n *Node) handle(e *Event) {
	if n.phase == idle && (e.Kind == Send || e.Kind == Stop) {
		return
	}
	switch e.Kind {
	case Recv:
		if n.phase != idle || e.Msg.Kind.greeting() {
			n.receive(e.From, e.Msg)
		}
	case Start:
		n.start(e.Seeds)
	case Send:
		m := *e.Msg
		m.Kind, m.Origin, m.Hops = Route, n.self, 0
		n.forward(&m)
	case Stop:
		n.leave()
	case Seeds:
		n.seeds = nil
		n.learn(e.Seeds)
	case Paused:
		n.stoodStill()
	case Met:
		n.met(e.From, e.RTT)
	case Down:
		n.down(e.From)
	case Tick:
	}
}

// receive handles a message of another node.
func (n *Node) receive(from Handle, m *Msg) {
	if from == n.self || n.book.ID(from) == n.id {
		return
	}
	if m.Kind != Ping || m.Active { // nearly all others are of strangers that join
		if p := n.peer(from); p != nil {
			p.heard = beats(n.now)
		}
	}
	switch m.Kind {
	case Route, Join:
		n.accept(from, m)
	case Ack, Passed:
		n.acked(from, m)
	case Welcome:
		n.welcomed(m)
	case Ping:
		n.send(from, &Msg{Kind: Pong, Seq: m.Seq})
	case Pong:
		n.answered(from, m)
		n.settle()
	case LeafProbe:
		n.leafProbed(from, m)
		n.settle()
	case LeafReply:
		n.answered(from, m)
		n.meet(from, m)
		n.settle()
	case Heartbeat:
		if m.Active && n.placed() {
			n.revive(from)
			n.addLeaf(from)
		}
	case Announce:
		n.suspectAll(m.Refs)
	case Introduce:
		n.introducedBy(from, m)
	case RowRequest:
		n.sendRow(from, int(m.Row))
	case RowReply:
		n.rowCame(from, m)
	case Leave:
		n.left(from)
	}
}

// send appends a message to the output.
func (n *Node) send(to Handle, m *Msg) {
	m.Active, m.Mesh = n.phase == active, n.Mesh()
	if m.Kind != Pong && len(n.leaves) > 0 && to == n.leaves[len(n.leaves)-1] {
		n.lastLeft = n.now
	}
	n.out.Sends = append(n.out.Sends, Sending{To: to, Msg: *m})
}

// at arms a timer.
func (n *Node) at(timer int, t Time) {
	n.due[timer] = t
	n.wakeBy(t)
}

// wakeBy makes sure that the node is woken at t.
func (n *Node) wakeBy(t Time) {
	if n.wake == 0 || t < n.wake {
		n.wake = max(t, 1)
	}
}

// fire performs what is due.
func (n *Node) fire() {
	n.probesDue()
	n.pendingDue()
	for i := range n.due {
		if n.due[i] == 0 || n.due[i] > n.now {
			continue
		}
		n.due[i] = 0
		switch i {
		case timerJoin:
			n.joinAgain()
		case timerBeat:
			n.beat()
		case timerWatch:
			n.watch()
		case timerTable:
			n.probeTable()
		case timerExchange:
			n.exchangeRow()
		case timerAnnounce:
			n.announce()
		case timerRepair:
			n.repair()
		case timerHeal:
			n.heal()
		}
	}
}

// rearm finds the earliest deadline.
func (n *Node) rearm() {
	n.wake = 0
	for _, t := range n.due {
		if t != 0 {
			n.wakeBy(t)
		}
	}
	for i := range n.probes {
		n.wakeBy(n.probes[i].due)
	}
	for _, p := range n.pending {
		n.wakeBy(p.due)
	}
}

// random returns a number below k (splitmix64).
func (n *Node) random(k int) int { return int(n.bits() % uint64(max(k, 1))) }

func (n *Node) bits() uint64 {
	n.rng += 0x9e3779b97f4a7c15
	z := n.rng
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// jitter returns a duration from d/2 to 3d/2.
func (n *Node) jitter(d time.Duration) time.Duration {
	return d/2 + time.Duration(n.bits()%uint64(max(d, 1)))
}
