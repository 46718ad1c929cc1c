package store

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// fillPortal adds what the portal's figures are about to what fillBench made: every other session was recorded, each room was used on
// five days, and three things happened in each session, of which one in thirty was that somebody was refused.
func fillPortal(ctx context.Context, s *Store, id video.AccountID) error {
	number, err := s.number(ctx, id)
	if err != nil {
		return err
	}
	if there, err := s.reads.NewSelect().Table("usage").Exists(ctx); there || err != nil {
		return err
	}
	var sessions []sessionRow
	if err := s.reads.NewSelect().Model(&sessions).Scan(ctx); err != nil {
		return err
	}
	rooms := make(map[video.RoomID]bool)
	for _, session := range sessions {
		rooms[session.RoomID] = true
	}
	err = s.write(ctx, "fill", func(ctx context.Context, tx bun.Tx) error {
		if err := fillMedia(ctx, tx, number, sessions); err != nil {
			return err
		}
		return fillUsage(ctx, tx, number, rooms)
	})
	if err == nil && s.dialect.serialize != "" {
		_, err = s.writes.ExecContext(ctx, "VACUUM ANALYZE")
	}
	return err
}

func fillMedia(ctx context.Context, tx bun.Tx, number account, sessions []sessionRow) error {
	err := fillTable(ctx, tx, len(sessions)/2, func(i int) recordingRow {
		session := sessions[2*i]
		ended := session.CreatedAt + time.Minute.Microseconds()
		return recordingRow{
			ID: video.NewUUID(), Account: number, RoomID: session.RoomID, SessionID: session.ID,
			ParticipantID: video.ParticipantID(video.NewUUID()), Status: video.RecordingCompleted, Type: video.Audio,
			StartedAt: session.CreatedAt, EndedAt: &ended, CompletedAt: &ended, CreatedAt: session.CreatedAt, UpdatedAt: ended,
		}
	})
	if err != nil {
		return err
	}
	return fillTable(ctx, tx, len(sessions)*3, func(i int) happeningRow {
		session := sessions[i/3]
		row := happeningRow{
			SessionID: session.ID, Type: video.HappenedMuted, At: session.CreatedAt, ParticipantID: video.ParticipantID(video.NewUUID()), Data: "{}",
		}
		if i%30 == 0 {
			row.Type, row.Data = video.HappenedJoinRefused, `{"reason": "room_full"}`
		}
		return row
	})
}

func fillUsage(ctx context.Context, tx bun.Tx, number account, rooms map[video.RoomID]bool) error {
	random := rand.New(rand.NewPCG(1, 2))
	var rows []usageRow
	for room := range rooms {
		first := start.UnixMicro()/dayMicros + random.Int64N(300)
		for day := range int64(5) {
			rows = append(rows, usageRow{
				Account: number, Day: first + 13*day, RoomID: room, ParticipantUS: random.Int64N(1e10), SentBytes: random.Int64N(1e9),
				StoredBytes: max(0, 1-day) * 5_000_000,
			})
		}
	}
	return fillTable(ctx, tx, len(rows), func(i int) usageRow { return rows[i] })
}

// portalShapes are what the portal asks that is no plain list.
func portalShapes(tb testing.TB, s *Store, account video.AccountID) []shape {
	ctx := tb.Context()
	when := func(from time.Duration, days int) video.Span {
		begin := start.Add(from)
		return video.Span{From: begin, Until: begin.AddDate(0, 0, days)}
	}
	page := video.Page{Number: 1, Size: 50}
	search := func(text string) func() (int, error) {
		return func() (int, error) {
			found, err := s.Search(ctx, account, text, 10)
			return len(found.Rooms) + len(found.Sessions) + len(found.Participants) + len(found.Recordings), err
		}
	}
	var used usageRow
	if err := s.reads.NewSelect().Model(&used).Limit(1).Scan(ctx); err != nil {
		tb.Fatal(err)
	}
	usage := func(days int, group video.UsageGroup, room video.RoomID) func() (int, error) {
		query := video.UsageQuery{AccountID: account, Days: when(benchYear/2, days), Group: group, RoomID: room, Page: page}
		return func() (int, error) { l, err := s.Usage(ctx, query); return l.Total, err }
	}
	refused := func(at video.Span) func() (int, error) {
		query := video.RefusedJoinQuery{AccountID: account, At: at, Page: page}
		return func() (int, error) { l, err := s.RefusedJoins(ctx, query); return l.Total, err }
	}
	activity := func(step time.Duration, steps int) func() (int, error) {
		query := video.ActivityQuery{AccountID: account, From: start.Add(benchYear - time.Duration(steps)*step), Step: step, Steps: steps}
		return func() (int, error) { spans, err := s.Activity(ctx, query); return len(spans), err }
	}
	return []shape{
		{"search/four characters of an id", search("0123")},
		{"search/a name", search("room 7777")},
		{"usage/a month by day", usage(30, video.UsageByDay, "")},
		{"usage/a month by room", usage(30, video.UsageByRoom, "")},
		{"usage/a year by day", usage(365, video.UsageByDay, "")},
		{"usage/a year by room", usage(365, video.UsageByRoom, "")},
		{"usage/a year by room and day", usage(365, video.UsageByRoomAndDay, "")},
		{"usage/of a room", usage(365, video.UsageByDay, used.RoomID)},
		{"refused joins/a day", refused(when(benchYear/2, 1))},
		{"refused joins/half a year", refused(when(benchYear/2, 182))},
		{"refused joins/all", refused(video.Span{})},
		{"activity/a day", activity(15*time.Minute, 96)},
		{"activity/a month", activity(6*time.Hour, 120)},
		{"overview", func() (int, error) { o, err := s.Overview(ctx, account); return o.Rooms, err }},
	}
}

// BenchmarkPortal asks what the portal asks of the same databases as BenchmarkLists.
func BenchmarkPortal(b *testing.B) {
	for name, config := range benchDatabases {
		b.Run(name, func(b *testing.B) {
			s, account := openBench(b, full, config(b))
			if err := fillPortal(b.Context(), s, account); err != nil {
				b.Fatal(err)
			}
			benchShapes(b, portalShapes(b, s, account))
		})
	}
}
