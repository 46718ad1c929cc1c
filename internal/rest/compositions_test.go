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

func (h *house) compose(content any) reply {
	h.Helper()
	return h.call("POST", "/room_compositions", content)
}

func TestCompositionLife(t *testing.T) {
	h := newHouse(t)
	room := h.room(nil)
	h.at("2021-04-20T12:00:00Z")
	session := h.openSession(room)
	h.record(session, nil)
	region := map[string]any{
		"x_pos": 0.0, "y_pos": 0.0, "z_pos": 0.0, "width": nil, "height": nil, "max_columns": nil, "max_rows": nil,
		"video_sources": []any{"*"},
	}
	want := map[string]any{
		"record_type": "room_composition", "room_id": room, "session_id": session, "user_id": string(h.account),
		"status": "enqueued", "failed_reason": nil, "error": nil, "waiting": nil, "progress": 0.0, "warnings": []any{}, "format": "mp4", "resolution": "1280x720",
		"layout": map[string]any{"grid": "reflow", "fit": "letterbox", "labels": false}, "av_offset_ms": nil, "speed": nil,
		"video_layout": map[string]any{"main": region}, "audio_sources": []any{"*"},
		"size_mb": 0.0, "duration_secs": 0.0, "download_url": nil,
		"webhook_event_url": nil, "webhook_event_failover_url": nil, "webhook_timeout_secs": nil,
		"started_at": nil, "ended_at": nil, "completed_at": nil,
		"created_at": "2021-04-20T12:00:00.000000Z", "updated_at": "2021-04-20T12:00:00.000000Z",
	}
	null := map[string]any{"session_id": strings.ToUpper(session)}
	for _, field := range []string{
		"format", "resolution", "layout", "video_layout", "audio_sources", "webhook_event_url", "webhook_event_failover_url", "webhook_timeout_secs",
	} {
		null[field] = nil
	}
	for _, content := range []any{map[string]any{"session_id": session}, null, map[string]any{"session_id": session, "video_layout": map[string]any{}}} {
		made := h.compose(content).want(http.StatusAccepted).data()
		want["id"] = made["id"]
		if !reflect.DeepEqual(made, want) {
			t.Errorf("%v made %v, want %v", content, made, want)
		}
		got := h.call("GET", "/room_compositions/"+made["id"].(string), nil).want(http.StatusOK).data()
		if !reflect.DeepEqual(got, want) {
			t.Errorf("composition is %v, want %v", got, want)
		}
	}
	id := want["id"].(string)
	for _, method := range []string{"GET", "DELETE"} {
		h.call(method, "/room_compositions/"+id, nil, "Authorization", "Bearer "+foreignKey).wantFaults(http.StatusNotFound, "10005")
	}
	h.call("DELETE", "/rooms/"+room, nil).want(http.StatusNoContent)
	h.call("DELETE", "/room_compositions/"+id, nil).want(http.StatusNoContent)
	for _, method := range []string{"GET", "DELETE"} {
		h.call(method, "/room_compositions/"+id, nil).wantFaults(http.StatusNotFound, "10005")
	}
	h.compose(map[string]any{"session_id": session}).want(http.StatusAccepted) // its room is deleted, its recordings are not
}

// Whoever looks is told why a composition waits, and why it failed.
func TestCompositionReasons(t *testing.T) {
	h := newHouse(t)
	session := h.openSession(h.room(nil))
	h.record(session, nil)
	id := h.compose(map[string]any{"session_id": session}).want(http.StatusAccepted).data()["id"].(string)
	why := video.CompositionFailure(video.CompositionFailedDiskFull, "no room")
	want := map[string]any{"code": "disk_full", "title": "The disk is full", "detail": "no room"}
	begin := func() {
		job, err := h.store.ClaimComposition(h.Context())
		h.must(err)
		if job == nil || job.ID != id {
			t.Fatalf("claimed %+v", job)
		}
	}
	wantReasons := func(status string, waiting, failed any) {
		t.Helper()
		got := h.call("GET", "/room_compositions/"+id, nil).want(http.StatusOK).data()
		if got["status"] != status || !reflect.DeepEqual(got["waiting"], waiting) || !reflect.DeepEqual(got["error"], failed) || (got["failed_reason"] != nil) != (failed != nil) {
			t.Errorf("it is %v, want %s, waiting %v, error %v", got, status, waiting, failed)
		}
	}
	begin()
	again := h.clock()
	h.must(h.store.FailComposition(h.Context(), id, why, &again))
	wantReasons("enqueued", want, nil)
	begin()
	wantReasons("processing", nil, nil)
	h.must(h.store.ReturnComposition(h.Context(), id, why, again))
	wantReasons("enqueued", want, nil)
	begin()
	h.must(h.store.FailComposition(h.Context(), id, why, nil))
	wantReasons("failed", nil, want)
}

func TestCompositionOfEverything(t *testing.T) {
	h := newHouse(t)
	session := h.openSession(h.room(nil))
	picture := h.record(session, nil)
	sound := h.record(session, func(r *video.Recording) { r.Type = video.Audio })
	layout := map[string]any{}
	for i := range video.MaxRegions {
		layout[fmt.Sprintf("%d/~\"", i)] = map[string]any{
			"x_pos": i, "y_pos": 1, "z_pos": -i, "width": 16, "height": 20, "max_columns": 1, "max_rows": 1000,
			"video_sources": []any{picture, "*", strings.ToUpper(picture)},
		}
	}
	content := map[string]any{
		"session_id": session, "format": "webm", "resolution": "720x1280", "video_layout": layout, "audio_sources": []any{sound},
		"layout":            map[string]any{"grid": "fixed", "fit": "crop", "labels": true},
		"webhook_event_url": "https://a.example", "webhook_event_failover_url": "https://b.example", "webhook_timeout_secs": 30,
	}
	made := h.compose(content).want(http.StatusAccepted).data()
	for _, field := range []string{"format", "layout", "resolution", "audio_sources", "webhook_event_url", "webhook_event_failover_url"} {
		if !reflect.DeepEqual(made[field], content[field]) {
			t.Errorf("%s is %v, want %v", field, made[field], content[field])
		}
	}
	want := map[string]any{
		"x_pos": 3.0, "y_pos": 1.0, "z_pos": -3.0, "width": 16.0, "height": 20.0, "max_columns": 1.0, "max_rows": 1000.0,
		"video_sources": []any{picture, "*", picture},
	}
	if got := made["video_layout"].(map[string]any)["3/~\""]; !reflect.DeepEqual(got, any(want)) {
		t.Errorf("region is %v, want %v", got, want)
	}
	for _, sources := range []any{"*", []any{"*"}, []any{}} {
		seen := sources
		if reflect.DeepEqual(sources, []any{}) {
			seen = []any{picture}
		}
		made := h.compose(map[string]any{
			"session_id": session, "audio_sources": sources, "video_layout": map[string]any{"a": map[string]any{"video_sources": seen}},
		}).want(http.StatusAccepted).data()
		if _, list := sources.([]any); !list {
			sources, seen = []any{sources}, []any{seen}
		}
		region := made["video_layout"].(map[string]any)["a"].(map[string]any)
		if !reflect.DeepEqual(made["audio_sources"], sources) || !reflect.DeepEqual(region["video_sources"], seen) {
			t.Errorf("%v became %v", sources, made)
		}
	}
}

func TestCompositionFaults(t *testing.T) {
	h := newHouse(t)
	session, other, bare := h.openSession(h.room(nil)), h.openSession(h.room(nil)), h.openSession(h.room(nil))
	picture, elsewhere := h.record(session, nil), h.record(other, nil)
	sound := h.record(session, func(r *video.Recording) { r.Type = video.Audio })
	spoken := h.openSession(h.room(nil))
	h.record(spoken, func(r *video.Recording) { r.Type = video.Audio })
	region := func(fields string) string {
		return fmt.Sprintf(`{"session_id":%q,"resolution":"640x480","video_layout":{"a":{%s}}}`, session, fields)
	}
	of := func(fields string) string { return fmt.Sprintf(`{"session_id":%q,%s}`, session, fields) }
	crowd := `{"0":{}` + strings.Repeat(`,"x%d":{}`, video.MaxRegions) + `}`
	numbers := make([]any, video.MaxRegions)
	for i := range numbers {
		numbers[i] = i
	}
	for _, test := range []struct {
		body string
		want []string
	}{
		{"", []string{"10004 /session_id"}},
		{"[]", []string{"10026 "}},
		{`{"session_id":null}`, []string{"10026 /session_id"}},
		{`{"session_id":"x"}`, []string{"10006 /session_id"}},
		{`{"session_id":"` + absentID + `"}`, []string{"10017 /session_id"}},
		{
			`{"session_id":"` + absentID + `","format":"avi","resolution":"9x9","webhook_timeout_secs":31,"webhook_event_url":"x","audio_sources":5}`,
			[]string{"10026 /audio_sources", "10032 /format", "10033 /resolution", "10017 /session_id", "10003 /webhook_event_url", "10033 /webhook_timeout_secs"},
		},
		{`{"session_id":"` + bare + `"}`, []string{"10027 /session_id"}},
		{`{"session_id":"` + bare + `","format":"m4a"}`, []string{"10027 /session_id"}},
		{`{"session_id":"` + other + `","format":"m4a"}`, []string{"10027 /session_id"}}, // it has pictures only
		{`{"session_id":"` + spoken + `","audio_sources":[]}`, []string{"10027 /session_id"}},
		{`{"session_id":"` + spoken + `"}`, nil},
		{`{"session_id":"` + other + `","format":"avi"}`, []string{"10032 /format"}},
		{of(`"format":"ogg","audio_sources":[]`), []string{"10033 /audio_sources"}},
		{of(`"layout":{"grid":"round","fit":7,"labels":"yes"}`), []string{"10032 /layout/fit", "10032 /layout/grid", "10026 /layout/labels"}},
		{of(`"layout":[]`), []string{"10026 /layout"}},
		{of(`"video_layout":{"a":{},"a":{}," A ":{},"b":{}}`), []string{"10027 /video_layout/ A ", "10027 /video_layout/a"}},
		{region(`"video_sources":[]`), []string{"10033 /video_layout/a/video_sources"}},
		{of(`"resolution":"wide"`), []string{"10015 /resolution"}},
		{of(`"resolution":"1280x1280"`), []string{"10033 /resolution"}},
		{of(`"resolution":7`), []string{"10026 /resolution"}},
		{of(`"audio_sources":"all"`), []string{"10032 /audio_sources"}},
		{of(`"audio_sources":["*","x",7]`), []string{"10006 /audio_sources/1", "10026 /audio_sources/2"}},
		{of(fmt.Sprintf(`"audio_sources":[%q,%q,%q]`, sound, picture, absentID)), []string{"10017 /audio_sources/1", "10017 /audio_sources/2"}},
		{of(`"video_layout":7`), []string{"10026 /video_layout"}},
		{of(`"video_layout":{"":{},"` + strings.Repeat("x", 65) + `":null}`), []string{"10025 /video_layout/", "10026 /video_layout/" + strings.Repeat("x", 65)}},
		{of(`"video_layout":` + fmt.Sprintf(crowd, numbers...)), []string{"10033 /video_layout"}},
		{region(`"x_pos":-1,"y_pos":1281,"z_pos":100,"width":15,"height":"x","max_columns":0,"max_rows":1001`), []string{
			"10026 /video_layout/a/height", "10033 /video_layout/a/max_columns", "10033 /video_layout/a/max_rows", "10033 /video_layout/a/width",
			"10033 /video_layout/a/x_pos", "10033 /video_layout/a/y_pos", "10033 /video_layout/a/z_pos",
		}},
		{region(`"x_pos":625,"y_pos":464,"height":17`), []string{"10033 /video_layout/a/height", "10033 /video_layout/a/x_pos"}},
		{region(`"x_pos":624,"y_pos":464,"width":16,"height":16`), nil},
		{region(fmt.Sprintf(`"video_sources":[%q,%q,%q,"*","x"]`, picture, sound, elsewhere)), []string{
			"10017 /video_layout/a/video_sources/1", "10017 /video_layout/a/video_sources/2", "10006 /video_layout/a/video_sources/4",
		}},
	} {
		r := h.compose(test.body)
		if test.want == nil {
			r.want(http.StatusAccepted)
		} else {
			r.wantFaults(http.StatusUnprocessableEntity, test.want...)
		}
	}
	h.call("POST", "/room_compositions", map[string]any{"session_id": session}, "Authorization", "Bearer "+foreignKey).
		wantFaults(http.StatusUnprocessableEntity, "10017 /session_id")
	r := h.compose(of(`"video_layuot":{},"video_layout":{"a":{"widht":7}}`)).want(http.StatusAccepted)
	if got := r.header.Get("x-unknown-fields"); got != "video_layout/a/widht, video_layuot" {
		t.Errorf("unknown fields are %q", got)
	}
	for body, want := range map[string]string{
		of(`"audio_sources":"all"`):   "audio_sources must be an array of at most 1000, each the UUID of a recording or *, or null; or *.",
		of(`"resolution":"9999x9"`):   "resolution must be WIDTHxHEIGHT, each from 16 to 1280 and together at most 921600 pixels, or null.",
		of(`"format":"avi"`):          "format must be one of mp4, webm, m4a, ogg, or null.",
		of(`"video_layout":{"a":[]}`): "video_layout/a must be a JSON object.",
	} {
		r := h.compose(body).want(http.StatusUnprocessableEntity)
		if got := r.body["errors"].([]any)[0].(map[string]any)["detail"]; got != want {
			t.Errorf("%s is told %q, want %q", body, got, want)
		}
	}
}

func TestListCompositions(t *testing.T) {
	h := newHouse(t)
	sessionA, sessionB := h.openSession(h.room(nil)), h.openSession(h.room(nil))
	h.record(sessionA, nil)
	h.record(sessionB, nil)
	compose := func(at, session string) string {
		h.at(at)
		return h.compose(map[string]any{"session_id": session}).want(http.StatusAccepted).data()["id"].(string)
	}
	first := compose("2021-04-20T12:00:00Z", sessionA)
	second := compose("2021-04-21T12:00:00Z", sessionB)
	third := compose("2021-04-22T12:00:00Z", sessionA)
	all := []string{third, second, first}
	for _, test := range []struct {
		query []string
		want  []string
	}{
		{nil, all},
		{[]string{"filter[session_id]", sessionB}, all[1:2]},
		{[]string{"filter[status]", "enqueued"}, all},
		{[]string{"filter[status]", "failed"}, nil},
		{[]string{"filter[date_created_at][eq]", "2021-04-21"}, all[1:2]},
		{[]string{"filter[date_created_at][gte]", "2021-04-21"}, all[:2]},
		{[]string{"filter[date_created_at][lte]", "2021-04-21"}, all[1:]},
		{[]string{"filter[session_id]", sessionA, "filter[date_created_at][lte]", "2021-04-21"}, all[2:]},
		{[]string{"page[size]", "1", "page[number]", "3"}, all[2:]},
	} {
		if got := h.call("GET", "/room_compositions"+parameters(test.query...), nil).want(http.StatusOK).ids(); !slices.Equal(got, test.want) {
			t.Errorf("%q: got %v, want %v of %v", test.query, got, test.want, all)
		}
	}
	if got := h.call("GET", "/room_compositions", nil, "Authorization", "Bearer "+foreignKey).want(http.StatusOK).ids(); len(got) != 0 {
		t.Errorf("another account has %v", got)
	}
}
