package inspect

import (
	"context"
	"strconv"

	"iris/internal/id"
	"iris/router"
	"iris/transport"
)

// peers answers "peers", in the order of the ids.
func (i *Inspector) peers(_ context.Context, q Query) (any, error) {
	all := i.cfg.Router.Routes().Peers()
	return page(q, all, func(p router.Peer) string { return p.ID.String() }, i.peer)
}

func (i *Inspector) peer(p router.Peer) Peer {
	out := Peer{
		ID: p.ID.String(), Name: p.Name, Addr: p.Addr, Zone: p.Zone, Incarnation: p.Incarnation, State: p.State.String(),
		Since: p.Since, RTT: p.RTT.Microseconds(),
	}
	if l := i.link(p.ID); l != nil { // it may be on its way out
		s := l.Stats()
		out.Labels, out.Version = l.Labels(), "protocol "+strconv.Itoa(int(l.Hello().Version))
		out.Lost, out.Packets, out.SentBytes, out.RecvBytes = s.PacketsLost, s.PacketsSent, s.BytesSent, s.BytesReceived
	}
	return out
}

func (i *Inspector) link(n id.ID) *transport.Link { return i.cfg.Endpoint.Link(n) }
