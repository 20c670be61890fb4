package node

import (
	"errors"
	"syscall"

	"iris/node/admin"
	"iris/node/config"
)

// openAdmin starts the HTTP endpoint for people and tools, if there is to be one.
// It is up before the node has joined, to show that it has not. A port in use is
// no reason not to start where nobody asked for it.
func (n *Node) openAdmin() error {
	c := n.cfg.Admin
	if !c.On() {
		return nil
	}
	var token []byte
	if c.TokenFile != "" {
		var err error
		if token, err = config.ReadToken(c.TokenFile); err != nil {
			return err
		}
	}
	pair, err := c.Certificate()
	if err != nil {
		return err
	}
	a, err := admin.New(admin.Config{
		System: n.sys, Asker: n.inspector, Logger: n.part("admin"), State: n.state,
		Listen: c.Listen, Token: token, Certificate: pair, PProf: c.PProf,
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

// AdminURLs returns where a browser finds the admin endpoint; none if there is no
// endpoint.
func (n *Node) AdminURLs() []string {
	if n.admin == nil {
		return nil
	}
	return n.admin.URLs()
}
