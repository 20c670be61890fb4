package router

import (
	"maps"
	"slices"

	"iris/actor"
	"iris/internal/id"
	"iris/transport/wire"
)

func (m *membership) subscribe(ctx actor.Context, pid *actor.PID) {
	m.publish(ctx) // before it is one: what is pending comes to a newcomer with all the rest
	if !m.r.addSubscriber(pid) {
		return
	}
	ctx.Watch(pid)
	routes := m.r.Routes()
	ctx.Send(pid, difference(NewRoutes(routes.self, 0, nil), routes))
}

// publish makes a new snapshot if anything changed and tells the subscribers. It
// comes before flush, so that who reacts to a failed request or an event finds
// the new routes.
func (m *membership) publish(ctx actor.Context) {
	if !m.dirty {
		return
	}
	m.dirty = false
	before := m.r.Routes()
	c := difference(before, m.snapshot(before.Version()+1))
	c.Unreached, m.missed = m.missed, nil
	c.Down, c.Idle = split(c.Down, m.idle)
	m.idle = nil
	for _, pid := range m.r.subscribers() {
		ctx.Send(pid, c)
	}
}

// split separates those that are idle from those that are down.
func split(gone, idle []id.ID) (down, parted []id.ID) {
	for _, n := range gone {
		if slices.Contains(idle, n) {
			parted = append(parted, n)
		} else {
			down = append(down, n)
		}
	}
	return down, parted
}

// difference says what changed between two snapshots. A peer that was replaced
// by a new incarnation is in Down and in Up.
func difference(before, after *Routes) *Changed {
	c := &Changed{Routes: after}
	for _, p := range after.Peers() {
		old, known := before.Peer(p.ID)
		if known && (old.Incarnation != p.Incarnation || !old.Since.Equal(p.Since)) {
			c.Down = append(c.Down, p.ID)
			known = false
		}
		switch {
		case !known:
			c.Up = append(c.Up, p.ID)
			if p.State == Suspect {
				c.Suspected = append(c.Suspected, p.ID)
			}
		case p.State == old.State:
		case p.State == Suspect:
			c.Suspected = append(c.Suspected, p.ID)
		default:
			c.Recovered = append(c.Recovered, p.ID)
		}
	}
	for _, p := range before.Peers() {
		if _, still := after.Peer(p.ID); !still {
			c.Down = append(c.Down, p.ID)
		}
	}
	return c
}

// flush ends what waits for lost nodes, and sends the events.
func (m *membership) flush() {
	for _, n := range m.lost {
		m.r.sys.NodeLost(n.String())
	}
	for _, e := range m.events {
		m.r.sys.Events().Publish(e)
	}
	m.lost, m.events = m.lost[:0], m.events[:0]
}

// snapshot publishes the table under the given version.
func (m *membership) snapshot(version uint64) *Routes {
	peers := make([]Peer, 0, len(m.peers))
	for _, p := range m.peers {
		peers = append(peers, p.Peer)
	}
	routes := compose(m.r.Routes(), version, &m.form, peers)
	m.r.routes.Store(routes)
	return routes
}

// leave announces our departure and stops detection; the actor lives on idle.
func (m *membership) leave(ctx actor.Context) {
	for _, p := range m.peers {
		if p.link != nil {
			_ = p.link.TrySend(control, &wire.Leave{Incarnation: m.r.ep.Incarnation()}) // the close says it again
		}
	}
	m.r.kids.Clear()
	for _, pid := range slices.Collect(maps.Values(m.kids)) {
		ctx.Stop(pid)
	}
	clear(m.kids)
	m.book.entries = nil
	ctx.Respond(&left{})
}

func (m *membership) event(e any) { m.events = append(m.events, e) }
