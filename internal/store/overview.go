package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Overview counts what the account has now. Each count is found in an index.
func (s *Store) Overview(ctx context.Context, account video.AccountID) (video.Overview, error) {
	number, err := s.number(ctx, account)
	if err != nil {
		return video.Overview{}, err
	}
	now := s.stamp()
	o := video.Overview{At: now}
	count := func(table, where string, args ...any) *bun.SelectQuery {
		return s.reads.NewSelect().Table(table).ColumnExpr("count(*)").Where("account = ?", number).Where(where, args...)
	}
	day := video.Span{From: now.Add(-24 * time.Hour)}
	rooms := s.reads.NewSelect().Model((*totalsRow)(nil)).ColumnExpr("coalesce(sum(rooms), 0)").Where("account = ?", number)
	for _, c := range []struct {
		to    *int
		query *bun.SelectQuery
	}{
		{&o.Rooms, rooms},
		{&o.ActiveSessions, count("sessions", "ended_at IS NULL")},
		{&o.ActiveParticipants, count("participants", "left_at IS NULL")},
		{&o.ProcessingRecordings, count("recordings", "status = ?", video.RecordingProcessing)},
		{&o.WaitingCompositions, count("compositions", "status IN (?, ?)", video.CompositionEnqueued, video.CompositionProcessing)},
		{&o.MakingCompositions, count("compositions", "status = ?", video.CompositionProcessing)},
		{&o.PendingDeliveries, count("deliveries", "status = ?", video.DeliveryPending)},
		{&o.FailedDeliveries, count("deliveries", "status = ?", video.DeliveryFailed).
			Where("occurred_at >= ?", day.From.UnixMicro())},
		{&o.RefusedJoins, s.refusedJoins(number, day).ColumnExpr("count(*)")},
	} {
		if err := c.query.Scan(ctx, c.to); err != nil {
			return video.Overview{}, failed("count for overview", err)
		}
	}
	return o, nil
}

// moves are the arrivals or departures of one span: how many, and how long after the first span began, all together.
type moves struct {
	Span  int   `bun:"span"`
	N     int   `bun:"n"`
	After int64 `bun:"after"`
	Lost  int   `bun:"lost"`
}

// Activity returns what happened in each of the spans asked for, oldest first. Who is there now counts up to now.
func (s *Store) Activity(ctx context.Context, query video.ActivityQuery) ([]video.Activity, error) {
	number, err := s.number(ctx, query.AccountID)
	if err != nil {
		return nil, err
	}
	from, step := query.From.UnixMicro(), query.Step.Microseconds()
	until := from + step*int64(query.Steps)
	present, err := s.presentAt(ctx, number, from)
	if err != nil {
		return nil, err
	}
	arrivals, err := s.movesOf(ctx, number, "joined_at", from, until, step)
	if err != nil {
		return nil, err
	}
	departures, err := s.movesOf(ctx, number, "left_at", from, until, step)
	if err != nil {
		return nil, err
	}
	refused, err := s.refusedBySpan(ctx, number, from, until, step)
	if err != nil {
		return nil, err
	}
	spans := follow(query, present, s.now(), arrivals, departures)
	for i := range spans {
		spans[i].RefusedJoins = refused[i]
	}
	return spans, nil
}

// presentAt counts who was in a session at a time: of those who are there still or left since, which are few beside all who ever came.
func (s *Store) presentAt(ctx context.Context, number account, at int64) (present int, err error) {
	for _, since := range []string{"left_at IS NULL", "left_at >= ?"} {
		n, err := s.reads.NewSelect().Table("participants").Where("account = ?", number).Where(since, at).Where("+joined_at < ?", at).Count(ctx)
		if err != nil {
			return 0, failed("count participants", err)
		}
		present += int(n)
	}
	return present, nil
}

func (s *Store) movesOf(ctx context.Context, number account, column string, from, until, step int64) (map[int]moves, error) {
	at := bun.Ident(column)
	var rows []moves
	q := s.reads.NewSelect().Table("participants").
		ColumnExpr("(? - ?) / ? AS span", at, from, step).ColumnExpr("count(*) AS n").
		ColumnExpr("CAST(sum(? - ?) AS BIGINT) AS after", at, from).
		Where("account = ?", number).Where("? >= ?", at, from).Where("? < ?", at, until).GroupExpr("1")
	if column == "left_at" {
		q = q.ColumnExpr("count(CASE WHEN left_reason = ? THEN 1 END) AS lost", video.LeftConnectionLost)
	}
	if err := q.Scan(ctx, &rows); err != nil {
		return nil, failed("count activity", err)
	}
	bySpan := make(map[int]moves, len(rows))
	for _, row := range rows {
		bySpan[row.Span] = row
	}
	return bySpan, nil
}

// follow walks from span to span with those who are present. A span's participation is that of all present at its beginning,
// and of each who came from then on, less that of each who left before its end.
func follow(query video.ActivityQuery, present int, now time.Time, arrivals, departures map[int]moves) []video.Activity {
	spans := make([]video.Activity, query.Steps)
	for i := range spans {
		begin := query.From.Add(time.Duration(i) * query.Step)
		end := begin.Add(query.Step)
		if end.After(now) {
			end = now
		}
		came, went := arrivals[i], departures[i]
		spans[i] = video.Activity{At: begin.UTC(), Joins: came.N, LostConnections: went.Lost, Present: present}
		if end.After(begin) {
			untilEnd := end.Sub(query.From).Microseconds()
			stay := int64(present)*end.Sub(begin).Microseconds() +
				int64(came.N)*untilEnd - came.After - (int64(went.N)*untilEnd - went.After)
			spans[i].Participation = time.Duration(max(0, stay)) * time.Microsecond
		}
		present += came.N - went.N
	}
	return spans
}
