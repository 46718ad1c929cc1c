package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	spans "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/rotunda-rtc/rotunda/internal/observe/observetest"
)

// What a running server does comes to a collector: requests, a join within the request that asked for it, and attempts at webhooks.
func TestTracesOfAServer(t *testing.T) {
	c := observetest.NewCollector(t, http.StatusOK)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	defer receiver.Close()
	s := start(t, t.TempDir(), "--otlp-endpoint="+c.URL, "--webhook-allow-private")
	key := s.key()
	var room struct{ ID string }
	s.call("POST", "/v2/rooms", key, `{"webhook_event_url": "`+receiver.URL+`"}`, http.StatusCreated, &room)
	s.call("GET", "/v2/rooms/00000000-0000-4000-8000-000000000000", key, "", http.StatusNotFound, nil)
	join(t, s, key, room.ID)

	made, absent := c.Await("POST /rooms"), c.Await("GET /rooms/{room_id}")
	if made.GetKind() != spans.Span_SPAN_KIND_SERVER || status(made) != http.StatusCreated || status(absent) != http.StatusNotFound || absent.GetStatus().GetCode() != 0 {
		t.Errorf("made %v, absent %v", made, absent)
	}
	asked, joined := c.Await("signal join"), c.Await("join")
	if string(joined.GetParentSpanId()) != string(asked.GetSpanId()) {
		t.Errorf("joined %v, asked %v", joined, asked)
	}
	if attempt := c.Await("webhook"); attempt.GetKind() != spans.Span_SPAN_KIND_CLIENT || attempt.GetStatus().GetMessage() != "answered 418" {
		t.Errorf("attempt %v", attempt)
	}
}

func status(span *spans.Span) int64 {
	for _, a := range span.GetAttributes() {
		if a.GetKey() == "http.response.status_code" {
			return a.GetValue().GetIntValue()
		}
	}
	return 0
}
