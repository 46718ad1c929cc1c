package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// An id or its beginning finds what it names, whatever that is, in the account alone.
func testSearch(t *testing.T, f *fixture) {
	room := f.room("Tea at four")
	session := f.session(room.ID)
	p := f.join(session.ID, "a")
	recording := f.recording(session.ID, nil)
	composition := f.composed(session.ID)
	f.flush()
	count := func(of video.AccountID, text string) [5]int {
		t.Helper()
		found, err := f.Search(t.Context(), of, text, 10)
		must(t, err)
		return [5]int{len(found.Rooms), len(found.Sessions), len(found.Participants), len(found.Recordings), len(found.Compositions)}
	}
	for text, want := range map[string][5]int{
		"tea":                   {1},
		string(room.ID):         {1},
		string(session.ID):      {0, 1},
		string(session.ID[:18]): {0, 1},
		string(p.ID):            {0, 0, 1},
		recording.ID:            {0, 0, 0, 1},
		composition.ID[:18]:     {0, 0, 0, 0, 1},
		string(p.ID) + "0":      {},
		"%":                     {},
		"\x00":                  {},
		"xyz":                   {},
		"\U0001f600":            {},
	} {
		wantEqual(t, text, count(f.account, text), want)
	}
	foreign := f.foreign()
	for _, id := range []string{string(room.ID), string(session.ID), string(p.ID), recording.ID, composition.ID, "tea"} {
		wantEqual(t, "found by another account", count(foreign, id), [5]int{})
	}
	// Too little of an id names nothing but rooms.
	beginning := string(session.ID[:4])
	wantEqual(t, "sessions of four characters", count(f.account, beginning)[1], 1)
	wantEqual(t, "sessions of three", count(f.account, beginning[:3])[1], 0)
	for i := range 3 {
		f.room(fmt.Sprintf("tea again %d", i))
		f.recording(session.ID, func(r *video.Recording) { r.ID = fmt.Sprintf("%s%02d", recording.ID[:34], i) })
	}
	found, err := f.Search(t.Context(), f.account, recording.ID[:34], 2)
	must(t, err)
	wantEqual(t, "as many recordings as were asked for", len(found.Recordings), 2)
	found, err = f.Search(t.Context(), f.account, "tea", 2)
	must(t, err)
	wantEqual(t, "as many rooms as were asked for", len(found.Rooms), 2)
}

func testRefusedJoins(t *testing.T, f *fixture) {
	full, banned := f.session(f.room("tea").ID), f.session(f.room("").ID)
	knock := func(session video.SessionID, reason string) {
		f.Note(video.Happening{SessionID: session, Type: video.HappenedJoinRefused, ParticipantID: "p", Reason: reason, At: f.clock.now()})
	}
	begun := f.clock.now()
	knock(full.ID, "room_full")
	f.Note(video.Happening{SessionID: full.ID, Type: video.HappenedMuted, At: f.clock.now()})
	f.clock.advance(time.Minute)
	knock(banned.ID, "banned")
	f.clock.advance(time.Minute)
	knock(full.ID, "locked")
	f.flush()
	page := video.Page{Number: 1, Size: 10}
	for name, test := range map[string]struct {
		query video.RefusedJoinQuery
		total int
		want  []string
	}{
		"all":        {video.RefusedJoinQuery{Page: page}, 3, []string{"locked", "banned", "room_full"}},
		"a session":  {video.RefusedJoinQuery{SessionID: full.ID, Page: page}, 2, []string{"locked", "room_full"}},
		"a room":     {video.RefusedJoinQuery{RoomID: banned.RoomID, Page: page}, 1, []string{"banned"}},
		"a span":     {video.RefusedJoinQuery{At: video.Span{From: begun.Add(time.Second), Until: begun.Add(2 * time.Minute)}, Page: page}, 1, []string{"banned"}},
		"two pages":  {video.RefusedJoinQuery{Page: video.Page{Number: 2, Size: 2}}, 3, []string{"room_full"}},
		"past them":  {video.RefusedJoinQuery{Page: video.Page{Number: 1 << 40, Size: 250}}, 3, nil},
		"of another": {video.RefusedJoinQuery{AccountID: f.foreign(), Page: page}, 0, nil},
	} {
		if test.query.AccountID == "" {
			test.query.AccountID = f.account
		}
		found, err := f.RefusedJoins(t.Context(), test.query)
		must(t, err)
		wantEqual(t, name+": total", found.Total, test.total)
		wantEqual(t, name+": how many", len(found.Items), len(test.want))
		for i, join := range found.Items {
			wantEqual(t, name, join.Reason, test.want[i])
			if join.ParticipantID != "p" || join.SessionID == full.ID != (join.RoomID == full.RoomID) || join.Seq == 0 {
				t.Errorf("%s: %+v", name, join)
			}
		}
	}
	_, err := f.RefusedJoins(t.Context(), video.RefusedJoinQuery{AccountID: f.account})
	wantCode(t, err, video.CodeInvalid)
}

func testWhoIsThere(t *testing.T, f *fixture) {
	session := f.session(f.room("tea").ID)
	stays, lost, left := f.join(session.ID, "a"), f.join(session.ID, "b"), f.join(session.ID, "c")
	f.clock.advance(time.Minute)
	f.leave(lost, video.LeftConnectionLost)
	f.leave(left, video.LeftByChoice)
	f.flush()
	yes, no := true, false
	since := video.Span{From: f.clock.now().Add(-time.Second)}
	for name, test := range map[string]struct {
		query video.ParticipantQuery
		want  []video.ParticipantID
	}{
		"there":                 {video.ParticipantQuery{Active: &yes}, []video.ParticipantID{stays.ID}},
		"there in a session":    {video.ParticipantQuery{Active: &yes, SessionID: session.ID}, []video.ParticipantID{stays.ID}},
		"gone":                  {video.ParticipantQuery{Active: &no}, []video.ParticipantID{lost.ID, left.ID}},
		"gone from a session":   {video.ParticipantQuery{Active: &no, SessionID: session.ID}, []video.ParticipantID{lost.ID, left.ID}},
		"lost":                  {video.ParticipantQuery{Reason: video.LeftConnectionLost}, []video.ParticipantID{lost.ID}},
		"lost lately":           {video.ParticipantQuery{Reason: video.LeftConnectionLost, LeftAt: since}, []video.ParticipantID{lost.ID}},
		"lost from a session":   {video.ParticipantQuery{Reason: video.LeftConnectionLost, SessionID: session.ID}, []video.ParticipantID{lost.ID}},
		"lost, and still there": {video.ParticipantQuery{Reason: video.LeftConnectionLost, Active: &yes}, nil},
	} {
		test.query.AccountID, test.query.Page = f.account, video.Page{Number: 1, Size: 10}
		found, err := f.Participants(t.Context(), test.query)
		must(t, err)
		ids := map[video.ParticipantID]bool{}
		for _, p := range found.Items {
			ids[p.ID] = true
		}
		wantEqual(t, name+": how many", len(ids), len(test.want))
		wantEqual(t, name+": total", found.Total, len(test.want))
		for _, id := range test.want {
			wantEqual(t, name, ids[id], true)
		}
	}
}
