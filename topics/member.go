package topics

import (
	"math/rand/v2"
	"sync/atomic"
	"time"

	"iris/actor"
)

// member is one local handler of a group. For the requests it takes it is the
// Tracker, so following one costs no allocation.
type member struct {
	g        *group
	pid      *actor.PID
	counted  bool                          // part of g.wanted; guarded by g.mu
	left     bool                          // takes nothing more; guarded by g.mu
	certain  bool                          // asked for reliable events
	inFlight atomic.Int64                  // requests accepted and not done
	quiet    atomic.Pointer[chan struct{}] // of wait: gets a token whenever inFlight reaches 0
}

func newMember(g *group, pid *actor.PID) *member {
	return &member{g: g, pid: pid}
}

// Done implements actor.Tracker.
func (m *member) Done(queued, took time.Duration, executed bool) {
	if executed {
		m.g.latency.add(queued + took)
		m.g.serves.add(queued + took)
	}
	m.release()
}

// Failed implements actor.Tracker.
func (m *member) Failed() { m.g.failed.Add(1) }

func (m *member) release() {
	if m.inFlight.Add(-1) != 0 {
		return
	}
	if quiet := m.quiet.Load(); quiet != nil {
		select {
		case *quiet <- struct{}{}:
		default:
		}
	}
}

// Load implements actor.Tracker: the load of all members of the cluster here.
func (m *member) Load() actor.Load { return m.g.load() }

func (g *group) load() actor.Load {
	set := *g.local.Load()
	l := actor.Load{Members: uint32(len(set)), LatencyMicros: g.latency.micros(), Draining: len(set) == 0}
	for _, m := range set {
		l.InFlight += uint32(max(m.inFlight.Load(), 0))
	}
	return l
}

// busyness orders members: requests it works on or messages queued, whichever
// is more. One that failed and waits for its restart comes after all others.
func (m *member) busyness() int64 {
	b := max(m.inFlight.Load(), int64(m.g.t.sys.MailboxLen(m.pid)))
	if m.g.t.sys.Suspended(m.pid) {
		b += 1 << 32
	}
	return b
}

// leastLoaded returns the least loaded member other than not: of all if they
// are few, of 8 drawn at random if they are many. nil if there is none.
func leastLoaded(set []*member, not *member) *member {
	n := len(set)
	if n == 0 {
		return nil
	}
	var best *member
	var least int64
	start := 0
	if n > 1 {
		start = rand.IntN(n) // a random start makes ties random
	}
	for i := range min(n, 8) {
		m := set[(start+i)%n]
		if n > 8 && i > 0 {
			m = set[rand.IntN(n)]
		}
		if m == not {
			continue
		}
		if b := m.busyness(); best == nil || b < least {
			best, least = m, b
		}
		if least == 0 {
			break
		}
	}
	return best
}

// deliver hands a request to the least loaded member, and to another one if
// its mailbox is full. The error says why no member took it: not executed. A request
// is counted then, once; of what nobody waits for the caller counts what is lost for
// good.
func (g *group) deliver(in *actor.Inbound) error {
	set := *g.local.Load()
	m := leastLoaded(set, nil)
	if m == nil {
		return actor.ErrNoActor
	}
	err := m.take(in)
	if err != nil {
		if o := leastLoaded(set, m); o != nil {
			m, err = o, o.take(in)
		}
	}
	if err != nil && in.ReplyTo != 0 {
		g.t.sys.Refused(m.pid, in, err)
	}
	return err
}

func (m *member) take(in *actor.Inbound) error {
	in.Tracker = m
	m.inFlight.Add(1)
	err := m.g.t.sys.Offer(m.pid, in)
	if err != nil {
		m.release()
	}
	return err
}

// ewma is a moving average of latencies, an eighth of each new one. Lost
// updates between two writers do not matter.
type ewma struct{ v atomic.Int64 }

func (e *ewma) add(d time.Duration) {
	old := e.v.Load()
	if old == 0 {
		e.v.Store(int64(d))
		return
	}
	e.v.Store(old + (int64(d)-old)/8)
}

func (e *ewma) micros() uint32 { return uint32(min(e.v.Load()/int64(time.Microsecond), 1<<32-1)) }
