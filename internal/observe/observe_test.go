package observe_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/observe"
)

func TestLogger(t *testing.T) {
	var out bytes.Buffer
	log, err := observe.NewLogger(&out, slog.LevelWarn, "json")
	if err != nil {
		t.Fatal(err)
	}
	log.Info("unheard")
	log.Warn("heard", "room", "r1", "took", 1500*time.Millisecond)
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatalf("%q: %v", out.String(), err)
	}
	if line["msg"] != "heard" || line["room"] != "r1" || line["took"] != "1.5s" {
		t.Errorf("logged %v", line)
	}

	out.Reset()
	if log, err = observe.NewLogger(&out, slog.LevelDebug, "text"); err != nil {
		t.Fatal(err)
	}
	log.Debug("heard", "room", "r1")
	if got := out.String(); !strings.Contains(got, "msg=heard room=r1") {
		t.Errorf("logged %q", got)
	}

	if _, err := observe.NewLogger(&out, slog.LevelInfo, "xml"); err == nil {
		t.Error("an unknown format was taken")
	}
}

func TestHandler(t *testing.T) {
	handler := observe.Handler(observe.NewRegistry("1.2.3"))
	for path, want := range map[string]string{
		"/metrics":                       `rotunda_build_info{version="1.2.3"} 1`,
		"/debug/pprof/":                  "goroutine",
		"/debug/pprof/goroutine?debug=1": "goroutine profile: total",
	} {
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
		if answer.Code != http.StatusOK || !strings.Contains(answer.Body.String(), want) {
			t.Errorf("%s answered %d without %q", path, answer.Code, want)
		}
	}
}
