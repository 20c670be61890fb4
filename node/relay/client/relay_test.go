package client

import (
	"context"
	"errors"
	"io"
	"net"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"iris/node/relay/packet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// relay is the other end of a connection, played by a test. Its methods run on
// the test's goroutine; net.Pipe holds nothing back, so that each packet passes
// when both ends are there for it.
type relay struct {
	t      testing.TB
	socket net.Conn
	in     *packet.Reader
}

// bubble runs a test on a clock of its own, which fails it when all are stuck.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

// attach returns a client and its relay, past the greeting. Both are closed at
// the end of the test.
func attach(t *testing.T, cfg Config) (*Conn, *relay) {
	t.Helper()
	c, r := connect(t, cfg)
	t.Cleanup(func() {
		_ = r.socket.Close()
		_ = c.Close() // tests look at what matters
	})
	return c, r
}

// connect is attach for who closes both.
func connect(t *testing.T, cfg Config) (*Conn, *relay) {
	t.Helper()
	near, far := net.Pipe()
	r := &relay{t, far, packet.NewReader(far, packet.FromClient, packet.Limits{})}
	greeted := make(chan struct{})
	go func() {
		defer close(greeted)
		r.expect(packet.Init{Version: packet.Version, Cluster: cfg.Cluster})
		r.send(packet.Welcome{Version: packet.Version})
	}()
	c, err := Attach(t.Context(), near, cfg)
	if err != nil {
		t.Fatal(err)
	}
	<-greeted
	return c, r
}

// expect reads packets and wants them to be these.
func (r *relay) expect(want ...packet.Packet) {
	r.t.Helper()
	for _, w := range want {
		got, err := r.in.Next()
		if err != nil {
			r.t.Errorf("reading a packet: %v, want %#v", err, w)
			return
		}
		if !reflect.DeepEqual(w, got) {
			r.t.Errorf("packet (-want +got):\n%s", cmp.Diff(w, got))
		}
	}
}

func (r *relay) send(ps ...packet.Packet) {
	r.t.Helper()
	for _, p := range ps {
		if _, err := r.socket.Write(packet.Append(nil, p)); err != nil {
			r.t.Errorf("sending %#v: %v", p, err)
		}
	}
}

// quiet wants the client to have nothing to say.
func (r *relay) quiet() {
	r.t.Helper()
	if err := r.socket.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
		r.t.Error(err)
	}
	var b [16]byte
	if n, err := r.socket.Read(b[:]); !isTimeout(err) {
		r.t.Errorf("the client says %x, %v", b[:n], err)
	}
	if err := r.socket.SetReadDeadline(time.Time{}); err != nil {
		r.t.Error(err)
	}
}

// gone wants the client to hang up.
func (r *relay) gone() {
	r.t.Helper()
	if p, err := r.in.Next(); err != io.EOF {
		r.t.Errorf("at the end %#v, %v", p, err)
	}
}

func isTimeout(err error) bool {
	var e net.Error
	return errors.As(err, &e) && e.Timeout()
}

// outcomeOf is what a call returned.
type outcomeOf[T any] struct {
	value T
	err   error
}

// later calls f on a goroutine of its own.
func later[T any](f func() (T, error)) <-chan outcomeOf[T] {
	ch := make(chan outcomeOf[T], 1)
	go func() {
		v, err := f()
		ch <- outcomeOf[T]{v, err}
	}()
	return ch
}

// laterErr is later for calls that return an error alone.
func laterErr(f func() error) <-chan outcomeOf[struct{}] {
	return later(func() (struct{}, error) { return struct{}{}, f() })
}

func wantIs(t testing.TB, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("error %v, want %v", got, want)
	}
}

// soon is a context that ends after d.
func soon(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}
