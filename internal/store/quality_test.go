package store

import (
	"bytes"
	"reflect"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// minutesOf reads all minutes of a participant.
func (f *fixture) minutesOf(account video.AccountID, id video.ParticipantID, at video.Span) []video.QualityMinute {
	f.t.Helper()
	minutes, err := f.QualityMinutes(f.t.Context(), video.QualityMinutesQuery{AccountID: account, ParticipantID: id, At: at, Limit: 1000})
	must(f.t, err)
	return minutes
}

func wantMinutes(t *testing.T, what string, got []video.QualityMinute, want ...video.QualityMinute) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

func testQuality(t *testing.T, f *fixture) {
	session := f.session(f.room("room").ID)
	alice, bob := f.join(session.ID, "alice"), f.join(session.ID, "bob")
	began := start.Truncate(time.Minute)
	minute := func(p video.Participant, after time.Duration, data string) video.QualityMinute {
		return video.QualityMinute{
			AccountID: f.account, SessionID: session.ID, ParticipantID: p.ID, At: began.Add(after), Data: []byte(data),
		}
	}
	first, second, third := minute(alice, 0, "1\x00"), minute(alice, time.Minute, "2"), minute(alice, 2*time.Minute, "3")
	of := minute(bob, 0, "b")
	must(t, f.WriteQuality(t.Context(), []video.QualityMinute{second, third, of}))
	again := first
	first.Data = []byte("before")
	must(t, f.WriteQuality(t.Context(), []video.QualityMinute{first}))
	must(t, f.WriteQuality(t.Context(), []video.QualityMinute{again}))

	wantMinutes(t, "all", f.minutesOf(f.account, alice.ID, video.Span{}), again, second, third)
	wantMinutes(t, "some", f.minutesOf(f.account, alice.ID, video.Span{From: second.At, Until: third.At}), second)
	wantEqual(t, "of another account", len(f.minutesOf(f.foreign(), alice.ID, video.Span{})), 0)

	n, err := f.PruneQuality(t.Context(), second.At)
	must(t, err)
	wantEqual(t, "pruned", n, 2)
	wantMinutes(t, "kept", f.minutesOf(f.account, alice.ID, video.Span{}), second, third)

	f.leave(alice, video.LeftByChoice)
	f.flush()
	_, err = f.Erase(t.Context(), Person{AccountID: f.account, ParticipantID: alice.ID})
	must(t, err)
	wantEqual(t, "after erasure", len(f.minutesOf(f.account, alice.ID, video.Span{})), 0)
}

// More rows than one statement or transaction takes.
func testQualityOfMany(t *testing.T, f *fixture) {
	began := start.Truncate(time.Minute)
	minutes := make([]video.QualityMinute, 2*pruneChunk+1)
	for i := range minutes {
		minutes[i] = video.QualityMinute{
			AccountID: f.account, ParticipantID: "p", SessionID: "s", At: began.Add(time.Duration(i) * time.Minute),
			Data: bytes.Repeat([]byte{byte(i)}, 600),
		}
	}
	minutes[0].Data = make([]byte, 2*maxBytes)
	must(t, f.WriteQuality(t.Context(), minutes))
	wantEqual(t, "minutes", len(f.minutesOf(f.account, "p", video.Span{})), 1000)
	n, err := f.PruneQuality(t.Context(), start.AddDate(1, 0, 0))
	must(t, err)
	wantEqual(t, "pruned", n, len(minutes))
}
