package client

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"iris/node/relay/packet"
)

// ask sends a request and returns what becomes of it.
func ask(t *testing.T, c *Conn, ctx context.Context, text string) <-chan outcomeOf[[]byte] {
	t.Helper()
	return later(func() ([]byte, error) { return c.Request(ctx, "echo", []byte(text), time.Second) })
}

func TestRequest(t *testing.T) {
	for _, tc := range []struct {
		name   string
		result packet.Result
		want   string
		err    error
	}{
		{"answer", packet.Result{OK: true, Payload: []byte("hi")}, "hi", nil},
		{"empty answer", packet.Result{OK: true}, "", nil},
		{"timeout", packet.Result{TimedOut: true}, "", ErrTimeout},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c, r := attach(t, Config{})
				got := ask(t, c, t.Context(), "question")
				r.expect(packet.Request{Cluster: "echo", Payload: []byte("question"), TimeoutMs: 1000})
				r.send(tc.result)
				g := <-got
				wantIs(t, g.err, tc.err)
				if string(g.value) != tc.want || tc.err == nil && g.value == nil {
					t.Errorf("answer %q, want %q", g.value, tc.want)
				}
			})
		})
	}
}

func TestFault(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, r := attach(t, Config{})
		got := ask(t, c, t.Context(), "")
		r.expect(packet.Request{Cluster: "echo", Payload: []byte{}, TimeoutMs: 1000})
		r.send(packet.Result{Fault: "no such record"})
		var fault *Fault
		if g := <-got; !errors.As(g.err, &fault) || g.err.Error() != "no such record" {
			t.Error(g.err)
		}
	})
}

// TestRequestsAtOnce: answers find their requests in any order.
func TestRequestsAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, r := attach(t, Config{})
		const n = 20
		var got [n]<-chan outcomeOf[[]byte]
		for i := range n {
			got[i] = ask(t, c, t.Context(), string(rune('a'+i)))
		}
		asked := map[uint64][]byte{}
		for range n {
			p, err := r.in.Next()
			if err != nil {
				t.Fatal(err)
			}
			q := p.(packet.Request)
			asked[q.ID] = q.Payload
		}
		for id := range uint64(n) {
			r.send(packet.Result{ID: n - 1 - id, OK: true, Payload: asked[n-1-id]})
		}
		for i := range n {
			if g := <-got[i]; string(g.value) != string(rune('a'+i)) || g.err != nil {
				t.Errorf("request %d: %q, %v", i, g.value, g.err)
			}
		}
	})
}

// TestRelayForgets: the relay owns the timeout; when it says nothing, the client
// gives up 5 seconds later.
func TestRelayForgets(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, r := attach(t, Config{})
		begin := time.Now()
		got := ask(t, c, t.Context(), "x")
		r.expect(packet.Request{Cluster: "echo", Payload: []byte("x"), TimeoutMs: 1000})
		wantIs(t, (<-got).err, ErrTimeout)
		if d := time.Since(begin); d != time.Second+grace {
			t.Errorf("gave up after %v", d)
		}
	})
}

// TestLateResults: results of requests that nobody waits for, and of none at
// all, do no harm.
func TestLateResults(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, r := attach(t, Config{})
		got := ask(t, c, soon(t, time.Millisecond), "x")
		r.expect(packet.Request{Cluster: "echo", Payload: []byte("x"), TimeoutMs: 1000})
		wantIs(t, (<-got).err, context.DeadlineExceeded)
		r.send(packet.Result{ID: 0, TimedOut: true}, packet.Result{ID: 77, OK: true})
		got = ask(t, c, t.Context(), "y")
		r.expect(packet.Request{ID: 1, Cluster: "echo", Payload: []byte("y"), TimeoutMs: 1000})
		r.send(packet.Result{ID: 1, OK: true}, packet.Result{ID: 1, OK: true})
		if g := <-got; g.err != nil {
			t.Error(g.err)
		}
		synctest.Wait()
		if n := c.Stats().Strays; n != 3 {
			t.Errorf("%d strays", n)
		}
	})
}

func TestTimeoutsAreMilliseconds(t *testing.T) {
	for _, tc := range []struct {
		in   time.Duration
		want uint64
	}{
		{1, 1}, {time.Millisecond, 1}, {time.Millisecond + 1, 2}, {time.Hour, 3600_000}, {1<<63 - 1, 1<<31 - 1},
	} {
		if got, err := millis(tc.in); got != tc.want || err != nil {
			t.Errorf("%v is %d ms, %v, want %d", tc.in, got, err, tc.want)
		}
	}
}

// TestInvalid: what the relay would drop the connection for is not sent.
func TestInvalid(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, r := attach(t, Config{Message: 100})
		long, large := strings.Repeat("x", 256), make([]byte, 101)
		for name, err := range map[string]error{
			"no cluster":      second(c.Request(t.Context(), "", nil, 1)),
			"long cluster":    second(c.Request(t.Context(), long, nil, 1)),
			"large request":   second(c.Request(t.Context(), "x", large, 1)),
			"no timeout":      second(c.Request(t.Context(), "x", nil, 0)),
			"large broadcast": c.Broadcast(t.Context(), "x", large),
			"no topic":        c.Publish(t.Context(), "", nil),
			"long topic":      c.Subscribe(long, nil),
			"tunnel nowhere":  second(c.Tunnel(t.Context(), "", 1)),
			"tunnel at once":  second(c.Tunnel(t.Context(), "x", -1)),
		} {
			if !errors.Is(err, ErrInvalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		r.quiet()
	})
}

func second[T any](_ T, err error) error { return err }
