package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/rotunda-rtc/rotunda/internal/auth"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

type keyCommand struct {
	Create keyCreateCommand `cmd:"" help:"Make an API key and print it. The server may be running."`
	List   keyListCommand   `cmd:"" help:"List an account's API keys: what they may do, when they end, when they were last used."`
	Revoke keyRevokeCommand `cmd:"" help:"Make an API key useless at once."`
	Rotate keyRotateCommand `cmd:"" help:"Make a new key that signs an account's client tokens from now on."`
}

type keyCreateCommand struct {
	serverFlags
	accountFlag
	jsonFlag

	Name    string `placeholder:"NAME" default:"${key_name}" help:"What the key is for, so that it can be told from others (default ${key_name})."`
	Rights  string `enum:"admin,read-only,tokens-only" default:"admin" placeholder:"RIGHTS" help:"What it may do: admin, read-only or tokens-only (default admin)."`
	Expires string `placeholder:"TIME" help:"When it ends: after a time such as 12h or 90d, or at a date such as 2027-01-31 (its first moment in UTC). Default: never."`
}

type keyListCommand struct {
	serverFlags
	accountFlag
	jsonFlag
}

type keyRevokeCommand struct {
	serverFlags
	accountFlag
	jsonFlag

	Key string `arg:"" help:"The key's id or name, as 'rotunda key list' shows them, or the whole key."`
}

type keyRotateCommand struct {
	serverFlags
	accountFlag
	jsonFlag

	DiscardOld bool `help:"Refuse every token that an older key signed, at once. For a key that leaked: everyone needs a new token."`
}

// keyJSON is how commands print an API key's record.
type keyJSON struct {
	APIKey     string          `json:"api_key,omitempty"` // the key itself, when it is made
	ID         string          `json:"id"`
	AccountID  video.AccountID `json:"account_id"`
	Name       string          `json:"name"`
	Rights     video.Rights    `json:"rights"`
	State      string          `json:"state"`
	CreatedAt  time.Time       `json:"created_at"`
	ExpiresAt  *time.Time      `json:"expires_at"`
	RevokedAt  *time.Time      `json:"revoked_at"`
	LastUsedAt *time.Time      `json:"last_used_at"`
	LastAgent  string          `json:"last_agent"`
}

func renderKey(key video.APIKey, now time.Time) keyJSON {
	state := "valid"
	switch {
	case key.RevokedAt != nil:
		state = "revoked"
	case key.ExpiresAt != nil && !now.Before(*key.ExpiresAt):
		state = "expired"
	}
	return keyJSON{
		ID: key.ID, AccountID: key.AccountID, Name: key.Name, Rights: key.Rights, State: state, CreatedAt: key.CreatedAt,
		ExpiresAt: key.ExpiresAt, RevokedAt: key.RevokedAt, LastUsedAt: key.LastUsedAt, LastAgent: key.LastAgent,
	}
}

// Run makes the key. Only its hash is kept, so it is printed this once.
func (c *keyCreateCommand) Run(ctx context.Context, line *kong.Context, t *terminal) error {
	now := time.Now().UTC().Truncate(time.Microsecond)
	expires, err := expiry(c.Expires, now)
	if err != nil {
		return err
	}
	return inOffice(ctx, line, t, func(ctx context.Context, o *office) error {
		account, err := o.account(ctx, c.accountFlag)
		if err != nil {
			return err
		}
		record := video.APIKey{
			ID: video.NewUUID(), AccountID: account.ID, Name: c.Name, Rights: video.Rights(c.Rights), ExpiresAt: expires, CreatedAt: now,
		}
		key, err := newAPIKey(ctx, o.db, record)
		if err != nil {
			return refusedTo("create key", err, "choose another --name")
		}
		if c.JSON {
			made := renderKey(record, now)
			made.APIKey = key
			return printJSON(t.stdout, made)
		}
		_, err = fmt.Fprintln(t.stdout, key)
		return err
	})
}

// expiry reads when a key ends; nothing means never.
func expiry(s string, now time.Time) (*time.Time, error) {
	if s == "" {
		return nil, nil
	}
	at, ok := now, false
	if days, isDays := strings.CutSuffix(s, "d"); isDays {
		n, err := strconv.ParseUint(days, 10, 15)
		at, ok = now.AddDate(0, 0, int(n)), err == nil
	} else if span, err := time.ParseDuration(s); err == nil {
		at, ok = now.Add(span), true
	} else {
		for _, layout := range []string{time.DateOnly, time.RFC3339} {
			if date, err := time.Parse(layout, s); err == nil {
				at, ok = date.UTC(), true
			}
		}
	}
	if !ok || !at.After(now) {
		return nil, misuse{fmt.Errorf("create key: --expires %q is no time to come: give one such as 12h or 90d, or a date such as %s",
			s, now.AddDate(1, 0, 0).Format(time.DateOnly))}
	}
	return &at, nil
}

// Run lists them, newest first.
func (c *keyListCommand) Run(ctx context.Context, line *kong.Context, t *terminal) error {
	return inOffice(ctx, line, t, func(ctx context.Context, o *office) error {
		account, err := o.account(ctx, c.accountFlag)
		if err != nil {
			return err
		}
		keys, err := o.db.APIKeys(ctx, account.ID)
		if err != nil {
			return err
		}
		all, rows := []keyJSON{}, [][]string{{"ID", "NAME", "RIGHTS", "STATE", "CREATED", "EXPIRES", "LAST USED", "BY"}}
		for _, key := range keys {
			k := renderKey(key, time.Now())
			all = append(all, k)
			rows = append(rows, []string{
				k.ID, k.Name, string(k.Rights), k.State, inTable(&k.CreatedAt), inTable(k.ExpiresAt), inTable(k.LastUsedAt), k.LastAgent,
			})
		}
		if c.JSON {
			return printJSON(t.stdout, all)
		}
		if len(all) == 0 {
			_, err = fmt.Fprintf(t.stdout, "account %s has no API keys: 'rotunda key create' makes one\n", printable(account.Name))
			return err
		}
		return printTable(t.stdout, rows)
	})
}

// Run revokes the one key meant.
func (c *keyRevokeCommand) Run(ctx context.Context, line *kong.Context, t *terminal) error {
	return inOffice(ctx, line, t, func(ctx context.Context, o *office) error {
		account, err := o.account(ctx, c.accountFlag)
		if err != nil {
			return err
		}
		keys, err := o.db.APIKeys(ctx, account.ID)
		if err != nil {
			return err
		}
		id, err := meant(keys, c.Key)
		if err != nil {
			return err
		}
		key, err := o.db.RevokeAPIKey(ctx, account.ID, id)
		if err != nil {
			return refusedTo("revoke key", err, "'rotunda key list' shows the account's keys")
		}
		if c.JSON {
			return printJSON(t.stdout, renderKey(key, time.Now()))
		}
		_, err = fmt.Fprintf(t.stdout, "revoked %s (%s)\n", printable(key.Name), key.ID)
		return err
	})
}

// meant finds the key that an operator names by id, by the key itself, or by a name that only one unrevoked key has. The
// errors do not repeat what was given, which may be a key.
func meant(keys []video.APIKey, given string) (id string, err error) {
	hash := auth.HashKey(given)
	var named, good []string
	for _, key := range keys {
		if key.ID == given || key.Hash == hash {
			return key.ID, nil
		}
		if key.Name == given {
			named = append(named, key.ID)
			if key.RevokedAt == nil {
				good = append(good, key.ID)
			}
		}
	}
	switch {
	case len(good) == 1:
		return good[0], nil
	case len(good) > 1:
		return "", fmt.Errorf("find key: %d have this name: give the id, which 'rotunda key list' shows", len(good))
	case len(named) > 0:
		return named[0], nil // revoked already
	}
	return "", fmt.Errorf("find key: the account has no such key: 'rotunda key list' shows those it has, --account names another")
}

// Run rotates. A running server signs with the new key from its next token on.
func (c *keyRotateCommand) Run(ctx context.Context, line *kong.Context, t *terminal) error {
	return inOffice(ctx, line, t, func(ctx context.Context, o *office) error {
		account, err := o.account(ctx, c.accountFlag)
		if err != nil {
			return err
		}
		authority, err := o.authority(ctx)
		if err != nil {
			return err
		}
		key, err := authority.Rotate(ctx, account.ID)
		if err != nil {
			return err
		}
		after := "tokens of older keys stay good until they expire"
		if c.DiscardOld {
			if err := authority.DiscardOldKeys(ctx, account.ID); err != nil {
				return err
			}
			after = "tokens of older keys are refused"
		}
		if c.JSON {
			return printJSON(t.stdout, map[string]any{
				"id": key.ID, "account_id": account.ID, "created_at": key.CreatedAt, "old_discarded": c.DiscardOld,
			})
		}
		_, err = fmt.Fprintf(t.stdout, "key %s signs the tokens of account %s from now on; %s\n", key.ID, account.Name, after)
		return err
	})
}
