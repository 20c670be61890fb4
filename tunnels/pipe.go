package tunnels

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"iris/transport/wire"
)

// reset is the error of a stream in memory that one of its ends has cancelled.
type reset struct {
	code   wire.Code
	remote bool
}

func (r *reset) Error() string {
	if r.remote {
		return fmt.Sprintf("stream reset by the other end (%v)", r.code)
	}
	return fmt.Sprintf("stream cancelled (%v)", r.code)
}

// newPipe returns the two ends of a stream in memory: what a tunnel to a member
// on the same node runs over. They behave like the ends of a QUIC stream whose
// window is nothing: Write returns when the other end has read everything, so a
// pipe holds no memory of its own.
func newPipe() (a, b Stream) {
	x, y := newHalf(), newHalf()
	return &pipeEnd{in: x, out: y}, &pipeEnd{in: y, out: x}
}

type pipeEnd struct{ in, out *half }

func (p *pipeEnd) Read(b []byte) (int, error)        { return p.in.read(b) }
func (p *pipeEnd) Write(b []byte) (int, error)       { return p.out.write(b) }
func (p *pipeEnd) Close() error                      { return p.out.close() }
func (p *pipeEnd) CancelRead(c wire.Code)            { p.in.cancelRead(c) }
func (p *pipeEnd) CancelWrite(c wire.Code)           { p.out.cancelWrite(c) }
func (p *pipeEnd) RoundTrip() time.Duration          { return 0 }
func (p *pipeEnd) Accompanied() bool                 { return false }
func (p *pipeEnd) Context() context.Context          { return p.out.ctx }
func (p *pipeEnd) SetReadDeadline(t time.Time) error { p.in.setDeadline(&p.in.readBy, t); return nil }

func (p *pipeEnd) SetWriteDeadline(t time.Time) error {
	p.out.setDeadline(&p.out.writeBy, t)
	return nil
}

// half is one direction of a pipe.
type half struct {
	ctx    context.Context // ends with the direction
	cancel context.CancelFunc

	mu       sync.Mutex // guards the following fields
	buf      []byte     // what a Write in progress has left to be read
	fin      bool
	readErr  *reset    // what Read fails with
	writeErr *reset    // what Write fails with
	readBy   time.Time // deadlines
	writeBy  time.Time
	change   chan struct{} // closed and replaced when something changed and somebody waits
	waiting  bool
}

func newHalf() *half {
	h := &half{change: make(chan struct{})}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	return h
}

// changed wakes whoever waits. Called with mu.
func (h *half) changed() {
	if h.waiting {
		close(h.change)
		h.change, h.waiting = make(chan struct{}), false
	}
}

// wait releases mu, waits for a change or the deadline, and takes mu again.
func (h *half) wait(by time.Time) error {
	var tick <-chan time.Time
	if !by.IsZero() {
		left := time.Until(by)
		if left <= 0 {
			return os.ErrDeadlineExceeded
		}
		timer := time.NewTimer(left)
		defer timer.Stop()
		tick = timer.C
	}
	h.waiting = true
	change := h.change
	h.mu.Unlock()
	select {
	case <-change:
	case <-tick:
	}
	h.mu.Lock()
	return nil
}

func (h *half) read(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		switch {
		case h.readErr != nil:
			return 0, h.readErr
		case len(p) == 0:
			return 0, nil
		case len(h.buf) > 0:
			n := copy(p, h.buf)
			if h.buf = h.buf[n:]; len(h.buf) == 0 {
				h.changed()
			}
			return n, nil
		case h.fin:
			return 0, io.EOF
		}
		if err := h.wait(h.readBy); err != nil {
			return 0, err
		}
	}
}

func (h *half) write(p []byte) (n int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fin {
		return 0, io.ErrClosedPipe
	}
	if h.writeErr != nil {
		return 0, h.writeErr
	}
	h.buf = p
	h.changed()
	for len(h.buf) > 0 && h.writeErr == nil {
		if err = h.wait(h.writeBy); err != nil {
			break
		}
	}
	n = len(p) - len(h.buf)
	h.buf = nil
	if err == nil && n < len(p) {
		return n, h.writeErr
	}
	return n, err
}

func (h *half) close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.writeErr != nil {
		return h.writeErr
	}
	h.fin = true
	h.changed()
	h.cancel()
	return nil
}

func (h *half) cancelRead(c wire.Code) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.readErr != nil || h.fin {
		return
	}
	h.readErr = &reset{code: c}
	if h.writeErr == nil {
		h.writeErr = &reset{code: c, remote: true}
	}
	h.changed()
	h.cancel()
}

func (h *half) cancelWrite(c wire.Code) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.writeErr != nil || h.fin {
		return
	}
	h.writeErr = &reset{code: c}
	if h.readErr == nil {
		h.readErr = &reset{code: c, remote: true}
	}
	h.changed()
	h.cancel()
}

func (h *half) setDeadline(field *time.Time, t time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	*field = t
	h.changed()
}
