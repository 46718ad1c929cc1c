package store

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

type eventKeyRow struct {
	bun.BaseModel `bun:"table:event_keys"`

	ID        string          `bun:"id,pk"`
	AccountID video.AccountID `bun:"account_id"`
	Public    []byte          `bun:"public"`
	Sealed    []byte          `bun:"sealed"`
	Active    bool            `bun:"active"`
	CreatedAt int64           `bun:"created_at"`
}

// EventKeys returns the key pairs that sign the account's webhooks: the active one first, then the one prepared.
func (s *Store) EventKeys(ctx context.Context, account video.AccountID) ([]video.EventKey, error) {
	if _, err := s.existing(ctx, account); err != nil {
		return nil, err
	}
	var rows []eventKeyRow
	err := s.reads.NewSelect().Model(&rows).Where("account_id = ?", account).OrderExpr("active DESC").Scan(ctx)
	if err != nil {
		return nil, failed("list webhook keys", err)
	}
	keys := make([]video.EventKey, len(rows))
	for i, r := range rows {
		keys[i] = video.EventKey{
			ID: r.ID, AccountID: r.AccountID, Public: r.Public, Sealed: r.Sealed, Active: r.Active, CreatedAt: moment(r.CreatedAt),
		}
	}
	return keys, nil
}

// AddEventKey keeps a key pair, active or prepared. A zero CreatedAt is filled in. A second active or a second prepared one
// is a duplicate.
func (s *Store) AddEventKey(ctx context.Context, key video.EventKey) error {
	if key.CreatedAt.IsZero() {
		key.CreatedAt = s.now()
	}
	number, err := s.existing(ctx, key.AccountID)
	if err != nil {
		return err
	}
	row := eventKeyRow{
		ID: key.ID, AccountID: key.AccountID, Public: key.Public, Sealed: key.Sealed, Active: key.Active,
		CreatedAt: key.CreatedAt.UnixMicro(),
	}
	err = s.write(ctx, "add webhook key", func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.NewInsert().Model(&row).Exec(ctx); err != nil {
			return err
		}
		action := "webhook_key.prepare"
		if row.Active {
			action = "webhook_key.create"
		}
		return s.auditTx(ctx, tx, number, action, row.ID, "")
	})
	if duplicate(err) {
		return video.Errorf(video.CodeDuplicate, "the account has such a webhook key already")
	}
	return err
}

// ActivateEventKey puts the prepared key in the place of the active one, which is forgotten. Without a prepared key it is an
// error with CodeState, and the active one stays.
func (s *Store) ActivateEventKey(ctx context.Context, account video.AccountID) error {
	number, err := s.existing(ctx, account)
	if err != nil {
		return err
	}
	return s.write(ctx, "activate webhook key", func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewDelete().Model((*eventKeyRow)(nil)).Where("account_id = ?", account).Where("active").Exec(ctx)
		if err != nil {
			return err
		}
		var row eventKeyRow
		err = tx.NewUpdate().Model(&row).Set("active = ?", true).Where("account_id = ?", account).Returning("id").Scan(ctx)
		absent := video.Errorf(video.CodeState, "no webhook key is prepared: prepare one first")
		if err := one(err, absent, "activate webhook key"); err != nil {
			return err
		}
		return s.auditTx(ctx, tx, number, "webhook_key.activate", row.ID, "")
	})
}
