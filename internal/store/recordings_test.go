package store

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// recording is a completed one of a minute, unless changed.
func (f *fixture) recording(session video.SessionID, change func(*video.Recording)) video.Recording {
	f.t.Helper()
	started := f.clock.now()
	ended := started.Add(time.Minute)
	r := video.Recording{
		ID: video.NewUUID(), AccountID: f.account, SessionID: session, ParticipantID: video.ParticipantID(video.NewUUID()),
		StreamKey: "camera", Status: video.RecordingCompleted, Type: video.Video, Codec: "vp8", SizeBytes: 1_500_000,
		Duration: time.Minute, StartedAt: started, EndedAt: &ended, CompletedAt: &ended, CreatedAt: started, UpdatedAt: ended,
	}
	if change != nil {
		change(&r)
	}
	must(f.t, f.AddRecording(f.t.Context(), r))
	return r
}

func running(r *video.Recording) {
	r.Status, r.EndedAt, r.CompletedAt, r.Duration, r.SizeBytes = video.RecordingProcessing, nil, nil, 0, 0
}

func testRecordings(t *testing.T, f *fixture) {
	ctx := t.Context()
	room := f.room("")
	session := f.session(room.ID)
	made := f.recording(session.ID, nil)
	read, err := f.Recording(ctx, f.account, made.ID)
	must(t, err)
	wantEqual(t, "ended", *read.EndedAt, *made.EndedAt)
	wantEqual(t, "completed", *read.CompletedAt, *made.CompletedAt)
	made.RoomID, made.EndedAt, made.CompletedAt, read.EndedAt, read.CompletedAt = room.ID, nil, nil, nil, nil
	wantEqual(t, "recording", fmt.Sprintf("%+v", read), fmt.Sprintf("%+v", made))

	wantCode(t, f.AddRecording(ctx, made), video.CodeDuplicate)
	wantCode(t, f.AddRecording(ctx, video.Recording{ID: video.NewUUID(), AccountID: f.account, SessionID: "none"}), video.CodeNotFound)
	other := f.foreign()
	_, err = f.Recording(ctx, other, made.ID)
	wantCode(t, err, video.CodeNotFound)
	wantCode(t, f.DeleteRecording(ctx, other, made.ID), video.CodeNotFound)
	wantCode(t, f.AddRecording(ctx, video.Recording{ID: video.NewUUID(), AccountID: other, SessionID: session.ID}), video.CodeNotFound)

	bare := video.Recording{ID: video.NewUUID(), AccountID: f.account, SessionID: session.ID, CreatedAt: f.clock.now().Add(time.Hour)}
	must(t, f.AddRecording(ctx, bare))
	read, err = f.Recording(ctx, f.account, bare.ID)
	must(t, err)
	if read.StartedAt.IsZero() || !read.CreatedAt.Equal(read.StartedAt) || read.UpdatedAt.IsZero() {
		t.Fatalf("a bare recording has times %v, %v, %v", read.CreatedAt, read.StartedAt, read.UpdatedAt)
	}

	going := f.recording(session.ID, running)
	wantCode(t, f.DeleteRecording(ctx, f.account, going.ID), video.CodeState)
	must(t, f.DeleteRecording(ctx, f.account, made.ID))
	wantCode(t, f.DeleteRecording(ctx, f.account, made.ID), video.CodeNotFound)
	f.wantRecordings(video.RecordingFilter{}, going.ID, bare.ID)

	must(t, f.DeleteRoom(ctx, f.account, room.ID))
	f.wantRecordings(video.RecordingFilter{RoomID: room.ID}, going.ID, bare.ID)
}

// wantRecordings walks the list in pages of two.
func (f *fixture) wantRecordings(filter video.RecordingFilter, want ...string) {
	f.t.Helper()
	filter.AccountID = f.account
	var got []string
	for number := 1; ; number++ {
		list, err := f.Recordings(f.t.Context(), video.RecordingQuery{RecordingFilter: filter, Page: video.Page{Number: number, Size: 2}})
		must(f.t, err)
		wantEqual(f.t, "total", list.Total, len(want))
		if len(list.Items) == 0 {
			break
		}
		for _, r := range list.Items {
			got = append(got, r.ID)
		}
	}
	if !slices.Equal(got, want) {
		f.t.Fatalf("recordings %v, want %v, by %+v", got, want, filter)
	}
}

// recordings makes four: of two rooms, one of them audio, one failed, one going on.
func (f *fixture) recordings() (all [4]video.Recording, late time.Time) {
	session, other := f.session(f.room("").ID), f.session(f.room("").ID)
	all[0] = f.recording(session.ID, nil)
	all[1] = f.recording(session.ID, func(r *video.Recording) { r.Type, r.ParticipantID = video.Audio, all[0].ParticipantID })
	f.clock.advance(time.Hour)
	late = f.clock.now()
	all[2] = f.recording(other.ID, func(r *video.Recording) {
		r.Status, r.FailedReason, r.Duration = video.RecordingFailed, "disk full", time.Second
	})
	all[3] = f.recording(other.ID, running)
	for i := range all {
		read, err := f.Recording(f.t.Context(), f.account, all[i].ID)
		must(f.t, err)
		all[i] = read
	}
	return all, late
}

func testRecordingList(t *testing.T, f *fixture) {
	all, late := f.recordings()
	wantEqual(t, "reason", all[2].FailedReason, "disk full")
	a, b, c, d := all[0].ID, all[1].ID, all[2].ID, all[3].ID
	for _, test := range []struct {
		filter video.RecordingFilter
		want   []string
	}{
		{video.RecordingFilter{}, []string{d, c, b, a}},
		{video.RecordingFilter{RoomID: all[0].RoomID}, []string{b, a}},
		{video.RecordingFilter{SessionID: all[2].SessionID}, []string{d, c}},
		{video.RecordingFilter{RoomID: all[0].RoomID, SessionID: all[2].SessionID}, nil},
		{video.RecordingFilter{ParticipantID: all[0].ParticipantID}, []string{b, a}},
		{video.RecordingFilter{Status: video.RecordingFailed}, []string{c}},
		{video.RecordingFilter{Type: video.Audio}, []string{b}},
		{video.RecordingFilter{Type: video.Audio, Status: video.RecordingFailed}, nil},
		{video.RecordingFilter{AtLeast: time.Second}, []string{c, b, a}},
		{video.RecordingFilter{AtLeast: time.Minute}, []string{b, a}},
		{video.RecordingFilter{AtLeast: time.Minute + time.Second}, nil},
		{video.RecordingFilter{AtLeast: time.Second, SessionID: all[2].SessionID}, []string{c}},
		{video.RecordingFilter{StartedAt: video.Span{From: late}}, []string{d, c}},
		{video.RecordingFilter{StartedAt: video.Span{Until: late}}, []string{b, a}},
		{video.RecordingFilter{EndedAt: video.Span{From: late}}, []string{c}},
		{video.RecordingFilter{EndedAt: video.Span{Until: late}, AtLeast: time.Minute}, []string{b, a}},
		{video.RecordingFilter{StartedAt: video.Span{From: late}, EndedAt: video.Span{From: late}}, []string{c}},
	} {
		f.wantRecordings(test.filter, test.want...)
	}
	kinds, err := f.RecordingKinds(t.Context(), f.account, all[0].SessionID, []string{a, b, c, "none"})
	must(t, err)
	if len(kinds) != 2 || kinds[a] != video.Video || kinds[b] != video.Audio {
		t.Fatalf("kinds %v", kinds)
	}
	kinds, err = f.RecordingKinds(t.Context(), f.foreign(), all[0].SessionID, []string{a, b})
	must(t, err)
	wantEqual(t, "kinds for another account", len(kinds), 0)
}

func testRecordingsDeletedTogether(t *testing.T, f *fixture) {
	ctx := t.Context()
	all, late := f.recordings()
	other := f.foreign()
	n, err := f.DeleteRecordings(ctx, video.RecordingFilter{AccountID: other, SessionID: all[0].SessionID}, "")
	must(t, err)
	wantEqual(t, "deleted by another account", n, 0)
	n, err = f.DeleteRecordings(ctx, video.RecordingFilter{AccountID: f.account, StartedAt: video.Span{From: late}}, "")
	must(t, err)
	wantEqual(t, "deleted by start", n, 1) // the other one is being made
	f.wantRecordings(video.RecordingFilter{}, all[3].ID, all[1].ID, all[0].ID)
	for range deletedAtOnce + 1 {
		f.recording(all[0].SessionID, nil)
	}
	n, err = f.DeleteRecordings(ctx, video.RecordingFilter{AccountID: f.account}, "")
	must(t, err)
	wantEqual(t, "deleted", n, deletedAtOnce+3)
	f.wantRecordings(video.RecordingFilter{}, all[3].ID)
}
