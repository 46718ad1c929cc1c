package store

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

var firstPage = video.Page{Number: 1, Size: video.MaxPageSize}

// hooked makes a room that sends its events to a URL.
func (f *fixture) hooked(url, failover string) video.Room {
	f.t.Helper()
	secs := 5
	room, err := f.CreateRoom(f.t.Context(), video.Room{
		AccountID: f.account, MaxParticipants: 10, WebhookEventURL: url, WebhookEventFailoverURL: failover, WebhookTimeoutSecs: &secs,
	})
	must(f.t, err)
	return room
}

// settings gives the account URLs for rooms that have none.
func (f *fixture) settings(url, failover string) {
	f.t.Helper()
	number, err := f.number(f.t.Context(), f.account)
	must(f.t, err)
	_, err = f.writes.NewRaw("INSERT INTO webhook_settings (account, url, failover_url, timeout_secs, secret, old_secret, extra_event_types, updated_at)"+
		" VALUES (?, ?, ?, 9, ?, ?, '', 0)", number, url, failover, []byte{}, []byte{}).Exec(f.t.Context())
	must(f.t, err)
}

// outbox is all that was written, oldest first.
func (f *fixture) outbox() []video.Delivery {
	f.t.Helper()
	list, err := f.Deliveries(f.t.Context(), video.DeliveryQuery{AccountID: f.account, Page: firstPage})
	must(f.t, err)
	wantEqual(f.t, "deliveries counted", list.Total, len(list.Items))
	return sortedBySeq(list.Items)
}

func sortedBySeq(deliveries []video.Delivery) []video.Delivery {
	sorted := make([]video.Delivery, 0, len(deliveries))
	for _, d := range deliveries {
		at := 0
		for at < len(sorted) && sorted[at].Seq < d.Seq {
			at++
		}
		sorted = append(sorted[:at], append([]video.Delivery{d}, sorted[at:]...)...)
	}
	return sorted
}

// told is a delivery's type and payload, with ids replaced by names.
func told(d video.Delivery, names ...string) string {
	return strings.NewReplacer(names...).Replace(string(d.Type) + " " + string(d.Payload))
}

func testOutbox(t *testing.T, f *fixture) {
	room := f.hooked("https://a.example/?x=1", "https://b.example")
	session := f.session(room.ID)
	const said = `{"name":"<Ä & ü>\u2028"}` + "\x01"
	first, second := f.join(session.ID, said), f.join(session.ID, "")
	f.clock.advance(90 * time.Second)
	f.leave(first, video.LeftKicked)
	f.leave(first, video.LeftByChoice) // of several the first counts
	f.clock.advance(30 * time.Second)
	f.end(session.ID, video.EndedFromAPI)
	f.end(session.ID, video.EndedEmpty)
	f.flush()
	quoted, err := json.Marshal(said)
	must(t, err)
	names := []string{
		string(session.ID), "S", string(room.ID), "R", string(first.ID), "P", string(second.ID), "Q",
		strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string(quoted)), `"C"`,
	}
	events := f.outbox()
	for i, want := range []string{
		`video.room.session.started {"session_id":"S","room_id":"R"}`,
		`video.room.participant.joined {"session_id":"S","room_id":"R","participant_id":"P","context":"C"}`,
		`video.room.participant.joined {"session_id":"S","room_id":"R","participant_id":"Q","context":""}`,
		`video.room.participant.left {"session_id":"S","room_id":"R","participant_id":"P","context":"C","duration_secs":90,"left_reason":"kicked"}`,
		`video.room.participant.left {"session_id":"S","room_id":"R","participant_id":"Q","context":"","duration_secs":120,"left_reason":"session_ended"}`,
		`video.room.session.ended {"session_id":"S","room_id":"R","duration_secs":120,"ended_reason":"Ended from API"}`,
	} {
		if i >= len(events) {
			t.Fatalf("only %d events", len(events))
		}
		d := events[i]
		wantEqual(t, "event", told(d, names...), want)
		if d.URL != room.WebhookEventURL || d.FailoverURL != room.WebhookEventFailoverURL || *d.TimeoutSecs != 5 ||
			d.Status != video.DeliveryPending || !d.NextAt.Equal(d.OccurredAt) || !video.IsUUID(d.ID) || d.AccountID != f.account {
			t.Fatalf("delivery came out as %+v", d)
		}
	}
	wantEqual(t, "events", len(events), 6)
	joined, err := f.Participant(t.Context(), f.account, first.ID)
	must(t, err)
	wantEqual(t, "occurred_at", events[3].OccurredAt, *joined.LeftAt)
}

func testWhereEventsGo(t *testing.T, f *fixture) {
	nowhere := f.session(f.room("").ID)
	f.settings("https://account.example", "https://spare.example")
	byAccount := f.session(f.room("").ID)
	room := f.hooked("https://room.example", "")
	byRoom := f.session(room.ID)
	other := "https://later.example"
	_, err := f.UpdateRoom(t.Context(), f.account, room.ID, video.RoomChange{
		WebhookEventURL: video.Clearable[string]{Present: true, Value: &other},
	})
	must(t, err)
	must(t, f.DeleteRoom(t.Context(), f.account, room.ID)) // its session goes on until someone ends it
	f.end(byRoom.ID, video.EndedRoomDeleted)
	f.flush()
	got := ""
	for _, d := range f.outbox() {
		secs := 0
		if d.TimeoutSecs != nil {
			secs = *d.TimeoutSecs
		}
		got += fmt.Sprintf("%s: %s %s %d %s %t\n", told(d, string(d.SessionID), "", string(d.RoomID), "")[:26], d.URL, d.FailoverURL, secs, d.Status, d.NextAt != nil)
	}
	wantEqual(t, "places", got, `video.room.session.started:   0 skipped false
video.room.session.started: https://account.example https://spare.example 9 pending true
video.room.session.started: https://room.example  5 pending true
video.room.session.ended {: https://later.example  5 pending true
`)
	_ = nowhere
	_ = byAccount
}

// What a refused change would have told is not told.
func testNothingForRefusals(t *testing.T, f *fixture) {
	room := f.hooked("https://a.example", "")
	session := f.session(room.ID)
	p := f.join(session.ID, "")
	wantCode(t, f.Join(t.Context(), p), video.CodeDuplicateParticipant)
	wantCode(t, f.OpenSession(t.Context(), session), video.CodeDuplicate)
	stranger := f.participant(video.SessionID(video.NewUUID()), "")
	wantCode(t, f.Join(t.Context(), stranger), video.CodeNotFound)
	f.end(session.ID, video.EndedEmpty)
	wantCode(t, f.Join(t.Context(), f.participant(session.ID, "")), video.CodeState)
	wantEqual(t, "events", len(f.outbox()), 4) // started, joined, left, ended
	lines, err := f.Happenings(t.Context(), video.HappeningQuery{AccountID: f.account, SessionID: session.ID, Limit: 10})
	must(t, err)
	wantEqual(t, "lines", len(lines), 4)
}

func testStaleTells(t *testing.T, f *fixture) {
	room := f.hooked("https://a.example", "")
	first := f.session(room.ID)
	f.join(first.ID, "")
	f.session(room.ID)
	got := ""
	for _, d := range f.outbox() {
		got += strings.TrimPrefix(string(d.Type), "video.room.") + " "
	}
	wantEqual(t, "events", got, "session.started participant.joined participant.left session.ended session.started ")
}

func testCrashTells(t *testing.T, f *fixture) {
	session := f.session(f.hooked("https://a.example", "").ID)
	p := f.join(session.ID, "here")
	f.Note(video.Happening{SessionID: session.ID, Type: video.HappenedMuted, ParticipantID: p.ID, At: start.Add(time.Hour)})
	f.flush()
	_, err := f.CloseDangling(t.Context())
	must(t, err)
	events := f.outbox()
	wantEqual(t, "events", len(events), 4)
	wantSeqs(t, f.claim(10), events) // at once, though the history is ahead of the clock
	if left, ended := events[2], events[3]; !strings.Contains(string(left.Payload), `"left_reason":"server_crashed"`) ||
		!strings.Contains(string(ended.Payload), `"ended_reason":"server_crashed"`) {
		t.Fatalf("told %s, %s", left.Payload, ended.Payload)
	}
	lines, err := f.Happenings(t.Context(), video.HappeningQuery{AccountID: f.account, SessionID: session.ID, Limit: 10})
	must(t, err)
	wantEqual(t, "lines", len(lines), 5)
	if !lines[4].At.Equal(start.Add(time.Hour)) || lines[4].Type != video.HappenedSessionEnded {
		t.Fatalf("the history ends with %+v", lines[4])
	}
}

func testClockSetBack(t *testing.T, f *fixture) {
	session := f.session(f.hooked("https://a.example", "").ID)
	p := f.join(session.ID, "")
	wantSeqs(t, f.claim(10), f.outbox())
	f.clock.advance(-time.Hour)
	f.leave(p, video.LeftByChoice)
	f.end(session.ID, video.EndedEmpty)
	f.flush()
	wantSeqs(t, f.claim(10), f.outbox()[2:])
}
