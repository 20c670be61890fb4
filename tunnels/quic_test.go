package tunnels

import (
	"context"
	"flag"
	"io"
	"log/slog"
	"runtime"
	"sync"
	"testing"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/transport"
	"iris/transport/identity"
	"iris/transport/wire"
)

var slow = flag.Bool("slow", false, "run the tests that take long: 1 GiB through a tunnel")

// quicNode is a node with real sockets.
type quicNode struct {
	*testNode
	endpoint *transport.Endpoint
	links    chan struct{} // a token per link
	failed   chan struct{} // a token per dial that led to none
}

func newQUICNode(t testing.TB, c Config) *quicNode {
	t.Helper()
	secret, err := identity.Parse([]byte("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJ"))
	if err != nil {
		t.Fatal(err)
	}
	ring, err := identity.NewKeyring("tunnels", secret)
	if err != nil {
		t.Fatal(err)
	}
	ident, err := identity.New(ring, identity.Options{})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	n := &quicNode{testNode: &testNode{members: make(map[string]*actor.PID)}, links: make(chan struct{}, 100), failed: make(chan struct{}, 100)}
	n.system = actor.NewSystem(actor.Options{Node: ident.ID().String(), Incarnation: 1, Logger: log})
	n.endpoint, err = transport.Listen(transport.Config{
		System: n.system, Identity: ident, Listen: "127.0.0.1:0", Incarnation: 1, Logger: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	events, cancel := context.WithCancel(context.Background())
	n.events = n.system.Events().Chan(events, 1000)
	c.System, c.Endpoint, c.Picker, c.Local = n.system, n.endpoint, n, n.local
	if n.Tunnels, err = New(c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := timeout(t, time.Minute)
		if err := n.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
		if err := n.endpoint.Close(ctx, wire.CodeLeave, "test over"); err != nil {
			t.Errorf("close endpoint: %v", err)
		}
		if err := n.system.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		cancel()
	})
	return n
}

// start begins to accept links.
func (n *quicNode) start(t testing.TB) {
	t.Helper()
	owner, err := n.system.Service("owner", actor.Func(func(ctx actor.Context) {
		switch ctx.Message().(type) {
		case *transport.LinkUp:
			n.links <- struct{}{}
		case *transport.DialFailed:
			n.failed <- struct{}{}
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	if err := n.endpoint.Start(owner); err != nil {
		t.Fatal(err)
	}
}

// link dials another node, again if the machine was too slow for a handshake.
func (n *quicNode) link(other *quicNode) {
	for linked := false; !linked; {
		n.endpoint.Dial(other.endpoint.Addr().String(), id.ID{})
		select {
		case <-n.links:
			linked = true
		case <-n.failed:
		}
	}
	<-other.links
}

// quicPair links two nodes; a opens its tunnels to b.
func quicPair(t testing.TB, c Config) (a, b *quicNode) {
	t.Helper()
	a, b = newQUICNode(t, c), newQUICNode(t, c)
	a.start(t)
	b.start(t)
	a.link(b)
	a.pick(b.endpoint.ID())
	return a, b
}

func TestQUICCloseDeliversEverything(t *testing.T) {
	a, b := quicPair(t, Config{})
	tunnels, receive := take()
	b.member(t, "m", receive)
	ctx := timeout(t, time.Minute)
	for range 5 {
		tunnel := mustOpen(t, a.testNode, "m")
		far := <-tunnels
		want := 700_000
		if err := tunnel.Send(ctx, make([]byte, want)); err != nil {
			t.Fatal(err)
		}
		if err := tunnel.Close(); err != nil {
			t.Fatal(err)
		}
		if msg, err := far.Recv(ctx); err != nil || len(msg) != want {
			t.Fatalf("%d bytes, %v", len(msg), err)
		}
		if _, err := far.Recv(ctx); err != io.EOF {
			t.Fatal(err)
		}
		if err := far.Close(); err != nil {
			t.Fatal(err)
		}
		if c := awaitEvent[*actor.TunnelClosed](t, b.testNode); c.Reason != "closed" {
			t.Fatalf("%+v", c)
		}
	}
}

func TestQUICAbortCarriesItsReason(t *testing.T) {
	a, b := quicPair(t, Config{})
	tunnels, receive := take()
	b.member(t, "m", receive)
	for _, fromOpener := range []bool{true, false} {
		near := mustOpen(t, a.testNode, "m")
		far := <-tunnels
		if !fromOpener {
			near, far = far, near
		}
		near.Abort(errTestOver)
		_, err := far.Recv(timeout(t, time.Minute))
		wantErr(t, err, actor.ErrClosed)
		if e, ok := err.(*Error); !ok || e.Reason != errTestOver.Error() || !e.Remote {
			t.Fatal(err)
		}
		<-near.Done()
		<-far.Done()
	}
}

func TestQUICLostLinkEndsBothEnds(t *testing.T) {
	a, b := quicPair(t, Config{})
	tunnels, receive := take()
	b.member(t, "m", receive)
	near := mustOpen(t, a.testNode, "m")
	far := <-tunnels
	a.endpoint.Link(b.endpoint.ID()).Close(wire.CodeDead, "declared dead")
	ctx := timeout(t, time.Minute)
	for _, tunnel := range []*Tunnel{near, far} {
		_, err := tunnel.Recv(ctx)
		wantErr(t, err, actor.ErrLost, actor.ErrClosed)
		wantErr(t, tunnel.Send(ctx, []byte("x")), actor.ErrLost)
	}
}

// Tunnels whose readers sleep neither hold up others nor take memory.
func TestQUICStalledTunnelsDisturbNobody(t *testing.T) {
	const stalled = 12 // together far more than the windows of the connection
	a, b := quicPair(t, Config{StallAfter: 10 * time.Millisecond})
	_, receive := take()
	b.member(t, "asleep", receive)
	b.member(t, "echo", echo)
	ctx, cancel := context.WithCancel(context.Background())
	var senders sync.WaitGroup
	large := make([]byte, 2<<20)
	for range stalled {
		tunnel := mustOpen(t, a.testNode, "asleep")
		senders.Go(func() { _ = tunnel.Send(ctx, large) })
	}
	for range stalled {
		awaitEvent[*actor.TunnelStalled](t, a.testNode)
	}
	tunnel := mustOpen(t, a.testNode, "echo")
	for range 20 {
		if err := tunnel.Send(ctx, make([]byte, 100_000)); err != nil {
			t.Fatal(err)
		}
		if msg, err := tunnel.Recv(timeout(t, time.Minute)); err != nil || len(msg) != 100_000 {
			t.Fatalf("%d bytes, %v", len(msg), err)
		}
	}
	cancel()
	senders.Wait()
}

// A receiver that pauses stops the sender; nothing piles up at either end. Both
// ends are in this process, so the figure is for both.
func TestQUICPausedReceiverBoundsMemory(t *testing.T) {
	total, pause := int64(16<<20), 50*time.Millisecond
	if *slow {
		total, pause = 1<<30, 5*time.Second
	}
	a, b := quicPair(t, Config{StallAfter: pause})
	tunnels, receive := take()
	b.member(t, "m", receive)
	near := mustOpen(t, a.testNode, "m")
	far := <-tunnels
	idle := memoryInUse()
	var peak uint64
	sent := make(chan error, 1)
	go func() {
		s := near.Stream()
		chunk := make([]byte, 256<<10)
		for i := range total / int64(len(chunk)) {
			chunk[0] = byte(i)
			if _, err := s.Write(chunk); err != nil {
				sent <- err
				return
			}
		}
		sent <- near.CloseSend()
	}()
	buf := make([]byte, 256<<10)
	var got int64
	for {
		if got == total/2 {
			awaitEvent[*actor.TunnelStalled](t, a.testNode) // the sender has waited for the pause
			peak = max(peak, memoryInUse())
		}
		n, err := io.ReadFull(far.Stream(), buf)
		if err == io.EOF {
			break
		}
		if err != nil || buf[0] != byte(got/int64(len(buf))) {
			t.Fatalf("after %d bytes: %v", got, err)
		}
		got += int64(n)
		if got%(total/8) == 0 {
			peak = max(peak, memoryInUse())
		}
	}
	if err := <-sent; err != nil || got != total {
		t.Fatalf("got %d of %d bytes, %v", got, total, err)
	}
	t.Logf("idle %d KiB, at most %d KiB more", idle>>10, (max(peak, idle)-idle)>>10)
	if peak > idle+64<<20 {
		t.Errorf("memory grew by %d MiB", (peak-idle)>>20)
	}
}

// memoryInUse is the heap and the stacks in bytes; the long run counts garbage
// too, which the short one, that comes after other tests, cannot tell from theirs.
func memoryInUse() uint64 {
	if !*slow {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}

// BenchmarkStream is the base line: the stream without the tunnel.
func BenchmarkStream(b *testing.B) {
	x, y := newQUICNode(b, Config{}), newQUICNode(b, Config{})
	accepted := make(chan Stream, 1)
	y.endpoint.HandleStream(func(_ id.ID, s Stream) {
		accepted <- s
		<-s.Context().Done()
	})
	x.start(b)
	y.start(b)
	x.link(y)
	s, err := x.endpoint.OpenStream(context.Background(), y.endpoint.ID())
	if err != nil {
		b.Fatal(err)
	}
	chunk := make([]byte, 64<<10)
	b.SetBytes(int64(len(chunk)))
	b.ReportAllocs()
	if _, err := s.Write(chunk[:1]); err != nil {
		b.Fatal(err)
	}
	far := <-accepted
	done := make(chan error, 1)
	go func() { _, err := io.CopyBuffer(onlyWriter{io.Discard}, far, make([]byte, 64<<10)); done <- err }()
	for b.Loop() {
		if _, err := s.Write(chunk); err != nil {
			b.Fatal(err)
		}
	}
	_ = s.Close()
	if err := <-done; err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	giveUp(s, 0)
	giveUp(far, 0)
}

type onlyWriter struct{ io.Writer }

func BenchmarkTunnel(b *testing.B) {
	for _, size := range []int{100, 64 << 10, 1 << 20} {
		for _, where := range []string{"quic", "local"} {
			b.Run(sizeName(size)+"/"+where, func(b *testing.B) {
				x, y := quicPair(b, Config{})
				if where == "local" {
					x.pick(x.endpoint.ID())
					y = x
				}
				tunnels, receive := take()
				y.member(b, "m", receive)
				near := mustOpen(b, x.testNode, "m")
				far := <-tunnels
				ctx := context.Background()
				done := make(chan error, 1)
				go func() {
					for {
						if _, err := far.Recv(ctx); err != nil {
							done <- err
							return
						}
					}
				}()
				msg := make([]byte, size)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					if err := near.Send(ctx, msg); err != nil {
						b.Fatal(err)
					}
				}
				_ = near.CloseSend()
				if err := <-done; err != io.EOF {
					b.Fatal(err)
				}
			})
		}
	}
}

// BenchmarkTunnelStream is BenchmarkStream through a tunnel.
func BenchmarkTunnelStream(b *testing.B) {
	x, y := quicPair(b, Config{})
	tunnels, receive := take()
	y.member(b, "m", receive)
	near := mustOpen(b, x.testNode, "m")
	far := <-tunnels
	done := make(chan error, 1)
	go func() { _, err := io.Copy(onlyWriter{io.Discard}, far.Stream()); done <- err }()
	chunk := make([]byte, 64<<10)
	b.SetBytes(int64(len(chunk)))
	b.ReportAllocs()
	s := near.Stream()
	for b.Loop() {
		if _, err := s.Write(chunk); err != nil {
			b.Fatal(err)
		}
	}
	_ = near.CloseSend()
	if err := <-done; err != nil {
		b.Fatal(err)
	}
}

func sizeName(n int) string {
	switch {
	case n >= 1<<20:
		return "1MiB"
	case n >= 1<<10:
		return "64KiB"
	}
	return "100B"
}
