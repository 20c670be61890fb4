package transport

import (
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"iris/actor"
	"iris/transport/identity"
	"iris/transport/wire"
)

// What cannot work fails at once, and leaves neither socket nor goroutine.
func TestListenRefusesWhatCannotWork(t *testing.T) {
	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	taken := socket.LocalAddr().String()
	secret, err := identity.Parse([]byte(testSecret))
	if err != nil {
		t.Fatal(err)
	}
	ring, err := identity.NewKeyring("net", secret)
	if err != nil {
		t.Fatal(err)
	}
	ident, err := identity.New(ring, identity.Options{})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	sys := actor.NewSystem(actor.Options{Node: ident.ID().String(), Logger: log})
	for name, edit := range map[string]func(*Config){
		"no system":       func(c *Config) { c.System = nil },
		"no identity":     func(c *Config) { c.Identity = nil },
		"no logger":       func(c *Config) { c.Logger = nil },
		"no address":      func(c *Config) { c.Listen = "nowhere" },
		"a taken address": func(c *Config) { c.Listen = taken },
		"a taken port":    func(c *Config) { c.TunnelPort = socket.LocalAddr().(*net.UDPAddr).Port },
		"a zone":          func(c *Config) { c.Zone = "a\nb" },
		"a name":          func(c *Config) { c.Name = strings.Repeat("x", 256) },
	} {
		cfg := Config{System: sys, Identity: ident, Logger: log, Listen: "127.0.0.1:0"}
		edit(&cfg)
		if e, err := Listen(cfg); err == nil {
			t.Errorf("%s: listens", name)
			_ = e.Close(t.Context(), 0, "")
		}
	}
	if _, err := Listen(Config{Conn: socket}); err == nil {
		t.Error("listens without a system")
	}
	if err := socket.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the socket of an endpoint that never was: %v, want it closed", err)
	}
	port := socket.LocalAddr().(*net.UDPAddr).Port // free by now
	for _, c := range []Config{{Listen: taken}, {Listen: "127.0.0.1:0", TunnelPort: port}, {Listen: ":0"}, {Listen: taken, TunnelPort: -1}} {
		c.System, c.Identity, c.Logger = sys, ident, log
		e, err := Listen(c)
		if err != nil {
			t.Fatal(err)
		}
		switch beside := e.hello(wire.RoleLink, 0).TunnelPort; {
		case c.TunnelPort < 0 && (e.beside != nil || beside != 0):
			t.Error("tunnels have a port of their own, want none")
		case c.TunnelPort == 0 && (beside == 0 || beside == addrPort(e.Addr()).Port()):
			t.Errorf("port %d for tunnels beside %s", beside, e.Addr())
		case c.TunnelPort > 0 && int(beside) != c.TunnelPort:
			t.Errorf("port %d for tunnels, want %d", beside, c.TunnelPort)
		}
		if err := e.Close(t.Context(), 0, ""); err != nil {
			t.Error(err)
		}
	}
	if err := sys.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

// The table of announced addresses is bounded, and old ones make room.
func TestExpectedAddressesAreBounded(t *testing.T) {
	now := time.Unix(1000, 0)
	g := newGate(1, func() time.Time { return now })
	for i := range 2 * expectedMax {
		g.expect(source(i))
	}
	if n := len(g.expected); n != expectedMax {
		t.Errorf("%d addresses, want %d", n, expectedMax)
	}
	now = now.Add(expectedFor - time.Second)
	g.expect(source(1)) // known ones are renewed even when it is full
	now = now.Add(2 * time.Second)
	g.expect(source(2*expectedMax + 1))
	if n := len(g.expected); n != 2 {
		t.Errorf("%d addresses a minute later, want 2", n)
	}
}

// However many hosts are refused, the log is not filled; all are counted.
func TestRefusalsAreReportedNowAndThen(t *testing.T) {
	var r refusals
	now := time.Unix(1000, 0)
	reports, counted := 0, uint64(0)
	for range 3 {
		for i := range 5000 {
			if n, report := r.note(source(i).String(), now); report {
				reports++
				counted += n
			}
		}
		if len(r.seen) > maxRefusals {
			t.Fatalf("%d hosts are remembered", len(r.seen))
		}
		now = now.Add(time.Minute)
	}
	if reports != 3*reportsPerMinute || counted < uint64(reports) {
		t.Errorf("%d reports in three minutes of %d refusals, want %d", reports, counted, 3*reportsPerMinute)
	}
}
