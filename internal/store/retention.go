package store

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

const dayMicros = int64(24 * time.Hour / time.Microsecond)

// SetRecordingRetention says how long an account's recordings and compositions are kept where their room does not say it: so
// many days, 0 for ever, nil as the server says.
func (s *Store) SetRecordingRetention(ctx context.Context, id video.AccountID, days *int) error {
	number, err := s.existing(ctx, id)
	if err != nil {
		return err
	}
	if days != nil && (*days < 0 || *days > video.MaxRetentionDays) {
		return video.Errorf(video.CodeInvalid, "recordings are kept 1 to %d days, or 0 for ever", video.MaxRetentionDays)
	}
	said := "as the server says"
	if days != nil {
		said = fmt.Sprintf("recording_retention_days: %d", *days)
	}
	return s.write(ctx, "set retention", func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.NewUpdate().Model((*accountRow)(nil)).Set("recording_retention_days = ?", days).Where("number = ?", number).Exec(ctx); err != nil {
			return err
		}
		return s.auditTx(ctx, tx, number, "account.update", string(id), said)
	})
}

// PruneMedia deletes recordings and compositions that were completed, or failed, longer ago than their room, account or the
// server (0: for ever) keeps them, with their media, and returns how many that were.
func (s *Store) PruneMedia(ctx context.Context, now time.Time, server time.Duration) (n int, err error) {
	var accounts []accountRow
	if err := s.reads.NewSelect().Model(&accounts).OrderExpr("number").Scan(ctx); err != nil {
		return 0, failed("list accounts", err)
	}
	for _, row := range accounts {
		of := retention{account: row, now: now.UnixMicro(), usual: server.Microseconds()}
		if row.RecordingRetentionDays != nil {
			of.usual = int64(*row.RecordingRetentionDays) * dayMicros
		}
		if of.shortest, err = s.shortest(ctx, of); err != nil {
			return n, err
		}
		if of.shortest == 0 {
			continue
		}
		for _, prune := range []func(context.Context, retention) (int, error){s.pruneRecordings, s.pruneCompositions} {
			removed, err := prune(ctx, of)
			if n += removed; removed > 0 {
				s.journal.news.removeMedia()
			}
			if err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

// retention is how long an account keeps media, in microseconds.
type retention struct {
	account  accountRow
	now      int64
	usual    int64 // where the room does not say; 0: for ever
	shortest int64 // of that and what rooms say; 0: all is kept for ever
}

func (s *Store) shortest(ctx context.Context, of retention) (int64, error) {
	var days *int64
	err := s.reads.NewSelect().Model((*roomRow)(nil)).ColumnExpr("min(recording_retention_days)").
		Where("account = ?", of.account.Number).Where("recording_retention_days > 0").Scan(ctx, &days)
	if err != nil {
		return 0, failed("find retention of rooms", err)
	}
	switch {
	case days == nil:
		return of.usual, nil
	case of.usual == 0:
		return *days * dayMicros, nil
	}
	return min(of.usual, *days*dayMicros), nil
}

// expired selects ids of a table that are over their time, a few at once. None was created later than it was completed.
func (s *Store) expired(ctx context.Context, of retention, table string, statuses []string) (ids []string, err error) {
	const kept = "CASE WHEN m.recording_retention_days IS NULL THEN ? ELSE m.recording_retention_days * ? END"
	err = s.reads.NewSelect().TableExpr("? AS o", bun.Ident(table)).Join("JOIN rooms AS m ON m.id = o.room_id").ColumnExpr("o.id").
		Where("o.account = ?", of.account.Number).Where("o.created_at < ?", of.now-of.shortest).
		Where("o.status IN (?)", bun.List(statuses)).
		Where(kept+" > 0", of.usual, dayMicros).
		Where("coalesce(o.completed_at, o.ended_at, o.updated_at) < ? - "+kept, of.now, of.usual, dayMicros).
		OrderExpr("o.created_at").Limit(deletedAtOnce).Scan(ctx, &ids)
	if err != nil {
		return nil, failed("find expired "+table, err)
	}
	return ids, nil
}

func (s *Store) pruneRecordings(ctx context.Context, of retention) (n int, err error) {
	for {
		ids, err := s.expired(ctx, of, "recordings", []string{string(video.RecordingCompleted), string(video.RecordingFailed)})
		if err != nil || len(ids) == 0 {
			return n, err
		}
		err = s.write(ctx, "delete expired recordings", func(ctx context.Context, tx bun.Tx) error {
			deleted, err := s.removeRecordings(ctx, tx, of.account.Number, of.account.ID, tx.NewDelete().Where("id IN (?)", bun.List(ids)))
			if err != nil || deleted == 0 {
				return err
			}
			n += deleted
			return s.auditTx(ctx, tx, of.account.Number, "room_recordings.expire", "", fmt.Sprintf("%d recordings", deleted))
		})
		if err != nil || len(ids) < deletedAtOnce {
			return n, err
		}
	}
}

func (s *Store) pruneCompositions(ctx context.Context, of retention) (n int, err error) {
	for {
		ids, err := s.expired(ctx, of, "compositions", []string{string(video.CompositionCompleted), string(video.CompositionFailed)})
		if err != nil || len(ids) == 0 {
			return n, err
		}
		err = s.write(ctx, "delete expired compositions", func(ctx context.Context, tx bun.Tx) error {
			deleted, err := s.removeCompositions(ctx, tx, of.account.Number, of.account.ID, tx.NewDelete().Where("id IN (?)", bun.List(ids)))
			if err != nil || deleted == 0 {
				return err
			}
			n += deleted
			return s.auditTx(ctx, tx, of.account.Number, "room_compositions.expire", "", fmt.Sprintf("%d compositions", deleted))
		})
		if err != nil || len(ids) < deletedAtOnce {
			return n, err
		}
	}
}
