// Package tracing tells OpenTelemetry what becomes of requests, broadcasts and
// events: a span where a program makes one, a span where a handler takes it, on
// whichever node that is.
//
//	program ── Node.Request ──▶ span "request orders" (client)
//	              │ trace of the message: W3C traceparent;tracestate
//	              ▼
//	        handler on another node ──▶ span "process orders" (server), its child
//	              │ Send, Ask, Node.Request(tracing.Context(ctx), …)
//	              ▼
//	        further spans of the same trace
//
//	program ── Node.Publish ──▶ span "publish prices" (producer)
//	              ├──▶ subscriber ──▶ span "process prices" (consumer), a trace of its own, linked
//	              └──▶ subscriber ──▶ ...
//
// What one message causes at one handler is the same trace. What fans out, events and
// broadcasts, begins a trace at each handler, with a link to where it came from:
// a trace of ten thousand subscribers helps nobody. Whether they are recorded is decided
// once, where the message was made.
//
// A nil *Tracing is tracing that is off: it costs a comparison per request or
// event, and handlers nothing. The trace travels through nodes that have it off.
//
// # Concurrency
//
// All methods may be called from any goroutine. Spans are exported by a goroutine of
// the exporter, which drops them when its queue of 2048 is full; [Tracing.Close]
// waits for it.
//
// # Source
//
// W3C Trace Context; the attributes follow OpenTelemetry's semantic conventions
// for messaging, which are still in development.
package tracing
