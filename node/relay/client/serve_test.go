package client

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"iris/node/relay/packet"
)

// member attaches a member that serves requests by f.
func member(t *testing.T, cfg Config, f func(context.Context, []byte) ([]byte, error)) (*Conn, *relay) {
	t.Helper()
	cfg.Cluster, cfg.Handler.Request = "echo", f
	return attach(t, cfg)
}

func TestServe(t *testing.T) {
	for _, tc := range []struct {
		name string
		f    func(context.Context, []byte) ([]byte, error)
		want packet.Reply
	}{
		{"echo", func(_ context.Context, q []byte) ([]byte, error) { return q, nil }, packet.Reply{ID: 7, OK: true, Payload: []byte("hi")}},
		{"nothing", func(context.Context, []byte) ([]byte, error) { return nil, nil }, packet.Reply{ID: 7, OK: true, Payload: []byte{}}},
		{"fault", func(context.Context, []byte) ([]byte, error) { return nil, errors.New("broken") }, packet.Reply{ID: 7, Fault: "broken"}},
		{"empty fault", func(context.Context, []byte) ([]byte, error) { return nil, errors.New("") }, packet.Reply{ID: 7, Fault: "fault without a text"}},
		{"too large", func(context.Context, []byte) ([]byte, error) { return make([]byte, 101), nil }, packet.Reply{ID: 7, Fault: "answer of 101 octets, at most 100"}},
		{"no handler", nil, packet.Reply{ID: 7, Fault: "this member takes no requests"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, ms := range []uint64{0, 1, 5000, 1<<64 - 1} {
				bubble(t, func(t *testing.T) {
					_, r := member(t, Config{Message: 100}, tc.f)
					r.send(packet.Serve{ID: 7, Payload: []byte("hi"), TimeoutMs: ms})
					r.expect(tc.want)
				})
			}
		})
	}
}

// TestServeGivesUp: of a handler that its deadline stopped the asker hears
// nothing: to him the request timed out, whatever comes first.
func TestServeGivesUp(t *testing.T) {
	for _, ms := range []uint64{0, 1, 5000, 1<<64 - 1} {
		bubble(t, func(t *testing.T) {
			c, r := member(t, Config{}, func(ctx context.Context, _ []byte) ([]byte, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			})
			r.send(packet.Serve{ID: 7, TimeoutMs: ms})
			<-time.After(maxTimeout)
			r.quiet()
			if n := c.Stats().RequestsExpired; n != 1 {
				t.Errorf("%d requests expired", n)
			}
		})
	}
}

// TestServeAtOnce: requests are served side by side up to Concurrency; the
// others wait, and are dropped once their askers have given up.
func TestServeAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		begun, finish := make(chan string, 10), make(chan struct{})
		c, r := member(t, Config{Concurrency: 2}, func(_ context.Context, q []byte) ([]byte, error) {
			begun <- string(q)
			<-finish
			return q, nil
		})
		for i, text := range []string{"a", "b", "c", "d"} {
			r.send(packet.Serve{ID: uint64(i), Payload: []byte(text), TimeoutMs: []uint64{1000, 1000, 10, 1000}[i]})
		}
		synctest.Wait()
		if len(begun) != 2 {
			t.Fatalf("%d requests served at once", len(begun))
		}
		<-time.After(20 * time.Millisecond)
		close(finish)
		answered := map[uint64]bool{}
		for range 3 {
			p, err := r.in.Next()
			if err != nil {
				t.Fatal(err)
			}
			answered[p.(packet.Reply).ID] = true
		}
		if !answered[0] || !answered[1] || !answered[3] {
			t.Errorf("answered %v", answered)
		}
		if n := c.Stats().RequestsExpired; n != 1 {
			t.Errorf("%d requests expired", n)
		}
	})
}

// TestServeOverload: what finds the queue full is refused at once.
func TestServeOverload(t *testing.T) {
	bubble(t, func(t *testing.T) {
		finish := make(chan struct{})
		c, r := member(t, Config{Concurrency: 1, Queue: 2*taskCost + 4}, func(_ context.Context, q []byte) ([]byte, error) {
			<-finish
			return q, nil
		})
		for i := range 4 { // one served, two waiting, one too many
			r.send(packet.Serve{ID: uint64(i), Payload: []byte("xx"), TimeoutMs: 1000})
		}
		r.expect(packet.Reply{ID: 3, Fault: "overloaded"})
		close(finish)
		for i := range 3 {
			r.expect(packet.Reply{ID: uint64(i), OK: true, Payload: []byte("xx")})
		}
		if n := c.Stats().RequestsRefused; n != 1 {
			t.Errorf("%d requests refused", n)
		}
	})
}

// TestServeEnds: the end of the connection ends requests that are served, and
// drops those that wait.
func TestServeEnds(t *testing.T) {
	bubble(t, func(t *testing.T) {
		ended := make(chan error, 1)
		c, r := member(t, Config{Concurrency: 1}, func(ctx context.Context, _ []byte) ([]byte, error) {
			<-ctx.Done()
			ended <- ctx.Err()
			return nil, nil
		})
		r.send(packet.Serve{ID: 0, TimeoutMs: 60_000}, packet.Serve{ID: 1, TimeoutMs: 60_000})
		_ = r.socket.Close()
		wantIs(t, <-ended, context.Canceled)
		wantIs(t, c.Close(), ErrClosed)
		if n := c.Stats().RequestsExpired; n != 1 {
			t.Errorf("%d requests expired", n)
		}
	})
}

func TestBroadcasts(t *testing.T) {
	bubble(t, func(t *testing.T) {
		got := make(chan string, 100)
		c, r := attach(t, Config{Cluster: "echo", Handler: Handler{Broadcast: func(m []byte) { got <- string(m) }}})
		sent := laterErr(func() error { return c.Broadcast(t.Context(), "echo", []byte("hi")) })
		r.expect(packet.Broadcast{Cluster: "echo", Payload: []byte("hi")})
		if g := <-sent; g.err != nil {
			t.Error(g.err)
		}
		for i := range 26 {
			r.send(packet.Delivery{Payload: []byte{byte('a' + i)}})
		}
		for i := range 26 {
			if g := <-got; g != string(rune('a'+i)) {
				t.Fatalf("broadcast %d is %q", i, g)
			}
		}
	})
}

// TestBroadcastsDropped: a slow handler loses what does not fit in the queue,
// and holds up nothing else.
func TestBroadcastsDropped(t *testing.T) {
	bubble(t, func(t *testing.T) {
		finish := make(chan struct{})
		n := 0
		c, r := attach(t, Config{Cluster: "echo", Queue: 2 * taskCost, Handler: Handler{Broadcast: func([]byte) { <-finish; n++ }}})
		for range 10 {
			r.send(packet.Delivery{})
		}
		got := ask(t, c, t.Context(), "x")
		r.expect(packet.Request{Cluster: "echo", Payload: []byte("x"), TimeoutMs: 1000})
		r.send(packet.Result{OK: true})
		if g := <-got; g.err != nil {
			t.Error(g.err)
		}
		close(finish)
		synctest.Wait()
		if n != 3 || c.Stats().BroadcastsDropped != 7 {
			t.Errorf("%d handled, %d dropped", n, c.Stats().BroadcastsDropped)
		}
	})
}

// TestNoHandler: a member without handlers drops broadcasts.
func TestNoHandler(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, r := attach(t, Config{Cluster: "echo"})
		r.send(packet.Delivery{Payload: []byte("hi")})
		synctest.Wait()
		if n := c.Stats().BroadcastsDropped; n != 1 {
			t.Errorf("%d dropped", n)
		}
	})
}
