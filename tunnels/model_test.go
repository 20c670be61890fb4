package tunnels

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// TestModel compares a tunnel, in both directions at once, with two queues of
// messages.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		// Draws come first: rapid aborts a case by panics that must not cross a
		// bubble.
		window := rapid.SampledFrom([]int{4 << 10, 10_000, 64 << 10}).Draw(rt, "window")
		type step struct {
			op   string
			from int
			n    int
		}
		steps := make([]step, rapid.IntRange(1, 60).Draw(rt, "steps"))
		for i := range steps {
			steps[i] = step{
				op:   rapid.SampledFrom([]string{"send", "send", "write", "recv", "recv", "read", "closesend"}).Draw(rt, "op"),
				from: rapid.IntRange(0, 1).Draw(rt, "end"),
				n:    rapid.SampledFrom([]int{0, 1, 100, 1000, 5000, 30_000, 70_000}).Draw(rt, "n"),
			}
		}
		var problem error
		synctest.Test(t, func(t *testing.T) {
			a, b := newPair(t, Config{Window: window})
			ends := [2]end{a, b}
			var models [2]model // what goes from each end
			for i, s := range steps {
				m := &models[s.from]
				to := &models[1-s.from]
				var err error
				switch s.op {
				case "send":
					err = m.send(ends[s.from], s.n)
				case "write":
					err = m.write(ends[s.from], s.n)
				case "recv":
					err = to.recv(ends[s.from])
				case "read":
					err = to.read(ends[s.from], s.n)
				case "closesend":
					err = ends[s.from].CloseSend()
					m.closed = true
				}
				if err == errBroken { // a message was cancelled in the middle
					return
				}
				if err != nil {
					problem = fmt.Errorf("step %d %+v: %w", i, s, err)
					return
				}
			}
		})
		if problem != nil {
			rt.Fatal(problem)
		}
	})
}

// model is one direction: the messages on their way as sizes and a counter that
// makes their bytes.
type model struct {
	sizes  []int
	put    byte // next byte to send
	got    byte // next byte to receive
	bytes  int  // in sizes
	mid    bool
	closed bool
}

var errBroken = errors.New("aborted by a cancelled send")

func (m *model) fill(n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i], m.put = m.put, m.put+1
	}
	return p
}

func (m *model) check(p []byte) error {
	for i, c := range p {
		if c != m.got {
			return fmt.Errorf("byte %d of %d is %d, want %d", i, len(p), c, m.got)
		}
		m.got++
	}
	m.bytes -= len(p)
	return nil
}

func (m *model) send(e end, n int) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	before := m.put
	err := e.Send(ctx, m.fill(n))
	switch {
	case m.closed && err == nil:
		return errors.New("sent after CloseSend")
	case m.closed:
		m.put = before
	case errors.Is(err, ErrSendCancelled):
		return errBroken
	case errors.Is(err, context.DeadlineExceeded):
		m.put = before // it must have left nothing behind
	case err != nil:
		return err
	default:
		m.sizes = append(m.sizes, n)
		m.bytes += n
	}
	return nil
}

// write is only called for what fits, since Write has no context.
func (m *model) write(e end, n int) error {
	if m.closed || uint64(n+1000) > e.out.available() {
		return nil
	}
	k, err := e.Stream().Write(m.fill(n))
	if err != nil || k != n {
		return fmt.Errorf("wrote %d of %d: %w", k, n, err)
	}
	for ; n > chunkSize; n -= chunkSize {
		m.sizes = append(m.sizes, chunkSize)
	}
	if n > 0 {
		m.sizes = append(m.sizes, n)
	}
	m.bytes += k
	return nil
}

func (m *model) recv(e end) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	msg, err := e.Recv(ctx)
	switch {
	case m.mid:
		if !errors.Is(err, ErrMidMessage) {
			return fmt.Errorf("recv inside a message: %w", err)
		}
	case len(m.sizes) == 0 && m.closed:
		if err != io.EOF {
			return fmt.Errorf("want EOF: %w", err)
		}
	case len(m.sizes) == 0:
		if !errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("received %d bytes, %w, of nothing", len(msg), err)
		}
	case err != nil:
		return err
	case len(msg) != m.sizes[0]:
		return fmt.Errorf("received %d bytes, want %d", len(msg), m.sizes[0])
	default:
		m.sizes = m.sizes[1:]
		return m.check(msg)
	}
	return nil
}

// read is only called for what is there.
func (m *model) read(e end, n int) error {
	if n = min(n, m.bytes); n == 0 {
		return nil
	}
	p := make([]byte, n)
	if _, err := io.ReadFull(e.Stream(), p); err != nil {
		return err
	}
	for n > 0 {
		c := min(n, m.sizes[0])
		n -= c
		if m.sizes[0] -= c; m.sizes[0] == 0 {
			m.sizes = m.sizes[1:]
			m.mid = false
		} else {
			m.mid = true
		}
	}
	return m.check(p)
}

// available is the credit left, in bytes.
func (out *outbox) available() uint64 {
	out.mu.Lock()
	defer out.mu.Unlock()
	return out.flow.Credit()
}
