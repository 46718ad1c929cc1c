package store

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

type signingKeyRow struct {
	bun.BaseModel `bun:"table:signing_keys"`

	ID        string          `bun:"id,pk"`
	AccountID video.AccountID `bun:"account_id"`
	Public    []byte          `bun:"public"`
	Sealed    []byte          `bun:"sealed"`
	CreatedAt int64           `bun:"created_at"`
}

func (r signingKeyRow) signingKey() video.SigningKey {
	return video.SigningKey{
		ID: r.ID, AccountID: r.AccountID, Public: r.Public, Sealed: r.Sealed, CreatedAt: moment(r.CreatedAt),
	}
}

// AddSigningKey keeps a key pair. A zero CreatedAt is filled in.
func (s *Store) AddSigningKey(ctx context.Context, key video.SigningKey) error {
	if key.CreatedAt.IsZero() {
		key.CreatedAt = s.now()
	}
	number, err := s.existing(ctx, key.AccountID)
	if err != nil {
		return err
	}
	row := signingKeyRow{
		ID: key.ID, AccountID: key.AccountID, Public: key.Public, Sealed: key.Sealed, CreatedAt: key.CreatedAt.UnixMicro(),
	}
	err = s.write(ctx, "add signing key", func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.NewInsert().Model(&row).Exec(ctx); err != nil {
			return err
		}
		return s.auditTx(ctx, tx, number, "signing_key.create", row.ID, "")
	})
	if duplicate(err) {
		return video.Errorf(video.CodeDuplicate, "a signing key with this id exists already")
	}
	return err
}

// SigningKeys returns the account's key pairs, newest first.
func (s *Store) SigningKeys(ctx context.Context, account video.AccountID) ([]video.SigningKey, error) {
	var rows []signingKeyRow
	err := s.reads.NewSelect().Model(&rows).Where("account_id = ?", account).
		OrderExpr("created_at DESC, id DESC").Scan(ctx)
	if err != nil {
		return nil, failed("list signing keys", err)
	}
	keys := make([]video.SigningKey, len(rows))
	for i, row := range rows {
		keys[i] = row.signingKey()
	}
	return keys, nil
}

// SigningKey finds a key pair by the kid that tokens name it by, in whichever account it is.
func (s *Store) SigningKey(ctx context.Context, kid string) (video.SigningKey, error) {
	var row signingKeyRow
	err := s.reads.NewSelect().Model(&row).Where("id = ?", kid).Scan(ctx)
	if err := one(err, video.Errorf(video.CodeNotFound, "no such signing key"), "find signing key"); err != nil {
		return video.SigningKey{}, err
	}
	return row.signingKey(), nil
}

// RemoveSigningKeys forgets key pairs of the account. Tokens that they signed are refused from now on.
func (s *Store) RemoveSigningKeys(ctx context.Context, account video.AccountID, kids []string) error {
	if len(kids) == 0 {
		return nil
	}
	number, err := s.existing(ctx, account)
	if err != nil {
		return err
	}
	return s.write(ctx, "remove signing keys", func(ctx context.Context, tx bun.Tx) error {
		for _, kid := range kids {
			n, err := affected(tx.NewDelete().Model((*signingKeyRow)(nil)).
				Where("account_id = ?", account).Where("id = ?", kid).Exec(ctx))
			if err != nil {
				return err
			}
			if n == 0 {
				continue
			}
			if err := s.auditTx(ctx, tx, number, "signing_key.remove", kid, ""); err != nil {
				return err
			}
		}
		return nil
	})
}
