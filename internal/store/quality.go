package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

type qualityRow struct {
	bun.BaseModel `bun:"table:quality"`

	Account       account             `bun:"account,pk"`
	ParticipantID video.ParticipantID `bun:"participant_id,pk"`
	At            int64               `bun:"at,pk"`
	SessionID     video.SessionID     `bun:"session_id"`
	Data          []byte              `bun:"data"`
}

// WriteQuality keeps minutes of measured quality. One that is there already is replaced, so that a write whose outcome is not known can
// be made again.
func (s *Store) WriteQuality(ctx context.Context, minutes []video.QualityMinute) error {
	rows := make([]qualityRow, 0, len(minutes))
	for _, m := range minutes {
		number, err := s.existing(ctx, m.AccountID)
		if err != nil {
			return err
		}
		rows = append(rows, qualityRow{Account: number, ParticipantID: m.ParticipantID, At: m.At.UnixMicro(), SessionID: m.SessionID, Data: m.Data})
	}
	for len(rows) > 0 {
		some := rows[:qualityChunk(rows)]
		err := s.write(ctx, "write quality", func(ctx context.Context, tx bun.Tx) error {
			_, err := tx.NewInsert().Model(&some).On("CONFLICT (account, participant_id, at) DO UPDATE").Set("data = EXCLUDED.data").Exec(ctx)
			return err
		})
		if err != nil {
			return err
		}
		rows = rows[len(some):]
	}
	return nil
}

// qualityChunk is how many of the rows go into one statement.
func qualityChunk(rows []qualityRow) (n int) {
	for bytes := 0; n < len(rows) && n < maxRows && (n == 0 || bytes+len(rows[n].Data) <= maxBytes); n++ {
		bytes += len(rows[n].Data)
	}
	return n
}

// QualityMinutes returns minutes of a participant of the account, oldest first. One whom the account does not have has none.
func (s *Store) QualityMinutes(ctx context.Context, query video.QualityMinutesQuery) ([]video.QualityMinute, error) {
	number, err := s.number(ctx, query.AccountID)
	if err != nil {
		return nil, err
	}
	var rows []qualityRow
	q := s.reads.NewSelect().Model(&rows).Where("account = ?", number).Where("participant_id = ?", query.ParticipantID)
	if !query.At.From.IsZero() {
		q = q.Where("at >= ?", query.At.From.UnixMicro())
	}
	if !query.At.Until.IsZero() {
		q = q.Where("at < ?", query.At.Until.UnixMicro())
	}
	if err := q.OrderExpr("at").Limit(int64(query.Limit)).Scan(ctx); err != nil {
		return nil, failed("read quality", err)
	}
	minutes := make([]video.QualityMinute, len(rows))
	for i, r := range rows {
		minutes[i] = video.QualityMinute{
			AccountID: query.AccountID, SessionID: r.SessionID, ParticipantID: r.ParticipantID, At: moment(r.At), Data: r.Data,
		}
	}
	return minutes, nil
}

// PruneQuality removes minutes that began before the time given, and returns how many.
func (s *Store) PruneQuality(ctx context.Context, before time.Time) (n int, err error) {
	for removed := int64(pruneChunk); removed == pruneChunk; n += int(removed) {
		removed = 0
		err := s.write(ctx, "prune quality", func(ctx context.Context, tx bun.Tx) (err error) {
			old := tx.NewSelect().Model((*qualityRow)(nil)).Column("account", "participant_id", "at").
				Where("at < ?", before.UnixMicro()).OrderExpr("at").Limit(pruneChunk)
			removed, err = affected(tx.NewDelete().Model((*qualityRow)(nil)).Where("(account, participant_id, at) IN (?)", old).Exec(ctx))
			return err
		})
		if err != nil {
			return n, err
		}
	}
	return n, nil
}
