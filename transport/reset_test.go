package transport

import (
	"errors"
	"net"
	"testing"

	"iris/actor"
	"iris/internal/id"
	"iris/transport/wire"
)

// A node that lost its socket without a word and starts again at the same
// address, with the same keys, tells peers at the first packet that the process
// they knew is gone.
func TestARestartedNodeResetsOldLinks(t *testing.T) {
	a := newPlace(t, "net", func(c *Config) { c.Listen = "127.0.0.1:0" })
	a.start(t)
	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	b := newPlace(t, "net", func(c *Config) { c.Conn = socket })
	b.start(t)
	addr := b.addr()
	for _, accepted := range []bool{false, true} {
		before := len(a.down)
		var old *Link
		if accepted {
			_, old = linked(t, b, a)
		} else {
			old, _ = linked(t, a, b)
		}
		if err := socket.Close(); err != nil {
			t.Fatal(err)
		}
		b.close(t)
		if len(b.ups) != 1 || len(b.down) != 1 {
			t.Errorf("the node without a socket heard of %d links up, %d down", len(b.ups), len(b.down))
		}
		local, err := net.ResolveUDPAddr("udp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if socket, err = net.ListenUDP("udp", local); err != nil {
			t.Fatal(err)
		}
		b = newPlace(t, "net", func(c *Config) { c.Conn = socket })
		b.start(t)
		err = old.TrySend(Direct, &wire.Tell{Target: "iris/user/x", Body: wire.Body{Data: make([]byte, 100)}})
		if err != nil && !errors.Is(err, actor.ErrUnreachable) { // the link's own upkeep may have come first
			t.Fatal(err)
		}
		a.until(t, "the reset", func() bool { return len(a.down) == before+1 })
		if d := a.down[before]; !d.Restarted || !d.Remote || d.Link != old {
			t.Errorf("ended with %v (%s), remote %v, restarted %v", d.Code, d.Reason, d.Remote, d.Restarted)
		}
	}
	b.Dial(a.addr(), id.ID{})
	a.until(t, "a link with the new process", func() bool { return a.Link(b.ID()) != nil })
	a.close(t)
	b.close(t)
}
