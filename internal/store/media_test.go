package store

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

func (f *fixture) composed(session video.SessionID) video.Composition {
	f.t.Helper()
	c, err := f.CreateComposition(f.t.Context(), video.Composition{AccountID: f.account, SessionID: session, Format: "mp4", Width: 1280, Height: 720})
	must(f.t, err)
	return c
}

// status sets the status of a composition, as whoever makes it does.
func (f *fixture) status(c video.Composition, status video.CompositionStatus, at time.Time) {
	f.t.Helper()
	_, err := f.writes.NewUpdate().Model((*compositionRow)(nil)).Set("status = ?", status).Set("completed_at = ?", at.UnixMicro()).
		Where("id = ?", c.ID).Exec(f.t.Context())
	must(f.t, err)
}

func taken(t *testing.T, news <-chan struct{}) bool {
	t.Helper()
	select {
	case <-news:
		return true
	default:
		return false
	}
}

// What is deleted leaves a note, in the same transaction, that goes when the media is gone.
func testMediaDeletions(t *testing.T, f *fixture) {
	ctx := t.Context()
	session := f.session(f.room("").ID)
	news := f.MediaDeletionsCommitted()
	one, two := f.recording(session.ID, nil), f.recording(session.ID, func(r *video.Recording) { r.Codec = "h264" })
	three := f.recording(session.ID, running)
	wantCode(t, f.DeleteRecording(ctx, f.account, three.ID), video.CodeState)
	wantCode(t, f.DeleteRecording(ctx, f.account, video.NewUUID()), video.CodeNotFound)
	if n, err := f.CountMediaDeletions(ctx); taken(t, news) || n != 0 || err != nil {
		t.Fatal("refused deletions delete media")
	}
	must(t, f.DeleteRecording(ctx, f.account, one.ID))
	if !taken(t, news) {
		t.Fatal("a deletion is no news")
	}
	due, next, err := f.MediaDeletions(ctx, f.clock.now(), 10)
	must(t, err)
	one.AccountID = f.account
	if len(due) != 1 || due[0].ID != one.ID || due[0].Kind != video.MediaRecording || due[0].Key != one.FileKey() || !next.IsZero() {
		t.Fatalf("to delete %+v, then at %v", due, next)
	}
	n, err := f.DeleteRecordings(ctx, video.RecordingFilter{AccountID: f.account}, "all")
	must(t, err)
	wantEqual(t, "deleted together", n, 1)
	composition := f.composed(session.ID)
	must(t, f.DeleteComposition(ctx, f.account, composition.ID))
	wantCode(t, f.DeleteComposition(ctx, f.account, composition.ID), video.CodeNotFound)
	due, _, err = f.MediaDeletions(ctx, f.clock.now(), 10)
	must(t, err)
	wantEqual(t, "waiting", len(due), 3)
	wantEqual(t, "key", due[1].Key, two.FileKey())
	wantEqual(t, "key", due[2].Key, composition.FileKey())

	later := f.clock.now().Add(time.Hour)
	must(t, f.MediaDeletionFailed(ctx, due[0].Seq, "storage_unavailable", later))
	must(t, f.MediaDeleted(ctx, due[1].Seq))
	must(t, f.MediaDeleted(ctx, due[1].Seq))
	must(t, f.MediaDeleted(ctx, due[2].Seq))
	waiting, next, err := f.MediaDeletions(ctx, f.clock.now(), 10)
	must(t, err)
	if len(waiting) != 0 || !next.Equal(later.Truncate(time.Microsecond)) {
		t.Fatalf("now %+v, then at %v", waiting, next)
	}
	total, err := f.CountMediaDeletions(ctx)
	must(t, err)
	wantEqual(t, "still to delete", total, 1)
	waiting, _, err = f.MediaDeletions(ctx, later, 10)
	must(t, err)
	if len(waiting) != 1 || waiting[0].Seq != due[0].Seq || waiting[0].Attempts != 1 {
		t.Fatalf("later %+v", waiting)
	}
}

func testRecordingStatuses(t *testing.T, f *fixture) {
	session := f.session(f.room("").ID)
	done := f.recorded(session.ID, video.Video, video.RecordingCompleted)
	under := f.recorded(session.ID, video.Audio, video.RecordingProcessing)
	got, err := f.RecordingStatuses(t.Context(), []string{done, under, video.NewUUID()})
	must(t, err)
	want := map[string]video.RecordingStatus{done: video.RecordingCompleted, under: video.RecordingProcessing}
	if !maps.Equal(got, want) {
		t.Errorf("statuses %v, want %v", got, want)
	}
}

func testMediaObjects(t *testing.T, f *fixture) {
	ctx := t.Context()
	session := f.session(f.room("").ID)
	film, sound := f.recording(session.ID, func(r *video.Recording) { r.Codec = "h264" }), f.recording(session.ID, func(r *video.Recording) {
		r.Type, r.Codec = video.Audio, "opus"
	})
	unfinished, other := f.recording(session.ID, running), f.foreign()
	composition := f.composed(session.ID)
	for _, c := range []struct {
		kind video.MediaKind
		id   string
		want string
	}{
		{video.MediaRecording, film.ID, fmt.Sprintf("recordings/%s/%s/%s.mkv video-%s.mkv video/matroska", f.account, session.ID, film.ID, film.ID)},
		{video.MediaRecordingIndex, film.ID, fmt.Sprintf("recordings/%s/%s/%s.index.jsonl video-%s.index.jsonl application/jsonl", f.account, session.ID, film.ID, film.ID)},
		{video.MediaRecording, sound.ID, fmt.Sprintf("recordings/%s/%s/%s.webm audio-%s.webm audio/webm", f.account, session.ID, sound.ID, sound.ID)},
	} {
		o, err := f.MediaObject(ctx, f.account, c.kind, c.id)
		must(t, err)
		wantEqual(t, "object", o.Key+" "+o.Name+" "+o.ContentType, c.want)
		if o.CompletedAt.IsZero() {
			t.Fatal("completed at no time")
		}
		_, err = f.MediaObject(ctx, other, c.kind, c.id)
		wantCode(t, err, video.CodeNotFound)
	}
	_, err := f.MediaObject(ctx, f.account, video.MediaRecording, unfinished.ID)
	wantCode(t, err, video.CodeState)
	_, err = f.MediaObject(ctx, f.account, video.MediaComposition, composition.ID)
	wantCode(t, err, video.CodeState)
	_, err = f.MediaObject(ctx, f.account, video.MediaComposition, film.ID)
	wantCode(t, err, video.CodeNotFound)
	f.status(composition, video.CompositionCompleted, start)
	o, err := f.MediaObject(ctx, f.account, video.MediaComposition, composition.ID)
	must(t, err)
	wantEqual(t, "object", o.Key+" "+o.ContentType, fmt.Sprintf("compositions/%s/%s/%s.mp4 video/mp4", f.account, session.ID, composition.ID))
	must(t, f.DeleteComposition(ctx, f.account, composition.ID))
	_, err = f.MediaObject(ctx, f.account, video.MediaComposition, composition.ID)
	wantCode(t, err, video.CodeNotFound)
}

// The room says how long, or else the account, or else the server; none has a say in what another account keeps.
func testRetention(t *testing.T, f *fixture) {
	ctx := t.Context()
	days := func(n int) *int { return &n }
	room := func(keep *int) video.SessionID {
		room, err := f.CreateRoom(ctx, video.Room{AccountID: f.account, MaxParticipants: 10, RecordingRetentionDays: keep})
		must(t, err)
		read, err := f.Room(ctx, f.account, room.ID, false)
		must(t, err)
		if (read.RecordingRetentionDays == nil) != (keep == nil) || keep != nil && *read.RecordingRetentionDays != *keep {
			t.Fatalf("kept %v days, want %v", read.RecordingRetentionDays, keep)
		}
		return f.session(room.ID).ID
	}
	usual, ever, short := room(nil), room(days(0)), room(days(3))
	names := map[string]string{}
	add := func(name string, session video.SessionID, change func(*video.Recording)) {
		names[f.recording(session, change).ID] = name
	}
	for _, session := range []struct {
		name string
		id   video.SessionID
	}{{"usual", usual}, {"ever", ever}, {"short", short}} {
		add(session.name, session.id, nil)
		add(session.name+" failed", session.id, func(r *video.Recording) { r.Status, r.CompletedAt = video.RecordingFailed, nil })
		add(session.name+" running", session.id, running)
		c := f.composed(session.id)
		f.status(c, video.CompositionCompleted, f.clock.now())
		names[c.ID] = session.name + " composed"
		names[f.composed(session.id).ID] = session.name + " enqueued"
	}
	pruned := func(after time.Duration, server time.Duration) (gone []string) {
		t.Helper()
		now := f.clock.now()
		n, err := f.PruneMedia(ctx, now.Add(after), server)
		must(t, err)
		due, _, err := f.MediaDeletions(ctx, now.Add(time.Hour), 100)
		must(t, err)
		wantEqual(t, "pruned", n, len(due))
		for _, d := range due {
			gone = append(gone, names[d.ID])
			must(t, f.MediaDeleted(ctx, d.Seq))
		}
		slices.Sort(gone)
		return gone
	}
	want := func(got []string, want ...string) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Fatalf("gone: %q, want %q", got, want)
		}
	}
	const day = 24 * time.Hour
	want(pruned(1000*day-time.Minute, 1001*day), "short", "short composed", "short failed")
	must(t, f.SetRecordingRetention(ctx, f.account, days(0)))
	want(pruned(1000*day, day))
	must(t, f.SetRecordingRetention(ctx, f.account, days(30)))
	want(pruned(30*day-2*time.Minute, day))
	want(pruned(31*day, 0), "usual", "usual composed", "usual failed")
	must(t, f.SetRecordingRetention(ctx, f.account, nil))
	account, err := f.Account(ctx, f.account)
	must(t, err)
	if account.RecordingRetentionDays != nil {
		t.Fatalf("the account keeps %d days", *account.RecordingRetentionDays)
	}
	want(pruned(10_000*day, 0))
	list, err := f.Recordings(ctx, video.RecordingQuery{RecordingFilter: video.RecordingFilter{AccountID: f.account}, Page: video.Page{Number: 1, Size: 20}})
	must(t, err)
	wantEqual(t, "recordings left, by the counter", list.Total, 5)
	wantCode(t, f.SetRecordingRetention(ctx, f.account, days(-1)), video.CodeInvalid)
	wantCode(t, f.SetRecordingRetention(ctx, f.account, days(video.MaxRetentionDays+1)), video.CodeInvalid)
	wantCode(t, f.SetRecordingRetention(ctx, "nobody", days(1)), video.CodeNotFound)
}

func testRetentionOfMany(t *testing.T, f *fixture) {
	session := f.session(f.room("").ID)
	for range deletedAtOnce + 2 {
		f.recording(session.ID, nil)
	}
	n, err := f.PruneMedia(t.Context(), f.clock.now().Add(48*time.Hour), 24*time.Hour)
	must(t, err)
	wantEqual(t, "pruned", n, deletedAtOnce+2)
	waiting, err := f.CountMediaDeletions(t.Context())
	must(t, err)
	wantEqual(t, "to delete", waiting, deletedAtOnce+2)
}
