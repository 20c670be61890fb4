package relay_test

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"iris/actor"
	"iris/node/relay/packet"
	"iris/tunnels"
)

// tunnel opens a tunnel of two raw clients under the numbers 7 and 9; each has
// granted the other what it may.
func tunnel(t testing.TB, client, service *raw, cluster string) {
	t.Helper()
	client.send(packet.TunInit{Tunnel: 7, Cluster: cluster, TimeoutMs: 60_000})
	offer := expect[packet.TunOffer](service)
	if offer.Limit != packet.ChunkLimit {
		t.Errorf("offered with %+v", offer)
	}
	service.send(packet.TunConfirm{Build: offer.Build, Tunnel: 9}, packet.TunAllow{Tunnel: 9, Space: packet.ClientWindow})
	if r := expect[packet.TunResult](client); r != (packet.TunResult{Tunnel: 7, Limit: packet.ChunkLimit}) {
		t.Errorf("opened with %+v", r)
	}
	client.send(packet.TunAllow{Tunnel: 7, Space: packet.ClientWindow})
	for c, id := range map[*raw]uint64{client: 7, service: 9} {
		a := expect[packet.TunAllow](c)
		if a != (packet.TunAllow{Tunnel: id, Space: packet.RelayWindow}) {
			t.Errorf("granted %+v", a)
		}
		c.credit = a.Space
	}
}

// message reads what comes through a tunnel until a whole message is there.
func (c *raw) message() []byte {
	c.t.Helper()
	return c.messageOf(time.Now().Add(time.Hour)) // not closed
}

// flushes is how long a relay tries to get through what a closed tunnel has sent.
const flushes = 10 * time.Second

// messageOf is message of a tunnel whose other end has closed it at a time. On a machine that
// does not get it through before the relay gives up there is nothing to see.
func (c *raw) messageOf(closed time.Time) []byte {
	c.t.Helper()
	var a packet.Assembly
	for {
		p, err := c.next()
		if err != nil {
			c.t.Fatal(err)
		}
		switch p := p.(type) {
		case packet.TunAllow:
			c.credit += p.Space
		case packet.TunTransfer:
			if len(p.Payload) > packet.ChunkLimit {
				c.t.Errorf("a chunk of %d octets", len(p.Payload))
			}
			m, discarded, err := a.Add(p, packet.FromRelay, 1<<30)
			if err != nil || discarded > 0 {
				c.t.Fatalf("%d octets discarded, %v", discarded, err)
			}
			if m != nil {
				return m
			}
		default:
			if _, ok := p.(packet.TunClosed); ok && time.Since(closed) > flushes {
				c.t.Skip("the machine is too busy to say more")
			}
			c.t.Fatalf("got %T %+v", p, p)
		}
	}
}

// sendMessage sends a message in chunks, as credit comes.
func (c *raw) sendMessage(tunnel uint64, m []byte) {
	c.t.Helper()
	for chunk := range packet.Chunks(tunnel, m, packet.ChunkLimit) {
		c.sendChunk(chunk)
	}
}

func (c *raw) sendChunk(chunk packet.TunTransfer) {
	c.t.Helper()
	c.await(uint64(len(chunk.Payload)))
	c.send(chunk)
	c.credit -= uint64(len(chunk.Payload))
}

// await reads grants until there is that much credit.
func (c *raw) await(credit uint64) {
	c.t.Helper()
	for c.credit < credit {
		c.credit += expect[packet.TunAllow](c).Space
	}
}

// whole fails unless every octet of the window is granted again.
func (c *raw) whole() {
	c.t.Helper()
	if c.await(packet.RelayWindow); c.credit != packet.RelayWindow {
		c.t.Errorf("%d octets of credit in the end", c.credit)
	}
}

// join opens a tunnel under the number 0 at both ends, of which the service has
// granted nothing yet.
func join(client, service *raw, cluster string) {
	client.t.Helper()
	client.send(packet.TunInit{Cluster: cluster, TimeoutMs: 60_000})
	service.send(packet.TunConfirm{Build: expect[packet.TunOffer](service).Build})
	expect[packet.TunResult](client)
	client.await(packet.RelayWindow)
	service.await(packet.RelayWindow)
}

func octets(n int) []byte {
	b := make([]byte, n)
	r := rand.New(rand.NewPCG(uint64(n), 1))
	for i := 0; i < n; i += 61 {
		b[i] = byte(r.Uint32())
	}
	return b
}

func TestTunnelMessages(t *testing.T) {
	everywhere(t, func(t *testing.T, a, b *house) {
		client, service := a.attach(t, ""), b.attach(t, "tun")
		tunnel(t, client, service, "tun")
		for _, n := range []int{1, packet.ChunkLimit, packet.ChunkLimit + 1, 1 << 20, 16 << 20} {
			m := octets(n)
			client.sendMessage(7, m)
			if got := service.message(); !bytes.Equal(got, m) {
				t.Fatalf("a message of %d octets came as %d", n, len(got))
			}
			service.send(packet.TunAllow{Tunnel: 9, Space: uint64(n)})
		}
		service.sendMessage(9, []byte("back"))
		if got := client.message(); string(got) != "back" {
			t.Errorf("got %q", got)
		}
		client.whole()
		client.send(packet.TunClose{Tunnel: 7})
		if got := expect[packet.TunClosed](client); got != (packet.TunClosed{Tunnel: 7}) {
			t.Errorf("closed with %+v", got)
		}
		if got := expect[packet.TunAllow](service); got.Space != 4 {
			t.Errorf("got %+v", got)
		}
		if got := expect[packet.TunClosed](service); got != (packet.TunClosed{Tunnel: 9}) {
			t.Errorf("closed with %+v", got)
		}
		service.send(packet.TunClose{Tunnel: 9}, packet.TunAllow{Tunnel: 9, Space: 1}, packet.TunTransfer{Tunnel: 9, Size: 1, Payload: []byte("x")}) // it crossed
		service.quiet()
		client.close()
		service.close()
	})
}

// The relay sends no more than the client has granted, but for the rest of a
// message that is larger than the window.
func TestTunnelCreditOfTheClient(t *testing.T) {
	everywhere(t, func(t *testing.T, a, b *house) {
		client, service := a.attach(t, ""), b.attach(t, "tun")
		join(client, service, "tun")
		client.sendMessage(0, []byte("12345"))
		client.sendMessage(0, octets(200_000))
		service.quiet() // it has granted nothing
		service.send(packet.TunAllow{Tunnel: 0, Space: 4})
		service.quiet()
		service.send(packet.TunAllow{Tunnel: 0, Space: 1})
		if got := service.message(); string(got) != "12345" {
			t.Errorf("got %q", got)
		}
		service.quiet()
		service.send(packet.TunAllow{Tunnel: 0, Space: packet.ChunkLimit})
		if got := service.message(); len(got) != 200_000 {
			t.Errorf("got %d octets", len(got))
		}
		client.sendMessage(0, []byte("x"))
		service.send(packet.TunAllow{Tunnel: 0, Space: 200_000 - packet.ChunkLimit})
		service.quiet() // that paid the debt
		service.send(packet.TunAllow{Tunnel: 0, Space: 1})
		if got := service.message(); string(got) != "x" {
			t.Errorf("got %q", got)
		}
	})
}

// A sender that gives up halfway begins the next message; its octets are credit
// again.
func TestTunnelMessageGivenUpHalfway(t *testing.T) {
	h := houses(t, 1)[0]
	client, service := h.attach(t, ""), h.attach(t, "tun")
	tunnel(t, client, service, "tun")
	for range 200 { // 100 windows
		for _, size := range []uint64{64 << 20, 0} {
			client.sendChunk(packet.TunTransfer{Tunnel: 7, Size: size, Payload: octets(packet.ChunkLimit)})
		}
	}
	client.sendMessage(7, []byte("whole"))
	if got := service.message(); string(got) != "whole" {
		t.Errorf("got %q", got)
	}
	client.whole()
}

// What was sent before a tunnel, or the whole client, closes reaches the other
// side, also if that grants credit only then.
func TestTunnelCloseDeliversEverything(t *testing.T) {
	everywhere(t, func(t *testing.T, a, b *house) {
		for _, whole := range []bool{false, true} {
			client, service := a.attach(t, ""), b.attach(t, "tun")
			join(client, service, "tun")
			client.sendMessage(0, octets(3_000_000))
			for range 10 {
				client.send(packet.TunTransfer{Tunnel: 0, Size: 4, Payload: []byte("last")})
			}
			client.send(packet.TunTransfer{Tunnel: 0, Size: 4, Payload: []byte("ha")}) // and half of one
			closed := time.Now()
			if whole {
				client.send(packet.Close{})
				client.expectEnd()
			} else {
				client.send(packet.TunClose{Tunnel: 0})
				for {
					if p, err := client.next(); err != nil {
						t.Fatal(err)
					} else if _, ok := p.(packet.TunClosed); ok {
						break
					}
				}
			}
			service.send(packet.TunAllow{Tunnel: 0, Space: packet.ClientWindow})
			if got := service.messageOf(closed); len(got) != 3_000_000 {
				t.Errorf("got %d octets", len(got))
			}
			for range 10 {
				if got := service.messageOf(closed); string(got) != "last" {
					t.Errorf("got %q", got)
				}
			}
			if got := expect[packet.TunClosed](service); got.Reason != "" && time.Since(closed) < flushes {
				t.Errorf("closed with %q", got.Reason)
			}
			service.close()
		}
	})
}

// The end that the tunnel was opened to closes it by leaving.
func TestServiceLeavesWithATunnel(t *testing.T) {
	everywhere(t, func(t *testing.T, a, b *house) {
		client, service := a.attach(t, ""), b.attach(t, "tun")
		tunnel(t, client, service, "tun")
		service.sendMessage(9, octets(1_000_000))
		service.close()
		if got := client.message(); len(got) != 1_000_000 {
			t.Errorf("got %d octets", len(got))
		}
		if got := expect[packet.TunClosed](client); got.Reason != "" {
			t.Errorf("closed with %q", got.Reason)
		}
		client.close()
	})
}

// A client that is lost takes its tunnels with it, and the other end hears why.
func TestTunnelOfALostClient(t *testing.T) {
	everywhere(t, func(t *testing.T, a, b *house) {
		client, service := a.attach(t, ""), b.attach(t, "tun")
		tunnel(t, client, service, "tun")
		_ = client.conn.Close()
		if got := expect[packet.TunClosed](service); !strings.Contains(got.Reason, "connection ended") {
			t.Errorf("closed with %q", got.Reason)
		}
		service.quiet()
	})
}

// A Go handler at the other end sees whole messages, and the end.
func TestTunnelToAGoHandler(t *testing.T) {
	everywhere(t, func(t *testing.T, a, b *house) {
		ended := make(chan error, 1)
		if _, err := b.Register("go", actor.Func(func(ctx actor.Context) {
			if in, ok := ctx.Message().(*tunnels.Incoming); ok {
				go func() {
					for {
						m, err := in.Tunnel.Recv(context.Background())
						if err != nil {
							_ = in.Tunnel.Close()
							ended <- err
							return
						}
						_ = in.Tunnel.Send(context.Background(), nil) // has no form in the protocol
						_ = in.Tunnel.Send(context.Background(), append(m, m...))
					}
				}()
			}
		})); err != nil {
			t.Fatal(err)
		}
		client := a.attach(t, "relay")
		client.send(packet.TunInit{Tunnel: 1, Cluster: "go", TimeoutMs: 60_000}, packet.TunAllow{Tunnel: 1, Space: 10}) // too early
		expect[packet.TunResult](client)
		client.await(packet.RelayWindow)
		client.send(packet.TunAllow{Tunnel: 1, Space: packet.ClientWindow})
		client.sendMessage(1, octets(300_000))
		if got := client.message(); len(got) != 600_000 {
			t.Errorf("got %d octets", len(got))
		}
		client.send(packet.TunClose{Tunnel: 1})
		if err := <-ended; err != io.EOF {
			t.Errorf("the handler got %v", err)
		}
		// And the other way round.
		opened := make(chan error, 1)
		go func() {
			tun, err := b.Tunnel(t.Context(), "relay")
			if err == nil {
				err = tun.Send(t.Context(), []byte("hello"))
			}
			if err == nil {
				err = tun.Close()
			}
			opened <- err
		}()
		for {
			p, err := client.next()
			if err != nil {
				t.Fatal(err)
			}
			if offer, ok := p.(packet.TunOffer); ok {
				client.send(packet.TunConfirm{Build: offer.Build, Tunnel: 2}, packet.TunAllow{Tunnel: 2, Space: 5})
				break
			}
		}
		if got := client.message(); string(got) != "hello" {
			t.Errorf("got %q", got)
		}
		if got := expect[packet.TunClosed](client); got != (packet.TunClosed{Tunnel: 2}) {
			t.Errorf("got %+v", got)
		}
		if err := <-opened; err != nil {
			t.Error(err)
		}
		client.close()
	})
}

// A client that does not confirm a tunnel in time is dropped, and the other end
// is told.
func TestUnconfirmedTunnel(t *testing.T) {
	h := houses(t, 1)[0]
	client, service := h.attach(t, ""), h.attach(t, "tun")
	client.send(packet.TunInit{Tunnel: 7, Cluster: "tun", TimeoutMs: 60_000})
	began := time.Now()
	if reason := service.expectEnd(); !strings.Contains(reason, "not confirmed") || time.Since(began) < 2900*time.Millisecond {
		t.Errorf("dropped after %v: %s", time.Since(began), reason)
	}
	expect[packet.TunResult](client)
	expect[packet.TunAllow](client)
	if got := expect[packet.TunClosed](client); got.Reason == "" {
		t.Error("closed without a reason")
	}
}

// A message that is larger than the nodes allow ends its tunnel, at both ends and with a
// reason, and nothing else.
func TestTunnelMessageBeyondTheLimit(t *testing.T) {
	everywhere(t, func(t *testing.T, a, b *house) {
		client, service := a.attach(t, ""), b.attach(t, "tun")
		tunnel(t, client, service, "tun")
		client.send(packet.TunTransfer{Tunnel: 7, Size: packet.DefaultMessage + 1, Payload: []byte("x")},
			packet.TunTransfer{Tunnel: 7, Payload: []byte("y")}) // it does not know yet
		for c, id := range map[*raw]uint64{client: 7, service: 9} {
			if got := expect[packet.TunClosed](c); got.Tunnel != id || !strings.Contains(got.Reason, "67108865 octets") {
				t.Errorf("closed with %+v", got)
			}
		}
		client.quiet()
		service.quiet()
		service.credit, client.credit = 0, 0
		join(client, service, "tun")
	})
}
