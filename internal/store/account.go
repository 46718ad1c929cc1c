package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

type accountRow struct {
	bun.BaseModel `bun:"table:accounts"`

	ID        video.AccountID `bun:"id,pk"`
	Name      string          `bun:"name"`
	IsDefault bool            `bun:"is_default"`
	CreatedAt int64           `bun:"created_at"`
}

func (r accountRow) account() video.Account {
	return video.Account{ID: r.ID, Name: r.Name, CreatedAt: moment(r.CreatedAt)}
}

// totalsRow counts what an account's unfiltered lists hold.
type totalsRow struct {
	bun.BaseModel `bun:"table:account_totals"`

	AccountID    video.AccountID `bun:"account_id,pk"`
	Rooms        int             `bun:"rooms"`
	Sessions     int             `bun:"sessions"`
	Participants int             `bun:"participants"`
}

// DefaultAccount returns the account that exists from the first start on, and whether this call made it.
func (s *Store) DefaultAccount(ctx context.Context) (account video.Account, created bool, err error) {
	var row accountRow
	err = s.write(ctx, "default account", func(ctx context.Context, tx bun.Tx) error {
		err := tx.NewSelect().Model(&row).Where("is_default").Scan(ctx)
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		row = accountRow{
			ID:        video.AccountID(video.NewUUID()),
			Name:      "default",
			IsDefault: true,
			CreatedAt: s.now().UnixMicro(),
		}
		created = true
		return insertAccount(ctx, tx, &row)
	})
	if err != nil {
		return video.Account{}, false, err
	}
	return row.account(), created, nil
}

func insertAccount(ctx context.Context, tx bun.Tx, row *accountRow) error {
	if _, err := tx.NewInsert().Model(row).Exec(ctx); err != nil {
		return err
	}
	_, err := tx.NewInsert().Model(&totalsRow{AccountID: row.ID}).Exec(ctx)
	return err
}

// addTotal changes one of an account's counters ("rooms", "sessions" or "participants").
func addTotal(ctx context.Context, tx bun.Tx, account video.AccountID, counter string, n int) error {
	_, err := tx.NewUpdate().Model((*totalsRow)(nil)).
		Set("? = ? + ?", bun.Ident(counter), bun.Ident(counter), n).
		Where("account_id = ?", account).Exec(ctx)
	return err
}
