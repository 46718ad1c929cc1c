package main

import (
	"net/http"
	"testing"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// qualityOf returns the ways of media that a participant's client reported, oldest first.
func qualityOf(s *server, participant string) (paths []string) {
	s.t.Helper()
	var steps []struct {
		ByClient *struct{ Path string } `json:"by_client"`
	}
	s.call("GET", "/v2/room_participants/"+participant+"/quality", sessionKey, "", http.StatusOK, &steps)
	for _, step := range steps {
		if step.ByClient != nil {
			paths = append(paths, step.ByClient.Path)
		}
	}
	return paths
}

// What clients reported is there after a restart, until the operator wants none of it.
func TestQualityIsKeptAsLongAsWanted(t *testing.T) {
	dir := t.TempDir()
	reporter := func(s *server) string {
		s.t.Helper()
		id := video.NewUUID()
		var tokens struct{ Token string }
		s.call("POST", "/v2/rooms/"+newRoom(s)+"/actions/generate_join_client_token", sessionKey, "", http.StatusCreated, &tokens)
		c := enter(t, s, tokens.Token, id, "")
		c.request(`{"id": 3, "type": "report_quality", "interval_ms": 10000, "path": "relay_tcp"}`)
		return id
	}
	kept := func(s *server, id string) bool {
		paths := qualityOf(s, id)
		return len(paths) == 1 && paths[0] == "relay_tcp"
	}

	s := start(t, dir, "--api-key="+sessionKey)
	id := reporter(s)
	if !kept(s, id) {
		t.Fatalf("just reported: %v", qualityOf(s, id))
	}
	s.stop()

	s = start(t, dir, "--api-key="+sessionKey)
	if !kept(s, id) {
		t.Fatalf("after a restart: %v", qualityOf(s, id))
	}
	s.stop()

	s = start(t, dir, "--api-key="+sessionKey, "--quality-retention=0")
	eventually(t, "what was kept is removed", func() bool { return len(qualityOf(s, id)) == 0 })
	if paths := qualityOf(s, reporter(s)); len(paths) != 0 {
		t.Fatalf("kept against the operator's will: %v", paths)
	}
}
