package config

import "go.opentelemetry.io/otel/trace"

// Tracing says who is told of requests, events and what handlers do with them.
type Tracing struct {
	// Exporter is "none" or "otlp"; empty = none. Where otlp sends to, and how much, is set
	// by the standard variables OTEL_*, see package iris/node/tracing.
	Exporter string

	// Provider, if not nil, makes the spans in place of an exporter: that of a program which
	// has OpenTelemetry set up already. Not part of the file.
	Provider trace.TracerProvider
}

// The values of Tracing.Exporter.
const (
	ExporterNone = "none"
	ExporterOTLP = "otlp"
)
