package node

import (
	"errors"
	"net/http"
	"syscall"

	"iris/node/admin"
	"iris/node/admin/dashboard"
	"iris/node/admin/metrics"
	"iris/node/inspect"
)

// openAdmin starts the HTTP endpoint for people and tools, if there is to be one.
// It is up before the node has joined, to show that it has not. A port in use is
// no reason not to start where nobody asked for it.
func (n *Node) openAdmin() error {
	c := n.cfg.Admin
	if !c.On() {
		return nil
	}
	token, err := tokenIn(c.TokenFile)
	if err != nil {
		return err
	}
	pair, err := c.Certificate()
	if err != nil {
		return err
	}
	a, err := admin.New(admin.Config{
		System: n.sys, Asker: n.inspector, Logger: n.part("admin"), State: n.state,
		Listen: c.Listen, Token: token, Certificate: pair, PProf: c.PProf, Page: dashboard.Handler(), Metrics: n.metrics,
	})
	switch {
	case err == nil:
		n.admin = a
	case c.Optional && errors.Is(err, syscall.EADDRINUSE):
		n.log.Warn("admin is off", "error", err)
	default:
		return err
	}
	return nil
}

// metrics is the handler of the endpoint's /metrics.
func (n *Node) metrics(a *admin.Server) http.Handler {
	return metrics.New(metrics.Config{
		System: n.sys, Endpoint: n.endpoint, Router: n.router, Topics: n.topics, Tunnels: n.tunnels, Discovery: n.discovery.Stats,
		Relay: n.programs, State: n.state, Admin: a, Version: inspect.Version(), Network: n.network, Zone: n.cfg.Node.Zone,
	})
}

// programs returns how many are attached to the relay.
func (n *Node) programs() int {
	if !n.ready.Load() || n.relay == nil { // the relay is opened last
		return 0
	}
	return len(n.relay.Clients())
}

// AdminURLs returns where a browser finds the admin endpoint; none if there is no
// endpoint.
func (n *Node) AdminURLs() []string {
	if n.admin == nil {
		return nil
	}
	return n.admin.URLs()
}
