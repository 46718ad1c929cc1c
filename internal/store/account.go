package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"unicode"

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

	RecordingRetentionDays *int `bun:"recording_retention_days"`
}

func (r accountRow) record() video.Account {
	return video.Account{
		ID: r.ID, Name: r.Name, Default: r.IsDefault, CreatedAt: moment(r.CreatedAt), RecordingRetentionDays: r.RecordingRetentionDays,
	}
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

// CreateAccount makes an account. The name is 1 to MaxAccountName bytes of text that does not look like an account id; one
// that another account has is a duplicate.
func (s *Store) CreateAccount(ctx context.Context, name string) (video.Account, error) {
	if err := checkAccountName(name); err != nil {
		return video.Account{}, err
	}
	row := accountRow{ID: video.AccountID(video.NewUUID()), Name: name, CreatedAt: s.now().UnixMicro()}
	err := s.write(ctx, "create account", func(ctx context.Context, tx bun.Tx) error {
		taken, err := tx.NewSelect().Model((*accountRow)(nil)).Where("name = ?", name).Exists(ctx)
		if err != nil {
			return err
		}
		if taken {
			return video.Errorf(video.CodeDuplicate, "an account with the name %q exists already", name).WithField("/name")
		}
		if err := insertAccount(ctx, tx, &row); err != nil {
			return err
		}
		return s.auditTx(ctx, tx, row.Number, "account.create", string(row.ID), row.Name)
	})
	if err != nil {
		return video.Account{}, err
	}
	return row.record(), nil
}

func checkAccountName(name string) error {
	var fault string
	switch {
	case strings.TrimSpace(name) == "":
		fault = "an account needs a name"
	case len(name) > video.MaxAccountName:
		fault = fmt.Sprintf("the name of an account has at most %d bytes", video.MaxAccountName)
	case !isText(name) || strings.ContainsFunc(name, unicode.IsControl):
		fault = "the name of an account is UTF-8 without control characters"
	case video.IsUUID(name):
		fault = "the name of an account must not look like an id"
	default:
		return nil
	}
	return video.Errorf(video.CodeInvalid, "%s", fault).WithField("/name")
}

// Accounts returns all accounts, oldest first.
func (s *Store) Accounts(ctx context.Context) ([]video.Account, error) {
	var rows []accountRow
	if err := s.reads.NewSelect().Model(&rows).OrderExpr("number").Scan(ctx); err != nil {
		return nil, failed("list accounts", err)
	}
	accounts := make([]video.Account, len(rows))
	for i, row := range rows {
		accounts[i] = row.record()
	}
	return accounts, nil
}

// Account finds an account by its id.
func (s *Store) Account(ctx context.Context, id video.AccountID) (video.Account, error) {
	var row accountRow
	err := s.reads.NewSelect().Model(&row).Where("id = ?", id).Scan(ctx)
	if err := one(err, accountAbsent(id), "find account"); err != nil {
		return video.Account{}, err
	}
	return row.record(), nil
}

func accountAbsent(id video.AccountID) *video.Error {
	return video.Errorf(video.CodeNotFound, "no account with id %s", id)
}

// accountIDs are the ids of the accounts whose numbers the rows have.
func accountIDs[R any](ctx context.Context, db bun.IDB, rows []R, number func(R) account) (map[account]video.AccountID, error) {
	ids := make(map[account]video.AccountID)
	if len(rows) == 0 {
		return ids, nil
	}
	numbers := make([]account, len(rows))
	for i, row := range rows {
		numbers[i] = number(row)
	}
	var accounts []accountRow
	err := db.NewSelect().Model(&accounts).Column("number", "id").Where("number IN (?)", bun.List(numbers)).Scan(ctx)
	for _, a := range accounts {
		ids[a.Number] = a.ID
	}
	return ids, err
}

// existing finds the number of an account that something is to be added to.
func (s *Store) existing(ctx context.Context, id video.AccountID) (account, error) {
	number, err := s.number(ctx, id)
	if err == nil && number == noAccount {
		err = accountAbsent(id)
	}
	return number, err
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
