package topics

import (
	"context"
	"errors"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/transport"
	"iris/transport/wire"
)

// trySend sends f to n without blocking: on the link, or in the structured form,
// where a node may have none, through the router, which makes one and keeps the
// order. Errors as of link.TrySend; ErrUnreachable without a link.
func (t *Topics) trySend(n id.ID, lane transport.Lane, f wire.Frame) error {
	if t.structured() {
		return t.router.Post(n, lane, f)
	}
	if l := t.net.Link(n); l != nil {
		return l.TrySend(lane, f)
	}
	return actor.ErrUnreachable
}

// send is trySend that blocks while the lane is full, until ctx ends.
func (t *Topics) send(ctx context.Context, n id.ID, lane transport.Lane, f wire.Frame) error {
	if t.structured() {
		if err := t.router.Post(n, lane, f); !errors.Is(err, actor.ErrOverloaded) {
			return err
		}
	}
	if l := t.net.Link(n); l != nil {
		return l.Send(ctx, lane, f)
	}
	return actor.ErrUnreachable
}

// poster sends to a node by trySend and send; the router may keep the frames.
type poster struct {
	t *Topics
	n id.ID
}

func (p poster) TrySend(lane transport.Lane, f wire.Frame) error { return p.t.trySend(p.n, lane, f) }

func (p poster) Send(ctx context.Context, lane transport.Lane, f wire.Frame) error {
	return p.t.send(ctx, p.n, lane, f)
}

// structured reports whether a node without a link may be reached all the same.
func (t *Topics) structured() bool { return t.router.Routes().Structured() }

// stalled returns for how long the peer has shown no sign that it will take more
// events; 0 without a link.
func (t *Topics) stalled(n id.ID) time.Duration {
	if l := t.net.Link(n); l != nil {
		return l.Stalled(transport.Fanout)
	}
	return 0
}
