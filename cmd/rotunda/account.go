package main

import (
	"context"
	"fmt"
	"time"

	"github.com/alecthomas/kong"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

type accountCommand struct {
	Create accountCreateCommand `cmd:"" help:"Make an account and print its id. The server may be running."`
	List   accountListCommand   `cmd:"" help:"List the accounts."`
}

type accountCreateCommand struct {
	serverFlags
	jsonFlag

	Name string `arg:"" help:"What to call it; no two accounts have the same name."`
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
		all, rows := []accountJSON{}, [][]string{{"ID", "NAME", "CREATED", "DEFAULT"}}
		for _, account := range accounts {
			all = append(all, accountJSON(account))
			isDefault := ""
			if account.Default {
				isDefault = "yes"
			}
			rows = append(rows, []string{string(account.ID), account.Name, inTable(&account.CreatedAt), isDefault})
		}
		if c.JSON {
			return printJSON(t.stdout, all)
		}
		return printTable(t.stdout, rows)
	})
}
