package discovery

import (
	"math/rand/v2"
	"time"
)

const (
	brisk     = time.Second            // between beacons after the burst, so many
	brisks    = 5                      // times
	idle      = 15 * time.Second       // between beacons of a joined node
	searching = 5 * time.Second        // of one that is not
	quietFor  = 150 * time.Millisecond // nothing new for so long ends the search
	quietEcho = 400 * time.Millisecond // as long as we have not even heard ourselves
	quietMax  = time.Second

	answerGap    = 100 * time.Millisecond // least time between two answers
	answerDelay  = 10 * time.Millisecond  // random, up to this plus
	answerPer    = time.Millisecond       // this per node known, up to
	answerMax    = 100 * time.Millisecond // this
	enoughOthers = 5                      // answers of others that make ours needless
)

// burst are the times of the first queries.
var burst = [...]time.Duration{0, 50 * time.Millisecond, 150 * time.Millisecond, 350 * time.Millisecond}

// schedule decides when to send what and when the search is over. It is a pure
// state machine: time comes in, actions come out. Owned by the run goroutine.
type schedule struct {
	rng    *rand.Rand
	joined bool

	due  time.Time // of the next beacon
	sent int       // beacons since begun
	from time.Time // start of the burst

	answerAt time.Time // of the pending answer, zero = none
	others   int       // answers of others heard meanwhile
	answered time.Time // the last answer

	begun   time.Time
	lastNew time.Time
	echoed  bool
	quiet   bool
}

// actions is what to do now.
type actions struct {
	send, query bool // a beacon; with the wish for answers
	answer      bool // a beacon that is an answer
	quiet       bool // the search is over, said once
}

func newSchedule(now time.Time, rng *rand.Rand) *schedule {
	return &schedule{rng: rng, begun: now, from: now, due: now}
}

// next returns when to call step.
func (s *schedule) next() time.Time {
	at := s.due
	if !s.answerAt.IsZero() && s.answerAt.Before(at) {
		at = s.answerAt
	}
	if !s.quiet && s.quietAt().Before(at) {
		at = s.quietAt()
	}
	return at
}

func (s *schedule) step(now time.Time) (a actions) {
	if !s.quiet && !now.Before(s.quietAt()) {
		s.quiet, a.quiet = true, true
	}
	if !now.Before(s.due) {
		a.send, a.query = true, !s.joined || s.sent < len(burst)
		for !now.Before(s.due) { // a late timer does not make up for lost beacons
			s.advance(now)
		}
	}
	if !s.answerAt.IsZero() && !now.Before(s.answerAt) {
		s.answerAt = time.Time{}
		s.answered = now
		if !a.send { // a beacon that goes anyway is answer enough
			a.send, a.answer = true, true
		}
	}
	return a
}

// advance sets the time of the next beacon after one was due.
func (s *schedule) advance(now time.Time) {
	s.sent++
	switch n := s.sent - len(burst); {
	case n < 0:
		s.due = s.from.Add(burst[s.sent])
	case n < brisks:
		s.due = s.due.Add(brisk)
	default:
		period := searching
		if s.joined {
			period = idle
		}
		s.due = now.Add(s.jitter(period))
	}
}

// jitter returns period +- 20 %.
func (s *schedule) jitter(period time.Duration) time.Duration {
	return period*4/5 + time.Duration(s.rng.Int64N(int64(period*2/5)))
}

// setJoined changes the pace; a node that lost its place asks again at once.
func (s *schedule) setJoined(yes bool, now time.Time) {
	if s.joined && !yes {
		s.ask(now)
	}
	if yes && !s.joined && s.sent >= len(burst)+brisks {
		s.due = now.Add(s.jitter(idle))
	}
	s.joined = yes
}

// ask starts a new burst of queries.
func (s *schedule) ask(now time.Time) { s.from, s.due, s.sent = now, now, 0 }

// query notes that somebody asked who deserves an answer, with so many nodes
// known. One pending answer serves all who ask.
func (s *schedule) query(now time.Time, nodes int) {
	if !s.answerAt.IsZero() {
		return
	}
	spread := min(answerDelay+time.Duration(nodes)*answerPer, answerMax)
	at := now.Add(time.Duration(s.rng.Int64N(int64(spread))))
	if earliest := s.answered.Add(answerGap); at.Before(earliest) {
		at = earliest
	}
	s.answerAt, s.others = at, 0
}

// reply notes the answer of another node and reports whether ours became
// needless by it (suppression as in SRM, Floyd et al. 1997).
func (s *schedule) reply() (suppressed bool) {
	if s.answerAt.IsZero() {
		return false
	}
	if s.others++; s.others < enoughOthers {
		return false
	}
	s.answerAt = time.Time{}
	return true
}

// found notes that a node was heard for the first time.
func (s *schedule) found(now time.Time) { s.lastNew = now }

// echo notes that we heard ourselves: beacons pass, and readers keep up.
func (s *schedule) echo() { s.echoed = true }

// deaf notes that nothing can be heard.
func (s *schedule) deaf(now time.Time) { s.begun = now.Add(-quietMax) }

// quietAt returns when the search is over if nothing happens until then.
func (s *schedule) quietAt() time.Time {
	at := s.begun.Add(quietFor)
	if !s.echoed {
		at = s.begun.Add(quietEcho)
	}
	if n := s.lastNew.Add(quietFor); n.After(at) {
		at = n
	}
	if last := s.begun.Add(quietMax); at.After(last) {
		at = last
	}
	return at
}
