package tracing

import (
	"context"
	"fmt"
	"log/slog"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"iris/node/config"
)

// Tracing makes the spans of one node. nil makes none.
type Tracing struct {
	tracer trace.Tracer
	linked trace.Tracer // of spans that the sampler was asked about where their message was made
	close  func(context.Context) error
}

// scope is the name of what makes the spans.
const scope = "iris"

// New starts what the configuration asks for, nil if that is nothing. The exporter
// is set by the standard variables OTEL_EXPORTER_OTLP_*, OTEL_TRACES_SAMPLER,
// OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES and OTEL_BSP_*; it connects when there
// is something to send, and tells log what it could not.
func New(cfg config.Tracing, node, network string, log *slog.Logger) (*Tracing, error) {
	switch {
	case cfg.Provider != nil:
		t := cfg.Provider.Tracer(scope)
		return &Tracing{tracer: t, linked: t, close: func(context.Context) error { return nil }}, nil
	case cfg.Exporter != config.ExporterOTLP:
		return nil, nil
	}
	exporter, err := otlptracehttp.New(context.Background())
	if err != nil {
		return nil, fmt.Errorf("tracing: %w", err)
	}
	about, err := resource.New(context.Background(),
		resource.WithAttributes(attribute.String("service.name", "iris")),
		resource.WithTelemetrySDK(), resource.WithHost(), resource.WithProcessPID(),
		resource.WithAttributes(attribute.String("service.instance.id", node), attribute.String("iris.network", network)),
		resource.WithFromEnv(), // last: whoever runs the node has the last word
	)
	if err != nil {
		return nil, fmt.Errorf("tracing: %w", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("spans were not exported", "error", err) }))
	queue := sdk.NewBatchSpanProcessor(exporter)
	provider := sdk.NewTracerProvider(sdk.WithSpanProcessor(queue), sdk.WithResource(about))
	linked := sdk.NewTracerProvider(sdk.WithSpanProcessor(queue), sdk.WithResource(about), sdk.WithSampler(sdk.AlwaysSample()))
	return &Tracing{tracer: provider.Tracer(scope), linked: linked.Tracer(scope), close: provider.Shutdown}, nil
}

// Close exports what is left, until ctx ends.
func (t *Tracing) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.close(ctx)
}
