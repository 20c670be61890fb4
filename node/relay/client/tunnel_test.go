package client

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"iris/node/relay/packet"
)

// opened opens tunnel 0 with chunks of at most 4 octets and no credit yet.
func opened(t *testing.T, c *Conn, r *relay) *Tunnel {
	t.Helper()
	got := later(func() (*Tunnel, error) { return c.Tunnel(t.Context(), "echo", time.Second) })
	r.expect(packet.TunInit{Cluster: "echo", TimeoutMs: 1000})
	r.send(packet.TunResult{Limit: 4})
	r.expect(packet.TunAllow{Space: packet.ClientWindow})
	g := <-got
	if g.err != nil {
		t.Fatal(g.err)
	}
	return g.value
}

// tunnel runs a test of a tunnel that opened returns.
func tunnel(t *testing.T, f func(t *testing.T, c *Conn, r *relay, tun *Tunnel)) {
	t.Helper()
	bubble(t, func(t *testing.T) {
		c, r := attach(t, Config{Message: 100})
		f(t, c, r, opened(t, c, r))
	})
}

// chunk is a TunTransfer of tunnel 0.
func chunk(size uint64, text string) packet.TunTransfer {
	return packet.TunTransfer{Size: size, Payload: []byte(text)}
}

func wantMessage(t *testing.T, tun *Tunnel, want string) {
	t.Helper()
	got, err := tun.Recv(t.Context())
	if err != nil || string(got) != want {
		t.Errorf("received %q, %v, want %q", got, err, want)
	}
}

func TestTunnelSend(t *testing.T) {
	tunnel(t, func(t *testing.T, _ *Conn, r *relay, tun *Tunnel) {
		sent := laterErr(func() error { return tun.Send(t.Context(), []byte("abcdefghij")) })
		r.quiet() // no credit
		r.send(packet.TunAllow{Space: 3})
		r.quiet() // not enough for a chunk
		r.send(packet.TunAllow{Space: 6})
		r.expect(chunk(10, "abcd"), chunk(0, "efgh"))
		r.quiet() // 1 left
		if len(sent) > 0 {
			t.Error("sent without credit")
		}
		r.send(packet.TunAllow{Space: 1})
		r.expect(chunk(0, "ij"))
		if g := <-sent; g.err != nil {
			t.Error(g.err)
		}
		wantIs(t, tun.Send(t.Context(), nil), ErrInvalid)
		wantIs(t, tun.Send(t.Context(), make([]byte, 101)), ErrInvalid)
	})
}

// TestTunnelSendGivesUp: a sender that gives up halfway leaves a tunnel that
// works: the next message begins with a first chunk.
func TestTunnelSendGivesUp(t *testing.T) {
	tunnel(t, func(t *testing.T, _ *Conn, r *relay, tun *Tunnel) {
		r.send(packet.TunAllow{Space: 4})
		sent := laterErr(func() error { return tun.Send(soon(t, time.Second), []byte("abcdefgh")) })
		r.expect(chunk(8, "abcd"))
		wantIs(t, tun.Send(soon(t, time.Millisecond), []byte("x")), context.DeadlineExceeded) // another is sending
		wantIs(t, (<-sent).err, context.DeadlineExceeded)
		r.send(packet.TunAllow{Space: 4})
		if err := tun.Send(t.Context(), []byte("next")); err != nil {
			t.Error(err)
		}
		r.expect(chunk(4, "next"))
	})
}

// TestTunnelSendsAtOnce: the chunks of messages do not mix, not even when the
// credit would do for another message.
func TestTunnelSendsAtOnce(t *testing.T) {
	tunnel(t, func(t *testing.T, _ *Conn, r *relay, tun *Tunnel) {
		large := laterErr(func() error { return tun.Send(t.Context(), []byte("abcdefgh")) })
		r.send(packet.TunAllow{Space: 4})
		r.expect(chunk(8, "abcd"))
		small := laterErr(func() error { return tun.Send(t.Context(), []byte("x")) })
		r.send(packet.TunAllow{Space: 1})
		r.quiet()
		r.send(packet.TunAllow{Space: 4})
		r.expect(chunk(0, "efgh"), chunk(1, "x"))
		if err := errors.Join((<-large).err, (<-small).err); err != nil {
			t.Error(err)
		}
	})
}

func TestTunnelRecv(t *testing.T) {
	tunnel(t, func(t *testing.T, _ *Conn, r *relay, tun *Tunnel) {
		_, err := tun.Recv(soon(t, time.Millisecond))
		wantIs(t, err, context.DeadlineExceeded)
		r.send(chunk(6, "abcd"), chunk(0, "ef"), chunk(1, "g"))
		r.quiet() // no credit before somebody receives
		wantMessage(t, tun, "abcdef")
		r.expect(packet.TunAllow{Space: 6})
		wantMessage(t, tun, "g")
		r.expect(packet.TunAllow{Space: 1})
		// A sender gave up halfway: the octets of its part are credit again.
		r.send(chunk(8, "abcd"), chunk(0, "e"), chunk(2, "hi"))
		r.expect(packet.TunAllow{Space: 5})
		wantMessage(t, tun, "hi")
		r.expect(packet.TunAllow{Space: 2})
	})
}

// TestTunnelClose: the relay's answer is waited for, what was sent goes before,
// and nothing after.
func TestTunnelClose(t *testing.T) {
	tunnel(t, func(t *testing.T, c *Conn, r *relay, tun *Tunnel) {
		r.send(packet.TunAllow{Space: 8}, chunk(1, "x"))
		if err := tun.Send(t.Context(), []byte("last")); err != nil {
			t.Error(err)
		}
		sent := laterErr(func() error { return tun.Send(t.Context(), []byte("too much")) })
		r.expect(chunk(4, "last"), chunk(8, "too "))
		received := later(func() ([]byte, error) {
			_, _ = tun.Recv(t.Context())
			return tun.Recv(t.Context())
		})
		r.expect(packet.TunAllow{Space: 1})
		closed := laterErr(tun.Close)
		r.expect(packet.TunClose{})
		wantIs(t, (<-sent).err, ErrClosed)
		wantIs(t, (<-received).err, ErrClosed)
		r.send(packet.TunAllow{Space: 8}, chunk(1, "y")) // on the way when we closed
		wantIs(t, tun.Send(t.Context(), []byte("x")), ErrClosed)
		wantIs(t, second(tun.Recv(t.Context())), ErrClosed)
		r.quiet()
		if len(closed) > 0 {
			t.Error("closed without the relay")
		}
		r.send(packet.TunClosed{})
		if g := <-closed; g.err != nil {
			t.Error(g.err)
		}
		if err := tun.Close(); err != nil {
			t.Error(err)
		}
		r.send(packet.TunClosed{}, packet.TunAllow{Space: 1}, chunk(1, "z")) // of a tunnel that is over
		r.quiet()
		if n := c.Stats().Strays; n != 4 {
			t.Errorf("%d strays", n)
		}
	})
}

// TestTunnelClosedThere: messages that came stay readable; then it is known how
// the tunnel ended.
func TestTunnelClosedThere(t *testing.T) {
	for _, tc := range []struct {
		reason string
		want   error
		text   string
	}{
		{"", io.EOF, "EOF"},
		{"lost", ErrClosed, "closed: lost"},
	} {
		tunnel(t, func(t *testing.T, _ *Conn, r *relay, tun *Tunnel) {
			r.send(chunk(1, "a"), chunk(1, "b"), chunk(9, "half"), packet.TunClosed{Reason: tc.reason})
			synctest.Wait()
			wantIs(t, tun.Send(t.Context(), []byte("x")), ErrClosed)
			wantMessage(t, tun, "a")
			wantMessage(t, tun, "b")
			for range 2 {
				if _, err := tun.Recv(t.Context()); !errors.Is(err, tc.want) || err.Error() != tc.text {
					t.Errorf("at the end %v", err)
				}
			}
			if err := tun.Close(); err != nil {
				t.Error(err)
			}
			r.quiet() // neither credit nor a second close
		})
	}
}

// TestTunnelClosedAtOnce: both ends close: one TunClose each.
func TestTunnelClosedAtOnce(t *testing.T) {
	tunnel(t, func(t *testing.T, _ *Conn, r *relay, tun *Tunnel) {
		closed := laterErr(tun.Close)
		again := laterErr(tun.Close)
		synctest.Wait()
		r.send(packet.TunClosed{})
		r.expect(packet.TunClose{})
		if err := errors.Join((<-closed).err, (<-again).err); err != nil {
			t.Error(err)
		}
		r.quiet()
	})
}

// TestTunnelCloseWithoutAnswer: the relay's word is waited for 10 seconds.
func TestTunnelCloseWithoutAnswer(t *testing.T) {
	tunnel(t, func(t *testing.T, _ *Conn, r *relay, tun *Tunnel) {
		begin := time.Now()
		closed := laterErr(tun.Close)
		r.expect(packet.TunClose{})
		wantIs(t, (<-closed).err, ErrTimeout)
		if d := time.Since(begin); d != closeTimeout {
			t.Errorf("closed after %v", d)
		}
	})
}

// TestTunnelNonsense: chunks that no honest sender sends end their tunnel, and
// nothing else.
func TestTunnelNonsense(t *testing.T) {
	for _, bad := range [][]packet.Packet{
		{chunk(1, "")}, {chunk(0, "x")}, {chunk(1, "xx")}, {chunk(101, "x")}, {chunk(3, "xx"), chunk(0, "yy")},
	} {
		tunnel(t, func(t *testing.T, c *Conn, r *relay, tun *Tunnel) {
			r.send(chunk(2, "ok"))
			r.send(bad...)
			r.expect(packet.TunClose{})
			wantMessage(t, tun, "ok")
			wantIs(t, second(tun.Recv(t.Context())), ErrClosed)
			wantIs(t, tun.Send(t.Context(), []byte("x")), ErrClosed)
			r.send(packet.TunClosed{})
			if err := errors.Join(tun.Close(), c.Err()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTunnelRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, r := attach(t, Config{})
		got := later(func() (*Tunnel, error) { return c.Tunnel(t.Context(), "echo", time.Second) })
		r.expect(packet.TunInit{Cluster: "echo", TimeoutMs: 1000})
		r.send(packet.TunResult{TimedOut: true})
		wantIs(t, (<-got).err, ErrTimeout)
		r.send(packet.TunResult{Limit: 1}, packet.TunResult{TimedOut: true}, packet.TunClosed{}) // twice answered
		r.quiet()
	})
}

// TestTunnelAbandoned: a tunnel that opens when nobody waits for it any more is
// closed again.
func TestTunnelAbandoned(t *testing.T) {
	for name, wait := range map[string]time.Duration{"by its caller": time.Millisecond, "by its relay": time.Hour} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c, r := attach(t, Config{})
				begin := time.Now()
				got := later(func() (*Tunnel, error) { return c.Tunnel(soon(t, wait), "echo", time.Second) })
				r.expect(packet.TunInit{Cluster: "echo", TimeoutMs: 1000})
				if err := (<-got).err; !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, ErrTimeout) {
					t.Error(err)
				}
				if d := time.Since(begin); d != min(wait, time.Second+grace) {
					t.Errorf("gave up after %v", d)
				}
				r.send(packet.TunResult{Limit: 4})
				r.expect(packet.TunAllow{Space: packet.ClientWindow}, packet.TunClose{})
				r.send(packet.TunClosed{})
				synctest.Wait()
				if len(c.tunnels) != 0 {
					t.Error("not forgotten")
				}
			})
		})
	}
}

// TestTunnelConfirmedTwice: a second answer changes nothing.
func TestTunnelConfirmedTwice(t *testing.T) {
	tunnel(t, func(t *testing.T, c *Conn, r *relay, tun *Tunnel) {
		r.send(packet.TunResult{Limit: 1}, packet.TunResult{TimedOut: true}, packet.TunAllow{Space: 4})
		if err := tun.Send(t.Context(), []byte("abcd")); err != nil {
			t.Error(err)
		}
		r.expect(chunk(4, "abcd"))
	})
}

func TestTunnelServed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, r := attach(t, Config{Cluster: "echo", Handler: Handler{Tunnel: func(tun *Tunnel) {
			m, err := tun.Recv(t.Context())
			if err != nil {
				t.Error(err)
			}
			if err := tun.Send(t.Context(), bytes.ToUpper(m)); err != nil {
				t.Error(err)
			}
		}}})
		r.send(packet.TunOffer{Build: 9, Limit: 1 << 40})
		r.expect(packet.TunConfirm{Build: 9}, packet.TunAllow{Space: packet.ClientWindow})
		r.send(packet.TunAllow{Space: packet.RelayWindow}, chunk(2, "hi"))
		r.expect(packet.TunAllow{Space: 2}, chunk(2, "HI"), packet.TunClose{})
		r.send(packet.TunClosed{})
		r.quiet()
	})
}

// TestTunnelsRefused: without a handler, or beyond the limit, an offer is
// confirmed in time and closed again: the protocol has no refusal.
func TestTunnelsRefused(t *testing.T) {
	bubble(t, func(t *testing.T) {
		finish := make(chan struct{})
		c, r := attach(t, Config{Cluster: "echo", Tunnels: 1, Handler: Handler{Tunnel: func(*Tunnel) { <-finish }}})
		r.send(packet.TunOffer{Build: 5, Limit: 4})
		r.expect(packet.TunConfirm{Build: 5}, packet.TunAllow{Space: packet.ClientWindow})
		r.send(packet.TunOffer{Build: 6, Limit: 4})
		r.expect(packet.TunConfirm{Build: 6, Tunnel: 1}, packet.TunAllow{Tunnel: 1, Space: packet.ClientWindow}, packet.TunClose{Tunnel: 1})
		r.send(packet.TunClosed{Tunnel: 1})
		close(finish)
		r.expect(packet.TunClose{})
		r.send(packet.TunClosed{})
		r.send(packet.TunOffer{Build: 7, Limit: 4}) // there is room again
		r.expect(packet.TunConfirm{Build: 7, Tunnel: 2}, packet.TunAllow{Tunnel: 2, Space: packet.ClientWindow}, packet.TunClose{Tunnel: 2})
		if n := c.Stats().TunnelsRefused; n != 1 {
			t.Errorf("%d tunnels refused", n)
		}
	})
	bubble(t, func(t *testing.T) {
		_, r := attach(t, Config{Cluster: "echo"})
		r.send(packet.TunOffer{Build: 5, Limit: 4})
		r.expect(packet.TunConfirm{Build: 5}, packet.TunAllow{Space: packet.ClientWindow}, packet.TunClose{})
	})
}
