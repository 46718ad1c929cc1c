package observe

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// TraceConfig says where spans go. All fields are required.
type TraceConfig struct {
	Endpoint *url.URL          // of a collector that speaks OTLP over HTTP; without a path spans go to /v1/traces there
	Headers  map[string]string // of each request to it; may be empty
	Ratio    float64           // which part of the traces that begin here is kept, 0 to 1
	Version  string            // of this program
	Logger   *slog.Logger
}

// Tracer makes spans of what the server does. A nil one makes none, and costs nothing. Spans that the collector does not take are dropped:
// nothing waits for it.
type Tracer struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
	context  propagation.TraceContext
}

// Span is one thing the server did, from its beginning to End. A nil one is none.
type Span struct{ span trace.Span }

const (
	exportTimeout = 10 * time.Second
	// complainEvery is how often the log says that spans are lost.
	complainEvery = time.Minute
)

// NewTracer returns a tracer, which asks nobody anything yet. Close it.
func NewTracer(ctx context.Context, config TraceConfig) (*Tracer, error) {
	endpoint := *config.Endpoint
	if endpoint.Path == "" || endpoint.Path == "/" {
		endpoint.Path = "/v1/traces"
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(endpoint.String()), otlptracehttp.WithHeaders(config.Headers),
		otlptracehttp.WithTimeout(exportTimeout), otlptracehttp.WithRetry(otlptracehttp.RetryConfig{Enabled: false}))
	if err != nil {
		return nil, fmt.Errorf("export traces: %w", err)
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(&forgiving{SpanExporter: exporter, log: config.Logger}, sdktrace.WithBatchTimeout(2*time.Second), sdktrace.WithExportTimeout(exportTimeout)),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(config.Ratio))),
		sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "rotunda"), attribute.String("service.version", config.Version),
		)),
	)
	return &Tracer{provider: provider, tracer: provider.Tracer("rotunda")}, nil
}

// Close sends what is left, for as long as ctx lets it.
func (t *Tracer) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	if err := t.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("send the last traces: %w", err)
	}
	return nil
}

// Start begins a span inside of that of ctx, if it has one.
func (t *Tracer) Start(ctx context.Context, name string, about ...slog.Attr) (context.Context, *Span) {
	if t == nil {
		return ctx, nil
	}
	return t.start(ctx, name, trace.SpanKindInternal, about)
}

// StartServer begins the span of a request that came, inside of the caller's, if it named one (W3C Trace Context).
func (t *Tracer) StartServer(ctx context.Context, header http.Header, name string, about ...slog.Attr) (context.Context, *Span) {
	if t == nil {
		return ctx, nil
	}
	return t.start(t.context.Extract(ctx, propagation.HeaderCarrier(header)), name, trace.SpanKindServer, about)
}

// StartClient begins the span of a request to somebody else.
func (t *Tracer) StartClient(ctx context.Context, name string, about ...slog.Attr) (context.Context, *Span) {
	if t == nil {
		return ctx, nil
	}
	return t.start(ctx, name, trace.SpanKindClient, about)
}

func (t *Tracer) start(ctx context.Context, name string, kind trace.SpanKind, about []slog.Attr) (context.Context, *Span) {
	ctx, span := t.tracer.Start(ctx, name, trace.WithSpanKind(kind), trace.WithAttributes(attributes(about)...))
	return ctx, &Span{span}
}

// Set adds what became known meanwhile.
func (s *Span) Set(about ...slog.Attr) {
	if s != nil {
		s.span.SetAttributes(attributes(about)...)
	}
}

// Fail says that it did not go well, in words that name nobody.
func (s *Span) Fail(reason string) {
	if s != nil {
		s.span.SetStatus(codes.Error, reason)
	}
}

// End ends the span. An error makes it a failed one, and only its code is told: what errors say may name people and places.
func (s *Span) End(err error) {
	if s == nil {
		return
	}
	if err != nil {
		s.Fail(string(video.CodeOf(err)))
	}
	s.span.End()
}

func attributes(about []slog.Attr) []attribute.KeyValue {
	all := make([]attribute.KeyValue, 0, len(about))
	for _, a := range about {
		key, value := a.Key, a.Value.Resolve()
		switch value.Kind() {
		case slog.KindInt64:
			all = append(all, attribute.Int64(key, value.Int64()))
		case slog.KindBool:
			all = append(all, attribute.Bool(key, value.Bool()))
		case slog.KindFloat64:
			all = append(all, attribute.Float64(key, value.Float64()))
		default:
			all = append(all, attribute.String(key, value.String()))
		}
	}
	return all
}

// forgiving is an exporter that says itself in the log that spans are lost, and not with each of them. The library would write to standard
// error.
type forgiving struct {
	sdktrace.SpanExporter
	log *slog.Logger

	mu   sync.Mutex
	last time.Time // guarded by mu
}

// ExportSpans is called by the library, one call after the other.
func (f *forgiving) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := f.SpanExporter.ExportSpans(ctx, spans)
	if err == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.last) >= complainEvery {
		f.last = time.Now()
		f.log.Warn("spans were not taken by the collector, and are lost", "spans", len(spans), "error", err)
	}
	return nil
}
