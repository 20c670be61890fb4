package identity

import (
	"bytes"
	"io"
	"net"
	"sync"
	"time"
)

// wire is one end of a connection in memory that never blocks a writer: with
// net.Pipe two ends that both send an alert would wait for each other.
type wire struct {
	in, out *stream
}

type stream struct {
	mu     sync.Mutex
	more   sync.Cond
	buf    bytes.Buffer // guarded by mu
	closed bool         // guarded by mu
}

func newWire() (a, b *wire) {
	x, y := &stream{}, &stream{}
	x.more.L, y.more.L = &x.mu, &y.mu
	return &wire{x, y}, &wire{y, x}
}

func (w *wire) Read(p []byte) (int, error) {
	w.in.mu.Lock()
	defer w.in.mu.Unlock()
	for w.in.buf.Len() == 0 {
		if w.in.closed {
			return 0, io.EOF
		}
		w.in.more.Wait()
	}
	return w.in.buf.Read(p)
}

func (w *wire) Write(p []byte) (int, error) {
	w.out.mu.Lock()
	defer w.out.mu.Unlock()
	if w.out.closed {
		return 0, io.ErrClosedPipe
	}
	w.out.more.Signal()
	return w.out.buf.Write(p)
}

// Close lets the other end read what was written, then EOF.
func (w *wire) Close() error {
	w.out.mu.Lock()
	defer w.out.mu.Unlock()
	w.out.closed = true
	w.out.more.Signal()
	return nil
}

func (*wire) LocalAddr() net.Addr              { return &net.UnixAddr{} }
func (*wire) RemoteAddr() net.Addr             { return &net.UnixAddr{} }
func (*wire) SetDeadline(time.Time) error      { return nil }
func (*wire) SetReadDeadline(time.Time) error  { return nil }
func (*wire) SetWriteDeadline(time.Time) error { return nil }
