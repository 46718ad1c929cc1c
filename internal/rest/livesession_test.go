package rest

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// seen is a session with one who is muted and recorded, and one who watches.
func (m *measured) seen() video.LiveSession {
	stream := video.Stream{ID: video.StreamID(m.stream), Key: "self", AudioEnabled: true, AudioCensored: true, VideoEnabled: true}
	return video.LiveSession{Recording: true, Participants: []video.LiveParticipant{
		{
			Participant: video.Participant{ID: video.ParticipantID(m.participant), Context: "Ada", JoinedAt: time.Unix(1e9, 0)},
			Muted:       true, Recorded: true, Streams: []video.LiveStream{{Stream: stream, HasAudio: true, HasVideo: true, Recorded: true}},
		},
		{
			Participant: video.Participant{ID: absentID, JoinedAt: time.Unix(1e9, 0)}, Watcher: true, ConnectionLost: true,
			Subscriptions: []video.Subscription{{StreamID: stream.ID, Audio: true, Quality: video.QualityHigh, MaxWidth: 320, MaxHeight: 180}},
		},
	}}
}

func TestLiveSession(t *testing.T) {
	h := newHouse(t)
	m := h.measured()
	h.live.shows(m.seen(), nil)
	path := "/room_sessions/" + m.session + "/live"
	got := h.call("GET", path, nil).want(http.StatusOK).data()
	for name, want := range map[string]any{"session_id": m.session, "active": true, "recording": true, "e2ee": false, "ended_at": nil} {
		if got[name] != want {
			t.Errorf("%s is %v", name, got[name])
		}
	}
	want := []any{
		map[string]any{
			"id": m.participant, "context": "Ada", "joined_at": "2001-09-09T01:46:40.000000Z", "watcher": false, "connection_lost": false, "muted": true,
			"recorded": true, "subscriptions": []any{}, "client": nil, "measured": nil,
			"streams": []any{map[string]any{
				"id": m.stream, "key": "self", "recorded": true,
				"audio": map[string]any{"enabled": true, "censored": true}, "video": map[string]any{"enabled": true, "censored": false},
			}},
		},
		map[string]any{
			"id": absentID, "context": nil, "joined_at": "2001-09-09T01:46:40.000000Z", "watcher": true, "connection_lost": true, "muted": false,
			"recorded": false, "streams": []any{}, "client": nil, "measured": nil,
			"subscriptions": []any{map[string]any{
				"stream_id": m.stream, "audio": true, "video": false, "quality": "high", "max_width": 320.0, "max_height": 180.0, "hidden": false,
			}},
		},
	}
	if !reflect.DeepEqual(got["participants"], want) {
		t.Errorf("%v", got["participants"])
	}
	h.call("GET", "/room_sessions/"+absentID+"/live", nil).wantFaults(http.StatusNotFound, "10005")
	// A session whose server died is recorded as running for a while.
	h.live.shows(video.LiveSession{}, video.Errorf(video.CodeState, "the session is not running"))
	if got := h.call("GET", path, nil).want(http.StatusOK).data(); got["active"] != true || len(got["participants"].([]any)) != 0 {
		t.Errorf("not running: %v", got)
	}
	h.live.shows(m.seen(), nil)
	h.endSession(m.session)
	if got := h.call("GET", path, nil).want(http.StatusOK).data(); got["active"] != false || got["ended_reason"] != "empty" || len(got["participants"].([]any)) != 0 {
		t.Errorf("ended: %v", got)
	}
}

func TestLiveSessionIsPushed(t *testing.T) {
	h := newHouse(t)
	m := h.measured()
	server := h.serve(time.Second)
	h.live.shows(m.seen(), nil)
	s := h.follow(t.Context(), server, "/room_sessions/"+m.session+"/live")
	next := func() map[string]any {
		t.Helper()
		_, event, data := s.next()
		if event != "live" {
			t.Fatalf("event %q with %v", event, data)
		}
		return data
	}
	if n := len(next()["participants"].([]any)); n != 2 {
		t.Errorf("%d participants", n)
	}
	h.live.shows(video.LiveSession{}, nil)
	if n := len(next()["participants"].([]any)); n != 0 {
		t.Errorf("%d participants after they left", n)
	}
	h.endSession(m.session)
	h.live.shows(video.LiveSession{}, video.Errorf(video.CodeState, "the session is not running"))
	if last := next(); last["active"] != false || last["ended_reason"] != "empty" {
		t.Errorf("at last %v", last)
	}
	if _, event, _ := s.next(); event != "end" {
		t.Errorf("event %q after the last", event)
	}
	if _, event, _ := s.next(); event != "" {
		t.Errorf("event %q after the end", event)
	}
	again := h.follow(t.Context(), server, "/room_sessions/"+m.session+"/live")
	if _, event, data := again.next(); event != "live" || data["active"] != false {
		t.Errorf("of a session that has ended: %q with %v", event, data)
	}
}

func TestWatching(t *testing.T) {
	s := newScene(t)
	path := "/room_sessions/" + s.id("room_session_id") + "/actions/watch"
	for role, sees := range map[video.Role]bool{
		video.RoleOwner: true, video.RoleDeveloper: true, video.RoleSupport: false, video.RoleViewer: true,
	} {
		r := s.call("POST", path, nil, s.as(role)...)
		if !sees {
			r.wantFaults(http.StatusForbidden, "10010")
			continue
		}
		data := r.want(http.StatusCreated).data()
		grant, err := s.authority.Verify(t.Context(), data["token"].(string))
		s.must(err)
		want := video.Grant{
			AccountID: s.account, RoomID: video.RoomID(s.id("room_id")), Family: grant.Family, ExpiresAt: grant.ExpiresAt,
			Watcher: string(role), Grants: video.Grants{Subscribe: true},
		}
		if grant != want || data["watcher"] != string(role) {
			t.Errorf("%s watches by %+v", role, grant)
		}
		entry := s.call("GET", "/audit_events?page[size]=1", nil).body["data"].([]any)[0].(map[string]any)
		if entry["action"] != "room_session.watch" || entry["object_id"] != s.id("room_session_id") || entry["actor"].(map[string]any)["member_name"] != string(role) {
			t.Errorf("in the log as %v", entry)
		}
	}
	if name := s.call("POST", path, nil, "Authorization", "Bearer "+s.key(video.RightsReadOnly)).want(http.StatusCreated).data()["watcher"].(string); !strings.HasPrefix(name, "API key ") {
		t.Errorf("a key watches as %q", name)
	}
	secret := s.openSessionOf(video.Session{E2EE: true})
	s.call("POST", "/room_sessions/"+secret+"/actions/watch", nil).wantFaults(http.StatusUnprocessableEntity, "10027")
	s.endSession(s.id("room_session_id"))
	s.call("POST", path, nil).wantFaults(http.StatusUnprocessableEntity, "10027")
}

// openSessionOf opens a session with these properties in a room of its own.
func (h *house) openSessionOf(session video.Session) string {
	h.Helper()
	session.ID, session.AccountID, session.RoomID = video.SessionID(video.NewUUID()), h.account, video.RoomID(h.room(nil))
	h.must(h.store.OpenSession(h.Context(), session))
	return string(session.ID)
}
