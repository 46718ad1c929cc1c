// Package observetest has what tests of traces stand on. It is for tests alone.
package observetest

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	spans "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/rotunda-rtc/rotunda/internal/observe"
)

// Collector is one that speaks OTLP over HTTP, and keeps what it is sent.
type Collector struct {
	*httptest.Server
	t testing.TB

	mu     sync.Mutex
	spans  map[string]*spans.Span // the last of each name; guarded by mu
	paths  []string               // guarded by mu
	header http.Header            // of the last request; guarded by mu
	status int
}

// NewCollector returns a collector that answers with this status.
func NewCollector(t testing.TB, status int) *Collector {
	c := &Collector{t: t, spans: map[string]*spans.Span{}, status: status}
	c.Server = httptest.NewServer(c)
	t.Cleanup(c.Close)
	return c
}

// ServeHTTP takes spans.
func (c *Collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var request collector.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(body, &request)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.paths, c.header = append(c.paths, r.URL.Path), r.Header
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	for _, resource := range request.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				c.spans[span.GetName()] = span
			}
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
	w.WriteHeader(c.status)
}

// Tracer returns one whose spans come here. Close it before asking for them.
func (c *Collector) Tracer(config observe.TraceConfig, path string) *observe.Tracer {
	c.t.Helper()
	var err error
	if config.Endpoint, err = url.Parse(c.URL + path); err != nil {
		c.t.Fatal(err)
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	tracer, err := observe.NewTracer(c.t.Context(), config)
	if err != nil {
		c.t.Fatal(err)
	}
	return tracer
}

// Count is how many names of spans came.
func (c *Collector) Count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.spans)
}

// Asked is where requests came to, and the headers of the last.
func (c *Collector) Asked() ([]string, http.Header) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.paths, c.header
}

// Await returns the span of a name once it has come.
func (c *Collector) Await(name string) *spans.Span {
	c.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		c.mu.Lock()
		span := c.spans[name]
		c.mu.Unlock()
		if span != nil {
			return span
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("no span %s came", name)
		}
	}
}
