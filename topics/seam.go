package topics

import (
	"context"
	"time"

	"iris/internal/id"
	"iris/transport"
	"iris/transport/wire"
)

// network is what topics need of the transport.
type network interface {
	ID() id.ID
	Link(n id.ID) link // nil when none is up; lock-free
	// Handle sets the handler of a kind: it runs on a lane reader's goroutine,
	// must not block, and the frame is valid during the call only.
	Handle(k wire.Kind, h func(from id.ID, f wire.Frame))
	// HandleBatch is transport.Endpoint.HandleBatch.
	HandleBatch(make func(from id.ID, keep func(n int) bool) transport.Intake, kinds ...wire.Kind)
}

// sender takes frames for a peer.
type sender interface {
	Send(ctx context.Context, lane transport.Lane, f wire.Frame) error
	TrySend(lane transport.Lane, f wire.Frame) error
}

// link is one connection to a peer.
type link interface {
	sender
	TryEvent(topic, typ string, data []byte, trace string, twin bool) error // see transport.Link
	Suspect() bool
	Stalled(lane transport.Lane) time.Duration // see transport.Link
	Name() string                              // the peer as PIDs name it
}

// seam adapts *transport.Endpoint, whose methods speak of *transport.Link.
type seam struct{ e *transport.Endpoint }

func (s seam) ID() id.ID { return s.e.ID() }

func (s seam) Link(n id.ID) link {
	if l := s.e.Link(n); l != nil {
		return l
	}
	return nil // not a nil *transport.Link in an interface
}

func (s seam) Handle(k wire.Kind, h func(from id.ID, f wire.Frame)) {
	s.e.Handle(k, func(l *transport.Link, f wire.Frame) { h(l.Peer(), f) })
}

func (s seam) HandleBatch(make func(from id.ID, keep func(n int) bool) transport.Intake, kinds ...wire.Kind) {
	s.e.HandleBatch(func(l *transport.Link, keep func(n int) bool) transport.Intake { return make(l.Peer(), keep) }, kinds...)
}
