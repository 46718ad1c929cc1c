package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Redeliver begins a delivery anew, whatever came of it: at step 0, due now. One that was skipped gets the URLs its room or
// account has by now, and is refused (invalid_state) if there are still none. An attempt that is under way is left to end
// first, and decides how it goes on.
func (s *Store) Redeliver(ctx context.Context, account video.AccountID, id string) (video.Delivery, error) {
	number, err := s.number(ctx, account)
	if err != nil {
		return video.Delivery{}, err
	}
	var row deliveryRow
	err = s.write(ctx, "redeliver", func(ctx context.Context, tx bun.Tx) error {
		if row, err = findDelivery(ctx, tx, number, id); err != nil {
			return err
		}
		begun, err := s.redeliver(ctx, tx, []deliveryRow{row})
		if err != nil {
			return err
		}
		if begun == 0 && !row.Claimed {
			return video.Errorf(video.CodeState, "there is no URL to deliver the event to: neither its room nor the account has one")
		}
		row, err = findDelivery(ctx, tx, number, id)
		return err
	})
	if err != nil {
		return video.Delivery{}, err
	}
	s.journal.news.deliver()
	all := []video.Delivery{row.delivery(account)}
	return all[0], s.includeAttempts(ctx, all)
}

// redeliverChunk is how many deliveries one transaction begins anew.
const redeliverChunk = 500

// RedeliverAll is Redeliver for all deliveries the query selects (its Page does not matter), and returns how many it began.
// It works through them in chunks, each durable by itself.
func (s *Store) RedeliverAll(ctx context.Context, query video.DeliveryQuery) (count int, err error) {
	number, err := s.number(ctx, query.AccountID)
	if err != nil {
		return 0, err
	}
	l := deliveryListing(number, query)
	var seqs []int64
	if err := l.query(s.reads, l.start).Column("seq").Order("seq").Scan(ctx, &seqs); err != nil {
		return 0, failed("find deliveries", err)
	}
	for len(seqs) > 0 {
		some := seqs[:min(len(seqs), redeliverChunk)]
		seqs = seqs[len(some):]
		begun := 0
		err := s.write(ctx, "redeliver", func(ctx context.Context, tx bun.Tx) error {
			var rows []deliveryRow
			err := tx.NewSelect().Model(&rows).Where("seq IN (?)", bun.List(some)).Order("seq").Scan(ctx)
			if err != nil {
				return err
			}
			begun, err = s.redeliver(ctx, tx, rows)
			return err
		})
		if err != nil {
			return count, err
		}
		count += begun
		s.journal.news.deliver()
	}
	return count, nil
}

// redeliver begins those deliveries anew that have a URL and no attempt under way, and returns how many.
func (s *Store) redeliver(ctx context.Context, tx bun.Tx, rows []deliveryRow) (int, error) {
	var seqs []int64
	places := make(map[video.RoomID]place)
	for _, row := range rows {
		if row.URL == "" {
			found, err := giveURL(ctx, tx, places, row)
			if err != nil {
				return 0, err
			}
			if !found {
				continue
			}
		}
		seqs = append(seqs, row.Seq)
	}
	if len(seqs) == 0 {
		return 0, nil
	}
	n, err := affected(tx.NewUpdate().Model((*deliveryRow)(nil)).
		Set("status = ?", video.DeliveryPending).Set("step = 0").Set("target = url").
		Set("next_at = ?", s.now().UnixMicro()).Set("finished_at = NULL").
		Where("seq IN (?)", bun.List(seqs)).Where("claimed = ?", false).Exec(ctx))
	return int(n), err
}

// giveURL gives a delivery the URLs that hold now, and reports whether there are any.
func giveURL(ctx context.Context, tx bun.Tx, places map[video.RoomID]place, row deliveryRow) (bool, error) {
	p, known := places[row.RoomID]
	if !known {
		var err error
		p, err = findPlace(ctx, tx, tx.NewSelect().ColumnExpr("?", row.RoomID))
		if err != nil && !errors.Is(err, sql.ErrNoRows) { // a test belongs to no room
			return false, err
		}
		places[row.RoomID] = p
	}
	if p.URL == "" {
		return false, nil
	}
	_, err := tx.NewUpdate().Model((*deliveryRow)(nil)).
		Set("url = ?", p.URL).Set("failover_url = ?", p.FailoverURL).Set("timeout_secs = ?", p.TimeoutSecs).
		Where("seq = ?", row.Seq).Exec(ctx)
	return true, err
}

// AddEvent puts an event that stands for itself, such as a test, into the outbox. An empty ID and a zero OccurredAt are
// filled in.
func (s *Store) AddEvent(
	ctx context.Context, event video.Event, url, failover string, timeoutSecs *int,
) (video.Delivery, error) {
	if event.ID == "" {
		event.ID = video.NewUUID()
	}
	if event.OccurredAt.IsZero() {
		event.OccurredAt = s.stamp()
	}
	number, err := s.number(ctx, event.AccountID)
	if err != nil {
		return video.Delivery{}, err
	}
	told := newTidings()
	told.deliveries = append(told.deliveries, newDeliveryRow(
		place{Account: number, URL: url, FailoverURL: failover, TimeoutSecs: timeoutSecs}, event, s.now().UnixMicro()))
	var row deliveryRow
	err = s.write(ctx, "add event", func(ctx context.Context, tx bun.Tx) error {
		if err := told.write(ctx, tx); err != nil {
			return err
		}
		row, err = findDelivery(ctx, tx, number, event.ID)
		return err
	})
	if err != nil {
		return video.Delivery{}, err
	}
	s.journal.news.deliver()
	return row.delivery(event.AccountID), nil
}
