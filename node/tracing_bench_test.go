package node

import (
	"context"
	"testing"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"iris/actor"
	"iris/node/config"
	"iris/topics"
)

// What tracing costs a request to a member on the same node, where nothing else takes long. "without" goes past it;
// run with -count to have them take turns.
func BenchmarkTracing(b *testing.B) {
	for _, m := range []struct {
		name     string
		provider trace.TracerProvider
		without  bool
	}{
		{name: "without", without: true},
		{name: "off"},
		{name: "never sampled", provider: sdk.NewTracerProvider(sdk.WithSampler(sdk.ParentBased(sdk.NeverSample())))},
		{name: "always sampled", provider: sdk.NewTracerProvider()},
	} {
		b.Run(m.name, func(b *testing.B) {
			cfg := config.Default()
			cfg.Discovery.Host = false
			cfg.Log.Level = 100
			cfg.Tracing.Provider = m.provider
			n, err := Start(b.Context(), cfg)
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = n.Stop(context.Background()) }()
			if _, err := n.Register("c", actor.Func(func(ctx actor.Context) {
				if msg, ok := ctx.Message().(actor.Bytes); ok {
					ctx.Respond(msg)
				}
			})); err != nil {
				b.Fatal(err)
			}
			var msg any = actor.Bytes("0123456789abcdef")
			b.ReportAllocs()
			for b.Loop() {
				if m.without {
					_, err = n.topics.Request(b.Context(), "c", msg, topics.Options{})
				} else {
					_, err = n.Request(b.Context(), "c", msg)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
