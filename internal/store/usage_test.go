package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// usedBy lists usage as lines: day, room, minutes in sessions, recorded and composed, bytes sent, downloaded and stored. The last line is
// the sum.
func (f *fixture) usedBy(query video.UsageQuery) (lines []string) {
	f.t.Helper()
	if query.AccountID == "" {
		query.AccountID = f.account
	}
	if query.Days.From.IsZero() {
		query.Days = video.Span{From: start.Truncate(24 * time.Hour), Until: start.Truncate(24*time.Hour).AddDate(0, 0, 10)}
	}
	if query.Page.Size == 0 {
		query.Page = video.Page{Number: 1, Size: 20}
	}
	list, err := f.Usage(f.t.Context(), query)
	must(f.t, err)
	amount := func(u video.Used) string {
		return fmt.Sprintf("%.0f %.0f %.0f %d %d %d", u.Participation.Minutes(), u.Recorded.Minutes(), u.Composed.Minutes(), u.Sent, u.Downloaded, u.Stored)
	}
	for _, u := range list.Items {
		day := ""
		if !u.Day.IsZero() {
			day = u.Day.Format("02")
		}
		lines = append(lines, fmt.Sprintf("%s %s %s", day, u.RoomName, amount(u.Used)))
	}
	return append(lines, fmt.Sprintf("%d: %s", list.Total, amount(list.Sum)))
}

// Alice is there from 17:51:59 on the 26th until noon on the 28th, and is recorded over the first midnight; Bob, in another room, stays.
func testUsage(t *testing.T, f *fixture) {
	ctx := t.Context()
	hall, den := f.room("hall"), f.room("den")
	first, second := f.session(hall.ID), f.session(den.ID)
	alice := f.join(first.ID, "alice")
	r := f.starts(alice, video.Audio)
	f.flush()
	wantLines(t, "nothing yet", f.usedBy(video.UsageQuery{Group: video.UsageByDay}), "26  0 0 0 0 0 0", "1: 0 0 0 0 0 0")

	f.clock.advance(8 * time.Minute)
	f.flush()
	wantLines(t, "one who is there, and a recording that goes on", f.usedBy(video.UsageQuery{Group: video.UsageByRoomAndDay}),
		"26 hall 8 8 0 0 0 0", "1: 8 8 0 0 0 0")

	f.ends(r, 8*time.Hour-8*time.Minute)
	f.flush()
	must(t, f.RecordingArchived(ctx, r.ID, 1000, ""))
	must(t, f.AddTraffic(ctx, []video.Traffic{
		{SessionID: first.ID, At: alice.JoinedAt, Sent: 7},
		{SessionID: first.ID, At: f.clock.now(), Sent: 5},
		{SessionID: video.SessionID(video.NewUUID()), At: f.clock.now(), Sent: 1 << 40},
		{AccountID: f.account, RoomID: hall.ID, At: f.clock.now(), Downloaded: 3},
	}))
	f.clock.advance(start.Truncate(24*time.Hour).AddDate(0, 0, 2).Add(11 * time.Hour).Sub(f.clock.now()))
	bob := f.join(second.ID, "bob")
	f.clock.advance(time.Hour)
	f.leave(alice, video.LeftByChoice)
	f.flush()

	wantLines(t, "by room and day", f.usedBy(video.UsageQuery{Group: video.UsageByRoomAndDay}),
		"28 hall 720 0 0 0 0 1000", "28 den 60 0 0 0 0 0", "27 hall 1440 104 0 5 3 1000", "26 hall 368 368 0 7 0 0", "4: 2588 472 0 12 3 1000")
	wantLines(t, "by day", f.usedBy(video.UsageQuery{Group: video.UsageByDay}),
		"28  780 0 0 0 0 1000", "27  1440 104 0 5 3 1000", "26  368 368 0 7 0 0", "3: 2588 472 0 12 3 1000")
	wantLines(t, "by room", f.usedBy(video.UsageQuery{Group: video.UsageByRoom}),
		" hall 2528 472 0 12 3 1000", " den 60 0 0 0 0 0", "2: 2588 472 0 12 3 1000")
	wantLines(t, "of one room", f.usedBy(video.UsageQuery{Group: video.UsageByDay, RoomID: den.ID}), "28  60 0 0 0 0 0", "1: 60 0 0 0 0 0")
	wantLines(t, "second page", f.usedBy(video.UsageQuery{Group: video.UsageByDay, Page: video.Page{Number: 3, Size: 1}}),
		"26  368 368 0 7 0 0", "3: 2588 472 0 12 3 1000")
	last := start.Truncate(24*time.Hour).AddDate(0, 0, 2)
	wantLines(t, "of the last day", f.usedBy(video.UsageQuery{Group: video.UsageByRoom, Days: video.Span{From: last, Until: last.AddDate(0, 0, 1)}}),
		" hall 720 0 0 0 0 1000", " den 60 0 0 0 0 0", "2: 780 0 0 0 0 1000")
	wantLines(t, "of another account", f.usedBy(video.UsageQuery{AccountID: f.foreign(), Group: video.UsageByDay}), "0: 0 0 0 0 0 0")

	n, err := f.PruneUsage(ctx, last)
	must(t, err)
	wantEqual(t, "pruned", n, 2)
	wantLines(t, "what is stored outlives the days", f.usedBy(video.UsageQuery{Group: video.UsageByRoom}),
		" hall 720 0 0 0 0 1000", " den 60 0 0 0 0 0", "2: 780 0 0 0 0 1000")

	must(t, f.DeleteRecording(ctx, f.account, r.ID))
	f.leave(bob, video.LeftByChoice)
	f.flush()
	wantLines(t, "deleted media is not stored", f.usedBy(video.UsageQuery{Group: video.UsageByRoomAndDay}),
		"28 hall 720 0 0 0 0 0", "28 den 60 0 0 0 0 0", "2: 780 0 0 0 0 0")
}

// A composition counts once, however often its end is told, and is stored until it is deleted.
func testUsageOfCompositions(t *testing.T, f *fixture) {
	session := f.session(f.room("hall").ID)
	f.composed(session.ID)
	done := f.begin().Composition
	done.SizeBytes, done.Duration = 70_000, 5*time.Minute
	for range 2 {
		must(t, f.CompleteComposition(t.Context(), done))
	}
	wantLines(t, "completed", f.usedBy(video.UsageQuery{Group: video.UsageByRoom}), " hall 0 0 5 0 0 70000", "1: 0 0 5 0 0 70000")
	must(t, f.DeleteComposition(t.Context(), f.account, done.ID))
	wantLines(t, "deleted", f.usedBy(video.UsageQuery{Group: video.UsageByRoom}), " hall 0 0 5 0 0 0", "1: 0 0 5 0 0 0")
}

// What the record knows of the time before usage was counted is there after the upgrade.
func TestUpgradeCountsUsage(t *testing.T) {
	onBoth(t, func(t *testing.T, config Config) {
		upTo(t, config, 9)
		yes, no, nothing := "1", "0", "x''"
		if config.URL != "" {
			yes, no, nothing = "true", "false", "''"
		}
		midnight := start.Truncate(24*time.Hour).AddDate(0, 0, 1).UnixMicro()
		minute := time.Minute.Microseconds()
		for _, statement := range []string{
			"INSERT INTO accounts (id, name, is_default, created_at) VALUES ('an account', 'default', " + yes + ", 5)",
			"INSERT INTO account_totals (account) SELECT number FROM accounts",
			"INSERT INTO rooms (id, account, unique_name, max_participants, enable_recording, webhook_event_url, webhook_event_failover_url, created_at, updated_at) " +
				"SELECT 'r', number, 'hall', 2, " + no + ", '', '', 5, 5 FROM accounts",
			"INSERT INTO sessions (id, account, room_id, ended_reason, created_at, updated_at) SELECT 's', number, 'r', '', 5, 5 FROM accounts",
			fmt.Sprintf("INSERT INTO participants (account, id, session_id, context, context_key, left_reason, joined_at, updated_at, left_at) "+
				"SELECT number, 'p', 's', %s, %s, 'left', %d, 5, %d FROM accounts", nothing, nothing, midnight-10*minute, midnight+1440*minute+20*minute),
			fmt.Sprintf("INSERT INTO recordings (id, account, room_id, session_id, participant_id, stream_key, status, failed_reason, type, codec, size_bytes, "+
				"duration_us, started_at, ended_at, completed_at, created_at, updated_at) SELECT 'v', number, 'r', 's', 'p', 'self', 'completed', '', 'video', 'vp8', 90, "+
				"%d, %d, %d, %d, 5, 5 FROM accounts", 7*minute, midnight-5*minute, midnight+2*minute, midnight+3*minute),
			fmt.Sprintf("INSERT INTO compositions (id, account, room_id, session_id, status, failed_reason, format, width, height, layout, audio_sources, size_bytes, "+
				"duration_us, webhook_event_url, webhook_event_failover_url, completed_at, created_at, updated_at) "+
				"SELECT 'c', number, 'r', 's', 'completed', '', 'mp4', 640, 360, '{}', '[]', 10, %d, '', '', %d, 5, 5 FROM accounts", 4*minute, midnight+3*minute),
		} {
			runSQL(t, config, statement)
		}
		f := openWith(t, config, &clock{t: start})
		wantLines(t, "used before", f.usedBy(video.UsageQuery{Group: video.UsageByRoomAndDay}),
			"28 hall 20 0 0 0 0 100", "27 hall 1440 2 4 0 0 100", "26 hall 10 5 0 0 0 0", "3: 1470 7 4 0 0 100")
		must(t, f.Close())
	})
}
