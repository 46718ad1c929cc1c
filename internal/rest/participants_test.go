package rest

import (
	"net/http"
	"reflect"
	"slices"
	"testing"
)

func TestParticipantLife(t *testing.T) {
	h := newHouse(t)
	session := h.openSession(h.room(nil))
	h.at("2021-04-20T12:00:00Z")
	context := `{"id":1,"name":"Zoë \"<&>\" 😀"}`
	id := h.join(session, context)
	want := map[string]any{
		"record_type": "room_participant", "id": id, "session_id": session, "context": context,
		"joined_at": "2021-04-20T12:00:00.000000Z", "updated_at": "2021-04-20T12:00:00.000000Z",
		"left_at": nil, "left_reason": nil,
	}
	same := func() {
		t.Helper()
		got := h.call("GET", "/room_participants/"+id, nil).want(http.StatusOK).data()
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("participant is %v, want %v", got, want)
		}
	}
	same()
	h.at("2021-04-20T12:30:00.000001Z")
	h.leave(session, id)
	want["left_reason"] = "left"
	want["left_at"], want["updated_at"] = "2021-04-20T12:30:00.000001Z", "2021-04-20T12:30:00.000001Z"
	same()
	h.call("GET", "/room_participants/"+absentID, nil).wantFaults(http.StatusNotFound, "10005")
}

func TestListParticipants(t *testing.T) {
	h := newHouse(t)
	session, other := h.openSession(h.room(nil)), h.openSession(h.room(nil))
	h.at("2021-04-20T12:00:00Z")
	first := h.join(session, "a&b")
	h.at("2021-04-21T12:00:00Z")
	second := h.join(session, "")
	h.at("2021-04-22T12:00:00Z")
	third := h.join(session, "a")
	h.leave(session, first)
	all := []string{third, second, first}
	for _, test := range []struct {
		query []string
		want  []string
	}{
		{nil, all},
		{[]string{"filter[context]", "a&b"}, all[2:]},
		{[]string{"filter[context]", "a"}, all[:1]},
		{[]string{"filter[context]", ""}, all[1:2]},
		{[]string{"filter[context]", "A"}, nil},
		{[]string{"filter[date_joined_at][eq]", "2021-04-21"}, all[1:2]},
		{[]string{"filter[date_joined_at][gte]", "2021-04-21"}, all[:2]},
		{[]string{"filter[date_joined_at][lte]", "2021-04-21"}, all[1:]},
		{[]string{"filter[date_updated_at][eq]", "2021-04-22"}, []string{third, first}},
		{[]string{"filter[date_updated_at][gte]", "2021-04-22"}, []string{third, first}},
		{[]string{"filter[date_updated_at][lte]", "2021-04-21"}, all[1:2]},
		{[]string{"filter[date_left_at][eq]", "2021-04-22"}, all[2:]},
		{[]string{"filter[date_left_at][gte]", "2021-04-22"}, all[2:]},
		{[]string{"filter[date_left_at][lte]", "2021-04-21"}, nil},
		{[]string{"page[size]", "2", "page[number]", "2"}, all[2:]},
	} {
		for _, path := range []string{"/room_participants", "/room_sessions/" + session + "/participants"} {
			if got := h.call("GET", path+parameters(test.query...), nil).want(http.StatusOK).ids(); !slices.Equal(got, test.want) {
				t.Errorf("%s %q: got %v, want %v of %v", path, test.query, got, test.want, all)
			}
		}
	}
	for filter, want := range map[string][]string{session: all, other: {}, absentID: {}} {
		if got := h.call("GET", "/room_participants"+parameters("filter[session_id]", filter), nil).want(http.StatusOK).ids(); !slices.Equal(got, want) {
			t.Errorf("session %s: got %v, want %v", filter, got, want)
		}
	}
	h.call("GET", "/room_sessions/"+other+"/participants", nil).want(http.StatusOK).wantMeta(0, 0, 1, 20)
	h.call("GET", "/room_sessions/"+absentID+"/participants", nil).wantFaults(http.StatusNotFound, "10005")
}
