package node

import (
	"context"
	"fmt"

	"iris/topics"
	"iris/tunnels"
)

// RequestOption is a rare variant of a request.
type RequestOption func(*topics.Options)

// Idempotent allows the request to be sent again, to another member, while its
// deadline lasts, also when nobody knows whether it was executed. Members that
// see it twice answer it once.
func Idempotent() RequestOption { return func(o *topics.Options) { o.Idempotent = true } }

// Trace passes an opaque string of up to 255 bytes on to the handler, and to what that
// sends to actors and names meanwhile. A W3C traceparent, with a tracestate behind
// a semicolon, is what package tracing understands.
func Trace(id string) RequestOption { return func(o *topics.Options) { o.Trace = id } }

// Request sends msg to one member of the cluster, anywhere in the network, and
// returns its reply. The deadline of ctx travels with the request; without one
// it is 5 s. msg is actor.Bytes or of a type registered with
// actor.RegisterType. Errors: see the package documentation.
func (n *Node) Request(ctx context.Context, cluster string, msg any, opts ...RequestOption) (any, error) {
	if err := n.over(); err != nil {
		return nil, err
	}
	var o topics.Options
	if len(opts) > 0 {
		o = optionsOf(opts)
	}
	span := n.tracing.Request(ctx, cluster, &o.Trace)
	reply, err := n.topics.Request(ctx, cluster, msg, o)
	span.End(err)
	return reply, err
}

func optionsOf(opts []RequestOption) (o topics.Options) {
	for _, opt := range opts {
		opt(&o)
	}
	return o
}

// Ask is Request for a reply of type T. A reply of another type is an error.
func Ask[T any](ctx context.Context, n *Node, cluster string, msg any, opts ...RequestOption) (T, error) {
	var zero T
	reply, err := n.Request(ctx, cluster, msg, opts...)
	if err != nil {
		return zero, err
	}
	switch r := reply.(type) {
	case T:
		return r, nil
	case *T:
		return *r, nil
	}
	return zero, fmt.Errorf("cluster %q answered with %T, want %T", cluster, reply, zero)
}

// Broadcast sends msg to every member of the cluster, at most once each. It
// returns when it was handed to every link; it waits while links are full,
// until ctx ends.
func (n *Node) Broadcast(ctx context.Context, cluster string, msg any) error {
	if err := n.over(); err != nil {
		return err
	}
	var o topics.BroadcastOptions
	span := n.tracing.Broadcast(ctx, cluster, &o.Trace)
	err := n.topics.Broadcast(ctx, cluster, msg, o)
	span.End(err)
	return err
}

// Tunnel opens an ordered, throttled stream to one member of the cluster,
// which receives a *tunnels.Incoming. ctx bounds the opening.
func (n *Node) Tunnel(ctx context.Context, cluster string) (*tunnels.Tunnel, error) {
	if err := n.over(); err != nil {
		return nil, err
	}
	return n.tunnels.Open(ctx, cluster)
}

// picker lets tunnels choose a member as requests do.
func (n *Node) picker() tunnels.Picker {
	return tunnels.PickerFunc(func(ctx context.Context, cluster string) (tunnels.Choice, error) {
		c, err := n.topics.Pick(ctx, cluster)
		return tunnels.Choice{Node: c.Node, Done: c.Done}, err
	})
}
