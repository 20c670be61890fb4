package relay_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"iris/actor"
	"iris/node/config"
	"iris/node/relay/packet"
)

// Whatever a client does wrong, its connection is closed with a reason, one event
// tells of it, and nobody else notices.
func TestViolations(t *testing.T) {
	h := houses(t, 1, func(c *config.Config) { c.Limits.Message = 1 << 20 })[0]
	other, service := h.attach(t, "other"), h.attach(t, "tun")
	concat := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	wire := func(list ...packet.Packet) (b []byte) {
		for _, p := range list {
			b = packet.Append(b, p)
		}
		return b
	}
	huge := binary.AppendUvarint(nil, 1<<40)
	open := func(c *raw) {
		service.credit = 0
		join(c, service, "tun")
	}
	ask := func(c *raw) {
		c.send(packet.Request{Cluster: "other", TimeoutMs: 60_000})
		expect[packet.Serve](other)
	}
	gone := 0
	for name, c := range map[string]struct {
		before func(*raw)
		octets []byte
	}{
		"an unknown opcode":         {nil, []byte{0x0e}},
		"a second init":             {nil, wire(packet.Init{Version: packet.Version})},
		"deny":                      {nil, wire(packet.Deny{Reason: "x"})},
		"an endless varint":         {nil, concat([]byte{byte(packet.OpReply)}, bytes.Repeat([]byte{0xff}, 11))},
		"a bool that is none":       {nil, []byte{byte(packet.OpReply), 0, 2}},
		"an absurd length":          {nil, concat([]byte{byte(packet.OpPublish), 1, 'a'}, huge)},
		"a message beyond":          {nil, concat([]byte{byte(packet.OpPublish), 1, 'a'}, binary.AppendUvarint(nil, 1<<20+1))},
		"a name beyond":             {nil, concat([]byte{byte(packet.OpSubscribe)}, binary.AppendUvarint(nil, 256))},
		"no topic":                  {nil, wire(packet.Publish{})},
		"no cluster":                {nil, wire(packet.Broadcast{})},
		"a name with controls":      {nil, wire(packet.Subscribe{Topic: "a\nb"})},
		"subscribed twice":          {nil, wire(packet.Subscribe{Topic: "t"}, packet.Subscribe{Topic: "t"})},
		"not subscribed":            {nil, wire(packet.Unsubscribe{Topic: "t"})},
		"unsubscribed twice":        {nil, wire(packet.Subscribe{Topic: "t"}, packet.Unsubscribe{Topic: "t"}, packet.Unsubscribe{Topic: "t"})},
		"an id in use":              {ask, wire(packet.Request{Cluster: "other", TimeoutMs: 1})},
		"a tunnel not offered":      {nil, wire(packet.TunConfirm{Build: 3, Tunnel: 3})},
		"a tunnel number in use":    {open, wire(packet.TunInit{Cluster: "tun", TimeoutMs: 1})},
		"a chunk beyond the limit":  {open, wire(packet.TunTransfer{Size: 1 << 17, Payload: make([]byte, packet.ChunkLimit+1)})},
		"an empty chunk":            {open, wire(packet.TunTransfer{Size: 1, Payload: []byte{}})},
		"a chunk of nothing":        {open, wire(packet.TunTransfer{Payload: []byte("x")})},
		"more than the message has": {open, wire(packet.TunTransfer{Size: 2, Payload: []byte("x")}, packet.TunTransfer{Payload: []byte("yz")})},
		"credit without end":        {open, wire(packet.TunAllow{Space: 1<<64 - 1}, packet.TunAllow{Space: 1})},
	} {
		t.Run(name, func(t *testing.T) {
			bad := h.attach(t, "")
			if c.before != nil {
				c.before(bad)
			}
			bad.write(c.octets)
			if reason := bad.expectEnd(); !strings.Contains(reason, "protocol violation: ") {
				t.Errorf("closed with %q", reason)
			}
			_ = bad.conn.Close()
			gone++
			reasons := h.downs(t, gone)
			if len(reasons) != gone || !strings.HasPrefix(reasons[gone-1], "protocol violation: ") {
				t.Errorf("%d events for %d clients, the last %q", len(reasons), gone, reasons[len(reasons)-1])
			}
			for service.credit > 0 { // the other end of the tunnel is told
				p, err := service.next()
				if err != nil {
					t.Fatal(err)
				}
				if _, ok := p.(packet.TunClosed); ok {
					service.credit = 0
				}
			}
			service.quiet()
			other.quiet()
		})
	}
	if n := len(told[*actor.HandlerFailed](h)) + len(told[*actor.ProtocolViolation](h)); n > 0 {
		t.Errorf("%d other complaints", n)
	}
}

// More than the window that the relay has granted, into a tunnel whose other end
// takes nothing.
func TestSenderBeyondItsCredit(t *testing.T) {
	h := houses(t, 1)[0]
	client, service := h.attach(t, ""), h.attach(t, "tun")
	tunnel(t, client, service, "tun")
	chunk := packet.Append(nil, packet.TunTransfer{Tunnel: 7, Size: packet.ChunkLimit, Payload: make([]byte, packet.ChunkLimit)})
	go func() { // whatever was granted, this is more
		for {
			if _, err := client.conn.Write(chunk); err != nil {
				return
			}
		}
	}()
	if reasons := h.downs(t, 1); !strings.Contains(reasons[0], "beyond the credit") {
		t.Errorf("dropped for %q", reasons[0])
	}
}

// What is wrong with a greeting closes the connection without a word, but for a
// version that is not ours.
func TestGreetings(t *testing.T) {
	h := houses(t, 1)[0]
	other := h.attach(t, "")
	good := packet.Append(nil, packet.Init{Version: packet.Version, Cluster: "c"})
	bad := bytes.Clone(good)
	bad[2] = 'X'
	told0 := 0
	for name, octets := range map[string][]byte{
		"another packet":  packet.Append(nil, packet.Close{}),
		"the wrong magic": bad,
		"HTTP":            []byte("GET / HTTP/1.1\r\n\r\n"),
		"a bad cluster":   packet.Append(nil, packet.Init{Version: packet.Version, Cluster: "a\x00b"}),
		"half of it":      nil,
	} {
		c := h.connect(t)
		if octets == nil {
			c.write(good[:len(good)/2])
			_ = c.conn.Close()
		} else {
			c.write(octets)
			_ = c.conn.SetReadDeadline(time.Now().Add(patience))
			if n, _ := c.conn.Read(make([]byte, 1)); n > 0 {
				t.Errorf("%s: the relay said something", name)
			}
		}
		told0++
		eventually(t, "one event for "+name, func() bool { return len(told[*actor.RelayClientRefused](h)) == told0 })
	}
	for _, version := range []string{"v1.0-draft1", "v2", ""} {
		c := h.connect(t)
		c.send(packet.Init{Version: version})
		if got := expect[packet.Deny](c); got.Reason != "Unsupported protocol. Client: "+version+". Iris: v1.0-draft2." {
			t.Errorf("denied with %q", got.Reason)
		}
		c.expectEnd()
	}
	other.quiet()
	if n := len(told[*actor.RelayClientDown](h)); n > 0 {
		t.Errorf("%d clients are said to be gone", n)
	}
}
