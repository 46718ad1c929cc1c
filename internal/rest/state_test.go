package rest

import (
	"fmt"
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// note adds a line to a session's history, at the present of the house.
func (h *house) note(session string, v video.Happening) {
	h.Helper()
	v.SessionID, v.At = video.SessionID(session), h.clock()
	h.store.Note(v)
	h.must(h.store.Flush(h.Context()))
}

func TestSessionState(t *testing.T) {
	h := newHouse(t)
	then := func(second int) string { return fmt.Sprintf("2021-04-20T12:00:%02dZ", second) }
	h.at(then(0))
	session := h.openSession(h.room(nil))
	path := "/room_sessions/" + session + "/state"
	h.at(then(1))
	ada := h.join(session, "Ada")
	h.at(then(2))
	bo := h.join(session, "Bo")
	stream, on := video.NewUUID(), true
	h.at(then(3))
	h.note(session, video.Happening{
		Type: video.HappenedPublished, ParticipantID: video.ParticipantID(ada), StreamID: video.StreamID(stream), Key: "self", Audio: &on, Video: &on,
	})
	h.note(session, video.Happening{
		Type: video.HappenedSubscribed, ParticipantID: video.ParticipantID(bo), PublisherID: video.ParticipantID(ada), StreamID: video.StreamID(stream),
		Audio: &on, Video: &on, Quality: video.QualityHigh,
	})
	h.at(then(4))
	h.note(session, video.Happening{Type: video.HappenedLayer, ParticipantID: video.ParticipantID(bo), StreamID: video.StreamID(stream), Layer: "h"})
	h.at(then(5))
	h.leave(session, ada)

	get := func(pairs ...string) map[string]any {
		t.Helper()
		return h.call("GET", path+parameters(pairs...), nil).want(http.StatusOK).data()
	}
	present := func(state map[string]any) (ids []string) {
		for _, p := range state["participants"].([]any) {
			ids = append(ids, p.(map[string]any)["participant_id"].(string))
		}
		return ids
	}
	for _, c := range []struct {
		at   string
		want []string
	}{
		{"2021-04-20T11:59:59Z", nil}, {then(0), nil}, {"2021-04-20T12:00:01.999999Z", []string{ada}}, {then(4), []string{ada, bo}}, {then(9), []string{bo}},
	} {
		state := get("at", c.at)
		if got := present(state); !reflect.DeepEqual(got, c.want) || state["active"] != (c.at >= then(0)) {
			t.Errorf("at %s there are %v, want %v: %v", c.at, got, c.want, state)
		}
	}
	state := get("at", then(4), "include_subscriptions", "true")
	people := state["participants"].([]any)
	wantAda := map[string]any{
		"participant_id": ada, "joined_at": "2021-04-20T12:00:01.000000Z", "connected": true, "media": "none", "muted": false, "subscription_count": 0.0,
		"streams": []any{map[string]any{
			"stream_id": stream, "key": "self", "published_at": "2021-04-20T12:00:03.000000Z",
			"audio": map[string]any{"enabled": true, "censored": false, "recorded": false},
			"video": map[string]any{"enabled": true, "censored": false, "recorded": false},
		}},
	}
	wantTaken := []any{map[string]any{
		"stream_id": stream, "publisher_id": ada, "audio": true, "video": true, "quality": "high", "layer": "h", "paused": false,
	}}
	if !reflect.DeepEqual(people[0], wantAda) || !reflect.DeepEqual(people[1].(map[string]any)["subscriptions"], wantTaken) {
		t.Errorf("the state is %v", state)
	}
	if _, told := get("at", then(4))["participants"].([]any)[1].(map[string]any)["subscriptions"]; told {
		t.Error("subscriptions are told without being asked for")
	}
	// The events after the cursor are those that carry the state on.
	after := h.call("GET", "/room_sessions/"+session+"/events"+parameters("cursor", state["cursor"].(string)), nil)
	if types, _ := after.events(); len(types) != 1 || types[0] != "participant_left" {
		t.Errorf("after the state comes %v", types)
	}
	last := get()
	if last["at"] != "2021-04-20T12:00:05.000000Z" || len(present(last)) != 1 {
		t.Errorf("the last state is %v", last)
	}
	h.endSession(session)
	if over := get(); over["active"] != false || present(over) != nil {
		t.Errorf("after the end: %v", over)
	}
}

// More than is read at once is applied to the end.
func TestStateOfALongSession(t *testing.T) {
	h := newHouse(t)
	session := h.openSession(h.room(nil))
	who := h.join(session, "")
	for i := range 2*readAtOnce + 1 {
		kind := video.HappenedMuted
		if i%2 > 0 {
			kind = video.HappenedUnmuted
		}
		h.store.Note(video.Happening{SessionID: video.SessionID(session), Type: kind, ParticipantID: video.ParticipantID(who)})
	}
	h.must(h.store.Flush(t.Context()))
	began := time.Now()
	state := h.call("GET", "/room_sessions/"+session+"/state", nil).want(http.StatusOK).data()
	t.Logf("%d events applied in %v", 2*readAtOnce, time.Since(began))
	if p := state["participants"].([]any)[0].(map[string]any); p["muted"] != true {
		t.Errorf("the last of many events is not in %v", p)
	}
}

func TestStateIsAskedWrongly(t *testing.T) {
	h := newHouse(t)
	session := h.openSession(h.room(nil))
	path := "/room_sessions/" + session + "/state"
	for _, at := range []string{"", "yesterday", "2021-04-20", "2021-13-01T00:00:00Z", "0001-01-01T00:00:00Z"} {
		h.call("GET", path+parameters("at", at), nil).wantFaults(http.StatusBadRequest, "10015 at")
	}
	h.call("GET", path+"?include_subscriptions=yes", nil).wantFaults(http.StatusBadRequest, "10015 include_subscriptions")
	h.call("GET", path, nil, "Authorization", "Bearer "+foreignKey).wantFaults(http.StatusNotFound, "10005")
}
