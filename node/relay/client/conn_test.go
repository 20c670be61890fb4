package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"iris/node/relay/packet"
)

// TestClose: what was sent goes before, and Close waits for the relay's answer.
func TestClose(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, r := attach(t, Config{})
		for i := range 3 {
			if err := c.Publish(t.Context(), "news", []byte{byte(i)}); err != nil {
				t.Error(err)
			}
		}
		closed := laterErr(c.Close)
		for i := range 3 {
			r.expect(packet.Publish{Topic: "news", Payload: []byte{byte(i)}})
		}
		r.expect(packet.Close{})
		r.quiet()
		select {
		case g := <-closed:
			t.Errorf("closed without the relay: %v", g.err)
		default:
		}
		r.send(packet.Closed{})
		if g := <-closed; g.err != nil {
			t.Error(g.err)
		}
		r.gone()
		<-c.Done()
		if err := errors.Join(c.Close(), c.Err()); err != nil { // again
			t.Error(err)
		}
		wantIs(t, c.Publish(t.Context(), "news", nil), ErrClosed)
		wantIs(t, c.Subscribe("news", nil), ErrClosed)
		wantIs(t, second(c.Request(t.Context(), "echo", nil, 1)), ErrClosed)
		wantIs(t, second(c.Tunnel(t.Context(), "echo", 1)), ErrClosed)
	})
}

// TestCloseWhilePending: a request that is waited for ends with the connection.
func TestCloseWhilePending(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, r := attach(t, Config{})
		got := ask(t, c, t.Context(), "x")
		r.expect(packet.Request{Cluster: "echo", Payload: []byte("x"), TimeoutMs: 1000})
		begin := time.Now()
		closed := laterErr(c.Close)
		r.expect(packet.Close{})
		r.send(packet.Closed{})
		wantIs(t, (<-got).err, ErrClosed)
		if g := <-closed; g.err != nil || time.Since(begin) != 0 {
			t.Errorf("%v after %v", g.err, time.Since(begin))
		}
	})
}

// TestCloseStillServes: until the relay answers, the member does its work.
func TestCloseStillServes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, r := member(t, Config{}, func(_ context.Context, q []byte) ([]byte, error) { return q, nil })
		closed := laterErr(c.Close)
		r.expect(packet.Close{})
		r.send(packet.Serve{ID: 1, Payload: []byte("hi"), TimeoutMs: 1000})
		r.expect(packet.Reply{ID: 1, OK: true, Payload: []byte("hi")})
		r.send(packet.Closed{})
		if g := <-closed; g.err != nil {
			t.Error(g.err)
		}
	})
}

// TestCloseWithoutAnswer: a relay that is silent is left after 10 seconds.
func TestCloseWithoutAnswer(t *testing.T) {
	for _, reads := range []bool{true, false} {
		bubble(t, func(t *testing.T) {
			c, r := attach(t, Config{})
			begin := time.Now()
			closed := laterErr(c.Close)
			if reads {
				r.expect(packet.Close{})
			}
			g := <-closed
			wantIs(t, g.err, ErrClosed)
			wantIs(t, g.err, errSilent)
			if d := time.Since(begin); d != closeTimeout {
				t.Errorf("closed after %v", d)
			}
		})
	}
}

// TestCloseWaitsForHandlers: no handler runs when Close has returned, and what
// has not begun is dropped.
func TestCloseWaitsForHandlers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var n atomic.Int64
		finish := make(chan struct{})
		handle := func([]byte) { <-finish; n.Add(1) }
		c, r := attach(t, Config{Cluster: "echo", Handler: Handler{Broadcast: handle}})
		if err := c.Subscribe("news", handle); err != nil {
			t.Error(err)
		}
		r.expect(packet.Subscribe{Topic: "news"})
		for range 3 {
			r.send(packet.Delivery{}, packet.Publish{Topic: "news"})
		}
		closed := laterErr(c.Close)
		r.expect(packet.Close{})
		r.send(packet.Closed{})
		synctest.Wait()
		if len(closed) > 0 {
			t.Error("closed while handlers run")
		}
		close(finish)
		<-closed
		if s := c.Stats(); n.Load() != 2 || s.BroadcastsDropped != 2 || s.EventsDropped != 2 {
			t.Errorf("%d handled, %+v", n.Load(), s)
		}
	})
}

// TestDropped: whatever ends the connection, everybody learns why.
func TestDropped(t *testing.T) {
	for _, tc := range []struct {
		name string
		end  func(*relay)
		want string
	}{
		{"gone", func(r *relay) { _ = r.socket.Close() }, "closed: connection dropped: EOF"},
		{"with a reason", func(r *relay) { r.send(packet.Closed{Reason: "too slow"}) }, "closed: connection dropped: too slow"},
		{"without a reason", func(r *relay) { r.send(packet.Closed{}) }, "closed: connection dropped: by the relay"},
		{"no packet", func(r *relay) { _, _ = r.socket.Write([]byte{0x0e}) }, "closed: connection dropped: opcode 0x0e of the relay: an opcode that this side does not have"},
		{"request for a pure client", func(r *relay) { r.send(packet.Serve{}) }, "closed: connection dropped: request of the relay: not for a pure client"},
		{"broadcast for a pure client", func(r *relay) { r.send(packet.Delivery{}) }, "closed: connection dropped: broadcast of the relay: not for a pure client"},
		{"tunnel for a pure client", func(r *relay) { r.send(packet.TunOffer{Limit: 1}) }, "closed: connection dropped: tunnel init of the relay: not for a pure client"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c, r := attach(t, Config{})
				tun := opened(t, c, r)
				if err := c.Err(); err != nil {
					t.Error(err)
				}
				got := ask(t, c, t.Context(), "x")
				r.expect(packet.Request{ID: 1, Cluster: "echo", Payload: []byte("x"), TimeoutMs: 1000})
				pending := later(func() (*Tunnel, error) { return c.Tunnel(t.Context(), "echo", time.Second) })
				r.expect(packet.TunInit{Tunnel: 2, Cluster: "echo", TimeoutMs: 1000})
				received := later(func() ([]byte, error) { return tun.Recv(t.Context()) })
				sent := laterErr(func() error { return tun.Send(t.Context(), []byte("x")) })
				synctest.Wait()
				tc.end(r)
				for name, err := range map[string]error{
					"request": (<-got).err, "tunnel": (<-pending).err, "receiver": (<-received).err, "sender": (<-sent).err,
				} {
					if !errors.Is(err, ErrClosed) {
						t.Errorf("%s: %v", name, err)
					}
				}
				<-c.Done()
				if err := c.Err(); err == nil || err.Error() != tc.want {
					t.Errorf("%v\nwant %s", err, tc.want)
				}
				wantIs(t, c.Close(), ErrClosed)
				wantIs(t, tun.Close(), nil)
			})
		})
	}
}

// TestDropDrains: what came before the relay went is still handled.
func TestDropDrains(t *testing.T) {
	bubble(t, func(t *testing.T) {
		finish, n := make(chan struct{}), 0
		c, r := attach(t, Config{Cluster: "echo", Handler: Handler{Broadcast: func([]byte) { <-finish; n++ }}})
		for range 5 {
			r.send(packet.Delivery{})
		}
		_ = r.socket.Close()
		<-c.Done()
		close(finish)
		synctest.Wait()
		if n != 5 {
			t.Errorf("%d of 5 handled", n)
		}
	})
}

// TestOutboxBounded: senders wait once 512 KiB wait for a relay that does not
// read, go on when it does, and may give up.
func TestOutboxBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, r := attach(t, Config{})
		message := make([]byte, 100_000)
		sent := 0
		for {
			if err := c.Publish(soon(t, time.Second), "news", message); err != nil {
				wantIs(t, err, context.DeadlineExceeded)
				break
			}
			sent++
		}
		// One batch is being written and one waits; each ends beyond the bound.
		if most := 2 * (fullOutbox/len(message) + 1); sent > most || sent < most/2 {
			t.Errorf("%d messages sent, at most %d", sent, most)
		}
		more := laterErr(func() error { return c.Publish(t.Context(), "news", message) })
		for range sent + 1 {
			r.expect(packet.Publish{Topic: "news", Payload: message})
		}
		if g := <-more; g.err != nil {
			t.Error(g.err)
		}
	})
}

// TestRelayStuck: a relay that sends requests and never reads the answers does
// not fill the memory.
func TestRelayStuck(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, r := attach(t, Config{Cluster: "echo", Message: 1000})
		serve := packet.Append(nil, packet.Serve{TimeoutMs: 1000}) // answered with a fault, at once
		var err error
		n := 0
		for ; err == nil && n < 1_000_000; n++ {
			_, err = r.socket.Write(serve)
		}
		if !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("after %d requests: %v", n, err)
		}
		wantIs(t, c.Close(), errStuck)
	})
}

// TestWriteFails: the reader still finds out why the relay went; if it does not,
// the error of writing is the reason.
func TestWriteFails(t *testing.T) {
	for _, reason := range []string{"too slow", ""} {
		t.Run(fmt.Sprintf("reason %q", reason), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c, r := attach(t, Config{})
				begin := time.Now()
				if err := c.socket.SetWriteDeadline(time.Unix(1, 0)); err != nil {
					t.Fatal(err)
				}
				if err := c.Publish(t.Context(), "news", nil); err != nil {
					t.Error(err)
				}
				synctest.Wait()
				wantIs(t, c.Publish(t.Context(), "news", nil), ErrClosed)
				want := "closed: connection dropped: write pipe: i/o timeout"
				if reason != "" {
					r.send(packet.Closed{Reason: reason})
					want = "closed: connection dropped: " + reason
				}
				<-c.Done()
				if err := c.Err(); err == nil || err.Error() != want {
					t.Errorf("%v\nwant %s", err, want)
				}
				if d := time.Since(begin); d > lastWords {
					t.Errorf("known after %v", d)
				}
			})
		})
	}
}
