package rest

import (
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

func TestRoomLife(t *testing.T) {
	h := newHouse(t)
	h.at("2021-03-26T17:51:59.588408Z")
	created := h.call("POST", "/rooms", map[string]any{
		"unique_name": "my room", "max_participants": 7, "enable_recording": true,
		"webhook_event_url": "https://example.com/a", "webhook_event_failover_url": "https://example.com/b", "webhook_timeout_secs": 0,
	}).want(http.StatusCreated)
	id := created.data()["id"].(string)
	want := map[string]any{
		"record_type": "room", "id": id, "unique_name": "my room", "max_participants": 7.0, "enable_recording": true, "e2ee": false,
		"webhook_event_url": "https://example.com/a", "webhook_event_failover_url": "https://example.com/b", "webhook_timeout_secs": 0.0,
		"recording_retention_days": nil,
		"created_at":               "2021-03-26T17:51:59.588408Z", "updated_at": "2021-03-26T17:51:59.588408Z",
	}
	same := func(r reply) {
		t.Helper()
		if !reflect.DeepEqual(r.data(), want) {
			t.Fatalf("room is %v, want %v", r.data(), want)
		}
	}
	same(created)
	same(h.call("GET", "/rooms/"+id, nil).want(http.StatusOK))
	same(h.call("GET", "/rooms/"+strings.ToUpper(id), nil).want(http.StatusOK))

	h.at("2021-03-27T08:00:00Z")
	want["updated_at"], want["max_participants"] = "2021-03-27T08:00:00.000000Z", 50.0
	same(h.call("PATCH", "/rooms/"+id, map[string]any{"max_participants": 50}).want(http.StatusOK))
	same(h.call("GET", "/rooms/"+id, nil).want(http.StatusOK))

	h.call("DELETE", "/rooms/"+id, nil).want(http.StatusNoContent)
	if !slices.Equal(h.live.ended, []video.RoomID{video.RoomID(id)}) || len(h.live.open) > 0 {
		t.Fatalf("put out of %v, %v of them still open", h.live.ended, h.live.open)
	}
	for _, method := range []string{"GET", "PATCH", "DELETE"} {
		h.call(method, "/rooms/"+id, nil).wantFaults(http.StatusNotFound, "10005")
	}
	h.call("GET", "/rooms/"+id+"/sessions", nil).wantFaults(http.StatusNotFound, "10005")
	if len(h.live.ended) != 1 {
		t.Errorf("a room that is no more was ended: %v", h.live.ended)
	}
	h.room(map[string]any{"unique_name": "my room"})
}

// What a room that is encrypted from end to end refuses names the field.
func TestEncryptedRoomIsNotRecorded(t *testing.T) {
	h := newHouse(t)
	h.call("POST", "/rooms", map[string]any{"e2ee": true, "enable_recording": true}).
		wantFaults(http.StatusUnprocessableEntity, "10015 /enable_recording")
	made := h.call("POST", "/rooms", map[string]any{"e2ee": true}).want(http.StatusCreated).data()
	if made["e2ee"] != true || made["enable_recording"] != false {
		t.Errorf("made %v", made)
	}
	id := made["id"].(string)
	h.call("PATCH", "/rooms/"+id, map[string]any{"enable_recording": true}).wantFaults(http.StatusUnprocessableEntity, "10015 /enable_recording")
	if changed := h.call("PATCH", "/rooms/"+id, map[string]any{"e2ee": false, "enable_recording": true}).want(http.StatusOK).data(); changed["e2ee"] != false {
		t.Errorf("changed %v", changed)
	}
}

func TestRoomDefaults(t *testing.T) {
	h := newHouse(t)
	for _, content := range []any{nil, "", " \n", "{}", "\ufeff{}", map[string]any{
		"unique_name": nil, "webhook_event_url": nil, "webhook_event_failover_url": "", "webhook_timeout_secs": nil,
	}} {
		room := h.call("POST", "/rooms", content).want(http.StatusCreated).data()
		for name, value := range map[string]any{
			"unique_name": nil, "max_participants": 10.0, "enable_recording": false,
			"webhook_event_url": nil, "webhook_event_failover_url": nil, "webhook_timeout_secs": nil, "recording_retention_days": nil,
		} {
			if got, present := room[name]; got != value || !present {
				t.Errorf("%q: %s is %v, want %v", content, name, got, value)
			}
		}
		for _, name := range []string{"active_session_id", "sessions"} {
			if _, present := room[name]; present {
				t.Errorf("%s is there", name)
			}
		}
	}
}

func TestRoomUpdate(t *testing.T) {
	h := newHouse(t)
	full := map[string]any{
		"unique_name": "name", "max_participants": 7.0, "enable_recording": true,
		"webhook_event_url": "https://example.com/a", "webhook_event_failover_url": "https://example.com/b", "webhook_timeout_secs": 12.0,
		"recording_retention_days": 90.0,
	}
	id := h.room(full)
	for _, test := range []struct {
		change  any
		changed map[string]any
	}{
		{nil, nil},
		{"{}", nil},
		{`{"unique_name":null}`, map[string]any{"unique_name": nil}},
		{`{"unique_name":"other"}`, map[string]any{"unique_name": "other"}},
		{`{"max_participants":2}`, map[string]any{"max_participants": 2.0}},
		{`{"max_participants":1e1}`, map[string]any{"max_participants": 10.0}},
		{`{"max_participants":11.0}`, map[string]any{"max_participants": 11.0}},
		{`{"enable_recording":false}`, map[string]any{"enable_recording": false}},
		{`{"webhook_event_url":null}`, map[string]any{"webhook_event_url": nil}},
		{`{"webhook_event_failover_url":null}`, map[string]any{"webhook_event_failover_url": nil}},
		{`{"webhook_event_failover_url":""}`, map[string]any{"webhook_event_failover_url": nil}},
		{`{"webhook_timeout_secs":null}`, map[string]any{"webhook_timeout_secs": nil}},
		{`{"webhook_timeout_secs":0}`, map[string]any{"webhook_timeout_secs": 0.0}},
		{`{"recording_retention_days":30}`, map[string]any{"recording_retention_days": 30.0}},
		{`{"recording_retention_days":0}`, map[string]any{"recording_retention_days": 0.0}},
		{`{"recording_retention_days":null}`, map[string]any{"recording_retention_days": nil}},
	} {
		h.call("PATCH", "/rooms/"+id, full).want(http.StatusOK)
		room := h.call("PATCH", "/rooms/"+id, test.change).want(http.StatusOK).data()
		for name, before := range full {
			want, changed := test.changed[name]
			if !changed {
				want = before
			}
			if room[name] != want {
				t.Errorf("%v: %s is %v, want %v", test.change, name, room[name], want)
			}
		}
	}
}

func TestRoomBodyFaults(t *testing.T) {
	h := newHouse(t)
	h.room(map[string]any{"unique_name": "taken"})
	id := h.room(nil)
	long := func(n int) string { return strings.Repeat("é", n) }
	for _, test := range []struct {
		body string
		want []string
	}{
		{`{"max_participants":1}`, []string{"10033 /max_participants"}},
		{`{"max_participants":51}`, []string{"10033 /max_participants"}},
		{`{"max_participants":-1e300}`, []string{"10033 /max_participants"}},
		{`{"max_participants":1e999}`, []string{"10026 /max_participants"}},
		{`{"max_participants":2.5}`, []string{"10026 /max_participants"}},
		{`{"max_participants":"10"}`, []string{"10026 /max_participants"}},
		{`{"max_participants":null}`, []string{"10026 /max_participants"}},
		{`{"enable_recording":"true"}`, []string{"10026 /enable_recording"}},
		{`{"enable_recording":null}`, []string{"10026 /enable_recording"}},
		{`{"unique_name":""}`, []string{"10025 /unique_name"}},
		{`{"unique_name":"` + long(256) + `"}`, []string{"10025 /unique_name"}},
		{`{"unique_name":7}`, []string{"10026 /unique_name"}},
		{`{"unique_name":"a\u0000b"}`, []string{"10015 /unique_name"}},
		{`{"unique_name":"taken"}`, []string{"10012 /unique_name"}},
		{`{"webhook_event_url":""}`, []string{"10003 /webhook_event_url"}},
		{`{"webhook_event_url":"example.com/x"}`, []string{"10003 /webhook_event_url"}},
		{`{"webhook_event_url":"/x"}`, []string{"10003 /webhook_event_url"}},
		{`{"webhook_event_url":"ftp://example.com"}`, []string{"10003 /webhook_event_url"}},
		{`{"webhook_event_url":"https://"}`, []string{"10003 /webhook_event_url"}},
		{`{"webhook_event_url":"https://:443/"}`, []string{"10003 /webhook_event_url"}},
		{`{"webhook_event_url":"https://exa mple.com"}`, []string{"10003 /webhook_event_url"}},
		{`{"webhook_event_url":"https://a.example/\u0000"}`, []string{"10003 /webhook_event_url"}},
		{`{"webhook_event_url":"https://a.example/` + strings.Repeat("x", 1983) + `"}`, []string{"10003 /webhook_event_url"}},
		{`{"webhook_event_url":[]}`, []string{"10026 /webhook_event_url"}},
		{`{"webhook_event_failover_url":"nowhere"}`, []string{"10003 /webhook_event_failover_url"}},
		{`{"webhook_event_failover_url":7}`, []string{"10026 /webhook_event_failover_url"}},
		{`{"webhook_timeout_secs":-1}`, []string{"10033 /webhook_timeout_secs"}},
		{`{"webhook_timeout_secs":31}`, []string{"10033 /webhook_timeout_secs"}},
		{`{"recording_retention_days":-1}`, []string{"10033 /recording_retention_days"}},
		{`{"recording_retention_days":3651}`, []string{"10033 /recording_retention_days"}},
		{`{"recording_retention_days":1.5}`, []string{"10026 /recording_retention_days"}},
		{`{"webhook_timeout_secs":"5"}`, []string{"10026 /webhook_timeout_secs"}},
		{
			`{"unique_name":[],"max_participants":1,"enable_recording":0,"webhook_event_url":"x","webhook_event_failover_url":{},"webhook_timeout_secs":99}`,
			[]string{
				"10026 /enable_recording", "10033 /max_participants", "10026 /unique_name",
				"10026 /webhook_event_failover_url", "10003 /webhook_event_url", "10033 /webhook_timeout_secs",
			},
		},
		{`[]`, []string{"10026 "}},
		{`null`, []string{"10026 "}},
		{`"room"`, []string{"10026 "}},
	} {
		h.call("POST", "/rooms", test.body).wantFaults(http.StatusUnprocessableEntity, test.want...)
		h.call("PATCH", "/rooms/"+id, test.body).wantFaults(http.StatusUnprocessableEntity, test.want...)
	}
	for _, body := range []string{
		`{"max_participants":2}`, `{"max_participants":50}`, `{"webhook_timeout_secs":30}`,
		`{"unique_name":"` + long(255) + `"}`, `{"unique_name":"` + strings.Repeat("😀", 255) + `","max_participants":3}`,
		`{"webhook_event_url":"https://a.example/` + strings.Repeat("x", 1982) + `"}`,
		`{"webhook_event_url":"HTTP://user@[::1]:8080/x?y#z"}`,
	} {
		h.call("PATCH", "/rooms/"+id, body).want(http.StatusOK)
	}
}

func TestDuplicateNameIsOfTheAccountsLiveRooms(t *testing.T) {
	h := newHouse(t)
	a := h.room(map[string]any{"unique_name": "a"})
	b := h.room(map[string]any{"unique_name": "b"})
	h.call("PATCH", "/rooms/"+b, map[string]any{"unique_name": "a"}).wantFaults(http.StatusUnprocessableEntity, "10012 /unique_name")
	h.call("PATCH", "/rooms/"+a, map[string]any{"unique_name": "a"}).want(http.StatusOK)
	h.call("DELETE", "/rooms/"+a, nil).want(http.StatusNoContent)
	h.call("PATCH", "/rooms/"+b, map[string]any{"unique_name": "a"}).want(http.StatusOK)
}

func TestListRooms(t *testing.T) {
	h := newHouse(t)
	var ids []string // newest first
	for day := range 5 {
		h.at("2021-04-2" + strconv.Itoa(day) + "T12:00:00.000001Z")
		ids = slices.Insert(ids, 0, h.room(map[string]any{"unique_name": "room " + strconv.Itoa(day)}))
	}
	h.at("2021-05-01T23:59:59.999999Z")
	h.call("PATCH", "/rooms/"+ids[4], map[string]any{"max_participants": 3}).want(http.StatusOK)

	for _, test := range []struct {
		query []string
		want  []string
	}{
		{nil, ids},
		{[]string{"filter[unique_name]", "room 3"}, ids[1:2]},
		{[]string{"filter[unique_name]", "room"}, nil},
		{[]string{"filter[date_created_at][eq]", "2021-04-22"}, ids[2:3]},
		{[]string{"filter[date_created_at][gte]", "2021-04-22"}, ids[:3]},
		{[]string{"filter[date_created_at][lte]", "2021-04-22"}, ids[2:]},
		{[]string{"filter[date_created_at][gte]", "2021-04-21", "filter[date_created_at][lte]", "2021-04-22"}, ids[2:4]},
		{[]string{"filter[date_created_at][eq]", "2021-04-22", "filter[date_created_at][gte]", "2021-04-23"}, nil},
		{[]string{"filter[date_created_at][eq]", "2021-04-22T12:00:00.000001Z"}, ids[2:3]},
		{[]string{"filter[date_created_at][eq]", "2021-04-22T14:00:00.000001+02:00"}, ids[2:3]},
		{[]string{"filter[date_created_at][eq]", "2021-04-22T12:00:00Z"}, nil},
		{[]string{"filter[date_created_at][eq]", "2021-04-22T12:00:00.0000015Z"}, nil},
		{[]string{"filter[date_created_at][gte]", "2021-04-22T12:00:00.000001Z"}, ids[:3]},
		{[]string{"filter[date_created_at][gte]", "2021-04-22T12:00:00.000002Z"}, ids[:2]},
		{[]string{"filter[date_created_at][gte]", "2021-04-22T12:00:00.0000015Z"}, ids[:2]},
		{[]string{"filter[date_created_at][lte]", "2021-04-22T12:00:00.000001Z"}, ids[2:]},
		{[]string{"filter[date_created_at][lte]", "2021-04-22T12:00:00.0000015Z"}, ids[2:]},
		{[]string{"filter[date_created_at][lte]", "2021-04-22T12:00:00Z"}, ids[3:]},
		{[]string{"filter[date_updated_at][eq]", "2021-05-01"}, ids[4:]},
		{[]string{"filter[date_updated_at][gte]", "2021-04-24"}, []string{ids[0], ids[4]}},
		{[]string{"filter[date_updated_at][lte]", "2021-04-20"}, nil},
		{[]string{"filter[date_updated_at][gte]", "9998-12-31"}, nil},
		{[]string{"filter[date_updated_at][lte]", "1000-01-01"}, nil},
		{[]string{"sort", "name", "anything[else]", "1"}, ids},
	} {
		list := h.call("GET", "/rooms"+parameters(test.query...), nil).want(http.StatusOK)
		if got := list.ids(); !slices.Equal(got, test.want) {
			t.Errorf("%q: got %v, want %v of %v", test.query, got, test.want, ids)
		}
		pages := 0.0
		if len(test.want) > 0 {
			pages = 1
		}
		list.wantMeta(pages, float64(len(test.want)), 1, 20)
	}
	literal := h.call("GET", "/rooms?filter[date_created_at][gte]=2021-04-24&filter[unique_name]=room%204", nil).want(http.StatusOK)
	if !slices.Equal(literal.ids(), ids[:1]) {
		t.Errorf("literal brackets: %v", literal.ids())
	}
}

func TestPages(t *testing.T) {
	h := newHouse(t)
	h.at("2021-04-20T12:00:00Z") // all at the same moment: the id keeps the pages apart
	for range 25 {
		h.room(nil)
	}
	seen := map[string]bool{}
	for number := range 3 {
		page := h.call("GET", "/rooms"+parameters("page[number]", strconv.Itoa(number+1), "page[size]", "10"), nil).want(http.StatusOK)
		page.wantMeta(3, 25, float64(number+1), 10)
		for _, id := range page.ids() {
			seen[id] = true
		}
	}
	if len(seen) != 25 {
		t.Errorf("the pages show %d rooms of 25", len(seen))
	}
	h.call("GET", "/rooms", nil).want(http.StatusOK).wantMeta(2, 25, 1, 20)
	past := h.call("GET", "/rooms?page[number]=2147483647&page[size]=250", nil).want(http.StatusOK)
	past.wantMeta(1, 25, 2147483647, 250)
	if !strings.Contains(string(past.raw), `"data":[]`) {
		t.Errorf("past the end: %s", past.raw)
	}
}

func TestRoomWithSessions(t *testing.T) {
	h := newHouse(t)
	h.at("2021-04-20T12:00:00Z")
	id := h.room(nil)
	empty := h.call("GET", "/rooms/"+id+"?include_sessions=true", nil).want(http.StatusOK).data()
	if sessions, ok := empty["sessions"].([]any); !ok || len(sessions) != 0 {
		t.Errorf("sessions of a new room: %v", empty["sessions"])
	}
	first := h.openSession(id)
	h.endSession(first)
	h.at("2021-04-21T12:00:00Z")
	second := h.openSession(id)
	for _, path := range []string{"/rooms/" + id, "/rooms"} {
		var room map[string]any
		r := h.call("GET", path+"?include_sessions=true", nil).want(http.StatusOK)
		if path == "/rooms" {
			room = r.body["data"].([]any)[0].(map[string]any)
		} else {
			room = r.data()
		}
		if room["active_session_id"] != second {
			t.Errorf("active_session_id is %v, want %v", room["active_session_id"], second)
		}
		var got []string
		for _, session := range room["sessions"].([]any) {
			got = append(got, session.(map[string]any)["id"].(string))
		}
		if !slices.Equal(got, []string{second, first}) {
			t.Errorf("sessions are %v, want %v", got, []string{second, first})
		}
	}
	h.endSession(second)
	room := h.call("GET", "/rooms/"+id+"?include_sessions=false", nil).want(http.StatusOK)
	if _, there := room.data()["active_session_id"]; there || room.data()["sessions"] != nil {
		t.Errorf("after the end: %s", room.raw)
	}
}

func TestEscapingIsLeftToReaders(t *testing.T) {
	h := newHouse(t)
	name := `<b>&"'` + "\u2028é"
	content, err := json.Marshal(map[string]string{"unique_name": name})
	h.must(err)
	h.room(string(content))
	list := h.call("GET", "/rooms"+parameters("filter[unique_name]", name), nil).want(http.StatusOK)
	if len(list.ids()) != 1 || list.body["data"].([]any)[0].(map[string]any)["unique_name"] != name {
		t.Errorf("got %s", list.raw)
	}
}
