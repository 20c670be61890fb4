package transport

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"iris/internal/id"
	"iris/transport/wire"
)

// bare connects from a to b without saying HELLO: what a hostile holder of the
// network key begins with.
func bare(t *testing.T, a, b *place) *quic.Conn {
	t.Helper()
	conn, err := a.connect(t.Context(), a.base, b.addr(), b.ID())
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// endedWith waits for the end of conn and returns its code.
func endedWith(t *testing.T, conn *quic.Conn, within time.Duration) wire.Code {
	t.Helper()
	limit := time.NewTimer(within)
	defer limit.Stop()
	select {
	case <-conn.Context().Done():
	case <-limit.C:
		t.Fatalf("the connection lives after %v", within)
	}
	return explain(context.Cause(conn.Context())).Code
}

// A peer that says anything but HELLO, for ever, is let go in time: frames of
// unknown kinds are skipped, but they are no HELLO.
func TestHelloTakesNoLongerThanAllowed(t *testing.T) {
	for name, sends := range map[string][][]byte{
		"silence":       {},
		"half a frame":  {{100}},
		"unknown kinds": {{2}, {0x91}, {0x7f}}, // a frame in three packets, again and again
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				a, b := w.place("net"), w.place("net")
				a.start(t)
				b.start(t)
				if err := w.net.Start(); err != nil {
					t.Fatal(err)
				}
				conn := bare(t, a, b)
				s, err := conn.OpenStream()
				if err != nil {
					t.Fatal(err)
				}
				var talk sync.WaitGroup
				talk.Go(func() {
					every := time.NewTicker(100 * time.Millisecond)
					defer every.Stop()
					for n := 0; len(sends) > 0; n++ {
						if _, err := s.Write(sends[n%len(sends)]); err != nil || len(sends) == 1 {
							return
						}
						<-every.C
					}
				})
				if code := endedWith(t, conn, helloTimeout+time.Second); code != wire.CodeHelloTimeout {
					t.Errorf("ended with %v, want HELLO_TIMEOUT", code)
				}
				talk.Wait()
				a.close(t)
				b.close(t)
			})
		})
	}
}

// A peer may not pile up connections that never say HELLO.
func TestGreetingsOfOnePeerAreBounded(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.place("net"), w.place("net")
		a.start(t)
		b.start(t)
		if err := w.net.Start(); err != nil {
			t.Fatal(err)
		}
		var conns []*quic.Conn
		for range greetingsPerPeer + 3 {
			conns = append(conns, bare(t, a, b))
		}
		for _, c := range conns[greetingsPerPeer:] {
			if code := endedWith(t, c, time.Second); code != wire.CodeBusy {
				t.Errorf("ended with %v, want BUSY", code)
			}
		}
		for _, c := range conns[:greetingsPerPeer] {
			closeConn(c, wire.CodeOK, "")
		}
		linked(t, a, b)
		a.close(t)
		b.close(t)
		if g := &b.greetings; g.open != 0 || len(g.peers) != 0 {
			t.Errorf("after all: %d open of %d peers", g.open, len(g.peers))
		}
	})
}

// Close does not wait for handshakes, on either side, and tells the peer.
func TestCloseDuringAHandshake(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b, c := w.place("net"), w.place("net"), w.place("net")
		a.start(t)
		b.start(t) // c accepts, but never greets
		if err := w.net.Start(); err != nil {
			t.Fatal(err)
		}
		conn := bare(t, a, b)
		s, err := conn.OpenStream()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Write([]byte{100}); err != nil {
			t.Fatal(err)
		}
		b.Dial(c.addr(), id.ID{})
		settle := time.NewTimer(200 * time.Millisecond)
		<-settle.C
		began := time.Now()
		b.close(t)
		if took := time.Since(began); took > 100*time.Millisecond {
			t.Errorf("close took %v", took)
		}
		if code := endedWith(t, conn, time.Second); code != wire.CodeLeave {
			t.Errorf("the peer was told %v, want LEAVE", code)
		}
		a.close(t)
		c.close(t)
	})
}
