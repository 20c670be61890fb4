package inspect

import (
	"context"
	"fmt"

	"iris/node/relay"
	"iris/tunnels"
)

// tunnels answers "tunnels".
func (i *Inspector) tunnels(_ context.Context, q Query) (any, error) {
	return listed(q, i.cfg.Tunnels.List, tunnelOf, func(t tunnels.Info) string { return t.ID })
}

func tunnelOf(t tunnels.Info) Tunnel {
	return Tunnel{
		ID: t.ID, Cluster: t.Cluster, Peer: name(t.Peer), Opened: t.Opened, Since: t.Since, Sent: t.Sent, Received: t.Received,
		SendRate: t.SendRate, RecvRate: t.RecvRate, Credit: int64(t.Credit), Unread: int64(t.Unread), Stalled: t.Stalled.Microseconds(),
	}
}

// relay answers "relay".
func (i *Inspector) relay(_ context.Context, q Query) (any, error) {
	var clients []relay.ClientInfo
	if i.cfg.Relay != nil {
		clients = i.cfg.Relay()
	}
	return page(q, clients, func(c relay.ClientInfo) string { return fmt.Sprintf("%020d", c.Client) }, func(c relay.ClientInfo) RelayClient {
		return RelayClient{
			Client: c.Client, Addr: c.Addr, Cluster: c.Cluster, Since: c.Since, Topics: c.Topics, Tunnels: c.Tunnels, Asked: c.Asked, Queued: c.Queued,
		}
	})
}

// settings answers "config".
func (i *Inspector) settings(context.Context, Query) (any, error) {
	if i.cfg.Settings == nil {
		return map[string]any{}, nil
	}
	return i.cfg.Settings(), nil
}
