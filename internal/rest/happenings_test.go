package rest

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// events lists the types of a page, and the cursors it came with.
func (r reply) events() (types, cursors []string) {
	r.Helper()
	for _, item := range r.want(http.StatusOK).body["data"].([]any) {
		event := item.(map[string]any)
		types, cursors = append(types, event["type"].(string)), append(cursors, event["cursor"].(string))
	}
	return types, cursors
}

func TestSessionEvents(t *testing.T) {
	h := newHouse(t)
	h.at("2021-04-20T12:00:00.25Z")
	session := h.openSession(h.room(nil))
	who := h.join(session, "")
	whose, stream := video.NewUUID(), video.NewUUID()
	no, yes := false, true
	h.store.Note(video.Happening{
		SessionID: video.SessionID(session), Type: video.HappenedSubscribed, At: h.clock(), ParticipantID: video.ParticipantID(who),
		PublisherID: video.ParticipantID(whose), StreamID: video.StreamID(stream), Key: "self", Kind: video.Audio, Audio: &no, Video: &yes,
		Quality: video.QualityLow, Layer: "h",
	})
	h.leave(session, who)
	h.endSession(session)
	path := "/room_sessions/" + session + "/events"
	r := h.call("GET", path, nil)
	types, cursors := r.events()
	if want := []string{"session_started", "participant_joined", "subscription_started", "participant_left", "session_ended"}; !slices.Equal(types, want) {
		t.Fatalf("events %v, want %v", types, want)
	}
	if want := any(map[string]any{"next_cursor": nil, "page_size": 100.0}); !reflect.DeepEqual(r.body["meta"], want) {
		t.Errorf("meta is %v, want %v", r.body["meta"], want)
	}
	base := func(i int) map[string]any {
		return map[string]any{
			"record_type": "room_session_event", "cursor": cursors[i], "type": types[i], "session_id": session,
			"occurred_at": "2021-04-20T12:00:00.250000Z",
		}
	}
	with := func(event map[string]any, pairs ...any) map[string]any {
		for pair := range slices.Chunk(pairs, 2) {
			event[pair[0].(string)] = pair[1]
		}
		return event
	}
	want := []any{
		base(0),
		with(base(1), "participant_id", who),
		with(base(2), "participant_id", who, "publisher_id", whose, "stream_id", stream, "key", "self", "kind", "audio",
			"audio", false, "video", true, "quality", "low", "layer", "h"),
		with(base(3), "participant_id", who, "reason", "left"),
		with(base(4), "reason", "empty"),
	}
	if got := r.body["data"].([]any); !reflect.DeepEqual(got, want) {
		t.Errorf("events are %s, want %v", r.raw, want)
	}

	var walked []string
	for cursor, pages := any("0"), 0; cursor != nil; pages++ {
		r := h.call("GET", path+parameters("page[size]", "2", "cursor", cursor.(string)), nil)
		_, some := r.events()
		walked = append(walked, some...)
		if cursor = r.body["meta"].(map[string]any)["next_cursor"]; cursor != nil && (pages > 2 || cursor != some[1]) {
			t.Fatalf("page %d ends with %v: %s", pages, cursor, r.raw)
		}
	}
	if !slices.Equal(walked, cursors) {
		t.Errorf("walked %v, want %v", walked, cursors)
	}
	if types, _ := h.call("GET", path+parameters("cursor", cursors[4]), nil).events(); len(types) > 0 {
		t.Errorf("after the end comes %v", types)
	}
	h.call("GET", path+"?page[size]=5", nil).want(http.StatusOK)
}

func TestSessionEventsRefused(t *testing.T) {
	h := newHouse(t)
	session := h.openSession(h.room(nil))
	path := "/room_sessions/" + session + "/events"
	for _, accept := range []string{"application/json", eventStream} {
		for _, cursor := range []string{"", "x", "-1", "1.0", " 1", "9223372036854775808", "99999999999999999999"} {
			h.call("GET", path+parameters("cursor", cursor), nil, "Accept", accept).wantFaults(http.StatusBadRequest, "10015 cursor")
		}
		h.call("GET", path+parameters("cursor", "1", "cursor", "2", "page[size]", "251", "filter[type]", "x"), nil, "Accept", accept).
			wantFaults(http.StatusBadRequest, "10015 page[size]", "10015 cursor", "10031 filter[type]")
		h.call("GET", "/room_sessions/"+absentID+"/events", nil, "Accept", accept).wantFaults(http.StatusNotFound, "10005")
		h.call("GET", path, nil, "Accept", accept, "Authorization", "Bearer "+foreignKey).wantFaults(http.StatusNotFound, "10005")
	}
	h.call("GET", path, nil, "Accept", eventStream, "Last-Event-ID", "one").wantFaults(http.StatusBadRequest, "10015 Last-Event-ID")
	h.call("GET", path, nil, "Last-Event-ID", "one").want(http.StatusOK)
	for _, accept := range []string{"*/*", "text/*", eventStream + ";q=0", "nonsense/,", "text/html, application/json;q=0.9"} {
		h.call("GET", path, nil, "Accept", accept).want(http.StatusOK).events()
	}
	h.call("HEAD", path, nil, "Accept", eventStream).want(http.StatusOK)
}

// More than any page holds is walked to the end.
func TestManySessionEvents(t *testing.T) {
	h := newHouse(t)
	session := h.openSession(h.room(nil))
	for i := range 2*video.MaxPageSize - 1 {
		h.store.Note(video.Happening{SessionID: video.SessionID(session), Type: video.HappenedMuted, Key: fmt.Sprint(i)})
	}
	h.endSession(session)
	path := "/room_sessions/" + session + "/events?page[size]=250"
	r := h.call("GET", path, nil)
	cursor, _ := r.body["meta"].(map[string]any)["next_cursor"].(string)
	first, _ := r.events()
	second, cursors := h.call("GET", path+"&cursor="+cursor, nil).events()
	third, _ := h.call("GET", path+"&cursor="+cursors[len(cursors)-1], nil).events()
	if len(first) != 250 || len(second) != 250 || strings.Join(third, "") != "session_ended" {
		t.Errorf("pages of %d, %d and %v", len(first), len(second), third)
	}
}
