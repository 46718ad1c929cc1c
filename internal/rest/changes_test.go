package rest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// A list and what is in it are sent at once and after a change, as the plain answer has them.
func TestMediaIsPushed(t *testing.T) {
	h := newHouse(t)
	server := h.serve(0)
	session := h.openSession(h.room(nil))
	id := h.record(session, underway)
	listed := h.follow(t.Context(), server, "/room_recordings?filter[session_id]="+session)
	alone := h.follow(t.Context(), server, "/room_recordings/"+id)
	composition := h.compose(map[string]any{"session_id": session}).want(http.StatusAccepted).data()["id"].(string)
	made := h.follow(t.Context(), server, "/room_compositions/"+composition)
	all := h.follow(t.Context(), server, "/room_compositions")
	first := func(page map[string]any) map[string]any { return page["data"].([]any)[0].(map[string]any) }
	told := func(s *stream, name string) map[string]any {
		t.Helper()
		_, event, data := s.next()
		if event != name {
			t.Fatalf("event %q, not %q", event, name)
		}
		return data
	}
	page := told(listed, "room_recordings")
	if first(page)["status"] != "processing" || page["meta"].(map[string]any)["total_results"] != 1.0 {
		t.Errorf("the list is %v", page)
	}
	if r := told(alone, "room_recording"); r["id"] != id || r["status"] != "processing" {
		t.Errorf("the recording is %v", r)
	}
	if c := told(made, "room_composition"); c["id"] != composition || c["status"] != "enqueued" {
		t.Errorf("the composition is %v", c)
	}
	if first(told(all, "room_compositions"))["id"] != composition {
		t.Error("the composition is not in its list")
	}
	h.query("UPDATE recordings SET status = 'failed' WHERE id = ?", id)
	h.query("UPDATE compositions SET status = 'failed' WHERE id = ?", composition)
	for _, status := range []any{
		first(told(listed, "room_recordings"))["status"], told(alone, "room_recording")["status"],
		told(made, "room_composition")["status"], first(told(all, "room_compositions"))["status"],
	} {
		if status != "failed" {
			t.Errorf("then it is %v", status)
		}
	}
	// What is gone ends the stream of it; the next one is told so.
	h.call("DELETE", "/room_recordings/"+id, nil).want(http.StatusNoContent)
	if _, event, data := alone.next(); event != "" {
		t.Errorf("of a recording that is gone: %s %v", event, data)
	}
	h.call("GET", "/room_recordings/"+id, nil, "Accept", eventStream).wantFaults(http.StatusNotFound, "10005")
	if page := told(listed, "room_recordings"); len(page["data"].([]any)) != 0 {
		t.Errorf("the list still has %v", page)
	}
}

// Who may not see recordings any more is sent no links to them by a stream that they opened when they might.
func TestStreamEndsWithItsRights(t *testing.T) {
	s := newScene(t)
	s.config.MediaURL = func(video.AccountID, video.MediaKind, string) string { return "https://video.example.com/signed" }
	s.rebuild()
	id := s.record(s.id("room_session_id"), nil)
	headers := s.as(video.RoleViewer)
	server := s.serve(0)
	open := func(path, event string, header ...string) *stream {
		t.Helper()
		stream := s.follow(s.Context(), server, path, header...)
		if _, name, data := stream.next(); name != event {
			t.Fatalf("%s is told %s %v", path, name, data)
		} else if event == "room_recording" && data["download_url"] != "https://video.example.com/signed" {
			t.Fatalf("there is no link in %v", data)
		}
		return stream
	}
	bearer := []string{"Authorization", "Bearer " + s.key(video.RightsReadOnly)}
	recording, live := "/room_recordings/"+id, "/room_sessions/"+s.id("room_session_id")+"/live"
	streams := map[string]*stream{
		"member":           open(recording, "room_recording", headers...),
		"key":              open(recording, "room_recording", bearer...),
		"member, overview": open("/overview", "overview", headers...),
		"key, live":        open(live, "live", bearer...),
	}
	who := s.call("GET", "/portal_session", nil, headers...).data()["member"].(map[string]any)["id"].(string)
	s.call("PATCH", "/members/"+who, map[string]any{"role": "support"}).want(http.StatusOK)
	keys, err := s.store.APIKeys(t.Context(), s.account)
	s.must(err)
	for _, each := range keys {
		_, err := s.store.RevokeAPIKey(t.Context(), s.account, each.ID)
		s.must(err)
	}
	for name, stream := range streams {
		if _, event, data := stream.next(); event != "" {
			t.Errorf("the %s was still told %s %v", name, event, data)
		}
	}
}

// A search shows what an id or a name belongs to, each kind as its own list shows it.
func TestSearch(t *testing.T) {
	s := newScene(t)
	s.furnish()
	kinds := map[string]string{
		"rooms": "room_id", "room_sessions": "room_session_id", "room_participants": "room_participant_id",
		"room_recordings": "room_recording_id", "room_compositions": "room_composition_id",
	}
	for kind, parameter := range kinds {
		id := s.id(parameter)
		found := s.call("GET", "/search?text="+strings.ToUpper(id[:23]), nil).want(http.StatusOK).data()
		for other := range kinds {
			rows := found[other].([]any)
			if other == kind && (len(rows) != 1 || rows[0].(map[string]any)["id"] != id) || other != kind && len(rows) > 0 {
				t.Errorf("%s of %s finds %v", other, parameter, rows)
			}
		}
	}
	for _, query := range []string{"", "?text=%20", "?text=%F0%9F%98%80"} {
		if found := s.call("GET", "/search"+query, nil).want(http.StatusOK).data(); len(found["rooms"].([]any)) > 0 {
			t.Errorf("%q finds %v", query, found)
		}
	}
	s.call("GET", "/search?text=", nil).wantFaults(http.StatusBadRequest, "10015 text")
	s.call("GET", "/search?text=%00", nil).wantFaults(http.StatusBadRequest, "10015 text")
	s.call("GET", "/search?text=a&text=b", nil).wantFaults(http.StatusBadRequest, "10015 text")
}
