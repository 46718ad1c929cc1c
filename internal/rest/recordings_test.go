package rest

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// record keeps a recording of a minute that begins now and is completed, unless changed, and returns its id.
func (h *house) record(session string, change func(*video.Recording)) string {
	h.Helper()
	started := h.clock().UTC().Truncate(time.Microsecond)
	ended := started.Add(time.Minute)
	r := video.Recording{
		ID: video.NewUUID(), AccountID: h.account, SessionID: video.SessionID(session),
		ParticipantID: video.ParticipantID(video.NewUUID()), StreamKey: "camera", Status: video.RecordingCompleted, Type: video.Video,
		Codec: "vp8", SizeBytes: 4_200_000, Duration: time.Minute + 999*time.Millisecond,
		StartedAt: started, EndedAt: &ended, CompletedAt: &ended, UpdatedAt: ended,
	}
	if change != nil {
		change(&r)
	}
	h.must(h.store.AddRecording(h.Context(), r))
	return r.ID
}

func underway(r *video.Recording) {
	r.Status, r.EndedAt, r.CompletedAt, r.Duration, r.SizeBytes, r.Codec = video.RecordingProcessing, nil, nil, 0, 0, ""
}

func TestRecordingLife(t *testing.T) {
	h := newHouse(t)
	urls := 0
	h.config.MediaURL = func(account video.AccountID, kind video.MediaKind, _ string) string {
		if account != h.account {
			t.Errorf("a URL for media of %s", account)
		}
		if kind == video.MediaRecordingIndex {
			return "https://media.example/index"
		}
		urls++
		return fmt.Sprintf("https://media.example/%d", urls)
	}
	h.rebuild()
	room := h.room(nil)
	session := h.openSession(room)
	participant := h.join(session, "")
	h.at("2021-04-20T12:00:00Z")
	by := func(r *video.Recording) { r.ParticipantID = video.ParticipantID(participant) }
	id := h.record(session, by)
	want := map[string]any{
		"record_type": "room_recording", "id": id, "room_id": room, "session_id": session, "participant_id": participant,
		"stream_key": "camera", "status": "completed", "failed_reason": nil, "error": nil, "waiting": nil, "type": "video", "codec": "vp8",
		"size_mb": 4.2, "duration_secs": 60.0, "download_url": "https://media.example/1", "index_url": "https://media.example/index",
		"started_at": "2021-04-20T12:00:00.000000Z", "ended_at": "2021-04-20T12:01:00.000000Z", "completed_at": "2021-04-20T12:01:00.000000Z",
		"created_at": "2021-04-20T12:00:00.000000Z", "updated_at": "2021-04-20T12:01:00.000000Z",
	}
	if got := h.call("GET", "/room_recordings/"+id, nil).want(http.StatusOK).data(); !reflect.DeepEqual(got, want) {
		t.Errorf("recording is %v, want %v", got, want)
	}
	urls = 0
	if list := h.call("GET", "/room_recordings", nil).want(http.StatusOK); !reflect.DeepEqual(list.body["data"], any([]any{want})) {
		t.Errorf("recordings are %s", list.raw)
	}
	urls = 1
	if got := h.call("GET", "/room_recordings/"+id, nil).data()["download_url"]; got != "https://media.example/2" {
		t.Errorf("asked again, the URL is %v", got)
	}
	failed := h.record(session, func(r *video.Recording) { r.Status, r.FailedReason = video.RecordingFailed, video.FailedDiskFull })
	if got := h.call("GET", "/room_recordings/"+failed, nil).data(); got["status"] != "failed" || got["failed_reason"] != "disk_full" || got["download_url"] != nil ||
		!reflect.DeepEqual(got["error"], map[string]any{
			"code": "disk_full", "title": "The disk is full", "detail": "The server's disk had no room for the recording.",
		}) {
		t.Errorf("failed recording is %v", got)
	}
	going := h.record(session, underway)
	r := h.call("GET", "/room_recordings/"+going, nil).want(http.StatusOK)
	for _, field := range []string{"codec", "error", "waiting", "download_url", "index_url", "ended_at", "completed_at"} {
		if r.data()[field] != nil {
			t.Errorf("%s of a running recording is %v", field, r.data()[field])
		}
	}
	if !strings.Contains(string(r.raw), `"size_mb":0.0,`) { // some decoders tell 0 from 0.0
		t.Errorf("running recording is %s", r.raw)
	}
	ended := h.record(session, func(r *video.Recording) { r.Status, r.CompletedAt = video.RecordingProcessing, nil })
	for _, reason := range []string{"storage_full", "storage_refused"} {
		h.must(h.store.RecordingArchiveFailed(h.Context(), ended, reason, h.clock().Add(time.Hour)))
		waiting, _ := h.call("GET", "/room_recordings/"+ended, nil).data()["waiting"].(map[string]any)
		if waiting["code"] != reason || waiting["title"] == "" || waiting["detail"] == "" {
			t.Errorf("a recording that cannot be archived waits because of %v, want %s", waiting, reason)
		}
	}
	h.must(h.store.RecordingArchived(h.Context(), ended, 1, ""))
	if got := h.call("GET", "/room_recordings/"+ended, nil).data(); got["waiting"] != nil || got["status"] != "completed" {
		t.Errorf("archived at last, it is %v", got)
	}
	h.call("DELETE", "/room_recordings/"+going, nil).wantFaults(http.StatusUnprocessableEntity, "10036")
	h.call("DELETE", "/rooms/"+room, nil).want(http.StatusNoContent)
	h.call("DELETE", "/room_recordings/"+strings.ToUpper(id), nil).want(http.StatusNoContent)
	for _, method := range []string{"GET", "DELETE"} {
		h.call(method, "/room_recordings/"+id, nil).wantFaults(http.StatusNotFound, "10005")
		h.call(method, "/room_recordings/"+failed, nil, "Authorization", "Bearer "+foreignKey).wantFaults(http.StatusNotFound, "10005")
	}
}

func TestListRecordings(t *testing.T) {
	h := newHouse(t)
	roomA, roomB := h.room(nil), h.room(nil)
	h.at("2021-04-20T12:00:00Z")
	sessionA, sessionB := h.openSession(roomA), h.openSession(roomB)
	someone := h.join(sessionA, "")
	by := func(r *video.Recording) { r.ParticipantID = video.ParticipantID(someone) }
	first := h.record(sessionA, func(r *video.Recording) { by(r); r.Type = video.Audio })
	h.at("2021-04-21T12:00:00Z")
	second := h.record(sessionA, by)
	h.at("2021-04-22T12:00:00Z")
	third := h.record(sessionB, underway)
	all := []string{third, second, first}
	for _, test := range []struct {
		query []string
		want  []string
	}{
		{nil, all},
		{[]string{"filter[room_id]", roomA}, all[1:]},
		{[]string{"filter[session_id]", sessionB}, all[:1]},
		{[]string{"filter[participant_id]", strings.ToUpper(someone)}, all[1:]},
		{[]string{"filter[status]", "processing"}, all[:1]},
		{[]string{"filter[status]", "failed"}, nil},
		{[]string{"filter[type]", "audio"}, all[2:]},
		{[]string{"filter[duration_secs]", "0"}, all},
		{[]string{"filter[duration_secs]", "60"}, all[1:]},
		{[]string{"filter[duration_secs]", "61"}, nil},
		{[]string{"filter[date_started_at][eq]", "2021-04-21"}, all[1:2]},
		{[]string{"filter[date_started_at][gte]", "2021-04-21"}, all[:2]},
		{[]string{"filter[date_started_at][lte]", "2021-04-21"}, all[1:]},
		{[]string{"filter[date_ended_at][eq]", "2021-04-21T12:01:00Z"}, all[1:2]},
		{[]string{"filter[date_ended_at][gte]", "2021-04-21"}, all[1:2]},
		{[]string{"filter[date_ended_at][lte]", "2021-04-20"}, all[2:]},
		{[]string{"filter[type]", "video", "filter[room_id]", roomA}, all[1:2]},
		{[]string{"page[size]", "1", "page[number]", "2"}, all[1:2]},
	} {
		if got := h.call("GET", "/room_recordings"+parameters(test.query...), nil).want(http.StatusOK).ids(); !slices.Equal(got, test.want) {
			t.Errorf("%q: got %v, want %v of %v", test.query, got, test.want, all)
		}
	}
	h.call("GET", "/room_recordings"+parameters("filter[status]", "done", "filter[type]", "text"), nil).
		wantFaults(http.StatusUnprocessableEntity, "10032 filter[status]", "10032 filter[type]")
	h.call("GET", "/room_recordings"+parameters("filter[status]", "done", "filter[room_id]", "x", "page[size]", "0", "filter[all]", "true"), nil).
		wantFaults(http.StatusBadRequest, "10031 filter[room_id]", "10032 filter[status]", "10015 page[size]", "10031 filter[all]")
}

func TestDeleteRecordings(t *testing.T) {
	h := newHouse(t)
	session, other := h.openSession(h.room(nil)), h.openSession(h.room(nil))
	for range 3 {
		h.record(session, nil)
	}
	kept := h.record(other, nil)
	going := h.record(session, underway)
	remove := func(query ...string) reply {
		t.Helper()
		return h.call("DELETE", "/room_recordings"+parameters(query...), nil)
	}
	for _, query := range [][]string{
		nil, {"filter[all]", "false"}, {"page[size]", "1"}, {"room_id", absentID},
	} {
		remove(query...).wantFaults(http.StatusUnprocessableEntity, "10004 filter[all]")
	}
	remove("filter[all]", "yes").wantFaults(http.StatusBadRequest, "10031 filter[all]")
	remove("filter[room_id]", "x", "filter[status]", "x", "page[size]", "0", "filter[kind]", "audio").
		wantFaults(http.StatusBadRequest, "10031 filter[room_id]", "10032 filter[status]", "10015 page[size]", "10031 filter[kind]")
	count := func(r reply, want float64) {
		t.Helper()
		if got := r.want(http.StatusCreated).data()["room_recordings"]; got != want {
			t.Errorf("deleted %v, want %v", got, want)
		}
	}
	count(remove("filter[session_id]", absentID), 0)
	count(remove("filter[session_id]", session, "filter[all]", "true", "page[size]", "1"), 3)
	if got := h.call("GET", "/room_recordings", nil).ids(); len(got) != 2 || !slices.Contains(got, kept) || !slices.Contains(got, going) {
		t.Errorf("left %v", got)
	}
	count(h.call("DELETE", "/room_recordings?filter[all]=true", nil, "Authorization", "Bearer "+foreignKey), 0)
	count(remove("filter[all]", "true"), 1)
	count(remove("filter[status]", "processing"), 0)
}
