package client_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"iris/internal/canary"
	"iris/node"
	"iris/node/config"
	"iris/node/relay/client"
)

// patience bounds whatever a test waits for.
const patience = time.Minute

// start starts a node with a relay. The caller stops it.
func start(t *testing.T) *node.Node {
	t.Helper()
	cfg := config.Default()
	cfg.Network.Name, cfg.Network.Secret = t.Name(), canary.Key()
	cfg.Log.Handler = slog.DiscardHandler
	cfg.Relay.Listen = "127.0.0.1:0"
	n, err := node.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func stop(t *testing.T, n *node.Node) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := n.Stop(ctx); err != nil {
		t.Error(err)
	}
}

// dial attaches to the relay of a node.
func dial(t *testing.T, n *node.Node, cfg client.Config) *client.Conn {
	t.Helper()
	cfg.Addr = n.RelayAddrs()[0].String()
	c, err := client.Dial(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func leave(t *testing.T, list ...*client.Conn) {
	t.Helper()
	for _, c := range list {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestNode: clients of a real relay ask, publish and broadcast.
func TestNode(t *testing.T) {
	n := start(t)
	defer stop(t, n)
	heard := make(chan string, 10)
	service := dial(t, n, client.Config{Cluster: "echo", Handler: client.Handler{
		Request: func(_ context.Context, q []byte) ([]byte, error) {
			if string(q) == "fail" {
				return nil, errors.New("as you wish")
			}
			return q, nil
		},
		Broadcast: func(m []byte) { heard <- string(m) },
	}})
	c := dial(t, n, client.Config{})

	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			want := fmt.Sprint("question ", i)
			if got, err := c.Request(t.Context(), "echo", []byte(want), patience); err != nil || string(got) != want {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	all.Wait()
	var fault *client.Fault
	if _, err := c.Request(t.Context(), "echo", []byte("fail"), patience); !errors.As(err, &fault) || fault.Text != "as you wish" {
		t.Error(err)
	}
	if _, err := c.Request(t.Context(), "nobody", nil, time.Second); !errors.Is(err, client.ErrTimeout) {
		t.Error(err)
	}

	if err := c.Subscribe("news", func(e []byte) { heard <- string(e) }); err != nil {
		t.Error(err)
	}
	if err := c.Publish(t.Context(), "news", []byte("event")); err != nil {
		t.Error(err)
	}
	if got := <-heard; got != "event" {
		t.Error(got)
	}
	if err := c.Broadcast(t.Context(), "echo", []byte("broadcast")); err != nil {
		t.Error(err)
	}
	if got := <-heard; got != "broadcast" {
		t.Error(got)
	}
	leave(t, c, service)
}

// TestNodeTunnel: large messages cross; a sender into a tunnel that nobody
// reads blocks, gives up, and the tunnel works again; the last message arrives
// although its sender closed at once.
func TestNodeTunnel(t *testing.T) {
	n := start(t)
	defer stop(t, n)
	large, larger := bytes.Repeat([]byte("0123456789abcdef"), 1<<20), make([]byte, 64<<20)
	read, done := make(chan struct{}), make(chan struct{})
	service := dial(t, n, client.Config{Cluster: "sink", Handler: client.Handler{Tunnel: func(tun *client.Tunnel) {
		defer close(done)
		m, err := tun.Recv(context.Background())
		if err != nil || !bytes.Equal(m, large) {
			t.Errorf("%d octets, %v", len(m), err)
		}
		if err := tun.Send(context.Background(), m); err != nil {
			t.Error(err)
		}
		<-read
		for err = nil; err == nil && string(m) != "last"; m, err = tun.Recv(context.Background()) {
		}
		if string(m) != "last" || err != nil {
			t.Errorf("%d octets, %v instead of the last message", len(m), err)
		}
		if _, err := tun.Recv(context.Background()); !errors.Is(err, io.EOF) {
			t.Errorf("at the end: %v", err)
		}
	}}})
	c := dial(t, n, client.Config{})
	tun, err := c.Tunnel(t.Context(), "sink", patience)
	if err != nil {
		t.Fatal(err)
	}
	if err := tun.Send(t.Context(), large); err != nil {
		t.Error(err)
	}
	if m, err := tun.Recv(t.Context()); err != nil || !bytes.Equal(m, large) {
		t.Errorf("%d octets, %v", len(m), err)
	}
	for err = nil; err == nil; {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		err = tun.Send(ctx, larger)
		cancel()
	}
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	close(read)
	if err := tun.Send(t.Context(), []byte("last")); err != nil {
		t.Error(err)
	}
	if err := tun.Close(); err != nil {
		t.Error(err)
	}
	<-done
	leave(t, c, service)
}

// TestNodeStops: clients learn why their relay went.
func TestNodeStops(t *testing.T) {
	n := start(t)
	c := dial(t, n, client.Config{Cluster: "echo"})
	stop(t, n)
	<-c.Done()
	if err := c.Close(); !errors.Is(err, client.ErrClosed) || err.Error() != "closed: connection dropped: the node is stopping" {
		t.Error(err)
	}
}
