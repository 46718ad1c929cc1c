package store

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// recorded adds a recording that is completed, or as status says.
func (f *fixture) recorded(session video.SessionID, kind video.Kind, status video.RecordingStatus) string {
	f.t.Helper()
	id := video.NewUUID()
	must(f.t, f.AddRecording(f.t.Context(), video.Recording{
		ID: id, AccountID: f.account, SessionID: session, ParticipantID: video.ParticipantID(video.NewUUID()),
		Type: kind, Status: status, StartedAt: f.clock.now(),
	}))
	return id
}

func everything(f *fixture, session video.SessionID) video.Composition {
	return video.Composition{
		AccountID: f.account, SessionID: session, Format: video.FormatMP4, Width: 640, Height: 360, AudioSources: []string{video.AllSources},
		Layout:   map[string]video.Region{"main": {VideoSources: []string{video.AllSources}}},
		Settings: video.CompositionSettings{Grid: video.GridFixed, Fit: video.FitCrop, Labels: true},
	}
}

func (f *fixture) compose(c video.Composition) video.Composition {
	f.t.Helper()
	made, err := f.CreateComposition(f.t.Context(), c)
	must(f.t, err)
	return made
}

func (f *fixture) begin() *video.CompositionJob {
	f.t.Helper()
	job, err := f.ClaimComposition(f.t.Context())
	must(f.t, err)
	return job
}

func (f *fixture) statusOf(id string) video.CompositionStatus {
	f.t.Helper()
	c, err := f.Composition(f.t.Context(), f.account, id)
	must(f.t, err)
	return c.Status
}

func idsOf(recordings []video.Recording) (ids []string) {
	for _, r := range recordings {
		ids = append(ids, r.ID)
	}
	return ids
}

// endRecording is what a recorder does in the end.
func (f *fixture) endRecording(id string, status video.RecordingStatus) {
	f.t.Helper()
	_, err := f.writes.NewUpdate().Model((*recordingRow)(nil)).Set("status = ?", status).Where("id = ?", id).Exec(f.t.Context())
	must(f.t, err)
}

// A composition of a session that goes on waits for the recordings there are, and for no later one.
func testComposing(t *testing.T, f *fixture) {
	ctx := t.Context()
	room := f.room("")
	session := f.session(room.ID)
	someone := f.join(session.ID, "Ada")
	sound, picture := f.recorded(session.ID, video.Audio, video.RecordingProcessing), f.recorded(session.ID, video.Video, video.RecordingCompleted)
	made := f.compose(everything(f, session.ID))
	select {
	case <-f.CompositionsCommitted():
	default:
		t.Error("nobody was told")
	}
	later := f.recorded(session.ID, video.Audio, video.RecordingProcessing)
	silent := everything(f, session.ID)
	silent.AudioSources = nil
	quiet := f.compose(silent)
	if job := f.begin(); job == nil || job.ID != quiet.ID || !slices.Equal(idsOf(job.Recordings), []string{picture}) {
		t.Fatalf("claimed %+v", job)
	}
	if job := f.begin(); job != nil {
		t.Fatalf("claimed %+v while a recording is being made", job)
	}
	wantEqual(t, "status", f.statusOf(made.ID), video.CompositionEnqueued)
	f.endRecording(sound, video.RecordingFailed)
	job := f.begin()
	if job == nil || job.ID != made.ID || !slices.Equal(idsOf(job.Recordings), []string{sound, picture}) {
		t.Fatalf("claimed %+v", job)
	}
	if job.Status != video.CompositionProcessing || job.StartedAt == nil || job.Attempts != 1 || job.Contexts[someone.ID] != "Ada" || job.AccountID != f.account ||
		job.Settings != made.Settings || len(job.Missing) != 0 {
		t.Errorf("the job is %+v", job)
	}
	must(t, f.ProgressComposition(ctx, made.ID, 42, video.Failure{}))
	if c, _ := f.Composition(ctx, f.account, made.ID); c.Progress != 42 {
		t.Errorf("progress is %d", c.Progress)
	}
	done := job.Composition
	done.SizeBytes, done.Duration, done.Speed, done.Offset, done.Warnings = 1_500_000, 90*time.Second, 3.5, 7*time.Millisecond, []string{"x"}
	must(t, f.CompleteComposition(ctx, done))
	must(t, f.CompleteComposition(ctx, done)) // a commit whose answer was lost
	c, err := f.Composition(ctx, f.account, made.ID)
	must(t, err)
	if c.Status != video.CompositionCompleted || c.Progress != 100 || c.SizeBytes != done.SizeBytes || c.Duration != done.Duration || c.Speed != 3.5 ||
		c.Offset != done.Offset || !slices.Equal(c.Warnings, done.Warnings) || c.CompletedAt == nil || c.EndedAt == nil {
		t.Errorf("completed as %+v", c)
	}
	wantCode(t, f.FailComposition(ctx, made.ID, video.Failure{Detail: "late"}, nil), video.CodeState)
	f.endRecording(later, video.RecordingCompleted)

	third := f.compose(everything(f, session.ID))
	must(t, f.DeleteRecording(ctx, f.account, picture))
	if job := f.begin(); job == nil || job.ID != third.ID || !slices.Equal(idsOf(job.Recordings), []string{sound, later}) || !slices.Equal(job.Missing, []string{picture}) {
		t.Errorf("claimed %+v", job)
	}
}

func testComposingEvents(t *testing.T, f *fixture) {
	ctx := t.Context()
	room, err := f.CreateRoom(ctx, video.Room{AccountID: f.account, MaxParticipants: 10, WebhookEventURL: "https://room.example"})
	must(t, err)
	session := f.session(room.ID)
	f.recorded(session.ID, video.Video, video.RecordingCompleted)
	told := func(kind video.EventType) []video.Delivery {
		list, err := f.Deliveries(ctx, video.DeliveryQuery{AccountID: f.account, Types: []video.EventType{kind}, Page: video.Page{Number: 1, Size: 20}})
		must(t, err)
		return list.Items
	}
	own := everything(f, session.ID)
	secs := 7
	own.WebhookEventURL, own.WebhookEventFailoverURL, own.WebhookTimeoutSecs = "https://own.example", "https://spare.example", &secs
	for _, c := range []video.Composition{own, everything(f, session.ID)} {
		id := f.compose(c).ID
		job := f.begin()
		job.Duration, job.SizeBytes = 2500*time.Millisecond, 1_500_000
		must(t, f.CompleteComposition(ctx, job.Composition))
		must(t, f.CompleteComposition(ctx, job.Composition))
		delivery := told(video.EventCompositionCompleted)[0]
		var payload map[string]any
		must(t, json.Unmarshal(delivery.Payload, &payload))
		want := map[string]any{
			"composition_id": id, "room_id": string(room.ID), "session_id": string(session.ID), "download_url": "", "duration_secs": 2.0,
			"format": "mp4", "resolution": "640x360", "size_mb": 1.5,
		}
		if fmt.Sprint(payload) != fmt.Sprint(want) {
			t.Errorf("payload is %v, want %v", payload, want)
		}
		url := "https://room.example"
		if c.WebhookEventURL != "" {
			url = c.WebhookEventURL
		}
		if delivery.URL != url || delivery.FailoverURL != c.WebhookEventFailoverURL || delivery.Status != video.DeliveryPending {
			t.Errorf("delivery is %+v", delivery)
		}
	}
	wantEqual(t, "completed events", len(told(video.EventCompositionCompleted)), 2)

	for i, wanted := range []bool{false, true} {
		if wanted {
			_, err := f.ChangeWebhookSettings(ctx, f.account, func(s *video.WebhookSettings) error {
				s.ExtraEventTypes = []video.EventType{video.EventCompositionFailed}
				return nil
			})
			must(t, err)
		}
		id := f.compose(own).ID
		must(t, f.FailComposition(ctx, f.begin().ID, video.CompositionFailure(video.CompositionFailedDeadline, "no\x00 \xff"), nil))
		events := told(video.EventCompositionFailed)
		wantEqual(t, "failed events", len(events), i)
		if wanted {
			want := `"error":{"code":"deadline_exceeded","title":"It took too long","detail":"no` + "\uFFFD \uFFFD" + `"}`
			if !strings.Contains(string(events[0].Payload), want) {
				t.Errorf("payload is %s, want %s", events[0].Payload, want)
			}
		}
		c, err := f.Composition(ctx, f.account, id)
		must(t, err)
		if c.Status != video.CompositionFailed || c.FailedReason != "no\uFFFD \uFFFD" || c.EndedAt == nil || c.CompletedAt != nil {
			t.Errorf("failed as %+v", c)
		}
	}
}

// Attempts are counted, but not those that a stop of the server cut; a composition that kills its server fails.
func testComposingAgain(t *testing.T, f *fixture) {
	ctx := t.Context()
	session := f.session(f.room("").ID)
	f.recorded(session.ID, video.Video, video.RecordingCompleted)
	id := f.compose(everything(f, session.ID)).ID
	again := f.clock.now().Add(time.Minute)
	must(t, f.FailComposition(ctx, f.begin().ID, video.CompositionFailure(video.CompositionFailedDiskFull, "passing"), &again))
	f.wantWaiting(id, "disk_full: passing")
	if job := f.begin(); job != nil {
		t.Fatalf("claimed before it is due: %+v", job)
	}
	f.clock.advance(time.Hour)
	job := f.begin()
	wantEqual(t, "attempts", job.Attempts, 2)
	must(t, f.ReturnComposition(ctx, id, video.Failure{}, f.clock.now()))
	job = f.begin()
	wantEqual(t, "attempts after a stop", job.Attempts, 2)
	must(t, f.ReleaseCompositions(ctx)) // the server died
	f.wantWaiting(id, "server_stopped: the server stopped while it was being made")
	job = f.begin()
	wantEqual(t, "attempts after a death", job.Attempts, 3)
	must(t, f.ReleaseCompositions(ctx))
	wantEqual(t, "status", f.statusOf(id), video.CompositionFailed)
	if job := f.begin(); job != nil {
		t.Fatalf("claimed one that failed: %+v", job)
	}
}

// Those that nobody makes say so, until somebody does.
func testComposingHeld(t *testing.T, f *fixture) {
	ctx := t.Context()
	session := f.session(f.room("").ID)
	f.recorded(session.ID, video.Video, video.RecordingCompleted)
	begun := f.compose(everything(f, session.ID)).ID
	f.begin()
	id := f.compose(everything(f, session.ID)).ID
	why := video.CompositionFailure(video.CompositionWaitsElsewhere, "nobody")
	for range 2 {
		must(t, f.HoldCompositions(ctx, why))
		f.wantWaiting(id, "not_made_here: nobody")
	}
	wantEqual(t, "status", f.statusOf(begun), video.CompositionProcessing)
	must(t, f.ReleaseCompositions(ctx))
	f.wantWaiting(id, "")
	f.wantWaiting(begun, "server_stopped: the server stopped while it was being made")
}

// Compositions may wait for a recording that is completed, or fails.
func testComposingWakes(t *testing.T, f *fixture) {
	p := f.join(f.session(f.room("").ID).ID, "")
	news := func() (told bool) {
		select {
		case <-f.CompositionsCommitted():
			return true
		default:
			return false
		}
	}
	good, bad := f.starts(p, video.Audio), f.starts(p, video.Video)
	f.ends(good, time.Second)
	f.flush()
	wantEqual(t, "told while recordings are made", news(), false)
	must(t, f.RecordingArchived(t.Context(), good.ID, 1, "abc"))
	wantEqual(t, "told of a completed one", news(), true)
	read, err := f.Recording(t.Context(), f.account, good.ID)
	must(t, err)
	wantEqual(t, "checksum", read.SHA256, "abc")
	f.RecordingFailed(bad.ID, video.FailedDisk)
	f.flush()
	wantEqual(t, "told of a failed one", news(), true)
}

func (f *fixture) wantWaiting(id, want string) {
	f.t.Helper()
	c, err := f.Composition(f.t.Context(), f.account, id)
	must(f.t, err)
	got := ""
	if c.Waiting != nil {
		got = c.Waiting.Code + ": " + c.Waiting.Detail
	}
	wantEqual(f.t, "why it waits", got, want)
	wantEqual(f.t, "status", c.Status, video.CompositionEnqueued)
}

// A composition that is deleted is gone for whoever makes it, and the file that may still come of it is deleted later.
func testComposingDeleted(t *testing.T, f *fixture) {
	ctx := t.Context()
	session := f.session(f.room("").ID)
	f.recorded(session.ID, video.Video, video.RecordingCompleted)
	id := f.compose(everything(f, session.ID)).ID
	job := f.begin()
	must(t, f.DeleteComposition(ctx, f.account, id))
	wantCode(t, f.ProgressComposition(ctx, id, 1, video.Failure{}), video.CodeNotFound)
	wantCode(t, f.CompleteComposition(ctx, job.Composition), video.CodeNotFound)
	wantCode(t, f.FailComposition(ctx, id, video.Failure{}, nil), video.CodeNotFound)
	due, next, err := f.MediaDeletions(ctx, f.clock.now(), 10)
	must(t, err)
	if len(due) != 0 || next.Before(f.clock.now().Add(compositionTail-time.Minute)) {
		t.Errorf("to delete %+v, then at %v", due, next)
	}
	if due, _, err = f.MediaDeletions(ctx, next, 10); err != nil || len(due) != 1 || due[0].ID != id || due[0].Key != job.FileKey() {
		t.Errorf("to delete %+v (%v)", due, err)
	}
}
