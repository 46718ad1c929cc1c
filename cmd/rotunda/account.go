package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/alecthomas/kong"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

type accountCommand struct {
	Create accountCreateCommand `cmd:"" help:"Make an account and print its id. The server may be running."`
	List   accountListCommand   `cmd:"" help:"List the accounts."`
	Update accountUpdateCommand `cmd:"" help:"Change how long an account's recordings are kept. The server may be running."`
}

type accountCreateCommand struct {
	serverFlags
	jsonFlag

	Name string `arg:"" help:"What to call it; no two accounts have the same name."`
}

type accountUpdateCommand struct {
	serverFlags
	jsonFlag
	accountFlag

	RecordingRetentionDays string `required:"" placeholder:"DAYS" help:"Delete recordings and compositions after so many days, unless their room says otherwise; 0 is never, 'default' is as the server has it."`
}

type accountListCommand struct {
	serverFlags
	jsonFlag
}

// accountJSON is how commands print an account.
type accountJSON struct {
	ID        video.AccountID `json:"id"`
	Name      string          `json:"name"`
	Default   bool            `json:"default"`
	CreatedAt time.Time       `json:"created_at"`

	RecordingRetentionDays *int `json:"recording_retention_days"`
}

// Run makes the account with the keys that it needs; API keys are another command's.
func (c *accountCreateCommand) Run(ctx context.Context, line *kong.Context, t *terminal) error {
	return inOffice(ctx, line, t, func(ctx context.Context, o *office) error {
		authority, err := o.authority(ctx)
		if err != nil {
			return err
		}
		account, err := o.db.CreateAccount(ctx, c.Name)
		if err != nil {
			return refusedTo("create account", err, "choose another name")
		}
		if err := authority.EnsureSigningKey(ctx, account.ID); err != nil {
			return err
		}
		if err := authority.EnsureEventKey(ctx, account.ID); err != nil {
			return err
		}
		if c.JSON {
			return printJSON(t.stdout, accountJSON(account))
		}
		_, err = fmt.Fprintln(t.stdout, account.ID)
		return err
	})
}

// Run lists them, oldest first.
func (c *accountListCommand) Run(ctx context.Context, line *kong.Context, t *terminal) error {
	return inOffice(ctx, line, t, func(ctx context.Context, o *office) error {
		accounts, err := o.db.Accounts(ctx)
		if err != nil {
			return err
		}
		all, rows := []accountJSON{}, [][]string{{"ID", "NAME", "CREATED", "DEFAULT", "RECORDINGS KEPT"}}
		for _, account := range accounts {
			all = append(all, accountJSON(account))
			isDefault := ""
			if account.Default {
				isDefault = "yes"
			}
			rows = append(rows, []string{string(account.ID), account.Name, inTable(&account.CreatedAt), isDefault, keptInTable(account.RecordingRetentionDays)})
		}
		if c.JSON {
			return printJSON(t.stdout, all)
		}
		return printTable(t.stdout, rows)
	})
}

func keptInTable(days *int) string {
	switch {
	case days == nil:
		return ""
	case *days == 0:
		return "for ever"
	}
	return strconv.Itoa(*days) + " days"
}

// Run changes the account. A running server goes by it within the hour.
func (c *accountUpdateCommand) Run(ctx context.Context, line *kong.Context, t *terminal) error {
	return inOffice(ctx, line, t, func(ctx context.Context, o *office) error {
		account, err := o.account(ctx, c.accountFlag)
		if err != nil {
			return err
		}
		var days *int
		if c.RecordingRetentionDays != "default" {
			n, err := strconv.Atoi(c.RecordingRetentionDays)
			if err != nil {
				return fmt.Errorf("update account: --recording-retention-days %q is no number of days: give one, 0 for ever, or 'default'", c.RecordingRetentionDays)
			}
			days = &n
		}
		if err := o.db.SetRecordingRetention(ctx, account.ID, days); err != nil {
			return refusedTo("update account", err, "give another number")
		}
		account.RecordingRetentionDays = days
		if c.JSON {
			return printJSON(t.stdout, accountJSON(account))
		}
		_, err = fmt.Fprintln(t.stdout, account.ID)
		return err
	})
}
