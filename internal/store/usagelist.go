package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// usedSQL is what every room used on every day asked for: what was written down, what was stored before, and what those use who are there
// now and recordings that go on, which is written down at their end. ?0 is the account, ?1 and ?2 the first day and the one after the
// last, ?3 now, ?4 the length of a day, ?5 a condition on the room.
// The account must not tempt planners from the index of recordings that go on.
const usedSQL = `WITH RECURSIVE going (room_id, began, ended, recorded) AS (
	SELECT s.room_id, p.joined_at, ?3, 0 FROM participants AS p JOIN sessions AS s ON s.id = p.session_id
	WHERE p.account = ?0 AND p.left_at IS NULL
	UNION ALL
	SELECT room_id, started_at, ?3, 1 FROM recordings WHERE +account = ?0 AND status = 'processing' AND ended_at IS NULL
), parts (room_id, day, began, ended, recorded) AS (
	SELECT room_id, began / ?4, began, ended, recorded FROM going WHERE began < ended
	UNION ALL
	SELECT room_id, day + 1, (day + 1) * ?4, ended, recorded FROM parts WHERE (day + 1) * ?4 < ended
), lasted (room_id, day, us, recorded) AS (
	SELECT room_id, day, CASE WHEN ended < (day + 1) * ?4 THEN ended ELSE (day + 1) * ?4 END - began, recorded FROM parts
), each_used (room_id, day, participant_us, recorded_us, composed_us, sent_bytes, downloaded_bytes, stored_bytes) AS (
	SELECT room_id, day, participant_us, recorded_us, composed_us, sent_bytes, downloaded_bytes, stored_bytes FROM usage
	WHERE account = ?0 AND day >= ?1 AND day < ?2 AND ?5
	UNION ALL
	SELECT room_id, ?1 - 1, 0, 0, 0, 0, 0, CAST(sum(stored_bytes) AS BIGINT) FROM usage
	WHERE account = ?0 AND day < ?1 AND stored_bytes <> 0 AND ?5 GROUP BY room_id HAVING sum(stored_bytes) <> 0
	UNION ALL
	SELECT room_id, day, CASE WHEN recorded = 0 THEN us ELSE 0 END, CASE WHEN recorded = 1 THEN us ELSE 0 END, 0, 0, 0, 0 FROM lasted
	WHERE day >= ?1 AND day < ?2 AND ?5
)`

// sumsSQL adds up a group.
const sumsSQL = `CAST(coalesce(sum(participant_us), 0) AS BIGINT) AS participant_us, CAST(coalesce(sum(recorded_us), 0) AS BIGINT) AS recorded_us,
	CAST(coalesce(sum(composed_us), 0) AS BIGINT) AS composed_us, CAST(coalesce(sum(sent_bytes), 0) AS BIGINT) AS sent_bytes,
	CAST(coalesce(sum(downloaded_bytes), 0) AS BIGINT) AS downloaded_bytes, CAST(coalesce(sum(stored_bytes), 0) AS BIGINT) AS stored_bytes`

// usageGroups are the queries by group, all of the columns of usageRow. What is stored at the end of a day is all that came until then.
var usageGroups = map[video.UsageGroup]string{
	video.UsageByRoom: `, listed AS (SELECT room_id, 0 AS day, ` + sumsSQL + ` FROM each_used GROUP BY room_id)`,
	video.UsageByDay: `, added AS (SELECT '' AS room_id, day, ` + sumsSQL + ` FROM each_used GROUP BY day)` +
		held(`ORDER BY day`),
	video.UsageByRoomAndDay: `, added AS (SELECT room_id, day, ` + sumsSQL + ` FROM each_used GROUP BY room_id, day)` +
		held(`PARTITION BY room_id ORDER BY day`),
}

func held(window string) string {
	return `, running AS (SELECT room_id, day, participant_us, recorded_us, composed_us, sent_bytes, downloaded_bytes,
	CAST(sum(stored_bytes) OVER (` + window + `) AS BIGINT) AS stored_bytes FROM added), listed AS (SELECT * FROM running WHERE day >= ?1)`
}

// usageLine is a line of a list of usage.
type usageLine struct {
	Day             int64        `bun:"day"`
	RoomID          video.RoomID `bun:"room_id"`
	RoomName        *string      `bun:"room_name"`
	ParticipantUS   int64        `bun:"participant_us"`
	RecordedUS      int64        `bun:"recorded_us"`
	ComposedUS      int64        `bun:"composed_us"`
	SentBytes       int64        `bun:"sent_bytes"`
	DownloadedBytes int64        `bun:"downloaded_bytes"`
	StoredBytes     int64        `bun:"stored_bytes"`
	Lines           int64        `bun:"lines"`
}

// Usage returns a page of what an account used, and what all of it comes to. Those who are in a session now count up to now.
func (s *Store) Usage(ctx context.Context, query video.UsageQuery) (video.UsageList, error) {
	number, err := s.number(ctx, query.AccountID)
	if err != nil {
		return video.UsageList{}, err
	}
	room := bun.Safe("true")
	args := []any{number, query.Days.From.UnixMicro() / dayMicros, query.Days.Until.UnixMicro() / dayMicros, s.stamp().UnixMicro(), dayMicros, room}
	if query.RoomID != "" {
		args[5] = bun.SafeQuery("room_id = ?", query.RoomID)
	}
	listed := usedSQL + usageGroups[query.Group]
	var sum usageLine
	// Of the sums, what is stored is that of the end: of all days, not of each.
	err = s.reads.NewRaw(listed+`, totals AS (SELECT `+sumsSQL+` FROM each_used) SELECT totals.*, (SELECT count(*) FROM listed) AS lines FROM totals`, args...).
		Scan(ctx, &sum)
	if err != nil {
		return video.UsageList{}, failed("add up usage", err)
	}
	var lines []usageLine
	page := listed + `, shown AS (SELECT * FROM listed ORDER BY day DESC, participant_us DESC, room_id LIMIT ?6 OFFSET ?7)
		SELECT u.*, r.unique_name AS room_name FROM shown AS u LEFT JOIN rooms AS r ON r.id = u.room_id
		ORDER BY u.day DESC, u.participant_us DESC, u.room_id`
	err = s.reads.NewRaw(page, append(args, query.Page.Size, (query.Page.Number-1)*query.Page.Size)...).Scan(ctx, &lines)
	if err != nil {
		return video.UsageList{}, failed("list usage", err)
	}
	list := video.UsageList{List: video.List[video.Usage]{Total: int(sum.Lines)}, Sum: sum.used()}
	for _, line := range lines {
		list.Items = append(list.Items, line.usage())
	}
	return list, nil
}

func (l usageLine) usage() video.Usage {
	u := video.Usage{RoomID: l.RoomID, Used: l.used()}
	if l.Day > 0 {
		u.Day = moment(l.Day * dayMicros)
	}
	if l.RoomName != nil {
		u.RoomName = *l.RoomName
	}
	return u
}

func (l usageLine) used() video.Used {
	return video.Used{
		Participation: time.Duration(l.ParticipantUS) * time.Microsecond, Recorded: time.Duration(l.RecordedUS) * time.Microsecond,
		Composed: time.Duration(l.ComposedUS) * time.Microsecond, Sent: l.SentBytes, Downloaded: l.DownloadedBytes, Stored: l.StoredBytes,
	}
}
