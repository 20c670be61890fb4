package node

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"iris/actor"
	"iris/node/config"
	"iris/node/tracing"
)

// traced runs n nodes whose spans come together in one recorder.
func traced(t *testing.T, n int, sampler sdk.Sampler) ([]*Node, *tracetest.SpanRecorder) {
	spans := tracetest.NewSpanRecorder()
	p := sdk.NewTracerProvider(sdk.WithSpanProcessor(spans), sdk.WithSampler(sampler))
	return together(t, n, func(c *config.Config) { c.Tracing.Provider = p }), spans
}

// named waits for count spans of that name.
func named(t *testing.T, spans *tracetest.SpanRecorder, name string, count int) (found []sdk.ReadOnlySpan) {
	t.Helper()
	eventually(t, name, func() bool {
		found = slices.DeleteFunc(spans.Ended(), func(s sdk.ReadOnlySpan) bool { return s.Name() != name })
		return len(found) == count
	})
	return found
}

// A request through two clusters on three nodes is one trace, whether the handler passes its context on
// or sends as actors do.
func TestARequestIsOneTrace(t *testing.T) {
	nodes, spans := traced(t, 3, sdk.AlwaysSample())
	register := func(n *Node, cluster string, f func(actor.Context)) {
		if _, err := n.Register(cluster, actor.Func(f)); err != nil {
			t.Fatal(err)
		}
	}
	register(nodes[2], "stock", echo)
	register(nodes[1], "orders", func(ctx actor.Context) {
		if m, ok := ctx.Message().(actor.Bytes); ok {
			ctx.Ask(actor.Cluster("stock"), m, 0, func(_ any, err error) {
				if err != nil {
					actor.Fail(ctx, err)
					return
				}
				reply := ctx.Sender()
				go func(c context.Context) {
					answer, err := nodes[1].Request(c, "stock", m)
					if err != nil {
						answer = err
					}
					nodes[1].System().Send(reply, nil, answer)
				}(tracing.Context(ctx))
			})
		}
	})
	if _, err := nodes[0].Request(t.Context(), "orders", actor.Bytes("one")); err != nil {
		t.Fatal(err)
	}
	root := named(t, spans, "request orders", 1)[0]
	orders := named(t, spans, "process orders", 1)[0]
	again := named(t, spans, "request stock", 1)[0]
	stock := named(t, spans, "process stock", 2)
	if root.SpanKind() != trace.SpanKindClient || orders.SpanKind() != trace.SpanKindServer {
		t.Errorf("kinds %v, %v", root.SpanKind(), orders.SpanKind())
	}
	below := func(child, parent sdk.ReadOnlySpan) {
		if child.SpanContext().TraceID() != parent.SpanContext().TraceID() || child.Parent().SpanID() != parent.SpanContext().SpanID() {
			t.Errorf("%s is not below %s", child.Name(), parent.Name())
		}
	}
	below(orders, root)
	below(again, orders)
	slices.SortFunc(stock, func(a, b sdk.ReadOnlySpan) int { return a.StartTime().Compare(b.StartTime()) })
	below(stock[0], orders)
	below(stock[1], again)
	if !slices.Contains(orders.Attributes(), attribute.String("iris.origin", nodes[0].ID())) {
		t.Errorf("attributes %v", orders.Attributes())
	}
}

// Each subscriber of an event, and each member that gets a broadcast, begins a trace that is linked to where it came
// from, also on the publisher's own node.
func TestWhatFansOutIsLinked(t *testing.T) {
	nodes, spans := traced(t, 3, sdk.AlwaysSample())
	hear := actor.Func(func(actor.Context) {})
	for _, n := range nodes {
		if _, err := n.Subscribe("prices", hear); err != nil {
			t.Fatal(err)
		}
		if _, err := n.Subscribe("rates", hear, Reliable()); err != nil {
			t.Fatal(err)
		}
		if _, err := n.Register("desks", hear); err != nil {
			t.Fatal(err)
		}
	}
	if err := nodes[0].Publish(t.Context(), "prices", actor.Bytes("1")); err != nil {
		t.Fatal(err)
	}
	if err := nodes[0].Publish(t.Context(), "rates", actor.Bytes("2"), Reliable()); err != nil {
		t.Fatal(err)
	}
	if err := nodes[0].Broadcast(t.Context(), "desks", actor.Bytes("3")); err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{"publish prices": "process prices", "publish rates": "process rates", "broadcast desks": "process desks"} {
		made := named(t, spans, from, 1)[0]
		for _, s := range named(t, spans, to, 3) {
			switch {
			case s.Parent().IsValid() || s.SpanContext().TraceID() == made.SpanContext().TraceID():
				t.Errorf("%s is no trace of its own", to)
			case len(s.Links()) != 1 || s.Links()[0].SpanContext.SpanID() != made.SpanContext().SpanID():
				t.Errorf("%s has links %v", to, s.Links())
			case s.SpanKind() != trace.SpanKindConsumer:
				t.Errorf("%s is a %v", to, s.SpanKind())
			}
		}
	}
}

func TestWhatIsNotSampledIsNotSampledAnywhere(t *testing.T) {
	nodes, spans := traced(t, 2, sdk.ParentBased(sdk.NeverSample()))
	heard := make(chan string, 2)
	tell := actor.Func(func(ctx actor.Context) {
		if _, ok := ctx.Message().(actor.Bytes); ok {
			heard <- actor.Meta(ctx).Trace
			ctx.Respond(actor.Bytes("ok"))
		}
	})
	if _, err := nodes[1].Register("c", tell); err != nil {
		t.Fatal(err)
	}
	if _, err := nodes[1].Subscribe("t", tell); err != nil {
		t.Fatal(err)
	}
	if _, err := nodes[0].Request(t.Context(), "c", actor.Bytes("x")); err != nil {
		t.Fatal(err)
	}
	if err := nodes[0].Publish(t.Context(), "t", actor.Bytes("x")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := receive(t, heard); !strings.HasSuffix(got, "-00") {
			t.Errorf("trace %q, want one that is not sampled", got)
		}
	}
	if n := len(spans.Ended()); n != 0 {
		t.Errorf("%d spans", n)
	}
}

// A handler that panics ends its span, and the supervisor hears of it as ever.
func TestAPanicEndsItsSpan(t *testing.T) {
	nodes, spans := traced(t, 1, sdk.AlwaysSample())
	failures := nodes[0].Events().Chan(t.Context(), 64)
	if _, err := nodes[0].Register("c", actor.Func(func(ctx actor.Context) {
		if _, ok := ctx.Message().(actor.Bytes); ok {
			panic("no")
		}
	})); err != nil {
		t.Fatal(err)
	}
	if _, err := nodes[0].Request(t.Context(), "c", actor.Bytes("x")); err == nil {
		t.Fatal("it answered")
	}
	for _, name := range []string{"process c", "request c"} {
		if s := named(t, spans, name, 1)[0]; !slices.Contains(s.Attributes(), attribute.String("error.type", "panic")) {
			t.Errorf("%s: %v", name, s.Attributes())
		}
	}
	for ev := range failures {
		if f, ok := ev.(*actor.HandlerFailed); ok {
			if !strings.Contains(f.Stack, "TestAPanicEndsItsSpan") {
				t.Errorf("the stack does not show who panicked:\n%s", f.Stack)
			}
			return
		}
	}
}

// What a program passes on as a trace reaches the handler as it is, if it is none of W3C's.
func TestAForeignTraceIsLeftAlone(t *testing.T) {
	for _, o := range []struct{ told, want string }{
		{"my own id 7", "my own id 7"},
		{"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01;vendor=x", "00-0af7651916cd43dd8448eb211c80319c-"},
	} {
		for _, on := range []bool{true, false} {
			nodes := together(t, 2, func(c *config.Config) {
				if on {
					c.Tracing.Provider = sdk.NewTracerProvider()
				}
			})
			seen := make(chan string, 1)
			_, err := nodes[1].Register("c", actor.Func(func(ctx actor.Context) {
				if _, ok := ctx.Message().(actor.Bytes); ok {
					seen <- actor.Meta(ctx).Trace
					ctx.Respond(actor.Bytes("ok"))
				}
			}))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := nodes[0].Request(t.Context(), "c", actor.Bytes("x"), Trace(o.told)); err != nil {
				t.Fatal(err)
			}
			got := receive(t, seen)
			switch {
			case !on && got != o.told, on && !strings.HasPrefix(got, o.want):
				t.Errorf("tracing %v: told %q, the handler saw %q", on, o.told, got)
			case on && got != o.told && !strings.HasSuffix(got, ";vendor=x"):
				t.Errorf("the state is lost: %q", got)
			}
		}
	}
}

// The exporter sends to where the standard variables say, and what is left when the node stops.
func TestSpansAreExported(t *testing.T) {
	var mu sync.Mutex
	names := map[string]string{} // of spans -> service.instance.id
	endpoint := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var got collector.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(body, &got)
		}
		if err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s: %v", r.URL, err)
		}
		mu.Lock()
		defer mu.Unlock()
		for _, rs := range got.GetResourceSpans() {
			var instance string
			for _, a := range rs.GetResource().GetAttributes() {
				if a.GetKey() == "service.instance.id" {
					instance = a.GetValue().GetStringValue()
				}
			}
			for _, ss := range rs.GetScopeSpans() {
				for _, s := range ss.GetSpans() {
					names[s.GetName()] = instance
				}
			}
		}
	}))
	defer endpoint.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.URL)
	n := together(t, 1, func(c *config.Config) { c.Tracing.Exporter = config.ExporterOTLP })[0]
	if _, err := n.Register("c", actor.Func(echo)); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Subscribe("t", actor.Func(func(actor.Context) {})); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Request(t.Context(), "c", actor.Bytes("x")); err != nil {
		t.Fatal(err)
	}
	if err := n.Publish(t.Context(), "t", actor.Bytes("x")); err != nil {
		t.Fatal(err)
	}
	stop(t, n)
	mu.Lock()
	defer mu.Unlock()
	for _, want := range []string{"request c", "process c", "publish t", "process t"} {
		if names[want] != n.ID() {
			t.Errorf("span %q is of %q; got %v", want, names[want], names)
		}
	}
}
