package detector

import (
	"math"
	"time"

	"iris/internal/id"
)

// State of a Peer.
type State uint8

const (
	Alive State = iota
	Suspect
	Dead
)

const (
	beatEvery     = time.Second            // heartbeat period on silence
	beatSuspect   = 500 * time.Millisecond // while suspect
	fullEvery     = 8                      // every n-th heartbeat fills a packet
	unackedMin    = 500 * time.Millisecond // silence after packets of ours: suspect
	unackedRTTs   = 8
	unackedSends  = 3                      // packets into that silence; fewer may be bare acknowledgements
	unackedIdle   = 250 * time.Millisecond // no packet for so long (or 4 RTT): they were
	answerMin     = time.Second
	suspicionMax  = 3 * time.Second // times the own health
	suspicionMin  = 2500 * time.Millisecond
	confirmers    = 3           // others asked, and confirmations that count
	askEvery      = time.Second // while suspect
	vetoFor       = 1500 * time.Millisecond
	relinkEvery   = 3 * time.Second
	grace         = 2 * time.Second // without a link before suspicion, if the loss says nothing
	pausedFor     = 5 * time.Second // after a pause of our own, losses say nothing
	pollActive    = 100 * time.Millisecond
	pollIdle      = 250 * time.Millisecond
	outstandingIn = 16 // unanswered heartbeats remembered
)

// Peer is the failure detector of one peer. The zero value is not usable.
//
// Invariants: (1) suspectedAt is set exactly in state Suspect; (2) nothing leaves
// Dead; (3) beats holds ascending sequence numbers, all unanswered.
type Peer struct {
	state       State
	linked      bool
	wake        time.Time // when we asked to be stepped; a much later tick is a pause
	pausedAt    time.Time
	lostAt      time.Time // while not linked and not yet suspect
	reason      string    // what the grace period ends with
	heard       time.Time
	answered    time.Time
	last        Sample
	sampled     time.Time
	unacked     time.Time // since when packets of ours go into silence; zero: they do not
	sent        uint64    // Sent when the silence began
	lastSend    time.Time // the last sample that saw a packet leave
	seq         uint64
	beats       []beat
	lastBeat    time.Time
	srtt, dev   time.Duration // of answers, RFC 6298
	suspectedAt time.Time
	reachedAt   time.Time // somebody else reached it
	lastAsk     time.Time
	lastRelink  time.Time
	confirmed   [confirmers]id.ID
	confirms    int
}

type beat struct {
	seq uint64
	at  time.Time
}

// NewPeer returns the detector of a peer whose link has just come up.
func NewPeer(now time.Time) *Peer {
	p := &Peer{}
	p.reset(now)
	p.linked = true
	return p
}

// State returns the present opinion.
func (p *Peer) State() State { return p.state }

// RTT returns the smoothed time to the answer of a heartbeat; 0 while unknown.
func (p *Peer) RTT() time.Duration { return p.srtt }

// Step takes an event and overwrites *o with what is to be done. It does not
// retain e or o.
func (p *Peer) Step(now time.Time, e Event, o *Out) {
	*o = Out{}
	if p.state == Dead {
		return
	}
	if now.Sub(p.wake) > PauseAfter {
		p.pause(now)
	}
	switch e := e.(type) {
	case Tick:
		p.tick(now, e, o)
		return
	case Paused:
		p.pause(now)
	case Heard:
		p.heard = now
	case Answered:
		p.answer(now, e.Seq, o)
	case Accused:
		p.accused(now, e.By, o)
	case Indirect:
		p.indirect(now, e)
	case LinkUp:
		p.linkUp(now, o)
	case LinkLost:
		p.linkLost(now, e.How, o)
	case Refused:
		if p.state == Suspect { // else it recovered while the question was out
			p.die("port refused", o)
		}
	}
	if p.state != Dead {
		if soon := now.Add(pollActive); soon.Before(p.wake) {
			p.wake = soon // the next tick decides what follows from the event
		}
		o.Wake = p.wake
	}
}

// reset forgets everything that was measured against the clock.
func (p *Peer) reset(now time.Time) {
	p.heard, p.answered, p.sampled = now, now, now
	p.unacked = time.Time{}
	p.beats = p.beats[:0]
	p.lastBeat = time.Time{}
	p.wake = now.Add(pollActive)
}

func (p *Peer) pause(now time.Time) {
	p.pausedAt = now
	p.reset(now)
	p.confirms = 0
	if p.state == Suspect {
		p.suspectedAt = now
	}
	if !p.linked {
		p.lostAt = now
	}
}

func (p *Peer) pausedLately(now time.Time) bool {
	return !p.pausedAt.IsZero() && now.Sub(p.pausedAt) < pausedFor
}

func (p *Peer) answer(now time.Time, seq uint64, o *Out) {
	n := 0
	for _, b := range p.beats {
		if b.seq == seq {
			p.measure(now.Sub(b.at))
		}
		if b.seq > seq && seq != 0 {
			p.beats[n] = b
			n++
		}
	}
	p.beats = p.beats[:n]
	p.heard, p.answered = now, now
	p.unacked = time.Time{}
	if p.state == Suspect {
		p.beats = p.beats[:0] // what was late before must not accuse again at once
	}
	p.recover("answered", o)
}

// measure smooths the time to an answer (RFC 6298, section 2).
func (p *Peer) measure(rtt time.Duration) {
	if p.srtt == 0 {
		p.srtt, p.dev = rtt, rtt/2
		return
	}
	p.dev += ((rtt - p.srtt).Abs() - p.dev) / 4
	p.srtt += (rtt - p.srtt) / 8
}

func (p *Peer) linkUp(now time.Time, o *Out) {
	p.linked = true
	p.reset(now)
	p.last = Sample{}
	p.lostAt = time.Time{}
	p.recover("link up", o)
}

func (p *Peer) linkLost(now time.Time, how Loss, o *Out) {
	p.linked = false
	p.unacked = time.Time{}
	p.beats = p.beats[:0]
	o.Redial = true
	switch {
	case how == Left:
		p.die("left", o)
	case how == Restarted && !p.pausedLately(now):
		p.die("restarted", o)
	case how == Silent && !p.pausedLately(now):
		p.suspect(now, "link lost", o)
	case p.state == Alive:
		// A close by a living peer, or the aftermath of our own absence.
		p.lostAt, p.reason = now, "link lost"
	}
}

func (p *Peer) accused(now time.Time, by id.ID, o *Out) {
	p.confirm(by)
	if p.state == Alive && p.linked && len(p.beats) == 0 && now.Sub(p.answered) > unackedMin/2 {
		p.beat(now, o)
	}
}

func (p *Peer) indirect(now time.Time, e Indirect) {
	if p.state != Suspect {
		return
	}
	if e.Reached {
		p.reachedAt = now
		p.confirms = 0
		return
	}
	p.confirm(e.By)
}

// confirm counts somebody else who cannot reach the peer either, once.
func (p *Peer) confirm(by id.ID) {
	if p.state != Suspect || p.confirms == len(p.confirmed) || by.IsZero() {
		return
	}
	for _, c := range p.confirmed[:p.confirms] {
		if c == by {
			return
		}
	}
	p.confirmed[p.confirms] = by
	p.confirms++
}

func (p *Peer) beat(now time.Time, o *Out) {
	p.seq++
	p.lastBeat = now
	if len(p.beats) == outstandingIn { // the oldest decides lateness, so drop the newest
		p.beats = p.beats[:outstandingIn-1]
	}
	p.beats = append(p.beats, beat{p.seq, now})
	o.Beat, o.Seq, o.Full = true, p.seq, p.seq%fullEvery == 0
}

func (p *Peer) suspect(now time.Time, reason string, o *Out) {
	if p.state != Alive {
		return
	}
	p.state, p.suspectedAt = Suspect, now
	p.confirms = 0
	p.reachedAt, p.lastRelink = time.Time{}, now
	p.lastAsk = now
	o.Change, o.Reason = Suspected, reason
	o.Tell, o.Ask, o.Refusal = p.linked, confirmers, true
	if p.linked && now.Sub(p.lastBeat) >= beatSuspect/2 {
		p.beat(now, o)
	}
}

func (p *Peer) recover(reason string, o *Out) {
	if p.state != Suspect {
		return
	}
	p.state, p.suspectedAt = Alive, time.Time{}
	p.confirms = 0
	o.Change, o.Reason = Recovered, reason
}

func (p *Peer) die(reason string, o *Out) {
	p.state, p.suspectedAt = Dead, time.Time{}
	*o = Out{Change: Died, Reason: reason}
}

// valid reports whether the invariants hold.
func (p *Peer) valid() bool {
	if (p.state == Suspect) == p.suspectedAt.IsZero() {
		return false
	}
	for i := 1; i < len(p.beats); i++ {
		if p.beats[i-1].seq >= p.beats[i].seq {
			return false
		}
	}
	return len(p.beats) <= outstandingIn && p.confirms <= confirmers
}

// suspicion returns how long suspicion must last with n confirmations out of so
// many others that can be asked, at the given own health (Lifeguard, section
// IV.B; memberlist remainingSuspicionTime).
func suspicion(n, others, factor int) time.Duration {
	longest := suspicionMax * time.Duration(max(factor, 1))
	if n <= 0 {
		return longest
	}
	most := max(min(others, confirmers), 1)
	f := math.Log(float64(n)+1) / math.Log(float64(most)+1)
	return max(longest-time.Duration(f*float64(longest-suspicionMin)), suspicionMin)
}
