package actor

import (
	"context"
	"errors"
	"time"
)

// Root sends and asks from outside of actors.
type Root struct{ sys *System }

// Root is for use on any goroutine.
func (s *System) Root() *Root { return &Root{s} }

// Send delivers msg at most once, without a sender. It does not block.
func (r *Root) Send(pid *PID, msg any) { r.sys.Send(pid, nil, msg) }

// Request asks pid, which may be remote or a name, and waits for the answer, until ctx ends or, if it has no deadline,
// DefaultTimeout passed. It must not be called by an actor for an actor that may be waiting for the first: use
// Context.Ask there. Errors: those of this package, *RemoteError, *CodecError, or context.Canceled.
func (r *Root) Request(ctx context.Context, pid *PID, msg any) (any, error) {
	ttl := DefaultTimeout
	if d, ok := ctx.Deadline(); ok {
		ttl = time.Until(d)
	}
	if err := ctx.Err(); err != nil || ttl <= 0 {
		return nil, timeoutOf(err)
	}
	w := r.sys.waiters.Get().(*waiter)
	id := r.sys.request(pid, nil, msg, ttl, w.done)
	select {
	case rep := <-w.replies:
		r.sys.waiters.Put(w)
		return rep.Message, rep.Err
	case <-ctx.Done():
		if id != 0 && r.sys.replies.Cancel(id) {
			r.sys.waiters.Put(w) // nobody will use it any more
		}
		return nil, timeoutOf(ctx.Err())
	}
}

// waiter is a goroutine that waits for a reply. It is used again and again.
type waiter struct {
	replies chan Reply  // has room for one
	done    func(Reply) // puts it there
}

func newWaiter() any {
	w := &waiter{replies: make(chan Reply, 1)}
	w.done = func(rep Reply) { w.replies <- rep }
	return w
}

// timeoutOf makes an ended context an error of this package.
func timeoutOf(err error) error {
	if err == nil || errors.Is(err, context.DeadlineExceeded) {
		return ErrTimeout
	}
	return err
}
