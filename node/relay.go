package node

import (
	"errors"
	"net"
	"syscall"

	"iris/node/config"
	"iris/node/relay"
)

// relayPart is the part of Limits.Memory that messages of tunnels may take in the relay, and what
// waits for programs once more.
const relayPart = 4

// openRelay starts the endpoint for programs in other languages, if there is to
// be one. A port in use is no reason not to start where nobody asked for it.
func (n *Node) openRelay() error {
	c := n.cfg.Relay
	if !c.On() {
		return nil
	}
	token, err := tokenIn(c.TokenFile)
	if err != nil {
		return err
	}
	r, err := relay.New(relay.Config{
		System: n.sys, Topics: n.topics, Tunnels: n.tunnels, Logger: n.part("relay"),
		Listen: c.Listen, Token: token, Message: n.cfg.Limits.Message, Memory: n.cfg.Limits.Memory / relayPart,
	})
	switch {
	case err == nil:
		n.relay = r
	case c.Optional && errors.Is(err, syscall.EADDRINUSE):
		n.log.Warn("relay is off", "error", err)
	default:
		return err
	}
	return nil
}

// tokenIn reads what the users of an endpoint must show; nil without a file.
func tokenIn(file string) ([]byte, error) {
	if file == "" {
		return nil, nil
	}
	return config.ReadToken(file)
}

// RelayAddrs returns the TCP addresses that programs in other languages attach
// to; none if there is no relay.
func (n *Node) RelayAddrs() []net.Addr {
	if n.relay == nil {
		return nil
	}
	return n.relay.Addrs()
}
