package rest

import (
	"log/slog"
	"net/http"

	"github.com/rotunda-rtc/rotunda/internal/observe"
)

// trace begins the span of a request, inside of its caller's.
func (e *entrance) trace(w http.ResponseWriter, r *http.Request, op *operation) (*http.Request, *observe.Span) {
	if e.Traces == nil {
		return r, nil
	}
	ctx, span := e.Traces.StartServer(r.Context(), r.Header, op.method+" "+op.path,
		slog.String("http.request.method", r.Method), slog.String("http.route", base+op.path), slog.String("request.id", w.Header().Get("X-Request-Id")))
	return r.WithContext(ctx), span
}

// endTrace ends it; a second time does nothing. What was refused is no fault of the server.
func endTrace(span *observe.Span, status int) {
	span.Set(slog.Int("http.response.status_code", status))
	if status >= http.StatusInternalServerError {
		span.Fail(http.StatusText(status))
	}
	span.End(nil)
}

// statusOf is the status that was answered.
func statusOf(w http.ResponseWriter) int {
	if recorder, ok := w.(*statusRecorder); ok {
		return recorder.status
	}
	return http.StatusOK
}
