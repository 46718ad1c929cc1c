package rest

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"
)

// aSystem is a server with one of everything.
type aSystem struct{ fault error }

func (aSystem) System(context.Context) System {
	expires := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	return System{
		Version: "1", GoVersion: "go", StartedAt: expires.AddDate(-9, 0, 0), Database: "here", MediaStore: "there",
		Settings: []SystemSetting{
			{Name: "http", Value: "x", Set: true, Source: "flag", Variable: "ROTUNDA_HTTP", Flag: "--http"},
			{Name: "api_key", Value: "hidden", Secret: true, Set: true, Source: "environment", Variable: "ROTUNDA_API_KEY"},
			{Name: "public_url", Source: "default", Variable: "ROTUNDA_PUBLIC_URL", Flag: "--public-url"},
		},
		Certificates: []SystemCertificate{{Names: []string{"a.example"}, Source: "acme", ExpiresAt: &expires}, {Source: "file", Error: "unreadable"}},
		Retention: []SystemRetention{
			{What: "a", Setting: "a"}, {What: "b", Setting: "b", Time: time.Hour}, {What: "c", Setting: "c", Off: true},
		},
	}
}

func (s aSystem) TestStorage(context.Context) StorageTest {
	return StorageTest{Place: "there", Took: 1500 * time.Microsecond, Err: s.fault}
}

func TestSystem(t *testing.T) {
	h := newHouse(t)
	data := h.call("GET", "/system", nil).want(http.StatusOK).data()
	settings := data["settings"].([]any)
	for i, want := range []any{"x", nil, nil} {
		if got := settings[i].(map[string]any)["value"]; got != want {
			t.Errorf("setting %d is shown as %v, want %v", i, got, want)
		}
	}
	for i, want := range []any{"for_ever", "for_a_time", "not_at_all"} {
		if got := data["retention"].([]any)[i].(map[string]any)["kept"]; got != want {
			t.Errorf("retention %d is %v, want %v", i, got, want)
		}
	}
	if data["metrics_url"] != nil {
		t.Errorf("metrics at %v", data["metrics_url"])
	}
}

// A place that does not work is an answer, and in the audit log with its reason.
func TestStorageTest(t *testing.T) {
	h := newHouse(t)
	if data := h.call("POST", "/system/actions/test_storage", nil).want(http.StatusOK).data(); data["ok"] != true || data["error"] != nil || data["took_ms"] != 1.5 {
		t.Errorf("%v", data)
	}
	h.config.System = aSystem{errors.New("the bucket is gone")}
	h.rebuild()
	if data := h.call("POST", "/system/actions/test_storage", nil).want(http.StatusOK).data(); data["ok"] != false || data["error"] != "the bucket is gone" {
		t.Errorf("%v", data)
	}
	entry := h.call("GET", "/audit_events?page[size]=1", nil).body["data"].([]any)[0].(map[string]any)
	if entry["action"] != "system.test_storage" || entry["detail"] != "the bucket is gone" {
		t.Errorf("the log says %v", entry)
	}
}
