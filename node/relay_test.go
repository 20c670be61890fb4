package node

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"strings"
	"syscall"
	"testing"

	"iris/node/config"
)

// began starts and stops a node, and returns it with what it logged.
func began(t *testing.T, edit func(*config.Config)) (*Node, string, error) {
	t.Helper()
	var said bytes.Buffer
	cfg := config.Default()
	cfg.Network.Name = t.Name()
	cfg.Log.Handler = slog.NewTextHandler(&said, nil)
	edit(&cfg)
	n, err := Start(t.Context(), cfg)
	if n != nil {
		stop(t, n)
	}
	return n, said.String(), err
}

// A program's node has a relay only if it asks for one; where it does, a port in
// use is an error, unless nobody has named it.
func TestRelayIsOpenedAsConfigured(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	n, _, err := began(t, func(*config.Config) {})
	if err != nil || len(n.RelayAddrs()) > 0 {
		t.Errorf("without a word: %v", err)
	}
	n, said, err := began(t, func(c *config.Config) { c.Relay.Listen = "0" })
	if err != nil || len(n.RelayAddrs()) == 0 || !strings.Contains(said, "relay listening") {
		t.Errorf("with a port: %v\n%s", err, said)
	}
	n, _, err = began(t, func(c *config.Config) { c.Relay.Listen = config.EndpointOff })
	if err != nil || len(n.RelayAddrs()) > 0 {
		t.Errorf("off: %v", err)
	}
	_, _, err = began(t, func(c *config.Config) { c.Relay.Listen = taken.Addr().String() })
	if !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a port in use: %v", err)
	}
	n, said, err = began(t, func(c *config.Config) { c.Relay.Listen, c.Relay.Optional = taken.Addr().String(), true })
	if err != nil || len(n.RelayAddrs()) > 0 || !strings.Contains(said, "relay is off") {
		t.Errorf("a port in use that nobody named: %v\n%s", err, said)
	}
	_, _, err = began(t, func(c *config.Config) { c.Relay.Listen = "0.0.0.0:0" })
	if err == nil {
		t.Error("a relay for everybody without a token")
	}
}
