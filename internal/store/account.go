package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// account is an account's number within the database.
type account int64

// noAccount is the number of accounts that do not exist. No row has it.
const noAccount account = 0

// number finds an account's number; an unknown account has noAccount, and with it no rows. Accounts are never removed, so
// that what was found once stays true.
func (s *Store) number(ctx context.Context, id video.AccountID) (account, error) {
	if known, ok := s.numbers.Load(id); ok {
		return known.(account), nil
	}
	var row accountRow
	err := s.reads.NewSelect().Model(&row).Where("id = ?", id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return noAccount, nil
	}
	if err != nil {
		return noAccount, failed("find account", err)
	}
	s.numbers.Store(id, row.Number)
	return row.Number, nil
}

type accountRow struct {
	bun.BaseModel `bun:"table:accounts"`

	Number    account         `bun:"number,pk,autoincrement"`
	ID        video.AccountID `bun:"id"`
	Name      string          `bun:"name"`
	IsDefault bool            `bun:"is_default"`
	CreatedAt int64           `bun:"created_at"`
}

func (r accountRow) record() video.Account {
	return video.Account{ID: r.ID, Name: r.Name, CreatedAt: moment(r.CreatedAt)}
}

// totalsRow counts what an account's unfiltered lists hold.
type totalsRow struct {
	bun.BaseModel `bun:"table:account_totals"`

	Account      account `bun:"account,pk"`
	Rooms        int     `bun:"rooms"`
	Sessions     int     `bun:"sessions"`
	Participants int     `bun:"participants"`
	Recordings   int     `bun:"recordings"`
	Compositions int     `bun:"compositions"`
	Deliveries   int     `bun:"deliveries"`
	Audits       int     `bun:"audits"`
}

// DefaultAccount returns the account that exists from the first start on, and whether this call made it.
func (s *Store) DefaultAccount(ctx context.Context) (_ video.Account, created bool, err error) {
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
	return row.record(), created, nil
}

func insertAccount(ctx context.Context, tx bun.Tx, row *accountRow) error {
	if _, err := tx.NewInsert().Model(row).Exec(ctx); err != nil {
		return err
	}
	_, err := tx.NewInsert().Model(&totalsRow{Account: row.Number}).Exec(ctx)
	return err
}

// addTotal changes one of an account's counters, which are the columns of totalsRow.
func addTotal(ctx context.Context, tx bun.Tx, number account, counter string, n int) error {
	_, err := tx.NewUpdate().Model((*totalsRow)(nil)).
		Set("? = ? + ?", bun.Ident(counter), bun.Ident(counter), n).
		Where("account = ?", number).Exec(ctx)
	return err
}
