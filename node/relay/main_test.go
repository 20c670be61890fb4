package relay_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"iris/actor"
	"iris/internal/canary"
	"iris/node"
	"iris/node/config"
	"iris/node/relay/packet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds whatever a test waits for.
const patience = time.Minute

// house is a node with a relay, and what it has told.
type house struct {
	*node.Node
	addr string
	late bool // its stop may be cut short

	mu   sync.Mutex
	seen []any
}

// houses starts n nodes of a network of their own, each with a relay.
func houses(t testing.TB, n int, edit ...func(*config.Config)) []*house {
	t.Helper()
	secret := canary.Key()
	list := make([]*house, n)
	var wg sync.WaitGroup
	for i := range list {
		wg.Go(func() {
			cfg := config.Default()
			cfg.Network.Name, cfg.Network.Secret = t.Name(), secret
			cfg.Log.Handler = slog.DiscardHandler
			cfg.Relay.Listen = "127.0.0.1:0"
			for _, f := range edit {
				f(&cfg)
			}
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			one, err := node.Start(ctx, cfg)
			if err != nil {
				t.Error(err)
				return
			}
			h := &house{Node: one, addr: one.RelayAddrs()[0].String()}
			one.Events().Subscribe(func(ev any) {
				h.mu.Lock()
				defer h.mu.Unlock()
				h.seen = append(h.seen, ev)
			})
			list[i] = h
		})
	}
	wg.Wait()
	t.Cleanup(func() {
		for _, h := range list {
			if h != nil {
				wg.Go(func() { h.stop(t) })
			}
		}
		wg.Wait()
	})
	if t.Failed() {
		t.FailNow()
	}
	for _, h := range list {
		eventually(t, "every peer", func() bool { return len(h.Peers()) == n-1 })
	}
	return list
}

func (h *house) stop(t testing.TB) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := h.Stop(ctx); err != nil && !h.late {
		t.Errorf("stop: %v", err)
	}
}

// told returns the events of a type so far.
func told[E any](h *house) (list []E) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, ev := range h.seen {
		if e, ok := ev.(E); ok {
			list = append(list, e)
		}
	}
	return list
}

// downs waits for n RelayClientDown and returns their reasons.
func (h *house) downs(t testing.TB, n int) (reasons []string) {
	t.Helper()
	eventually(t, "clients to be gone", func() bool { return len(told[*actor.RelayClientDown](h)) >= n })
	for _, e := range told[*actor.RelayClientDown](h) {
		reasons = append(reasons, e.Reason)
	}
	return reasons
}

// eventually polls what no event announces.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	poll := time.NewTicker(2 * time.Millisecond)
	defer poll.Stop()
	for !cond() {
		select {
		case <-poll.C:
		case <-limit.C:
			t.Fatalf("waited in vain for: %s", what)
		}
	}
}

// raw is a client that does nothing by itself.
type raw struct {
	t    testing.TB
	conn net.Conn
	in   *packet.Reader

	credit uint64 // octets of its one tunnel, beside what the test counts itself
}

// connect opens a connection and says nothing.
func (h *house) connect(t testing.TB) *raw {
	t.Helper()
	conn, err := net.Dial("tcp", h.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &raw{t: t, conn: conn, in: packet.NewReader(conn, packet.FromRelay, packet.Limits{})}
}

// attach connects and greets.
func (h *house) attach(t testing.TB, cluster string) *raw {
	t.Helper()
	c := h.connect(t)
	c.send(packet.Init{Version: packet.Version, Cluster: cluster})
	expect[packet.Welcome](c)
	return c
}

func (c *raw) send(list ...packet.Packet) {
	c.t.Helper()
	var octets []byte
	for _, p := range list {
		octets = packet.Append(octets, p)
	}
	c.write(octets)
}

func (c *raw) write(octets []byte) {
	c.t.Helper()
	_ = c.conn.SetWriteDeadline(time.Now().Add(patience))
	if _, err := c.conn.Write(octets); err != nil {
		c.t.Fatal(err)
	}
}

func (c *raw) next() (packet.Packet, error) {
	_ = c.conn.SetReadDeadline(time.Now().Add(patience))
	return c.in.Next()
}

// expect reads the next packet, which must be of type P.
func expect[P packet.Packet](c *raw) P {
	c.t.Helper()
	p, err := c.next()
	if err != nil {
		c.t.Fatalf("instead of a %T: %v", *new(P), err)
	}
	got, ok := p.(P)
	if !ok {
		c.t.Fatalf("got %T %+v, want a %T", p, p, got)
	}
	return got
}

// expectEnd reads until the relay closes the connection, which must be by order of
// the TCP protocol, and returns the reason that it gave before, "-" if none.
func (c *raw) expectEnd() (reason string) {
	c.t.Helper()
	reason = "-"
	for {
		p, err := c.next()
		switch {
		case errors.Is(err, io.EOF):
			return reason
		case err != nil:
			c.t.Fatalf("the connection ended with %v", err)
		case reason != "-":
			c.t.Fatalf("%T after the last packet", p)
		}
		if end, ok := p.(packet.Closed); ok {
			reason = end.Reason
		}
	}
}

// close says Close and waits for the answer.
func (c *raw) close() {
	c.t.Helper()
	c.send(packet.Close{})
	if reason := c.expectEnd(); reason != "" {
		c.t.Errorf("closed with reason %q", reason)
	}
	_ = c.conn.Close()
}

// quiet fails if a packet other than those wanted has come before the answer to
// a request that nobody serves.
func (c *raw) quiet() {
	c.t.Helper()
	c.send(packet.Request{ID: 1 << 40, Cluster: "a cluster of nobody", TimeoutMs: 60_000})
	if r := expect[packet.Result](c); r.ID != 1<<40 || !r.TimedOut {
		c.t.Errorf("got %+v", r)
	}
}
