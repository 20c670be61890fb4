package router

import (
	"time"

	"iris/actor"
	"iris/router/detector"
	"iris/transport"
	"iris/transport/wire"
)

// explain classifies the end of a link by what it tells about the peer.
func explain(e *transport.LinkDown) *linkDown {
	d := &linkDown{link: e.Link, idle: e.Code == wire.CodeOK}
	switch {
	case e.Restarted:
		d.how = detector.Restarted
	case e.Remote && e.Code == wire.CodeLeave:
		d.how = detector.Left
	case e.Remote, d.idle, e.Code == wire.CodeDuplicate, e.Code == wire.CodeProtocol, e.Code == wire.CodeAbuse:
		d.how = detector.Closed // it lives
	default:
		d.how = detector.Silent
	}
	return d
}

// tick does what time brings.
func (m *membership) tick(ctx actor.Context, now time.Time) {
	m.clock(now)
	if m.r.leaving.Load() {
		return
	}
	m.commonSilence(now)
	if !now.Before(m.reconcile) {
		m.reconcile = now.Add(reconcileEvery)
		m.compare(ctx, now)
	}
	if !now.Before(m.exchange) {
		m.exchange = now.Add(m.book.jitter(exchangeEvery))
		m.book.own = m.r.ep.Addrs() // interfaces come and go
		m.antiEntropy()
	}
	if n := m.r.dropped.Load(); n != m.book.full && now.Sub(m.reported) >= reportEvery {
		m.reported = now
		m.event(&actor.Overloaded{What: "router candidates", Dropped: m.book.full - n})
		m.r.dropped.Store(m.book.full)
	}
}

// clock notices that this process did not run, and that the wall clock moved
// against the monotonic one, by which everything here is timed.
func (m *membership) clock(now time.Time) {
	paused := m.health.Tick(now)
	m.r.pulse.beat(now, paused > 0, m.health.Score())
	wall := now.Round(0)
	jump := wall.Sub(m.lastWall) - now.Sub(m.lastTick)
	m.lastWall, m.lastTick = wall, now
	switch {
	case paused > 0:
		if paused > m.r.ringConfig().Pause {
			m.r.toOverlay(stood{})
		}
		m.r.log.Warn("this process did not run", "for", paused)
		m.event(&actor.ClockJump{By: paused})
	case jump.Abs() > time.Second:
		m.r.log.Warn("wall clock moved", "by", jump)
		m.event(&actor.ClockJump{By: jump})
	}
}

// commonSilence charges our own health once when all of several peers fall
// silent: more likely we are cut off or starved than all of them dead.
func (m *membership) commonSilence(now time.Time) {
	silent := len(m.peers) >= 3
	for _, p := range m.peers {
		silent = silent && p.State == Suspect
	}
	if silent && !m.silent {
		m.health.AllSilent(now)
	}
	m.silent = silent
}

// compare makes up for messages that were lost with a crash or an overflow.
func (m *membership) compare(ctx actor.Context, now time.Time) {
	for _, l := range m.r.ep.Links() {
		n := l.Peer()
		if p, g := m.peers[n], m.leaving[n]; (p == nil || p.link != l) && g.link != l {
			m.linkUp(ctx, now, l)
		}
	}
	for n, p := range m.peers {
		switch l := p.link; {
		case l == nil:
			m.redial(now, n)
		case l.Up() || m.r.ep.Link(n) != nil:
			p.missing = false
		case !p.missing:
			p.missing = true // the LinkDown that says more may be on its way
		default:
			p.missing = false
			m.linkDown(ctx, now, &linkDown{link: l, how: detector.Silent})
		}
	}
	for n, g := range m.leaving {
		if now.After(g.until) || !g.link.Up() {
			delete(m.leaving, n)
			g.link.Close(wire.CodeOK, "has left")
			m.lost = append(m.lost, n)
		}
	}
}

// antiEntropy tells one peer at random whom we know, so that views converge even
// when a frame was lost; and it refreshes the RTTs of the snapshot.
func (m *membership) antiEntropy() {
	if len(m.peers) == 0 {
		return
	}
	for _, p := range m.peers {
		if p.link != nil {
			p.RTT = p.link.Stats().RTT
		}
	}
	if !m.dirty {
		m.snapshot(m.r.Routes().Version())
	}
	for _, p := range m.peers { // the order of a map is random enough
		if p.link != nil {
			m.tellPeers(p.link, p.ID)
			return
		}
	}
}

// dial does what the book has due.
func (m *membership) dial(now time.Time) {
	if m.r.leaving.Load() || !m.r.open.Load() {
		return
	}
	if !m.curious() {
		m.book.forgetHearsay()
	}
	for _, d := range m.book.due(now) {
		m.r.ep.Dial(d.addr, d.want)
	}
}

// converge closes Converged once all that is known has been tried and the node
// has its place in the ring. If nobody has one yet, somebody has to begin.
func (m *membership) converge(now time.Time) {
	if m.form.ring.Active && m.done() {
		return
	}
	if !m.r.quiet.Load() || m.book.pending() || m.r.leaving.Load() {
		m.ripe = time.Time{}
		return
	}
	for _, p := range m.peers {
		if !p.introduced && now.Sub(p.Since) < introduced {
			return // it may know more nodes
		}
	}
	if !m.form.ring.Active {
		m.begin(now)
		return
	}
	m.r.once.Do(func() {
		close(m.r.converged)
		m.event(&actor.Converged{Peers: len(m.peers), Took: now.Sub(m.r.begun)})
		m.r.log.Info("converged", "peers", len(m.peers), "took", now.Sub(m.r.begun))
	})
}

// done reports whether the node has converged.
func (m *membership) done() bool {
	select {
	case <-m.r.converged:
		return true
	default:
		return false
	}
}
