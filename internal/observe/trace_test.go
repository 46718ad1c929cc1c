package observe_test

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	spans "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/rotunda-rtc/rotunda/internal/observe"
	"github.com/rotunda-rtc/rotunda/internal/observe/observetest"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Spans come to a collector inside of each other, with what is known of them, and without what errors say.
func TestSpansComeToACollector(t *testing.T) {
	c := observetest.NewCollector(t, http.StatusOK)
	tracer := c.Tracer(observe.TraceConfig{Ratio: 1, Version: "1", Headers: map[string]string{"Authorization": "Basic eHg="}}, "")
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	ctx, outer := tracer.StartServer(t.Context(), http.Header{"Traceparent": {parent}}, "outer", slog.String("a", "x"), slog.Int("n", 7))
	_, inner := tracer.Start(ctx, "inner")
	inner.End(video.Errorf(video.CodeRoomFull, "the room Tea at four is full"))
	outer.Set(slog.Bool("b", true))
	outer.End(nil)
	_, client := tracer.StartClient(t.Context(), "client")
	client.Fail("answered 500")
	client.End(nil)
	if err := tracer.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if paths, header := c.Asked(); paths[0] != "/v1/traces" || header.Get("Authorization") != "Basic eHg=" || c.Count() != 3 {
		t.Fatalf("%v, %v, %d spans", paths, header, c.Count())
	}
	o, i, e := c.Await("outer"), c.Await("inner"), c.Await("client")
	if string(i.GetParentSpanId()) != string(o.GetSpanId()) || len(o.GetAttributes()) != 3 || o.GetKind() != spans.Span_SPAN_KIND_SERVER {
		t.Errorf("outer %v, inner %v", o, i)
	}
	if got := o.GetTraceId(); got[0] != 0x0a || got[15] != 0x9c {
		t.Errorf("the caller's trace goes on as %x", got)
	}
	if i.GetStatus().GetMessage() != string(video.CodeRoomFull) || e.GetStatus().GetMessage() != "answered 500" {
		t.Errorf("inner failed with %v, client with %v", i.GetStatus(), e.GetStatus())
	}
}

// What a collector does not take is lost, and said once a minute.
func TestLostSpansAreSaidOnce(t *testing.T) {
	c := observetest.NewCollector(t, http.StatusInternalServerError)
	log := new(strings.Builder)
	tracer := c.Tracer(observe.TraceConfig{Ratio: 1, Version: "1", Logger: slog.New(slog.NewTextHandler(log, nil))}, "/elsewhere")
	for range 1500 { // more than go into one request
		_, span := tracer.Start(t.Context(), "lost")
		span.End(nil)
	}
	if err := tracer.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if paths, _ := c.Asked(); len(paths) < 2 || paths[0] != "/elsewhere" {
		t.Errorf("sent to %v", paths)
	}
	if n := strings.Count(log.String(), "are lost"); n != 1 {
		t.Errorf("said %d times:\n%s", n, log)
	}
}

// Without a tracer there are no spans, and nothing is allocated for them.
func TestNoTracerCostsNothing(t *testing.T) {
	var none *observe.Tracer
	ctx := context.Background()
	if n := testing.AllocsPerRun(100, func() {
		within, span := none.Start(ctx, "x")
		span.Set()
		span.End(nil)
		if within != ctx {
			t.Fatal("another context")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if err := none.Close(ctx); err != nil {
		t.Error(err)
	}
}

func TestRatioOfTraces(t *testing.T) {
	c := observetest.NewCollector(t, http.StatusOK)
	tracer := c.Tracer(observe.TraceConfig{Ratio: 0, Version: "1"}, "")
	_, span := tracer.Start(t.Context(), "dropped")
	span.End(nil)
	if err := tracer.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c.Count() != 0 {
		t.Errorf("%d spans were kept", c.Count())
	}
}
