package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// idempotencyAge is how long the answer to a request with an idempotency key is kept at least.
const idempotencyAge = 24 * time.Hour

// idempotencyRow has status 0 while its request is being carried out, when the process died over it, and when it failed for want of
// the server.
type idempotencyRow struct {
	bun.BaseModel `bun:"table:idempotency"`

	Account   account `bun:"account,pk"`
	Key       []byte  `bun:"key,pk"`
	Request   []byte  `bun:"request"`
	Status    int     `bun:"status"`
	Body      []byte  `bun:"body"`
	CreatedAt int64   `bun:"created_at"`
}

func (r idempotencyRow) answer() video.KeptAnswer {
	return video.KeptAnswer{Request: [32]byte(r.Request), BegunAt: moment(r.CreatedAt), Status: r.Status, Body: r.Body}
}

// BeginIdempotent notes that a request with an idempotency key is about to be carried out, and returns what is kept under
// the key: this request without an answer if it is the first in a day, or if the last one came to none; else the first request
// and perhaps its answer. Key and request are hashes.
func (s *Store) BeginIdempotent(
	ctx context.Context, account video.AccountID, key, request [32]byte,
) (kept video.KeptAnswer, err error) {
	number, err := s.existing(ctx, account)
	if err != nil {
		return video.KeptAnswer{}, err
	}
	now := s.now()
	row := idempotencyRow{Account: number, Key: key[:], Request: request[:], Body: []byte{}, CreatedAt: now.UnixMicro()}
	err = s.write(ctx, "begin idempotent request", func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewDelete().Model(&row).WherePK().Where("created_at <= ?", now.Add(-idempotencyAge).UnixMicro()).Exec(ctx)
		if err != nil {
			return err
		}
		if _, err := tx.NewInsert().Model(&row).On("CONFLICT DO NOTHING").Exec(ctx); err != nil {
			return err
		}
		return tx.NewSelect().Model(&row).WherePK().Scan(ctx)
	})
	if err != nil {
		return video.KeptAnswer{}, err
	}
	return row.answer(), nil
}

// FinishIdempotent keeps the answer to a request that was begun.
func (s *Store) FinishIdempotent(ctx context.Context, account video.AccountID, key [32]byte, status int, body []byte) error {
	number, err := s.existing(ctx, account)
	if err != nil {
		return err
	}
	return s.write(ctx, "finish idempotent request", func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewUpdate().Model((*idempotencyRow)(nil)).Set("status = ?", status).Set("body = ?", body).
			Where("account = ?", number).Where("key = ?", key[:]).Exec(ctx)
		return err
	})
}

// idempotencyChunk is how many rows one transaction of PruneIdempotency removes, so that nobody waits long for the writing
// connection.
const idempotencyChunk = 500

// PruneIdempotency removes what was begun before a time, which is a day ago or longer.
func (s *Store) PruneIdempotency(ctx context.Context, before time.Time) error {
	for removed := int64(idempotencyChunk); removed == idempotencyChunk; {
		err := s.write(ctx, "prune idempotency keys", func(ctx context.Context, tx bun.Tx) (err error) {
			old := tx.NewSelect().Model((*idempotencyRow)(nil)).Column("account", "key").
				Where("created_at < ?", before.UnixMicro()).OrderExpr("created_at").Limit(idempotencyChunk)
			removed, err = affected(tx.NewDelete().Model((*idempotencyRow)(nil)).Where("(account, key) IN (?)", old).Exec(ctx))
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
