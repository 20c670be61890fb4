package client

import (
	"context"
	"fmt"
	"time"

	"iris/node/relay/packet"
)

// maxTimeout is the longest timeout that is sent, about 24 days.
const maxTimeout = (1<<31 - 1) * time.Millisecond

// Request asks one member of a cluster, anywhere in the network, and blocks for
// its answer. The timeout goes with the request and counts in milliseconds,
// rounded up. The request must not be changed any more; the answer belongs to
// the caller. The errors are a *Fault, ErrTimeout, ErrClosed, ErrInvalid and
// that of ctx, which ends the waiting but not the request.
func (c *Conn) Request(ctx context.Context, cluster string, request []byte, timeout time.Duration) ([]byte, error) {
	if err := c.check(cluster, request); err != nil {
		return nil, err
	}
	ms, err := millis(timeout)
	if err != nil {
		return nil, err
	}
	id, answer := c.expect()
	defer c.forget(id)
	if err := c.out.send(ctx, packet.Request{ID: id, Cluster: cluster, Payload: request, TimeoutMs: ms}); err != nil {
		return nil, err
	}
	late := time.NewTimer(min(timeout, maxTimeout) + grace)
	defer late.Stop()
	select {
	case r := <-answer:
		return outcome(r)
	case <-c.done:
	case <-ctx.Done():
		err = ctx.Err()
	case <-late.C:
		err = fmt.Errorf("%w: %w", ErrTimeout, errSilent)
	}
	select {
	case r := <-answer: // came at the same time
		return outcome(r)
	default:
	}
	if err == nil {
		err = c.gone()
	}
	return nil, err
}

func millis(timeout time.Duration) (uint64, error) {
	if timeout <= 0 {
		return 0, fmt.Errorf("%w: timeout %v", ErrInvalid, timeout)
	}
	return uint64((min(timeout, maxTimeout) + time.Millisecond - 1) / time.Millisecond), nil
}

func outcome(r packet.Result) ([]byte, error) {
	switch {
	case r.TimedOut:
		return nil, ErrTimeout
	case !r.OK:
		return nil, &Fault{r.Fault}
	}
	return r.Payload, nil
}

// expect makes a place for the result of a new request.
func (c *Conn) expect() (uint64, <-chan packet.Result) {
	answer := make(chan packet.Result, 1)
	c.mu.Lock()
	defer c.mu.Unlock()
	id := c.lastID
	c.lastID++
	c.pending[id] = answer
	return id, answer
}

func (c *Conn) forget(id uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.pending, id)
}

// result hands the outcome of a request to who waits for it.
func (c *Conn) result(r packet.Result) {
	c.mu.Lock()
	answer, waits := c.pending[r.ID]
	delete(c.pending, r.ID)
	c.mu.Unlock()
	if !waits {
		c.count.strays.Add(1)
		return
	}
	answer <- r // has a slot and is sent to once
}
