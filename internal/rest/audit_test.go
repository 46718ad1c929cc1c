package rest

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/rotunda-rtc/rotunda/internal/auth"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// entries are the lines of the audit log, oldest first.
func (h *house) entries() (lines []string) {
	h.Helper()
	for _, item := range h.call("GET", "/audit_events?page[size]=250", nil).want(http.StatusOK).body["data"].([]any) {
		entry := item.(map[string]any)
		object, _ := entry["object_id"].(string)
		detail, _ := entry["detail"].(string)
		lines = append(lines, strings.Join(strings.Fields(entry["action"].(string)+" "+object+" "+detail), " "))
	}
	slices.Reverse(lines)
	return lines
}

func TestChangesOfRoomsAreAudited(t *testing.T) {
	h := newHouse(t)
	h.config.Proxies = auth.TrustProxies(netip.MustParsePrefix("192.0.2.0/24")) // which is where requests of tests come from
	h.rebuild()
	r := h.call("POST", "/rooms", nil, "X-Forwarded-For", "203.0.113.7", "User-Agent", "Telnyx/JS 7.24.0\xff", "x-request-id", "r-1").
		want(http.StatusCreated)
	id := r.data()["id"].(string)
	h.call("PATCH", "/rooms/"+id, `{"max_participants":5,"webhook_event_url":null}`).want(http.StatusOK)
	h.call("PATCH", "/rooms/"+id, `{"max_participants":1}`).want(http.StatusUnprocessableEntity)
	h.call("GET", "/rooms/"+id, nil).want(http.StatusOK)
	h.call("POST", "/rooms/"+id+"/actions/generate_join_client_token", nil).want(http.StatusCreated)
	h.call("DELETE", "/rooms/"+id, nil).want(http.StatusNoContent)
	h.call("DELETE", "/rooms/"+id, nil).want(http.StatusNotFound)
	want := []string{"room.create " + id, "room.update " + id + " max_participants, webhook_event_url", "room.delete " + id}
	if got := h.entries(); !slices.Equal(got, want) {
		t.Errorf("entries %q, want %q", got, want)
	}
	first := h.call("GET", "/audit_events?filter[action]=room.create&filter[object_id]="+id, nil).body["data"].([]any)[0].(map[string]any)
	for name, want := range map[string]any{
		"api_key_id": "configured", "api_key_name": "configured", "address": "203.0.113.7", "user_agent": "Telnyx/JS 7.24.0", "request_id": "r-1",
	} {
		if got := first["actor"].(map[string]any)[name]; got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	h.call("GET", "/audit_events?filter[date_at][lte]=2021-01-01", nil).want(http.StatusOK).wantMeta(0, 0, 1, 20)
	h.call("GET", "/audit_events?filter[action]=&filter[date_at][eq]=x&filter[actor]=y", nil).
		wantFaults(http.StatusBadRequest, "10031 filter[action]", "10031 filter[date_at][eq]", "10031 filter[actor]")
	h.call("GET", "/audit_events", nil, "Authorization", "Bearer "+foreignKey).want(http.StatusOK).wantMeta(0, 0, 1, 20)
}

func TestChangesOfSessionsAndMediaAreAudited(t *testing.T) {
	h := newHouse(t)
	session := h.openSession(h.room(nil))
	one, two := video.NewUUID(), video.NewUUID()
	h.live.moderate = func(action string, _ video.RoomID, _ video.SessionID, _ video.Selection) ([]video.ParticipantID, error) {
		if action == "unmute" {
			return nil, video.Errorf(video.CodeState, "the session is not running")
		}
		return []video.ParticipantID{video.ParticipantID(one), video.ParticipantID(two)}, nil
	}
	want := h.entries()
	for _, action := range []string{"mute", "start_recording", "stop_recording", "kick", "end"} {
		h.call("POST", "/room_sessions/"+session+"/actions/"+action, `{"participants":"all"}`).want(http.StatusOK)
		want = append(want, "room_session."+action+" "+session+" "+one+" "+two)
	}
	h.call("POST", "/room_sessions/"+session+"/actions/unmute", `{"participants":"all"}`).want(http.StatusUnprocessableEntity)
	recording, going := h.record(session, nil), h.record(session, underway)
	h.call("DELETE", "/room_recordings/"+going, nil).want(http.StatusUnprocessableEntity)
	h.call("DELETE", "/room_recordings/"+recording, nil).want(http.StatusNoContent)
	want = append(want, "room_recording.delete "+recording)
	h.record(session, nil)
	h.call("DELETE", "/room_recordings?filter[all]=true", nil).want(http.StatusCreated)
	h.call("DELETE", "/room_recordings?filter[all]=true", nil).want(http.StatusCreated) // there is none
	want = append(want, "room_recordings.delete 1 recordings: filter[all]=true")
	h.record(session, nil)
	h.compose(`{}`).want(http.StatusUnprocessableEntity)
	composition := h.compose(map[string]any{"session_id": session}).want(http.StatusAccepted).data()["id"].(string)
	h.call("DELETE", "/room_compositions/"+composition, nil).want(http.StatusNoContent)
	want = append(want, "room_composition.create "+composition, "room_composition.delete "+composition)
	if got := h.entries(); !slices.Equal(got, want) {
		t.Errorf("entries %q, want %q", got, want)
	}
}

// log lets a type embed Audits, which has a method of the same name.
type log interface{ Audits }

// noLog is an audit log that cannot be written.
type noLog struct{ log }

func (noLog) Audit(context.Context, video.AccountID, string, string, string) error {
	return errors.New("disk full")
}

// What happened to something that is no record is noted after it was done, whatever came of the caller.
func TestActionsAreAuditedAfterwards(t *testing.T) {
	h := newHouse(t)
	ctx, hangUp := context.WithCancel(video.WithActor(t.Context(), video.Actor{KeyID: "k", RequestID: "r-9"}))
	ask := func(e *entrance, op *operation) error {
		r := &request{Request: httptest.NewRequestWithContext(ctx, "POST", "/v2/x", nil), account: h.account, id: "the-id"}
		_, err := e.do(r, op)
		return err
	}
	op := &operation{action: "session.mute", do: func(r *request) (answer, error) { return answer{status: 200}, nil }}
	e := &entrance{Config: h.config}
	h.must(ask(e, op))
	op.do = func(r *request) (answer, error) {
		hangUp()
		r.note("another", "2 participants")
		return answer{status: 200}, nil
	}
	h.must(ask(e, op))
	op.do = func(r *request) (answer, error) { return answer{}, errors.New("nothing was done") }
	if ask(e, op) == nil {
		t.Error("no error")
	}
	if got, want := h.entries(), []string{"session.mute the-id", "session.mute another 2 participants"}; !slices.Equal(got, want) {
		t.Errorf("entries %q, want %q", got, want)
	}
	e.Audits = noLog{e.Audits}
	op.do = func(r *request) (answer, error) { return answer{status: 200}, nil }
	h.must(ask(e, op))
	if said := h.log.String(); !strings.Contains(said, "level=ERROR") || !strings.Contains(said, "request=r-9") || !strings.Contains(said, "object=the-id") {
		t.Errorf("logged %s", said)
	}
}

func TestAgentsAreBounded(t *testing.T) {
	for given, want := range map[string]string{
		"Telnyx/JS 7.24.0":                       "Telnyx/JS 7.24.0",
		"a\x00b\xffc":                            "abc",
		strings.Repeat("x", maxAgentBytes+1):     strings.Repeat("x", maxAgentBytes),
		"x" + strings.Repeat("é", maxAgentBytes): "x" + strings.Repeat("é", maxAgentBytes/2-1),
	} {
		if got := agent(given); got != want {
			t.Errorf("%q became %q", given, got)
		}
	}
}
