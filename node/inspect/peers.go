package inspect

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"iris/router"
	"iris/transport"
)

// lostFor is how long a peer that is gone is listed.
const lostFor = time.Minute

// known is a peer as the router knows it, or one that is gone.
type known struct {
	router.Peer
	loss *router.Loss
}

// peers answers "peers", in the order of the ids.
func (i *Inspector) peers(ctx context.Context, q Query) (any, error) {
	if q.picked() {
		return ranked[known, Peer]{peerColumns, func(p *known) string { return p.ID.String() }, "id", each(i.known()), i.peer}.page(ctx, q)
	}
	return page(q, i.known(), func(p known) string { return p.ID.String() }, i.peer)
}

// known lists the peers and those lost of late, in the order of the ids.
func (i *Inspector) known() []known {
	routes := i.cfg.Router.Routes()
	var all []known
	for _, p := range routes.Peers() {
		all = append(all, known{Peer: p})
	}
	for _, l := range i.cfg.Router.Losses(time.Now().Add(-lostFor)) {
		if _, back := routes.Peer(l.Peer.ID); !back {
			all = append(all, known{l.Peer, &l})
		}
	}
	slices.SortFunc(all, func(a, b known) int { return cmp.Compare(a.ID.String(), b.ID.String()) })
	return all
}

func (i *Inspector) peer(p known) Peer {
	out := Peer{
		ID: p.ID.String(), Name: p.Name, Addr: p.Addr, Zone: p.Zone, Incarnation: p.Incarnation, State: p.State.String(),
		Since: p.Since, RTT: p.RTT.Microseconds(),
	}
	if p.loss != nil {
		out.State, out.Since, out.Reason = "down", p.loss.At, p.loss.Reason
		return out
	}
	l := i.cfg.Endpoint.Link(p.ID)
	if l == nil { // it is on its way out
		return out
	}
	s, hello := l.Stats(), l.Hello()
	out.Name, out.Labels, out.Version = hello.Name, l.Labels(), "protocol "+strconv.Itoa(int(hello.Version))
	out.Lost, out.Packets, out.SentBytes, out.RecvBytes = s.PacketsLost, s.PacketsSent, s.BytesSent, s.BytesReceived
	if way, ok := i.cfg.Endpoint.TunnelWay(p.ID); ok {
		out.TunnelAddr, out.TunnelApart = way.Addr, way.Apart
	}
	for _, x := range l.Lanes() {
		out.Lanes = append(out.Lanes, lane(x))
	}
	return out
}

func lane(x transport.LaneStats) Lane {
	return Lane{
		Name: x.Lane.String(), Queued: x.Queued, Limit: x.Limit, Sent: x.Sent, SentBytes: x.Bytes, Refused: x.Refused,
		Stalled: x.Stalled.Microseconds(),
	}
}
