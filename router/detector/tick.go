package detector

import "time"

// tick looks at the link and the clock.
func (p *Peer) tick(now time.Time, t Tick, o *Out) {
	factor := min(max(t.Factor, 1), healthMax+1)
	every := max(t.Every, beatEvery)
	active := false
	if p.linked {
		active = p.observe(now, t.Link)
	}
	switch p.state {
	case Alive:
		p.tickAlive(now, factor, every, o)
	case Suspect:
		p.tickSuspect(now, factor, t.Others, o)
	}
	if p.state == Dead {
		return
	}
	p.wake = p.next(now, every, active)
	o.Wake = p.wake
}

// observe compares the counters of the link with the last sample and reports
// whether the link is in use.
//
// Silence begins when packets leave and none arrive. A receiver acknowledges, so
// a sender that hears nothing retransmits with doubling intervals and the count
// of packets into the silence grows; bare acknowledgements, which nobody answers,
// follow an arrival and are at most two.
func (p *Peer) observe(now time.Time, s Sample) (active bool) {
	defer func() { p.last, p.sampled = s, now }()
	active = s.Sent != p.last.Sent || s.Received != p.last.Received
	if s.Sent != p.last.Sent {
		p.lastSend = now
	}
	switch {
	case s.Received != p.last.Received:
		p.heard = now
		p.unacked = time.Time{}
	case s.Sent != p.last.Sent && p.unacked.IsZero():
		p.unacked, p.sent = p.sampled, p.last.Sent
	case !p.unacked.IsZero() && s.Sent-p.sent < unackedSends && now.Sub(p.lastSend) > max(unackedIdle, 4*s.RTT):
		p.unacked = time.Time{} // nothing was retransmitted, so nothing was owed
	}
	return active
}

// silent reports whether packets of ours go unacknowledged for too long.
func (p *Peer) silent(now time.Time, factor int) bool {
	if p.unacked.IsZero() || p.last.Sent-p.sent < unackedSends {
		return false
	}
	// Suspicion is cheap: our own health does not delay it by much.
	limit := max(unackedMin, unackedRTTs*p.last.RTT) * time.Duration(min(factor, 2))
	return now.Sub(p.unacked) >= limit
}

// late reports whether the oldest unanswered heartbeat should have been answered.
func (p *Peer) late(now time.Time, factor int) bool {
	if len(p.beats) == 0 {
		return false
	}
	return now.Sub(p.beats[0].at) > p.answerLimit()*time.Duration(factor)
}

func (p *Peer) answerLimit() time.Duration {
	return max(answerMin, 4*(p.srtt+4*p.dev))
}

func (p *Peer) tickAlive(now time.Time, factor int, every time.Duration, o *Out) {
	switch {
	case !p.linked:
		if !p.lostAt.IsZero() && now.Sub(p.lostAt) >= grace {
			p.suspect(now, p.reason, o)
			o.Redial = true
		}
		return
	case p.silent(now, factor):
		p.suspect(now, "traffic unacknowledged", o)
		return
	case p.late(now, factor):
		p.suspect(now, "heartbeat unanswered", o)
		return
	}
	if p.beatDue(now, every) {
		p.beat(now, o)
	}
}

// beatDue applies "only on silence, but never two periods without an answer".
func (p *Peer) beatDue(now time.Time, every time.Duration) bool {
	if p.lastBeat.IsZero() {
		return true
	}
	if now.Sub(p.lastBeat) < every {
		return false
	}
	quiet := now.Sub(p.heard) >= every || !p.unacked.IsZero()
	return quiet || now.Sub(p.answered) >= 2*every-pollIdle || len(p.beats) > 0
}

func (p *Peer) tickSuspect(now time.Time, factor, others int, o *Out) {
	vetoed := !p.reachedAt.IsZero() && now.Sub(p.reachedAt) < vetoFor
	if since := p.accusedFor(now); since >= suspicion(p.confirms, others, factor) && !vetoed {
		p.die(deathReason(p.confirms, others), o)
		return
	}
	if p.linked && now.Sub(p.lastBeat) >= beatSuspect {
		p.beat(now, o)
	}
	if now.Sub(p.lastAsk) >= askEvery*time.Duration(factor) {
		p.lastAsk = now
		o.Ask, o.Refusal, o.Redial = confirmers, true, !p.linked
	}
	if vetoed && p.linked && now.Sub(p.lastRelink) >= relinkEvery {
		p.lastRelink = now
		o.Relink = true
	}
}

// accusedFor returns how long nobody is known to have reached the suspect.
func (p *Peer) accusedFor(now time.Time) time.Duration {
	if p.reachedAt.After(p.suspectedAt) {
		return now.Sub(p.reachedAt)
	}
	return now.Sub(p.suspectedAt)
}

func deathReason(confirms, others int) string {
	switch {
	case confirms > 0:
		return "confirmed by others"
	case others == 0:
		return "silent"
	}
	return "silent, unconfirmed"
}

// next returns when something may be due. An idle link is looked at rarely: a
// mesh of n nodes has n squared of them.
func (p *Peer) next(now time.Time, every time.Duration, active bool) time.Time {
	if p.state == Suspect || active || !p.unacked.IsZero() || len(p.beats) > 0 {
		return now.Add(pollActive)
	}
	if !p.linked {
		return now.Add(pollIdle)
	}
	// Far peers of a large mesh (long periods) are also looked at less often.
	at := now.Add(time.Duration(int64(pollIdle) * int64(every) / int64(beatEvery)))
	if due := p.heard.Add(every); due.After(now) && due.Before(at) {
		at = due // a heartbeat, to the point
	}
	return at
}
