package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

type usageRow struct {
	bun.BaseModel `bun:"table:usage"`

	Account         account      `bun:"account,pk"`
	Day             int64        `bun:"day,pk"` // since 1970, in UTC
	RoomID          video.RoomID `bun:"room_id,pk"`
	ParticipantUS   int64        `bun:"participant_us"`
	RecordedUS      int64        `bun:"recorded_us"`
	ComposedUS      int64        `bun:"composed_us"`
	SentBytes       int64        `bun:"sent_bytes"`
	DownloadedBytes int64        `bun:"downloaded_bytes"`
	StoredBytes     int64        `bun:"stored_bytes"` // by which what is stored grew
}

// used gathers what one transaction uses, so that many who leave together are one row.
type used map[usedOn]*usageRow

type usedOn struct {
	account account
	day     int64
	room    video.RoomID
}

// on is what a room used on the day of a time.
func (u used) on(number account, room video.RoomID, at int64) *usageRow {
	key := usedOn{number, at / dayMicros, room}
	if u[key] == nil {
		u[key] = &usageRow{Account: number, Day: key.day, RoomID: room}
	}
	return u[key]
}

// during divides a span among its days.
func (u used) during(number account, room video.RoomID, from, until int64, add func(row *usageRow, us int64)) {
	for from < until {
		end := min(until, (from/dayMicros+1)*dayMicros)
		add(u.on(number, room, from), end-from)
		from = end
	}
}

// write adds all of it to what the rooms used before.
func (u used) write(ctx context.Context, tx bun.Tx) error {
	rows := make([]usageRow, 0, len(u))
	for _, row := range u {
		rows = append(rows, *row)
	}
	slices.SortFunc(rows, func(a, b usageRow) int { return strings.Compare(string(a.RoomID), string(b.RoomID)) })
	for some := range slices.Chunk(rows, maxRows) {
		insert := tx.NewInsert().Model(&some).On("CONFLICT (account, day, room_id) DO UPDATE")
		for _, column := range []string{"participant_us", "recorded_us", "composed_us", "sent_bytes", "downloaded_bytes", "stored_bytes"} {
			insert = insert.Set("? = usage_row.? + excluded.?", bun.Ident(column), bun.Ident(column), bun.Ident(column))
		}
		if _, err := insert.Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// usedFor is what a recording used that is added as it is.
func usedFor(row *recordingRow) used {
	u := make(used)
	if row.EndedAt != nil {
		u.during(row.Account, row.RoomID, row.StartedAt, row.StartedAt+row.DurationUS, func(on *usageRow, us int64) { on.RecordedUS += us })
	}
	if row.Status == video.RecordingCompleted && row.CompletedAt != nil {
		u.on(row.Account, row.RoomID, *row.CompletedAt).StoredBytes += row.SizeBytes
	}
	return u
}

// freed notes that what a room had stored is not any more.
func (s *Store) freed(u used, number account, room video.RoomID, bytes int64) {
	u.on(number, room, s.now().UnixMicro()).StoredBytes -= bytes
}

// AddTraffic adds to what rooms used. Traffic of sessions that are not in the record is left out.
func (s *Store) AddTraffic(ctx context.Context, traffic []video.Traffic) error {
	if len(traffic) == 0 {
		return nil
	}
	return s.write(ctx, "note traffic", func(ctx context.Context, tx bun.Tx) error {
		places, err := placesOf(ctx, tx, traffic)
		if err != nil {
			return err
		}
		sum := make(used)
		for _, t := range traffic {
			number, room := places[t.SessionID].Account, places[t.SessionID].RoomID
			if t.SessionID == "" {
				room = t.RoomID
				if number, err = s.number(ctx, t.AccountID); err != nil {
					return err
				}
			}
			if number == 0 || room == "" {
				continue
			}
			row := sum.on(number, room, t.At.UnixMicro())
			row.SentBytes += t.Sent
			row.DownloadedBytes += t.Downloaded
		}
		return sum.write(ctx, tx)
	})
}

// placesOf finds the account and the room of each session.
func placesOf(ctx context.Context, tx bun.Tx, traffic []video.Traffic) (map[video.SessionID]sessionRow, error) {
	var ids []video.SessionID
	for _, t := range traffic {
		if t.SessionID != "" {
			ids = append(ids, t.SessionID)
		}
	}
	places := make(map[video.SessionID]sessionRow, len(ids))
	for some := range slices.Chunk(ids, maxRows) {
		var rows []sessionRow
		if err := tx.NewSelect().Model(&rows).Column("id", "account", "room_id").Where("id IN (?)", bun.List(some)).Scan(ctx); err != nil {
			return nil, err
		}
		for _, row := range rows {
			places[row.ID] = row
		}
	}
	return places, nil
}

// PruneUsage removes what was used on days that ended before the time given, and returns how many rows. What was stored then and still is
// goes on to count: a row of day 0 holds it.
func (s *Store) PruneUsage(ctx context.Context, before time.Time) (n int, err error) {
	day := before.UnixMicro() / dayMicros
	for removed := pruneChunk; removed == pruneChunk; n += removed {
		removed = 0
		err := s.write(ctx, "prune usage", func(ctx context.Context, tx bun.Tx) error {
			var rows []usageRow
			old := tx.NewSelect().Model((*usageRow)(nil)).Column("account", "day", "room_id").
				Where("day > 0").Where("day < ?", day).Limit(pruneChunk)
			_, err := tx.NewDelete().Model((*usageRow)(nil)).Where("(account, day, room_id) IN (?)", old).Returning("*").Exec(ctx, &rows)
			if err != nil {
				return err
			}
			removed = len(rows)
			held := make(used)
			for _, row := range rows {
				if row.StoredBytes != 0 {
					held.on(row.Account, row.RoomID, 0).StoredBytes += row.StoredBytes
				}
			}
			return held.write(ctx, tx)
		})
		if err != nil {
			return n, err
		}
	}
	return n, nil
}
