package node

import (
	"context"
	"log/slog"
	"net"
	"sync/atomic"
	"testing"

	"iris/actor"
	"iris/internal/canary"
	"iris/node/config"
	"iris/node/relay/client"
)

// narrow is a socket that, once it is shut, loses what is larger than a heartbeat: links stay, and
// their lanes fill.
type narrow struct {
	net.PacketConn
	shut atomic.Bool
}

func (c *narrow) WriteTo(b []byte, to net.Addr) (int, error) {
	if c.shut.Load() && len(b) > 400 {
		return len(b), nil
	}
	return c.PacketConn.WriteTo(b, to)
}

// An operation of one program that waits for a full lane keeps no other program of the relay from
// anything.
func TestSlowSendOfAProgramStopsNoOther(t *testing.T) {
	secret := canary.Key()
	launch := func(t *testing.T, s seams, seeds ...string) *Node {
		cfg := config.Default()
		cfg.Network.Name, cfg.Network.Secret = t.Name(), secret
		cfg.Listen, cfg.Seeds, cfg.Discovery.Host, cfg.Relay.Listen = "127.0.0.1:0", seeds, false, "127.0.0.1:0"
		cfg.Limits.Lane, cfg.Log.Handler = 256<<10, slog.DiscardHandler
		n, err := start(t.Context(), cfg, s)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { stop(t, n) })
		return n
	}
	for _, c := range []struct {
		what string
		send func(ctx context.Context, c *client.Conn, name string, m []byte) error
	}{
		{"publish", func(ctx context.Context, c *client.Conn, name string, m []byte) error { return c.Publish(ctx, name, m) }},
		{"broadcast", func(ctx context.Context, c *client.Conn, name string, m []byte) error {
			return c.Broadcast(ctx, name, m)
		}},
	} {
		t.Run(c.what, func(t *testing.T) {
			socket, err := net.ListenPacket("udp4", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			way := &narrow{PacketConn: socket}
			far := launch(t, seams{})
			here := launch(t, seams{conn: way}, far.Addr().String())
			got, marks := make(chan struct{}, 1000), make(chan struct{}, 1000)
			tell := func(ch chan struct{}) *actor.Props {
				return actor.Func(func(ctx actor.Context) {
					if _, ok := ctx.Message().(actor.Bytes); ok {
						ch <- struct{}{}
					}
				})
			}
			for _, r := range []struct {
				at *Node
				to string
				ch chan struct{}
			}{{far, "far", got}, {here, "mark", marks}} {
				if _, err := r.at.Register(r.to, tell(r.ch)); err != nil {
					t.Fatal(err)
				}
				if _, err := r.at.Subscribe(r.to, tell(r.ch)); err != nil {
					t.Fatal(err)
				}
			}
			slow, other := attached(t, here, client.Config{}), attached(t, here, client.Config{Cluster: "other", Handler: client.Handler{
				Request: func(_ context.Context, question []byte) ([]byte, error) { return question, nil },
			}})
			eventually(t, "the way to be known", func() bool {
				if err := c.send(t.Context(), slow, "far", []byte{1}); err != nil {
					t.Fatal(err)
				}
				return len(got) > 0
			})
			way.shut.Store(true)
			for range 64 { // 2 MiB, of which the lane takes 256 KiB
				if err := c.send(t.Context(), slow, "far", make([]byte, 32<<10)); err != nil {
					t.Fatal(err)
				}
			}
			if err := c.send(t.Context(), slow, "mark", []byte{1}); err != nil {
				t.Fatal(err)
			}
			events := make(chan struct{}, 100)
			if err := other.Subscribe("near", func([]byte) { events <- struct{}{} }); err != nil {
				t.Fatal(err)
			}
			for range 20 {
				if err := other.Publish(t.Context(), "near", []byte{1}); err != nil {
					t.Fatal(err)
				}
				receive(t, events)
				if _, err := other.Request(t.Context(), "other", []byte{1}, patience); err != nil {
					t.Fatal(err)
				}
				if _, err := slow.Request(t.Context(), "other", []byte{1}, patience); err != nil {
					t.Fatalf("its own request: %v", err)
				}
			}
			if len(here.Peers()) == 1 && len(marks) > 0 {
				t.Error("nothing was slow")
			}
			way.shut.Store(false)
			receive(t, marks)
		})
	}
}

func attached(t *testing.T, n *Node, cfg client.Config) *client.Conn {
	t.Helper()
	cfg.Addr = n.RelayAddrs()[0].String()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, err := client.Dial(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() }) // the node may have ended it
	return c
}
