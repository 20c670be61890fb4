package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quic-go/quic-go"

	"iris/actor"
	"iris/internal/id"
	"iris/transport/wire"
)

// notes is a log that a test reads.
type notes struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (n *notes) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.Write(p)
}

func (n *notes) count(what string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return strings.Count(n.text.String(), what)
}

func (n *notes) edit(c *Config) { c.Logger = slog.New(slog.NewTextHandler(n, nil)) }

const detourNote = "tunnels share the way of messages"

// alone takes the port for tunnels from a place before it listens.
func alone(c *Config) {
	_ = c.TunnelConn.Close()
	c.TunnelConn = nil
}

func echoes(_ id.ID, s Stream) {
	_, _ = io.Copy(s, s)
	_ = s.Close()
}

// running starts places that echo, linked in the order given.
func (w *world) running(places ...*place) {
	w.t.Helper()
	for _, p := range places {
		p.HandleStream(echoes)
		p.start(w.t)
	}
	if err := w.net.Start(); err != nil {
		w.t.Fatal(err)
	}
	linked(w.t, places[0], places[1])
}

// echo sends a byte to b through a tunnel stream and back. It returns how long it took.
func echo(t *testing.T, a, b *place, patience time.Duration) time.Duration {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	began := time.Now()
	s, err := a.OpenStream(ctx, b.ID())
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	defer s.CancelRead(wire.CodeOK)
	defer s.Close()
	if _, err := s.Write([]byte{1}); err != nil {
		t.Fatalf("write: %v", err)
	}
	if _, err := io.ReadFull(s, make([]byte, 1)); err != nil {
		t.Fatalf("read: %v", err)
	}
	return time.Since(began)
}

// travels checks the way of the tunnels between a and b, at both ends.
func travels(t *testing.T, a, b *place, apart bool) {
	t.Helper()
	for _, p := range [][2]*place{{a, b}, {b, a}} {
		if way, ok := p[0].TunnelWay(p[1].ID()); !ok || way.Apart != apart {
			t.Errorf("%s: %+v, want apart from messages %t", p[0].addr(), way, apart)
		}
	}
}

// Tunnels have sockets of their own where both ends have one; where one has none they work all the same.
func TestTunnelsKeepToTheirSockets(t *testing.T) {
	for name, c := range map[string]struct {
		a, b  []func(*Config)
		local uint16 // of the dialler
		apart bool
		port  string // of the peer
	}{
		"both":                {local: 7001, port: ":7001", apart: true},
		"only who is dialled": {a: []func(*Config){alone}, local: 7000, port: ":7001"},
		"only who dials":      {b: []func(*Config){alone}, local: 7000, port: ":7000"},
		"none":                {a: []func(*Config){alone}, b: []func(*Config){alone}, local: 7000, port: ":7000"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				a, b := w.place("net", c.a...), w.place("net", c.b...)
				w.running(a, b)
				if _, ok := a.TunnelWay(b.ID()); ok {
					t.Error("a way without tunnels")
				}
				echo(t, a, b, time.Minute)
				travels(t, a, b, c.apart)
				conn, _ := a.tunnels[b.ID()].current()
				if !strings.HasSuffix(conn.RemoteAddr().String(), c.port) || addrPort(conn.LocalAddr()).Port() != c.local {
					t.Errorf("from %s to %s, want :%d and %s", conn.LocalAddr(), conn.RemoteAddr(), c.local, c.port)
				}
				echo(t, b, a, time.Minute) // on the connection that is there
				if n := len(b.tunnels[a.ID()].live()); n != 1 {
					t.Error("the other end has dialled another connection")
				}
				a.close(t)
				b.close(t)
				a.paired(t)
				b.paired(t)
			})
		})
	}
}

// live are the connections for tunnels.
func (t *tunnelConn) live() (list []*quic.Conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.conns {
		if c != nil && c.Context().Err() == nil {
			list = append(list, c)
		}
	}
	return list
}

// forget ends the connections for tunnels between p and other.
func (p *place) forget(other *place) {
	for _, c := range p.tunnels[other.ID()].live() {
		closeConn(c, wire.CodeOK, "for the test")
	}
	pass(time.Second)
}

// pass lets virtual time go by.
func pass(d time.Duration) {
	t := time.NewTimer(d)
	<-t.C
}

// A port that nobody answers at delays the first tunnel a little, also for openers who have little time and
// those who wait for another one. It is tried again after a minute, and nobody waits for that.
func TestHiddenPortIsGoneAround(t *testing.T) {
	for name, patience := range map[string]time.Duration{"time enough": time.Minute, "little time": 150 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				var said notes
				a, b := w.place("net", said.edit), w.place("net")
				w.running(a, b)
				hidden := b.beside.conn.LocalAddr()
				w.cut.bar(hidden, true)
				var openers sync.WaitGroup
				for range 3 {
					openers.Go(func() {
						if took, most := echo(t, a, b, patience), min(minHeadStart, patience/2)+50*time.Millisecond; took > most {
							t.Errorf("the first tunnel took %v, want %v at most", took, most)
						}
					})
				}
				openers.Wait()
				travels(t, a, b, false)
				if took := echo(t, a, b, patience); took > 30*time.Millisecond {
					t.Errorf("the second took %v", took)
				}
				w.cut.bar(hidden, false)
				a.forget(b)
				s, err := a.OpenStream(t.Context(), b.ID()) // within the minute
				if err != nil {
					t.Fatal(err)
				}
				travels(t, a, b, false)
				pass(firstDetour)
				if took := echo(t, a, b, patience); took > 30*time.Millisecond {
					t.Errorf("a tunnel waited %v for the other way", took)
				}
				pass(time.Second)
				echo(t, a, b, patience)
				travels(t, a, b, true)
				if _, err := s.Write([]byte{1}); err != nil {
					t.Errorf("a tunnel that went the way of messages: %v", err)
				}
				if _, err := io.ReadFull(s, make([]byte, 1)); err != nil {
					t.Errorf("a tunnel that went the way of messages: %v", err)
				}
				s.CancelRead(wire.CodeOK)
				_ = s.Close()
				if n := said.count(detourNote); n != 1 {
					t.Errorf("said %d times that tunnels go another way, want once", n)
				}
				a.close(t)
				b.close(t)
				a.paired(t)
				b.paired(t)
			})
		})
	}
}

// Nodes far from each other find the port that is not hidden, also with little time.
func TestPortOfAFarPeer(t *testing.T) {
	for _, c := range []struct{ trip, patience time.Duration }{
		{40 * time.Millisecond, 100 * time.Millisecond}, {300 * time.Millisecond, time.Minute}, {700 * time.Millisecond, time.Minute},
	} {
		t.Run(c.trip.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				var said notes
				w.delay = c.trip / 2
				a, b := w.place("net", said.edit), w.place("net")
				w.running(a, b)
				ctx, cancel := context.WithTimeout(t.Context(), c.patience)
				defer cancel()
				s, err := a.OpenStream(ctx, b.ID())
				if err != nil {
					t.Fatal(err)
				}
				s.CancelWrite(wire.CodeOK)
				s.CancelRead(wire.CodeOK)
				if way, _ := a.TunnelWay(b.ID()); !way.Apart || said.count(detourNote) != 0 {
					t.Errorf("%+v, and said %d times that the port is hidden", way, said.count(detourNote))
				}
				a.close(t)
				b.close(t)
			})
		})
	}
}

// The end of a link does not make a hidden port be tried again.
func TestDetourOutlivesTheLink(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		var said notes
		a, b := w.place("net", said.edit), w.place("net")
		w.running(a, b)
		w.cut.bar(b.beside.conn.LocalAddr(), true)
		echo(t, a, b, time.Minute)
		for n := range 3 {
			a.Link(b.ID()).Close(wire.CodeDead, "for the test")
			a.until(t, "the end", func() bool { return len(a.down) == n+1 })
			b.until(t, "the end", func() bool { return len(b.down) == n+1 })
			linked(t, a, b)
			if took := echo(t, a, b, time.Minute); took > 50*time.Millisecond {
				t.Errorf("a tunnel over the next link took %v", took)
			}
		}
		if n := said.count(detourNote); n != 1 {
			t.Errorf("said %d times that tunnels go another way, want once", n)
		}
		a.close(t)
		b.close(t)
	})
}

// A peer that answers is not one that hides its port.
func TestRefusalAtThePortForTunnels(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		hidden bool
	}{
		"busy":              {&quic.ApplicationError{Remote: true, ErrorCode: quic.ApplicationErrorCode(wire.CodeBusy)}, false},
		"flooded":           {&quic.TransportError{Remote: true, ErrorCode: quic.ConnectionRefused}, false},
		"silent":            {context.DeadlineExceeded, true},
		"outrun":            {context.Canceled, true},
		"somebody else":     {&quic.TransportError{ErrorCode: 0x100 + 42}, true},
		"closed by us":      {&quic.ApplicationError{ErrorCode: quic.ApplicationErrorCode(wire.CodeHelloTimeout)}, true},
		"refused handshake": {&quic.TransportError{Remote: true, ErrorCode: 0x100 + 120}, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			var said notes
			e := &Endpoint{detours: newDetours(10), log: slog.New(slog.NewTextHandler(&said, nil))}
			pair := &tunnelConn{e: e, peer: id.ID{Lo: 1}}
			pair.goAround("10.0.0.1:7001", c.err)
			if got := e.detours.on(pair.peer, time.Now().Add(2*briefDetour)); got != c.hidden || said.count(detourNote) > 0 != c.hidden {
				t.Errorf("%s: a detour is taken %t, said %d times; want %t", name, got, said.count(detourNote), c.hidden)
			}
			if !e.detours.on(pair.peer, time.Now()) {
				t.Errorf("%s: the port is tried again at once", name)
			}
		})
	}
}

// When the port for tunnels alone is lost, one way or both, tunnels end in time, messages do
// not notice, and the next tunnel goes the other way.
func TestLossOfThePortForTunnels(t *testing.T) {
	for name, most := range map[string]time.Duration{"both ways": besideTimeout, "one way": 3 * besideTimeout} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				a, b := w.place("net"), w.place("net")
				w.running(a, b)
				s, err := a.OpenStream(t.Context(), b.ID())
				if err != nil {
					t.Fatal(err)
				}
				if _, err := s.Write([]byte{1}); err != nil {
					t.Fatal(err)
				}
				w.cut.bar(b.beside.conn.LocalAddr(), true)
				w.cut.bar(a.beside.conn.LocalAddr(), name == "both ways")
				began := time.Now()
				if _, err := io.Copy(io.Discard, s); err == nil {
					t.Error("a tunnel over a dead port ended in order")
				}
				if took := time.Since(began); took > most+keepAlivePeriod {
					t.Errorf("it ended after %v", took)
				}
				s.CancelWrite(wire.CodeOK)
				if len(a.down)+len(b.down) > 0 || a.Link(b.ID()) == nil {
					t.Error("the link ended with it")
				}
				echo(t, a, b, time.Minute)
				pass(besideTimeout) // until the other end has seen it too
				travels(t, a, b, false)
				a.close(t)
				b.close(t)
			})
		})
	}
}

// Nobody but the peer itself is taken for it at its port for tunnels.
func TestStrangerAtThePortForTunnels(t *testing.T) {
	for _, network := range []string{"net", "other"} {
		t.Run(network, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				var said notes
				a, b := w.place("net", said.edit), w.place("net")
				stranger := w.socket(7002)
				c := w.place(network, func(c *Config) {
					_ = c.Conn.Close()
					c.Conn = stranger
				})
				w.running(a, b)
				c.HandleStream(func(id.ID, Stream) { t.Error("the stranger was given a tunnel") })
				c.start(t)
				a.Link(b.ID()).hello.TunnelPort = 7002 // as if b had had it before
				echo(t, a, b, time.Minute)
				travels(t, a, b, false)
				if said.count(detourNote) != 1 {
					t.Error("nothing was said of the other way")
				}
				for _, p := range []*place{a, b, c} {
					p.close(t)
				}
			})
		})
	}
}

// The port for tunnels asks for the same proof, and carries no links.
func TestPortForTunnelsIsGuarded(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b, stranger := w.place("net"), w.place("net"), w.place("other")
		w.running(a, b)
		stranger.start(t)
		port := b.beside.conn.LocalAddr().String()

		if conn, err := stranger.connect(t.Context(), stranger.base, port, id.ID{}); err == nil {
			t.Errorf("another network's node is let in")
			closeConn(conn, wire.CodeOK, "")
		}
		conn, err := a.connect(t.Context(), a.base, port, b.ID())
		if err != nil {
			t.Fatal(err)
		}
		s, err := conn.OpenStreamSync(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		hello, err := wire.NewWriter().Append(nil, a.hello(wire.RoleLink, featureInsist))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Write(hello); err != nil {
			t.Fatal(err)
		}
		if code := endedWith(t, conn, time.Second); code != wire.CodeProtocol {
			t.Errorf("a link there ended with %v, want PROTOCOL", code)
		}
		if b.Link(a.ID()) == nil || !b.Link(a.ID()).Up() {
			t.Error("the link that was there has ended")
		}

		var held []func() bool // one bound for both ports: handshakes under way fill it
		for i := range b.cfg.Limits.HalfOpen {
			free, ok := b.gate.take(source(i))
			if !ok {
				t.Fatalf("handshake %d is refused", i)
			}
			held = append(held, free)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		if _, err := stranger.connect(ctx, stranger.base, port, id.ID{}); err == nil {
			t.Error("a handshake beyond the bound")
		}
		cancel()
		for _, free := range held {
			free()
		}
		for _, p := range []*place{a, b, stranger} {
			p.close(t)
		}
	})
}

// A peer that is gone altogether is not said to hide its port, and one that is back
// with another port is found there.
func TestPeerComesBackWithAnotherPort(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		var said notes
		a, b := w.place("net", said.edit), w.place("net")
		again := w.socket(7005)
		links := w.socket(7006)
		w.running(a, b)
		echo(t, a, b, time.Minute)
		w.cut.set(a, b, true)
		a.forget(b)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		if _, err := a.OpenStream(ctx, b.ID()); !errors.Is(err, actor.ErrUnreachable) {
			t.Errorf("a tunnel to nowhere: %v", err)
		}
		cancel()
		w.cut.set(a, b, false)
		b.close(t)
		a.until(t, "the end", func() bool { return len(a.down) == 1 })

		later := newPlace(t, "net", func(c *Config) { c.Conn, c.TunnelConn, c.Incarnation = links, again, 2 })
		later.HandleStream(echoes)
		later.start(t)
		linked(t, a, later)
		echo(t, a, later, time.Minute)
		if way, ok := a.TunnelWay(later.ID()); !ok || way.Addr != again.LocalAddr().String() || !way.Apart {
			t.Errorf("%+v, want %s", way, again.LocalAddr())
		}
		if said.count(detourNote) != 0 {
			t.Error("a peer that is gone is said to hide its port")
		}
		a.close(t)
		later.close(t)
	})
}
