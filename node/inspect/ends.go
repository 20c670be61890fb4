package inspect

import (
	"context"
	"fmt"
	"math"

	"iris/node/relay"
	"iris/tunnels"
)

// tunnels answers "tunnels".
func (i *Inspector) tunnels(ctx context.Context, q Query) (any, error) {
	if q.picked() {
		all, _ := i.cfg.Tunnels.List("", math.MaxInt-1)
		return ranked[tunnels.Info, Tunnel]{
			tunnelColumns, func(t *tunnels.Info) string { return fmt.Sprint(t.ID, " ", t.Opened) }, "id", each(all), tunnelOf, // both ends may be here
		}.page(ctx, q)
	}
	return listed(q, i.cfg.Tunnels.List, tunnelOf, func(t tunnels.Info) string { return t.ID })
}

func tunnelOf(t tunnels.Info) Tunnel {
	return Tunnel{
		ID: t.ID, Cluster: t.Cluster, Peer: name(t.Peer), Opened: t.Opened, Since: t.Since, Sent: t.Sent, Received: t.Received,
		SendRate: t.SendRate, RecvRate: t.RecvRate, Credit: int64(t.Credit), Unread: int64(t.Unread), Stalled: t.Stalled.Microseconds(),
	}
}

// relay answers "relay".
func (i *Inspector) relay(ctx context.Context, q Query) (any, error) {
	var clients []relay.ClientInfo
	if i.cfg.Relay != nil {
		clients = i.cfg.Relay()
	}
	if q.picked() {
		return ranked[relay.ClientInfo, RelayClient]{
			relayColumns, func(c *relay.ClientInfo) string { return clientKey(*c) }, "client", each(clients), clientOf,
		}.page(ctx, q)
	}
	return page(q, clients, clientKey, clientOf)
}

func clientKey(c relay.ClientInfo) string { return fmt.Sprintf("%020d", c.Client) }

func clientOf(c relay.ClientInfo) RelayClient {
	return RelayClient{
		Client: c.Client, Addr: c.Addr, Cluster: c.Cluster, Since: c.Since, Topics: c.Topics, Tunnels: c.Tunnels, Asked: c.Asked, Queued: c.Queued,
	}
}

// settings answers "config".
func (i *Inspector) settings(context.Context, Query) (any, error) {
	if i.cfg.Settings == nil {
		return map[string]any{}, nil
	}
	return i.cfg.Settings(), nil
}
