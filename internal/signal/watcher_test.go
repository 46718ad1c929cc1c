package signal_test

import (
	"testing"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Everyone is told who watches: those who are there, and those who come.
func TestWatcher(t *testing.T) {
	h := newHouse(t)
	if got := h.welcomed(watching).refused("join", object{"participant_id": video.NewUUID()}); got != "invalid_state" {
		t.Error(got)
	}
	a := h.joined()
	watcher := h.joined(watching)
	const context = `{"name":"Ada (watching)","watcher":true}`
	check := func(participant any) {
		t.Helper()
		p := participant.(object)
		if p["id"] != watcher.id || p["watcher"] != true || p["context"] != context {
			t.Errorf("told %v", p)
		}
	}
	check(a.until("participant_joined")["participant"])
	late := h.joined()
	check(late.snapshot["participants"].([]any)[1])
	if _, marked := late.snapshot["participants"].([]any)[0].(object)["watcher"]; marked {
		t.Error("one who does not watch is said to")
	}
	if got := watcher.refused("publish", publishFields("self")); got != "forbidden" {
		t.Error(got)
	}
	if got := watcher.refused("send_message", object{"message": object{"type": "text", "payload": "x"}}); got != "forbidden" {
		t.Error(got)
	}
}

func watching(g *video.Grant) {
	g.Watcher, g.Grants = "Ada", video.Grants{Subscribe: true}
}
