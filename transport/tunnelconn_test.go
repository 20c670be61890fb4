package transport

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"iris/actor"
	"iris/internal/id"
	"iris/transport/wire"
)

// tunnelTo dials a tunnel connection as a hostile peer may: without asking
// whether there is one.
func tunnelTo(t *testing.T, a, b *place) *quic.Conn {
	t.Helper()
	conn := bare(t, a, b)
	if err := (&tunnelConn{e: a.Endpoint}).introduce(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	return conn
}

// A peer that dials one tunnel connection after the other has one.
func TestTunnelConnectionsOfAPeerAreBounded(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.place("net"), w.place("net")
		echo := func(_ id.ID, s Stream) {
			_, _ = io.Copy(s, s)
			_ = s.Close()
		}
		a.HandleStream(echo)
		b.HandleStream(echo)
		a.start(t)
		b.start(t)
		if err := w.net.Start(); err != nil {
			t.Fatal(err)
		}
		linked(t, a, b)
		var conns []*quic.Conn
		for range 20 {
			conns = append(conns, tunnelTo(t, a, b))
		}
		for _, c := range conns[:19] {
			if code := endedWith(t, c, time.Second); code != wire.CodeDuplicate {
				t.Errorf("ended with %v, want DUPLICATE", code)
			}
		}
		if last := conns[19]; last.Context().Err() != nil {
			t.Errorf("the newest ended: %v", context.Cause(last.Context()))
		}
		s, err := a.OpenStream(t.Context(), b.ID()) // on a connection of its own
		if err != nil {
			t.Fatal(err)
		}
		if trip, link := s.RoundTrip(), a.Link(b.ID()).conn.ConnectionStats().MinRTT; trip <= 0 || trip > link {
			t.Errorf("a round trip of %v beside a link with %v", trip, link)
		}
		if _, err := s.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if n, err := s.Read(make([]byte, 1)); n != 1 {
			t.Errorf("echo: %v", err)
		}
		a.close(t)
		b.close(t)
		b.paired(t)
	})
}

// Streams that a peer opens and never uses are bounded, and end with the link.
func TestUnusedStreamsOfAPeerAreBounded(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		const limit = 16
		a, b := w.place("net"), w.place("net", func(c *Config) { c.Limits.Tunnels = limit })
		var open, most atomic.Int32
		b.HandleStream(func(_ id.ID, s Stream) {
			if n := open.Add(1); n > most.Load() {
				most.Store(n)
			}
			<-s.Context().Done()
			open.Add(-1)
		})
		a.start(t)
		b.start(t)
		if err := w.net.Start(); err != nil {
			t.Fatal(err)
		}
		linked(t, a, b)
		conn := tunnelTo(t, a, b)
		opened := 0
		for ; opened < 10*limit; opened++ {
			s, err := conn.OpenStream()
			if err != nil {
				break
			}
			if _, err := s.Write([]byte{1}); err != nil {
				t.Fatal(err)
			}
		}
		if opened > limit {
			t.Errorf("%d streams opened, want %d at most", opened, limit)
		}
		settle := time.NewTimer(time.Second)
		<-settle.C
		if n := most.Load(); n != int32(opened) {
			t.Errorf("%d streams are served, %d were opened", n, opened)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for err := error(nil); err == nil; {
			_, err = a.OpenStream(ctx, b.ID()) // a peer that keeps to the rules waits for one to end
			if err != nil && !errors.Is(err, actor.ErrOverloaded) {
				t.Errorf("beyond the limit: %v, want ErrOverloaded", err)
			}
		}
		a.Link(b.ID()).Close(wire.CodeDead, "enough")
		b.until(t, "the end", func() bool { return len(b.down) == 1 })
		a.close(t)
		b.close(t)
		if n := open.Load(); n != 0 {
			t.Errorf("%d streams outlive their link", n)
		}
	})
}

// Openers wait for one that dials, each as long as its own context.
func TestOpenStreamKeepsToItsContext(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		a, b := w.place("net"), w.place("net")
		a.start(t)
		b.start(t)
		if err := w.net.Start(); err != nil {
			t.Fatal(err)
		}
		linked(t, a, b)
		w.cut.set(a, b, true)
		open := func(d time.Duration) <-chan time.Duration {
			took := make(chan time.Duration)
			go func() {
				ctx, cancel := context.WithTimeout(context.Background(), d)
				defer cancel()
				began := time.Now()
				if _, err := a.OpenStream(ctx, b.ID()); !errors.Is(err, actor.ErrUnreachable) {
					t.Errorf("stream to nowhere: %v", err)
				}
				took <- time.Since(began)
			}()
			return took
		}
		for want, took := range map[time.Duration]<-chan time.Duration{
			3 * time.Second: open(3 * time.Second), 200 * time.Millisecond: open(200 * time.Millisecond), time.Second: open(time.Second),
		} {
			if d := <-took; d > want+100*time.Millisecond {
				t.Errorf("an opener with %v waited %v", want, d)
			}
		}
		w.cut.set(a, b, false)
		if s, err := a.OpenStream(t.Context(), b.ID()); err != nil {
			t.Errorf("afterwards: %v", err)
		} else {
			s.CancelWrite(wire.CodeOK)
		}
		a.close(t)
		b.close(t)
	})
}
