package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// starts notes that a recording of a participant begins now.
func (f *fixture) starts(p video.Participant, kind video.Kind) video.Recording {
	f.t.Helper()
	r := video.Recording{
		ID: video.NewUUID(), AccountID: f.account, SessionID: p.SessionID, ParticipantID: p.ID,
		StreamID: "the stream", StreamKey: "camera", Type: kind, StartedAt: f.clock.now(),
	}
	r.UpdatedAt = r.StartedAt
	f.RecordingStarted(r)
	return r
}

// ends notes that a recording ends after that time, and returns when that is.
func (f *fixture) ends(r video.Recording, after time.Duration) time.Time {
	f.clock.advance(after)
	now := f.clock.now()
	r.EndedAt, r.Duration, r.SizeBytes, r.Codec = &now, after, 1_500_000, "vp8"
	f.RecordingEnded(r)
	return now
}

// lines are the happenings of recordings in a session: type, participant, stream, key and kind.
func (f *fixture) recordingLines(session video.SessionID) (lines []string) {
	f.t.Helper()
	all, err := f.Happenings(f.t.Context(), video.HappeningQuery{AccountID: f.account, SessionID: session, Limit: 1000})
	must(f.t, err)
	for _, h := range all {
		if strings.HasPrefix(string(h.Type), "recording_") {
			lines = append(lines, fmt.Sprint(h.Type, " ", h.ParticipantID, " ", h.StreamID, " ", h.Key, " ", h.Kind))
		}
	}
	return lines
}

// recordingEvents are the events about recordings, with ids replaced.
func (f *fixture) recordingEvents(names ...string) (events []string) {
	f.t.Helper()
	for _, d := range f.outbox() {
		if strings.HasPrefix(string(d.Type), "video.room.recording.") {
			events = append(events, told(d, append(names, "video.room.recording.", "")...))
		}
	}
	return events
}

func wantLines(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	wantEqual(t, what, strings.Join(got, "\n"), strings.Join(want, "\n"))
}

func (f *fixture) wantNews(some bool) {
	f.t.Helper()
	select {
	case <-f.RecordingsEnded():
		wantEqual(f.t, "news for the archive", true, some)
	default:
		wantEqual(f.t, "news for the archive", false, some)
	}
}

func testMakingRecordings(t *testing.T, f *fixture) {
	ctx := t.Context()
	room := f.hooked("https://a.example", "")
	session := f.session(room.ID)
	p := f.join(session.ID, "")
	r := f.starts(p, video.Video)
	f.RecordingStarted(r) // twice changes nothing
	f.flush()
	f.wantNews(false)
	read, err := f.Recording(ctx, f.account, r.ID)
	must(t, err)
	want := r
	want.RoomID, want.Status, want.CreatedAt, want.UpdatedAt = room.ID, video.RecordingProcessing, r.StartedAt, r.StartedAt
	wantEqual(t, "started", fmt.Sprintf("%+v", read), fmt.Sprintf("%+v", want))
	wantCode(t, f.DeleteRecording(ctx, f.account, r.ID), video.CodeState)
	wantCode(t, f.RecordingArchived(ctx, r.ID, 1, ""), video.CodeState) // it has not ended

	ended := f.ends(r, 90*time.Second+999*time.Millisecond)
	f.ends(r, time.Hour) // of several the first counts
	f.flush()
	f.wantNews(true)
	read, err = f.Recording(ctx, f.account, r.ID)
	must(t, err)
	if read.Status != video.RecordingProcessing || !read.EndedAt.Equal(ended) || read.Duration != 90*time.Second+999*time.Millisecond ||
		read.Codec != "vp8" || read.SizeBytes != 1_500_000 || read.CompletedAt != nil || !read.UpdatedAt.Equal(ended) {
		t.Fatalf("ended: %+v", read)
	}
	must(t, f.RecordingArchived(ctx, r.ID, 1_600_000, ""))
	completed := f.clock.now()
	f.clock.advance(time.Hour)
	must(t, f.RecordingArchived(ctx, r.ID, 7, "")) // as before
	f.RecordingFailed(r.ID, video.FailedDisk)      // too late
	f.ends(r, time.Second)
	f.flush()
	read, err = f.Recording(ctx, f.account, r.ID)
	must(t, err)
	if read.Status != video.RecordingCompleted || completed.Sub(*read.CompletedAt) > time.Second || read.SizeBytes != 1_600_000 || !read.EndedAt.Equal(ended) || read.FailedReason != "" {
		t.Fatalf("completed: %+v", read)
	}
	five := `{"session_id":"S","room_id":"R","participant_id":"P","recording_id":"V","type":"video"`
	wantLines(t, "events", f.recordingEvents(string(session.ID), "S", string(room.ID), "R", string(p.ID), "P", r.ID, "V"),
		"started "+five+"}",
		"completed "+five+`,"size_mb":1.6,"download_url":"","codec":"vp8","duration_secs":90}`)
	line := fmt.Sprint(" ", p.ID, " the stream camera video")
	wantLines(t, "history", f.recordingLines(session.ID), "recording_started"+line, "recording_stopped"+line)
	f.wantRecordings(video.RecordingFilter{Status: video.RecordingCompleted}, r.ID) // which the counter agrees with
	must(t, f.DeleteRecording(ctx, f.account, r.ID))
	wantCode(t, f.RecordingArchived(ctx, r.ID, 1, ""), video.CodeNotFound)

	// A session's end closes its history, but not what is told of its recordings.
	late := f.starts(p, video.Audio)
	f.end(session.ID, video.EndedEmpty)
	f.ends(late, time.Second)
	later := f.starts(p, video.Audio) // its first packet waited in a queue
	f.flush()
	must(t, f.RecordingArchived(ctx, late.ID, 1_000_000, ""))
	wantLines(t, "history", f.recordingLines(session.ID), "recording_started"+line, "recording_stopped"+line,
		strings.Replace("recording_started"+line, "video", "audio", 1))
	events := f.recordingEvents(late.ID, "late", later.ID, "later")
	wantEqual(t, "events", len(events), 5)
	if !strings.Contains(events[3], `"later"`) || !strings.Contains(events[4], `"size_mb":1.0`) {
		t.Fatalf("events %v", events)
	}
	f.RecordingStarted(video.Recording{ID: video.NewUUID(), SessionID: "none"}) // given up, and holds up nothing
	f.flush()
}

func testFailingRecordings(t *testing.T, f *fixture) {
	ctx := t.Context()
	room := f.hooked("https://a.example", "")
	session := f.session(room.ID)
	p := f.join(session.ID, "")
	unheard := f.starts(p, video.Audio)
	f.RecordingFailed(unheard.ID, video.FailedNoMedia)
	f.flush()
	_, err := f.ChangeWebhookSettings(ctx, f.account, func(s *video.WebhookSettings) error {
		s.ExtraEventTypes = []video.EventType{video.EventRecordingFailed}
		return nil
	})
	must(t, err)
	full, odd := f.starts(p, video.Video), f.starts(p, video.Video)
	f.clock.advance(time.Minute)
	f.RecordingFailed(full.ID, video.FailedDiskFull)
	f.RecordingFailed(full.ID, video.FailedDisk) // of several the first counts
	ended := f.ends(odd, time.Second)
	f.clock.advance(time.Minute)
	f.RecordingFailed(odd.ID, "the dog \x00 ate it")
	f.RecordingFailed("none", video.FailedDisk) // given up
	f.flush()
	read, err := f.Recording(ctx, f.account, full.ID)
	must(t, err)
	if read.Status != video.RecordingFailed || read.FailedReason != "disk_full" || read.EndedAt.Sub(full.StartedAt).Truncate(time.Second) != time.Minute || read.CompletedAt != nil {
		t.Fatalf("failed: %+v", read)
	}
	read, err = f.Recording(ctx, f.account, odd.ID)
	must(t, err)
	if read.Status != video.RecordingFailed || !read.EndedAt.Equal(ended) {
		t.Fatalf("failed after its end: %+v", read)
	}
	wantCode(t, f.RecordingArchived(ctx, odd.ID, 1, ""), video.CodeState)
	waiting, err := f.UnarchivedRecordings(ctx, 10)
	must(t, err)
	wantEqual(t, "waiting for the archive", len(waiting), 0)
	ids := `{"session_id":"S","room_id":"R","participant_id":"P",`
	wantLines(t, "events", f.recordingEvents(string(session.ID), "S", string(room.ID), "R", string(p.ID), "P", unheard.ID, "U", full.ID, "F", odd.ID, "O"),
		"started "+ids+`"recording_id":"U","type":"audio"}`, // of whose failure nobody wanted to hear
		"started "+ids+`"recording_id":"F","type":"video"}`,
		"started "+ids+`"recording_id":"O","type":"video"}`,
		"failed "+ids+`"recording_id":"F","type":"video","error":{"code":"disk_full","title":"The disk is full","detail":"The server's disk had no room for the recording."}}`,
		"failed "+ids+`"recording_id":"O","type":"video","error":{"code":"failed","title":"The recording failed","detail":"the dog `+"\uFFFD"+` ate it"}}`)
	wantEqual(t, "lines", len(f.recordingLines(session.ID)), 6)
	must(t, f.DeleteRecording(ctx, f.account, full.ID)) // what failed can be deleted
}

func testRecordingsLeftOver(t *testing.T, f *fixture) {
	ctx := t.Context()
	session := f.session(f.room("").ID)
	p := f.join(session.ID, "")
	first := f.starts(p, video.Audio)
	f.clock.advance(time.Second)
	second := f.starts(p, video.Video)
	f.flush()
	ids := func(all []video.Recording) (ids []string) {
		for _, r := range all {
			if r.AccountID != f.account || r.SessionID != session.ID || r.StartedAt.IsZero() {
				t.Fatalf("unfinished: %+v", r)
			}
			ids = append(ids, r.ID)
		}
		return ids
	}
	unfinished, err := f.UnfinishedRecordings(ctx)
	must(t, err)
	wantLines(t, "unfinished", ids(unfinished), first.ID, second.ID)
	f.ends(first, time.Minute)
	f.ends(second, time.Minute)
	f.recording(session.ID, nil) // completed long ago
	f.flush()
	unfinished, err = f.UnfinishedRecordings(ctx)
	must(t, err)
	wantEqual(t, "unfinished", len(unfinished), 0)

	waiting := func() (lines []string) {
		all, err := f.UnarchivedRecordings(ctx, 10)
		must(t, err)
		for _, r := range all {
			if r.AccountID != f.account || r.EndedAt == nil || r.Codec != "vp8" {
				t.Fatalf("unarchived: %+v", r)
			}
			lines = append(lines, fmt.Sprint(r.ID, r.Attempts, r.LastFailure, r.NextAt.Sub(start).Truncate(time.Second)))
		}
		return lines
	}
	line := func(r video.Recording, attempts int, failure string, next time.Duration) string {
		return fmt.Sprint(r.ID, attempts, failure, next)
	}
	wantLines(t, "unarchived", waiting(), line(first, 0, "", 61*time.Second), line(second, 0, "", 121*time.Second))
	must(t, f.RecordingArchiveFailed(ctx, first.ID, "no route", start.Add(time.Hour)))
	must(t, f.RecordingArchiveFailed(ctx, first.ID, "still none", start.Add(2*time.Hour)))
	wantLines(t, "unarchived", waiting(), line(second, 0, "", 121*time.Second), line(first, 2, "still none", 2*time.Hour))
	some, err := f.UnarchivedRecordings(ctx, 1)
	must(t, err)
	wantEqual(t, "limited", len(some), 1)
	must(t, f.RecordingArchived(ctx, first.ID, 1, ""))
	must(t, f.RecordingArchiveFailed(ctx, first.ID, "too late", start))
	wantLines(t, "unarchived", waiting(), line(second, 0, "", 121*time.Second))
	read, err := f.Recording(ctx, f.account, first.ID)
	must(t, err)
	wantEqual(t, "status", read.Status, video.RecordingCompleted)

	// However many recordings there are, those few are found without looking at the others.
	heard := &listener{}
	f.reads = f.reads.WithQueryHook(heard)
	_, err = f.UnfinishedRecordings(ctx)
	must(t, err)
	_, err = f.UnarchivedRecordings(ctx, 1)
	must(t, err)
	for i, index := range []string{"recordings_unfinished", "recordings_unarchived"} {
		plan := explainQuery(t, f.Store, heard.queries[i])
		wantEqual(t, "indexes in "+plan, strings.Join(indexesUsed(plan), " "), index)
	}
}
