package router

import (
	"slices"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/transport/wire"
)

const (
	leavingLimit = 15 * time.Second // a peer that left and keeps its link is cut off
	announceTo   = 16               // peers told of a death
	reasonLeft   = "left"
)

// How a peer leaves the table: it says so, it is dead, or nobody needs the link.

// depart takes an announced departure. Answers may still be on their way, so what
// waits for the node is given up only when its link ends.
func (m *membership) depart(ctx actor.Context, now time.Time, p *peer) {
	m.book.leave(now, p.ID, p.Incarnation)
	if p.link != nil {
		m.leaving[p.ID] = goodbye{p.link, now.Add(leavingLimit)}
	} else {
		m.lost = append(m.lost, p.ID)
	}
	m.down(ctx, now, p, reasonLeft)
}

// down removes p, whose process has ended, from the table; the caller decides what
// becomes of requests, link and memory of it.
func (m *membership) down(ctx actor.Context, now time.Time, p *peer, reason string) {
	m.r.toOverlay(&fell{p.ID, p.Incarnation, reason == reasonLeft})
	m.idle = slices.DeleteFunc(m.idle, func(n id.ID) bool { return n == p.ID })
	m.r.log.Info("peer down", "peer", p.ID.Short(), "reason", reason)
	m.remove(ctx, now, p, reason)
}

// part removes a peer whose link was idle and has ended. It lives, and is linked
// again when somebody needs it.
func (m *membership) part(ctx actor.Context, now time.Time, p *peer) {
	m.r.log.Debug("peer parted", "peer", p.ID.Short())
	m.idle = append(m.idle, p.ID)
	m.book.rest(now, p.ID)
	m.remove(ctx, now, p, reasonIdle)
}

func (m *membership) remove(ctx actor.Context, now time.Time, p *peer, reason string) {
	delete(m.peers, p.ID)
	m.touch(now)
	m.event(&actor.PeerDown{Peer: p.ID.String(), Reason: reason})
	m.r.losses.note(Loss{Peer: p.Peer, At: now, Reason: reason})
	m.r.kids.Delete(p.ID)
	if pid := m.kids[p.ID]; pid != nil {
		delete(m.kids, p.ID)
		m.ending[p.ID] = nil
		ctx.Stop(pid)
	}
}

// announce tells some peers of a death, so that those who watch the dead node
// rarely look at once.
func (m *membership) announce(n id.ID, incarnation uint64) {
	k := announceTo
	for _, p := range m.peers { // the order of a map is random enough
		if p.link != nil && k > 0 && p.link.TrySend(control, &wire.Suspects{Target: n, Incarnation: incarnation}) == nil {
			k--
		}
	}
}
