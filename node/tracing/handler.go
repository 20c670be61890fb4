package tracing

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"iris/actor"
)

// Context returns a context of the trace that the message ctx is handling belongs to, to
// make requests, publish, and begin spans of the program's own in a handler:
//
//	node.Request(tracing.Context(ctx), "stock", order)
//
// It ends with nothing; give it a deadline where one is wanted.
func Context(ctx actor.Context) context.Context {
	return unpack(context.Background(), actor.Meta(ctx).Trace)
}

// Handlers makes the actors of p begin a span for each message of a cluster or topic, and for
// what has a trace. It changes p.
func (t *Tracing) Handlers(p *actor.Props) {
	if t == nil {
		return
	}
	p.Wrap(func(a actor.Actor) actor.Actor { return &handler{t, a} })
}

type handler struct {
	t     *Tracing
	actor actor.Actor
}

// Unwrap returns the program's own actor.
func (h *handler) Unwrap() actor.Actor { return h.actor }

func (h *handler) Receive(ctx actor.Context) {
	meta := actor.Meta(ctx)
	span := h.t.take(&meta)
	if span == nil {
		h.actor.Receive(ctx)
		return
	}
	if b, ok := ctx.Message().(*actor.Batch); ok {
		span.SetAttributes(attribute.Int("messaging.batch.message_count", b.Len()))
	}
	actor.SetTrace(ctx, meta.Trace)
	returned := false
	defer func() {
		if !returned { // the supervisor hears of the panic, it is not ours to stop
			span.SetStatus(codes.Error, "the handler panicked")
			span.SetAttributes(attribute.String("error.type", "panic"))
		}
		span.End()
	}()
	h.actor.Receive(ctx)
	returned = true
}

// take begins the span of a message that a handler is given, and makes it the trace of meta. It
// returns nil where there is nothing to tell.
func (t *Tracing) take(meta *actor.Delivery) trace.Span {
	name := meta.Cluster
	if name == "" {
		name = meta.Topic
	}
	if name == "" && meta.Trace == "" {
		return nil // of the actor itself, such as Started
	}
	ctx := unpack(context.Background(), meta.Trace)
	from := trace.SpanContextFromContext(ctx)
	tracer, kind := t.tracer, trace.SpanKindConsumer
	options := []trace.SpanStartOption{trace.WithAttributes(about("process", name)...), trace.WithAttributes(attribute.String("iris.origin", meta.Origin))}
	switch meta.Kind {
	case actor.Request:
		kind = trace.SpanKindServer
	case actor.Event, actor.Broadcast:
		if !from.IsValid() {
			break
		}
		if !from.IsSampled() {
			return nil
		}
		tracer = t.linked
		options = append(options, trace.WithNewRoot(), trace.WithLinks(trace.Link{SpanContext: from}))
	}
	ctx, span := tracer.Start(ctx, "process "+name, append(options, trace.WithSpanKind(kind))...)
	if from.IsValid() || meta.Trace == "" { // else it is the program's own
		meta.Trace = pack(ctx)
	}
	return span
}
