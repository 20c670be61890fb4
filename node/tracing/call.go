package tracing

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"iris/actor"
)

// Span is a call under way. The zero Span is none.
type Span struct{ span trace.Span }

// Request begins the span of a request to a cluster, below that of ctx or, if ctx has none, of
// *told: what the program gave as trace. *told becomes the trace to send along,
// unless it is something of the program's own that is no W3C trace.
func (t *Tracing) Request(ctx context.Context, cluster string, told *string) Span {
	if t == nil {
		return Span{}
	}
	return t.begin(ctx, "request", cluster, trace.SpanKindClient, told)
}

// Publish is Request for an event of a topic.
func (t *Tracing) Publish(ctx context.Context, topic string, told *string) Span {
	if t == nil {
		return Span{}
	}
	return t.begin(ctx, "publish", topic, trace.SpanKindProducer, told)
}

// Broadcast is Request for a broadcast to a cluster.
func (t *Tracing) Broadcast(ctx context.Context, cluster string, told *string) Span {
	if t == nil {
		return Span{}
	}
	return t.begin(ctx, "broadcast", cluster, trace.SpanKindProducer, told)
}

func (t *Tracing) begin(ctx context.Context, what, name string, kind trace.SpanKind, told *string) Span {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		ctx = unpack(ctx, *told)
	}
	foreign := *told != "" && !trace.SpanContextFromContext(unpack(context.Background(), *told)).IsValid()
	ctx, span := t.tracer.Start(ctx, what+" "+name, trace.WithSpanKind(kind), trace.WithAttributes(about("send", name)...))
	if !foreign {
		*told = pack(ctx)
	}
	return Span{span}
}

func about(operation, name string) []attribute.KeyValue {
	return []attribute.KeyValue{
		attribute.String("messaging.system", "iris"),
		attribute.String("messaging.operation.type", operation),
		attribute.String("messaging.destination.name", name),
	}
}

// End ends the span with the outcome of the call.
func (s Span) End(err error) {
	if s.span == nil {
		return
	}
	if err != nil {
		s.span.SetStatus(codes.Error, err.Error())
		s.span.SetAttributes(attribute.String("error.type", kindOf(err)))
	}
	s.span.End()
}

// kindOf is a word for an error, of a small set.
func kindOf(err error) string {
	var remote *actor.RemoteError
	switch {
	case errors.As(err, &remote) && remote.Panic:
		return "panic"
	case errors.As(err, &remote):
		return "handler"
	case errors.Is(err, actor.ErrNoMembers):
		return "no members"
	case errors.Is(err, actor.ErrOverloaded):
		return "overloaded"
	case errors.Is(err, actor.ErrUnreachable):
		return "unreachable"
	case errors.Is(err, actor.ErrLost):
		return "lost"
	case errors.Is(err, actor.ErrTimeout), errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.Is(err, context.Canceled):
		return "cancelled"
	}
	return "_OTHER"
}
