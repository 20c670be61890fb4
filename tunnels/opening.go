package tunnels

import (
	"context"
	"fmt"
	"math"
	"time"

	"iris/actor"
	"iris/internal/id"
	"iris/transport/wire"
	"iris/tunnels/flow"
)

// openTo opens a tunnel to a member of cluster on node.
func (ts *Tunnels) openTo(ctx context.Context, node id.ID, cluster string) (*Tunnel, error) {
	if err := ts.reserve(node); err != nil {
		return nil, err
	}
	s, err := ts.stream(ctx, node)
	if err != nil {
		ts.unreserve(node)
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { giveUp(s, wire.CodeOK) })
	t, err := ts.negotiate(ctx, s, node, cluster)
	late := !stop()
	if t == nil {
		giveUp(s, wire.CodeOK)
		ts.unreserve(node)
		if late {
			err = interrupted("open", ctx)
		}
		return nil, err
	}
	if late {
		err = interrupted("open", ctx)
	} else {
		err = ts.adopt(t, nil)
	}
	t.start()
	if err != nil {
		t.abort(wire.CodeOK, whatAborted, err)
		return nil, err
	}
	return t, nil
}

// stream opens a stream to node. One to this node goes through memory.
func (ts *Tunnels) stream(ctx context.Context, node id.ID) (Stream, error) {
	if node != ts.self {
		return ts.config.Endpoint.OpenStream(ctx, node)
	}
	near, far := newPipe()
	ts.work.Go(func() { ts.accept(ts.self, far) })
	return near, nil
}

// negotiate asks for the tunnel and waits for the answer.
func (ts *Tunnels) negotiate(ctx context.Context, s Stream, node id.ID, cluster string) (*Tunnel, error) {
	open := &wire.TunnelOpen{Cluster: cluster, Credit: flow.First(ts.config.Window), TTLMs: millisLeft(ctx)}
	if _, err := s.Write(encode(open)); err != nil {
		return nil, fmt.Errorf("%w: %w", actor.ErrLost, err)
	}
	frames := newFrameReader(s, ts.memory.readers)
	h, err := frames.next()
	if err != nil {
		if isViolation(err) {
			ts.publish(&actor.ProtocolViolation{Peer: node.String(), Reason: err.Error()})
		}
		return nil, fmt.Errorf("%w: no answer: %w", actor.ErrLost, err)
	}
	switch f := h.frame.(type) {
	case *wire.TunnelAccept:
		return ts.build(node, cluster, s, frames, f.Credit, true)
	case *wire.TunnelRefuse:
		return nil, refusal(f)
	}
	ts.publish(&actor.ProtocolViolation{Peer: node.String(), Reason: "answer to TunnelOpen is neither accept nor refuse"})
	return nil, fmt.Errorf("%w: unexpected answer", actor.ErrLost)
}

// millisLeft is the time until ctx's deadline; 0 means none.
func millisLeft(ctx context.Context) uint32 {
	by, ok := ctx.Deadline()
	if !ok {
		return 0
	}
	return uint32(min(max(time.Until(by).Milliseconds(), 1), math.MaxUint32))
}

// refusal is the error for a refused opening. No member has seen the tunnel.
func refusal(f *wire.TunnelRefuse) error {
	sentinel := actor.ErrUnreachable
	switch f.Code {
	case wire.CodeLeave:
		sentinel = actor.ErrNoMembers
	case wire.CodeBusy:
		sentinel = actor.ErrOverloaded
	}
	return fmt.Errorf("%w: refused (%v): %s", sentinel, f.Code, boundedText(f.Reason))
}

// giveUp walks away from a stream both ways.
func giveUp(s Stream, code wire.Code) {
	s.CancelRead(code)
	s.CancelWrite(code)
}
