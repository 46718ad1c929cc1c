package compose

import (
	"net/http"
	"testing"

	"github.com/rotunda-rtc/rotunda/internal/observe"
	"github.com/rotunda-rtc/rotunda/internal/observe/observetest"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Each attempt at a composition is a span.
func TestAttemptsAreTraced(t *testing.T) {
	o := newOffice(t)
	c := observetest.NewCollector(t, http.StatusOK)
	w := o.worker()
	w.config.Traces = c.Tracer(observe.TraceConfig{Ratio: 1, Version: "1"}, "")
	must(t, w.Start(t.Context()))
	o.until(o.ask(), video.CompositionCompleted)
	w.Close()
	must(t, w.config.Traces.Close(t.Context()))
	if span := c.Await("composition"); len(span.GetAttributes()) != 3 || span.GetStatus().GetMessage() != "" {
		t.Errorf("%v", span)
	}
}
