package rest

import (
	"net/http"
	"reflect"
	"slices"
	"testing"
)

func TestSessionLife(t *testing.T) {
	h := newHouse(t)
	room := h.room(nil)
	h.at("2021-04-20T12:00:00Z")
	id := h.openSession(room)
	want := map[string]any{
		"record_type": "room_session", "id": id, "room_id": room, "active": true,
		"created_at": "2021-04-20T12:00:00.000000Z", "updated_at": "2021-04-20T12:00:00.000000Z",
		"ended_at": nil, "ended_reason": nil,
	}
	same := func() {
		t.Helper()
		for _, path := range []string{"/room_sessions", "/rooms/" + room + "/sessions"} {
			list := h.call("GET", path, nil).want(http.StatusOK)
			if len(list.ids()) != 1 || !reflect.DeepEqual(list.body["data"].([]any)[0], any(want)) {
				t.Fatalf("%s: session is %s, want %v", path, list.raw, want)
			}
		}
		if got := h.call("GET", "/room_sessions/"+id, nil).want(http.StatusOK).data(); !reflect.DeepEqual(got, want) {
			t.Fatalf("session is %v, want %v", got, want)
		}
	}
	same()
	h.at("2021-04-20T13:00:00.5Z")
	h.endSession(id)
	want["active"], want["ended_reason"] = false, "empty"
	want["ended_at"], want["updated_at"] = "2021-04-20T13:00:00.500000Z", "2021-04-20T13:00:00.500000Z"
	same()

	h.call("DELETE", "/rooms/"+room, nil).want(http.StatusNoContent)
	h.call("GET", "/rooms/"+room+"/sessions", nil).wantFaults(http.StatusNotFound, "10005")
	if got := h.call("GET", "/room_sessions"+parameters("filter[room_id]", room), nil).want(http.StatusOK).ids(); !slices.Equal(got, []string{id}) {
		t.Errorf("sessions of the deleted room: %v", got)
	}
	h.call("GET", "/room_sessions/"+id, nil).want(http.StatusOK)
}

func TestListSessions(t *testing.T) {
	h := newHouse(t)
	roomA, roomB := h.room(nil), h.room(nil)
	h.at("2021-04-20T12:00:00Z")
	first := h.openSession(roomA)
	h.at("2021-04-21T12:00:00Z")
	h.endSession(first)
	second := h.openSession(roomB)
	h.at("2021-04-22T12:00:00Z")
	third := h.openSession(roomA)
	all := []string{third, second, first}
	for _, test := range []struct {
		query []string
		want  []string
	}{
		{nil, all},
		{[]string{"filter[active]", "true"}, all[:2]},
		{[]string{"filter[active]", "false"}, all[2:]},
		{[]string{"filter[date_created_at][eq]", "2021-04-21"}, []string{second}},
		{[]string{"filter[date_created_at][gte]", "2021-04-21"}, all[:2]},
		{[]string{"filter[date_created_at][lte]", "2021-04-20"}, all[2:]},
		{[]string{"filter[date_updated_at][eq]", "2021-04-21"}, all[1:]},
		{[]string{"filter[date_updated_at][gte]", "2021-04-22"}, all[:1]},
		{[]string{"filter[date_updated_at][lte]", "2021-04-20"}, nil},
		{[]string{"filter[date_ended_at][eq]", "2021-04-21"}, all[2:]},
		{[]string{"filter[date_ended_at][gte]", "2021-04-21T12:00:00Z"}, all[2:]},
		{[]string{"filter[date_ended_at][gte]", "2021-04-21T12:00:00.000001Z"}, nil},
		{[]string{"filter[date_ended_at][lte]", "2021-04-20"}, nil},
		{[]string{"filter[active]", "true", "filter[date_created_at][gte]", "2021-04-22"}, all[:1]},
		{[]string{"page[size]", "1", "page[number]", "2"}, []string{second}},
	} {
		for path, keep := range map[string]func(string) bool{
			"/room_sessions":                func(string) bool { return true },
			"/rooms/" + roomA + "/sessions": func(id string) bool { return id != second },
		} {
			want := slices.DeleteFunc(slices.Clone(test.want), func(id string) bool { return !keep(id) })
			if path != "/room_sessions" && test.query != nil && test.query[0] == "page[size]" {
				want = []string{first}
			}
			if got := h.call("GET", path+parameters(test.query...), nil).want(http.StatusOK).ids(); !slices.Equal(got, want) {
				t.Errorf("%s %q: got %v, want %v of %v", path, test.query, got, want, all)
			}
		}
	}
	for filter, want := range map[string][]string{roomA: {third, first}, roomB: {second}, absentID: {}} {
		if got := h.call("GET", "/room_sessions"+parameters("filter[room_id]", filter), nil).want(http.StatusOK).ids(); !slices.Equal(got, want) {
			t.Errorf("room %s: got %v, want %v", filter, got, want)
		}
	}
	h.call("GET", "/rooms/"+roomA+"/sessions"+parameters("filter[room_id]", roomA), nil).
		wantFaults(http.StatusBadRequest, "10031 filter[room_id]")
	h.call("GET", "/rooms/"+absentID+"/sessions", nil).wantFaults(http.StatusNotFound, "10005")
	h.call("GET", "/room_sessions/"+absentID, nil).wantFaults(http.StatusNotFound, "10005")
}

func TestSessionWithParticipants(t *testing.T) {
	h := newHouse(t)
	session := h.openSession(h.room(nil))
	h.at("2021-04-20T12:00:00Z")
	first := h.join(session, "a")
	h.at("2021-04-20T12:00:01Z")
	second := h.join(session, "b")
	for _, path := range []string{"/room_sessions/" + session, "/room_sessions"} {
		r := h.call("GET", path+"?include_participants=true", nil).want(http.StatusOK)
		got, _ := r.body["data"].(map[string]any)
		if got == nil {
			got = r.body["data"].([]any)[0].(map[string]any)
		}
		var ids []string
		for _, participant := range got["participants"].([]any) {
			ids = append(ids, participant.(map[string]any)["id"].(string))
		}
		if !slices.Equal(ids, []string{second, first}) {
			t.Errorf("participants %v, want %v", ids, []string{second, first})
		}
	}
}
