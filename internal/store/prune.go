package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"
)

// pruneChunk is how many rows one transaction removes, so that nobody waits long for the writing connection.
const pruneChunk = 500

// PruneHistory removes what is older than the time given and will not change any more: deliveries, with their attempts,
// that have none to come, and the happenings of sessions that ended before. It returns how many of both it removed.
func (s *Store) PruneHistory(ctx context.Context, before time.Time) (n int, err error) {
	limit := before.UnixMicro()
	for _, prune := range []func(context.Context, bun.Tx, int64) (int, error){pruneDeliveries, pruneHappenings} {
		for removed := pruneChunk; removed == pruneChunk; n += removed {
			removed = 0
			err := s.write(ctx, "prune history", func(ctx context.Context, tx bun.Tx) (err error) {
				removed, err = prune(ctx, tx, limit)
				return err
			})
			if err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

func pruneDeliveries(ctx context.Context, tx bun.Tx, before int64) (int, error) {
	old := tx.NewSelect().Table("deliveries").Column("seq").
		Where("occurred_at < ?", before).Where("next_at IS NULL").Order("occurred_at").Limit(pruneChunk)
	var numbers []account
	_, err := tx.NewDelete().Model((*deliveryRow)(nil)).Where("seq IN (?)", old).Returning("account").Exec(ctx, &numbers)
	if err != nil {
		return 0, err
	}
	removed := make(map[account]int)
	for _, number := range numbers {
		removed[number]++
	}
	for number, n := range removed {
		if err := addTotal(ctx, tx, number, "deliveries", -n); err != nil {
			return 0, err
		}
	}
	return len(numbers), nil
}

func pruneHappenings(ctx context.Context, tx bun.Tx, before int64) (int, error) {
	old := tx.NewSelect().TableExpr("happenings AS h").Join("JOIN sessions AS s ON s.id = h.session_id").ColumnExpr("h.seq").
		Where("h.at < ?", before).Where("s.ended_at < ?", before).OrderExpr("h.at").Limit(pruneChunk)
	n, err := affected(tx.NewDelete().Model((*happeningRow)(nil)).Where("seq IN (?)", old).Exec(ctx))
	return int(n), err
}
