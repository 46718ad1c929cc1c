package store

import (
	"errors"
	"testing"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// A room that is encrypted from end to end is never recorded, stays so during a session, and nothing is composed of its sessions.
func testEncryption(t *testing.T, f *fixture) {
	ctx, yes, no := t.Context(), true, false
	wantField := func(err error, code video.Code, field string) {
		t.Helper()
		wantCode(t, err, code)
		if e, ok := errors.AsType[*video.Error](err); !ok || e.Field != field {
			t.Errorf("%v, want it at %s", err, field)
		}
	}
	_, err := f.CreateRoom(ctx, video.Room{AccountID: f.account, MaxParticipants: 2, EnableRecording: true, E2EE: true})
	wantField(err, video.CodeInvalid, "/enable_recording")
	room, err := f.CreateRoom(ctx, video.Room{AccountID: f.account, MaxParticipants: 2, E2EE: true})
	must(t, err)
	read, err := f.Room(ctx, f.account, room.ID, false)
	must(t, err)
	if !room.E2EE || !read.E2EE {
		t.Fatalf("made %+v, read %+v", room, read)
	}
	_, err = f.UpdateRoom(ctx, f.account, room.ID, video.RoomChange{EnableRecording: &yes})
	wantField(err, video.CodeInvalid, "/enable_recording")

	session := video.Session{ID: video.SessionID(video.NewUUID()), AccountID: f.account, RoomID: room.ID, E2EE: true}
	must(t, f.OpenSession(ctx, session))
	_, err = f.UpdateRoom(ctx, f.account, room.ID, video.RoomChange{E2EE: &no})
	wantField(err, video.CodeState, "/e2ee")
	_, err = f.UpdateRoom(ctx, f.account, room.ID, video.RoomChange{E2EE: &yes})
	must(t, err)
	kept, err := f.Session(ctx, f.account, session.ID, false)
	must(t, err)
	if !kept.E2EE {
		t.Error("the session does not say that it is encrypted")
	}
	_, err = f.CreateComposition(ctx, video.Composition{AccountID: f.account, SessionID: session.ID, Format: "mp4", Width: 640, Height: 480})
	wantField(err, video.CodeState, "/session_id")
}
