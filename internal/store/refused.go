package store

import (
	"context"
	"encoding/json"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// refusedJoins selects from the refused joins (h) of an account's sessions (s) in a span. They are found by their time, in an index
// that holds nothing else: which account they belong to must not tempt a planner to go through all of its sessions.
func (s *Store) refusedJoins(number account, during video.Span) *bun.SelectQuery {
	q := s.reads.NewSelect().TableExpr("happenings AS h").Join("JOIN sessions AS s ON s.id = h.session_id").
		Where("h.type = ?", video.HappenedJoinRefused).Where("+s.account = ?", number)
	if !during.From.IsZero() {
		q = q.Where("h.at >= ?", during.From.UnixMicro())
	}
	if !during.Until.IsZero() {
		q = q.Where("h.at < ?", during.Until.UnixMicro())
	}
	return q
}

// refusedBySpan counts refused joins by the number of the span, from 0, that they were in.
func (s *Store) refusedBySpan(ctx context.Context, number account, from, until, step int64) (map[int]int, error) {
	var rows []moves
	err := s.refusedJoins(number, video.Span{From: moment(from), Until: moment(until)}).
		ColumnExpr("(h.at - ?) / ? AS span", from, step).ColumnExpr("count(*) AS n").GroupExpr("1").Scan(ctx, &rows)
	if err != nil {
		return nil, failed("count refused joins", err)
	}
	bySpan := make(map[int]int, len(rows))
	for _, row := range rows {
		bySpan[row.Span] = row.N
	}
	return bySpan, nil
}

type refusedRow struct {
	Seq           int64               `bun:"seq"`
	RoomID        video.RoomID        `bun:"room_id"`
	SessionID     video.SessionID     `bun:"session_id"`
	ParticipantID video.ParticipantID `bun:"participant_id"`
	Data          string              `bun:"data"`
	At            int64               `bun:"at"`
}

// RefusedJoins returns one page of the joins that were refused in sessions of the account, newest first. Of each session 30 a minute
// are kept.
func (s *Store) RefusedJoins(ctx context.Context, query video.RefusedJoinQuery) (video.List[video.RefusedJoin], error) {
	none := video.List[video.RefusedJoin]{Items: []video.RefusedJoin{}}
	page := query.Page
	if page.Number < 1 || page.Size < 1 || page.Size > video.MaxPageSize {
		return none, video.Errorf(video.CodeInvalid, "page number counts from 1, page size is 1 to %d", video.MaxPageSize)
	}
	number, err := s.number(ctx, query.AccountID)
	if err != nil {
		return none, err
	}
	selected := func() *bun.SelectQuery {
		q := s.refusedJoins(number, query.At)
		if query.RoomID != "" {
			q = q.Where("s.room_id = ?", query.RoomID)
		}
		if query.SessionID != "" {
			q = q.Where("h.session_id = ?", query.SessionID)
		}
		return q
	}
	if err := selected().ColumnExpr("count(*)").Scan(ctx, &none.Total); err != nil {
		return none, failed("count refused joins", err)
	}
	if (page.Number - 1) >= (none.Total+page.Size-1)/page.Size {
		return none, nil // past the end; also guards the offset against overflow
	}
	var rows []refusedRow
	err = selected().ColumnExpr("h.seq, s.room_id, h.session_id, h.participant_id, h.data, h.at").OrderExpr("h.at DESC, h.seq DESC").
		Limit(int64(page.Size)).Offset(int64(page.Number-1)*int64(page.Size)).Scan(ctx, &rows)
	if err != nil {
		return none, failed("list refused joins", err)
	}
	found := video.List[video.RefusedJoin]{Items: make([]video.RefusedJoin, len(rows)), Total: none.Total}
	for i, row := range rows {
		var data happeningData
		if err := json.Unmarshal([]byte(row.Data), &data); err != nil {
			return none, failed("read refused join", err)
		}
		found.Items[i] = video.RefusedJoin{
			Seq: row.Seq, AccountID: query.AccountID, RoomID: row.RoomID, SessionID: row.SessionID,
			ParticipantID: row.ParticipantID, Reason: data.Reason, At: moment(row.At),
		}
	}
	return found, nil
}
