package reliable

import (
	"math/rand/v2"
	"slices"
	"time"

	"iris/internal/id"
	"iris/topics/scribe"
)

// Config describes a machine. Zero values mean the defaults.
type Config struct {
	Self     id.ID
	Stripes  int  // trees of the topic, 1..16; 0 means 2
	Reliable bool // else plain: best effort
	Window   int  // seqs remembered per stream, a multiple of 64 in 64..1024; 0 means 1024

	Messages int           // replay ring; 0 means 1024
	Bytes    int           // replay ring; 0 means 1 MiB
	Age      time.Duration // replay ring; 0 means 10 s
	Horizon  time.Duration // until something missing becomes a Gap; 0 means Age
	Digest   time.Duration // period, jittered by a tenth; 0 means 1 s
	MinWait  time.Duration // before a pull, else 2 RTT; 0 means 50 ms
	Forget   time.Duration // a silent stream; 0 means 2 min
	Rotate   time.Duration // of the random member that gets digests; 0 means 1 min
	Streams  int           // most streams known; 0 means 4096

	RTT  func(id.ID) time.Duration // 0 unknown; nil knows none
	Rand *rand.Rand                // required
}

// Bounds of messages.
const (
	maxHops   = 32
	maxSeq    = 1 << 62 // a larger one is an error or an attack
	maxMarks  = 1024
	maxRanges = 16
	maxAnswer = 256       // messages in answer to one Pull
	maxVolume = 256 << 10 // and bytes
	maxPast   = 1 << 14   // forgotten streams whose end is remembered
	syncRetry = time.Second
)

// Machine is one node's part in one topic.
//
// Invariants, checked by Valid:
//
//  1. low is the frontier: what is next to it was not had
//  2. low <= known <= low+Window and high <= known, unless the stream began elsewhere
//  3. a stream that lacks something has a wait that covers known; one that lacks nothing has none
//  4. the ring is within Messages and Bytes (one message may exceed Bytes)
//  5. what was had above low is in the ring
//  6. no edge twice, none to this node
type Machine struct {
	Counters Counters // read only for others

	cfg       Config
	now       time.Time
	out       *Out
	due       time.Time // nothing is due before; zero: nothing at all
	local     bool
	streams   map[Stream]*stream
	order     []*stream         // those in streams, in the order they came
	places    []place           // by stripe
	past      map[Stream]uint64 // low of forgotten streams
	pastOrder []Stream          // oldest first; may name some that are back
	doubts    []id.ID           // neighbours who may lack something that was sent to them
	doubtAt   time.Time         // when to tell them what there is; zero: nobody
	ring      ring

	own   *stream // what this node publishes
	epoch uint64  // latest used

	tellAt time.Time // when to tell the entry of it again; zero: not told yet

	digestAt time.Time // zero: nothing to tell
	lazy     id.ID     // the random member
	rotateAt time.Time
}

// New returns a machine that is in no tree.
func New(cfg Config) *Machine {
	num := func(n *int, v int) {
		if *n <= 0 {
			*n = v
		}
	}
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	num(&cfg.Stripes, 2)
	num(&cfg.Window, 1024)
	cfg.Window = min(max(cfg.Window/64*64, 64), 1024)
	num(&cfg.Messages, 1024)
	num(&cfg.Bytes, 1<<20)
	num(&cfg.Streams, 4096)
	def(&cfg.Age, 10*time.Second)
	def(&cfg.Horizon, cfg.Age)
	def(&cfg.Digest, time.Second)
	def(&cfg.MinWait, 50*time.Millisecond)
	def(&cfg.Forget, 2*time.Minute)
	def(&cfg.Rotate, time.Minute)
	if cfg.RTT == nil {
		cfg.RTT = func(id.ID) time.Duration { return 0 }
	}
	return &Machine{cfg: cfg, streams: map[Stream]*stream{}, past: map[Stream]uint64{}, places: make([]place, cfg.Stripes)}
}

// Step handles one event and appends to out what is to be done. now never goes
// back between calls.
func (m *Machine) Step(now time.Time, e Event, out *Out) {
	m.now, m.out = now, out
	switch e := e.(type) {
	case Place:
		m.onPlace(e)
	case Attach:
		m.onAttach(e)
	case Local:
		m.local = e.Want
	case Publish:
		m.publish(e)
	case Recv:
		m.recv(e)
	case Listed:
		if e.From != m.cfg.Self {
			m.onData(e.From, e.Data, true)
		}
	case Down:
		m.onDown(e.Node)
	case Lost:
		m.onLost(e.To)
	case Restore:
		m.restore(e.State)
	case Tick:
	}
	if !m.due.IsZero() && !now.Before(m.due) {
		m.due = time.Time{}
		m.poll()
	}
	out.Wake = m.due
	m.out = nil
}

func (m *Machine) recv(r Recv) {
	if r.From == m.cfg.Self {
		return
	}
	switch f := r.Msg.(type) {
	case *Data:
		m.onData(r.From, f, false)
	case *Sync:
		m.onSync(r.From, f)
	case *Digest:
		m.onDigest(r.From, f)
	case *Pull:
		m.onPull(r.From, f)
	case *Enter:
		if f.Stripe >= 0 && f.Stripe < len(m.places) {
			m.places[f.Stripe].door = r.From
		}
	}
}

// at notes that something is due at t.
func (m *Machine) at(t time.Time) {
	if m.due.IsZero() || t.Before(m.due) {
		m.due = t
	}
}

// poll does all that is due and notes when the next is.
func (m *Machine) poll() {
	for i := range m.places {
		m.pollEdges(i)
	}
	for i := 0; i < len(m.order); {
		s := m.order[i]
		m.pollStream(s)
		if m.streams[s.Stream] == s {
			i++
		}
	}
	m.pollRing()
	m.pollDoubts()
	m.pollDigest()
	m.pollEntry()
}

// pollStream gives up, pulls, or forgets.
func (m *Machine) pollStream(s *stream) {
	for len(s.waits) > 0 && !m.now.Before(s.waits[0].since.Add(m.cfg.Horizon)) {
		m.giveUp(s, s.waits[0].upto)
	}
	if !m.now.Before(s.active.Add(m.cfg.Forget)) {
		m.forget(s)
		return
	}
	m.at(s.active.Add(m.cfg.Forget))
	if len(s.waits) > 0 {
		m.at(s.waits[0].since.Add(m.cfg.Horizon))
	}
	if s.askAt.IsZero() {
		return
	}
	if !m.now.Before(s.askAt) {
		m.pull(s)
	}
	if !s.askAt.IsZero() {
		m.at(s.askAt)
	}
}

func (m *Machine) onDown(n id.ID) {
	for i := range m.places {
		if p := &m.places[i]; p.door == n {
			p.door = id.ID{}
		}
	}
	for _, s := range m.order {
		s.sources = slices.DeleteFunc(s.sources, func(x id.ID) bool { return x == n })
	}
	m.doubts = slices.DeleteFunc(m.doubts, func(x id.ID) bool { return x == n })
	if m.lazy == n {
		m.lazy = id.ID{}
	}
}

// onLost lets a neighbour be told soon what there is.
func (m *Machine) onLost(n id.ID) {
	if !m.cfg.Reliable {
		return
	}
	for i := range m.places {
		if m.places[i].edge(n) != nil && !slices.Contains(m.doubts, n) {
			m.doubts = append(m.doubts, n)
		}
	}
	if len(m.doubts) > 0 && m.doubtAt.IsZero() {
		m.doubtAt = m.now.Add(m.cfg.MinWait)
		m.at(m.doubtAt)
	}
}

func (m *Machine) stripeOf(publisher id.ID) int { return scribe.StripeOf(publisher, m.cfg.Stripes) }

func (m *Machine) send(to id.ID, f Message) { m.out.Sends = append(m.out.Sends, Send{to, f}) }
