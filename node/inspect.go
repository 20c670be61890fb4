package node

import (
	"time"

	"iris/node/inspect"
	"iris/node/relay"
)

// Inspect returns who answers questions about this node, and passes on those about
// others. After Stop it answers nothing more.
func (n *Node) Inspect() inspect.Asker { return n.inspector }

// openInspector makes the answers to questions about this node, also those of other
// nodes. now is its clock; nil: the host's.
func (n *Node) openInspector(name string, now func() time.Time) (err error) {
	n.inspector, err = inspect.New(inspect.Config{
		System: n.sys, Endpoint: n.endpoint, Router: n.router, Topics: n.topics, Tunnels: n.tunnels,
		About: inspect.About{
			Name: name, Network: n.network, Zone: n.cfg.Node.Zone, Labels: n.cfg.Node.Labels, Started: n.began,
			MemoryLimit: int64(n.cfg.Limits.Memory),
		},
		State: n.state, Settings: n.settings, Relay: n.relayClients, Attach: n.relayAddrs, Now: now,
	})
	return err
}

// relayClients are the programs attached to the relay.
func (n *Node) relayClients() []relay.ClientInfo {
	if !n.ready.Load() || n.relay == nil {
		return nil
	}
	return n.relay.Clients()
}

// relayAddrs are where programs attach to the relay.
func (n *Node) relayAddrs() []string {
	if !n.ready.Load() {
		return nil
	}
	var list []string
	for _, a := range n.RelayAddrs() {
		list = append(list, a.String())
	}
	return list
}

// settings is the configuration in force, by path.
func (n *Node) settings() map[string]any {
	m := make(map[string]any)
	for _, s := range n.cfg.Settings() {
		m[s.Path] = s.Value
	}
	return m
}

// state says how far the node is in its life.
func (n *Node) state() string {
	switch {
	case n.life.Err() != nil:
		return "stopping"
	case n.draining.Load():
		return "draining"
	case !n.ready.Load():
		return "joining"
	}
	return "ready"
}
