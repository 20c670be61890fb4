package router

import (
	"maps"
	"slices"

	"iris/actor"
	"iris/transport/wire"
)

func (m *membership) subscribe(ctx actor.Context, pid *actor.PID) {
	if !m.r.addSubscriber(pid) {
		return
	}
	ctx.Watch(pid)
	m.publish(ctx) // what is pending is not for the newcomer
	routes := m.r.Routes()
	first := &Changed{Routes: routes}
	for _, p := range routes.Peers() {
		first.Up = append(first.Up, p.ID)
		if p.State == Suspect {
			first.Suspected = append(first.Suspected, p.ID)
		}
	}
	ctx.Send(pid, first)
}

// publish makes a new snapshot if anything changed and tells the subscribers. It
// comes before flush, so that who reacts to a failed request or an event finds
// the new routes.
func (m *membership) publish(ctx actor.Context) {
	if c := m.change; len(c.Up)+len(c.Down)+len(c.Suspected)+len(c.Recovered) > 0 {
		m.change = Changed{}
		c.Routes = m.snapshot(m.r.Routes().Version() + 1)
		for _, pid := range m.r.subscribers() {
			ctx.Send(pid, &c)
		}
	}
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
		if p.link != nil {
			p.RTT = p.link.Stats().RTT
		}
		peers = append(peers, p.Peer)
	}
	routes := NewRoutes(m.r.ep.ID(), version, peers)
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
