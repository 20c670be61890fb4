package tracing

import (
	"context"
	"strings"

	"go.opentelemetry.io/otel/propagation"

	"iris/transport/wire"
)

// carrier is a trace as it travels beside a message: traceparent, and behind a
// semicolon tracestate unless it is empty or too long.
type carrier struct{ parent, state string }

var w3c propagation.TraceContext

// pack returns the trace of the span in ctx.
func pack(ctx context.Context) string {
	var c carrier
	w3c.Inject(ctx, &c)
	if c.state == "" || len(c.parent)+1+len(c.state) > wire.MaxName {
		return c.parent
	}
	return c.parent + ";" + c.state
}

// unpack returns ctx with the span that trace names, or ctx if it names none.
func unpack(ctx context.Context, trace string) context.Context {
	if trace == "" {
		return ctx
	}
	var c carrier
	c.parent, c.state, _ = strings.Cut(trace, ";")
	return w3c.Extract(ctx, &c)
}

func (c *carrier) Get(key string) string {
	switch key {
	case "traceparent":
		return c.parent
	case "tracestate":
		return c.state
	}
	return ""
}

func (c *carrier) Set(key, value string) {
	switch key {
	case "traceparent":
		c.parent = value
	case "tracestate":
		c.state = value
	}
}

func (c *carrier) Keys() []string { return []string{"traceparent", "tracestate"} }
