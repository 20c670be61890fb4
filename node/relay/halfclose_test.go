package relay_test

import (
	"net"
	"testing"

	"iris/actor"
	"iris/node/relay/packet"
)

// A client that says Close, and closes its half of the connection at once, still
// reads everything that is meant for it, and Closed as the last packet.
func TestCloseAndHangUp(t *testing.T) {
	h := houses(t, 1)[0]
	for range 20 {
		client, service := h.attach(t, ""), h.attach(t, "tun")
		join(client, service, "tun")
		client.send(packet.Request{ID: 1, Cluster: "tun", TimeoutMs: 600_000}, packet.TunClose{}, packet.Close{})
		client.hangUp()
		expect[packet.TunClosed](client)
		if r := expect[packet.Result](client); !r.TimedOut {
			t.Errorf("got %+v", r)
		}
		if reason := client.expectEnd(); reason != "" {
			t.Errorf("closed with %q", reason)
		}
		service.close()
	}
	if reasons := h.downs(t, 40); reasons[0] != "" {
		t.Errorf("gone for %q", reasons[0])
	}
}

// The same with more to read than the sockets hold: what waited comes before Closed.
func TestCloseAndHangUpWithMuchToRead(t *testing.T) {
	const messages = 24
	h := houses(t, 1)[0]
	c := h.attach(t, "c")
	before := h.System().Counters().Delivered
	for range messages {
		if err := h.Broadcast(t.Context(), "c", make(actor.Bytes, 1<<20)); err != nil {
			t.Fatal(err)
		}
		before++
		eventually(t, "the message at the relay", func() bool { return h.System().Counters().Delivered >= before })
	}
	c.send(packet.Close{}) // of the last messages some may be on their way to it yet, and come no more
	c.hangUp()
	for range messages / 2 {
		expect[packet.Delivery](c)
	}
	if reason := c.expectEnd(); reason != "" {
		t.Errorf("closed with %q", reason)
	}
}

// hangUp closes the client's half of the connection.
func (c *raw) hangUp() {
	c.t.Helper()
	if err := c.conn.(*net.TCPConn).CloseWrite(); err != nil {
		c.t.Fatal(err)
	}
}
