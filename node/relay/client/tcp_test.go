package client

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"iris/node/relay/packet"
)

// mirror listens on real sockets and answers every packet of its clients at
// once with the same content, without a network behind it.
func mirror(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			socket, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { reflection(socket) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		all.Wait()
	})
	return l.Addr().String()
}

// reflection serves a client of mirror until it hangs up.
func reflection(socket net.Conn) {
	defer socket.Close()
	in := packet.NewReader(socket, packet.FromClient, packet.Limits{})
	for {
		p, err := in.Next()
		if err != nil {
			return
		}
		var b []byte
		switch p := p.(type) {
		case packet.Init:
			b = packet.Append(b, packet.Welcome{Version: p.Version})
		case packet.Request:
			b = packet.Append(b, packet.Result{ID: p.ID, OK: true, Payload: p.Payload})
		case packet.Publish:
			b = packet.Append(b, p)
		case packet.TunInit:
			b = packet.Append(b, packet.TunResult{Tunnel: p.Tunnel, Limit: packet.ChunkLimit})
			b = packet.Append(b, packet.TunAllow{Tunnel: p.Tunnel, Space: packet.RelayWindow})
		case packet.TunTransfer: // it may go back: the client granted more than we did
			b = packet.Append(b, p)
			b = packet.Append(b, packet.TunAllow{Tunnel: p.Tunnel, Space: uint64(len(p.Payload))})
		case packet.TunClose:
			b = packet.Append(b, packet.TunClosed{Tunnel: p.Tunnel})
		case packet.Close:
			b = packet.Append(b, packet.Closed{})
		}
		if _, err := socket.Write(b); err != nil {
			return
		}
	}
}

// TestSockets uses everything at once on real connections.
func TestSockets(t *testing.T) {
	addr := mirror(t)
	var all sync.WaitGroup
	for n := range 4 {
		c, err := Dial(t.Context(), Config{Addr: addr})
		if err != nil {
			t.Fatal(err)
		}
		var users sync.WaitGroup
		for i := range 8 {
			users.Go(func() { useRequests(t, c, fmt.Sprint(n, i)) })
		}
		users.Go(func() { useTopic(t, c) })
		for range 2 {
			users.Go(func() { useTunnel(t, c, 10<<20) })
		}
		all.Go(func() {
			users.Wait()
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func useRequests(t *testing.T, c *Conn, text string) {
	for i := range 100 {
		want := fmt.Appendf(nil, "%s %d", text, i)
		got, err := c.Request(t.Context(), "echo", want, time.Minute)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	}
}

func useTopic(t *testing.T, c *Conn) {
	const n = 1000
	got := make(chan int, n)
	if err := c.Subscribe("news", func(e []byte) { got <- len(e) }); err != nil {
		t.Error(err)
	}
	for i := range n {
		if err := c.Publish(t.Context(), "news", make([]byte, i)); err != nil {
			t.Error(err)
		}
	}
	for i := range n {
		if g := <-got; g != i {
			t.Errorf("event %d has %d octets", i, g)
		}
	}
}

func useTunnel(t *testing.T, c *Conn, size int) {
	tun, err := c.Tunnel(t.Context(), "echo", time.Minute)
	if err != nil {
		t.Error(err)
		return
	}
	message := bytes.Repeat([]byte("0123456789abcdef"), size/16)
	sent := laterErr(func() error {
		for _, n := range []int{1, packet.ChunkLimit, packet.ChunkLimit + 1, len(message)} {
			if err := tun.Send(t.Context(), message[:n]); err != nil {
				return err
			}
		}
		return nil
	})
	for _, n := range []int{1, packet.ChunkLimit, packet.ChunkLimit + 1, len(message)} {
		got, err := tun.Recv(t.Context())
		if err != nil || !bytes.Equal(got, message[:n]) {
			t.Errorf("%d octets, %v, want %d", len(got), err, n)
		}
	}
	if g := <-sent; g.err != nil {
		t.Error(g.err)
	}
	if err := tun.Close(); err != nil {
		t.Error(err)
	}
}

func BenchmarkRequest(b *testing.B) {
	c, err := Dial(b.Context(), Config{Addr: mirror(b)})
	if err != nil {
		b.Fatal(err)
	}
	question := make([]byte, 1024)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Request(context.Background(), "echo", question, time.Minute); err != nil {
			b.Fatal(err)
		}
	}
	_ = c.Close() // nothing depends on it
}

func BenchmarkPublish(b *testing.B) {
	c, err := Dial(b.Context(), Config{Addr: mirror(b)})
	if err != nil {
		b.Fatal(err)
	}
	got := make(chan struct{}, 1000)
	if err := c.Subscribe("news", func([]byte) { got <- struct{}{} }); err != nil {
		b.Fatal(err)
	}
	event := make([]byte, 1024)
	b.SetBytes(int64(len(event)))
	b.ReportAllocs()
	b.ResetTimer()
	go func() {
		for range b.N {
			_ = c.Publish(context.Background(), "news", event)
		}
	}()
	for range b.N {
		<-got
	}
	_ = c.Close() // nothing depends on it
}
