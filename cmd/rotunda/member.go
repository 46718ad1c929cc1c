package main

import (
	"context"
	"fmt"
	"time"

	"github.com/alecthomas/kong"

	"github.com/rotunda-rtc/rotunda/internal/auth"
	"github.com/rotunda-rtc/rotunda/internal/rest"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

type memberCommand struct {
	List  memberListCommand  `cmd:"" help:"List an account's members: who they are, what they may do, when they signed in last."`
	Reset memberResetCommand `cmd:"" help:"Make a link by which a member chooses a password, once, within a day. The server may be running."`
}

type memberListCommand struct {
	serverFlags
	accountFlag
	jsonFlag
}

type memberResetCommand struct {
	serverFlags
	jsonFlag

	Email string `arg:"" help:"The member's email address, as 'rotunda member list' shows it."`
}

// memberJSON is how commands print a member.
type memberJSON struct {
	ID          string          `json:"id"`
	AccountID   video.AccountID `json:"account_id"`
	Email       string          `json:"email"`
	Name        string          `json:"name"`
	Role        video.Role      `json:"role"`
	CreatedAt   time.Time       `json:"created_at"`
	LastLoginAt *time.Time      `json:"last_login_at"`
}

// Run lists them, oldest first.
func (c *memberListCommand) Run(ctx context.Context, line *kong.Context, t *terminal) error {
	return inOffice(ctx, line, t, func(ctx context.Context, o *office) error {
		account, err := o.account(ctx, c.accountFlag)
		if err != nil {
			return err
		}
		members, err := o.db.Members(ctx, account.ID)
		if err != nil {
			return err
		}
		all, rows := []memberJSON{}, [][]string{{"ID", "EMAIL", "NAME", "ROLE", "CREATED", "SIGNED IN"}}
		for _, m := range members {
			all = append(all, memberJSON{m.ID, m.AccountID, m.Email, m.Name, m.Role, m.CreatedAt, m.LastLoginAt})
			rows = append(rows, []string{m.ID, m.Email, m.Name, string(m.Role), inTable(&m.CreatedAt), inTable(m.LastLoginAt)})
		}
		if c.JSON {
			return printJSON(t.stdout, all)
		}
		if len(all) == 0 {
			_, err = fmt.Fprintln(t.stdout, "nobody yet: each start of the server prints a link that makes the owner")
			return err
		}
		return printTable(t.stdout, rows)
	})
}

// Run makes the link. Whoever locked the member out, or made them wait, it lets them in.
func (c *memberResetCommand) Run(ctx context.Context, line *kong.Context, t *terminal) error {
	return inOffice(ctx, line, t, func(ctx context.Context, o *office) error {
		member, err := o.db.MemberByEmail(ctx, c.Email)
		if err != nil {
			return refusedTo("reset password", err, "'rotunda member list' shows who there is")
		}
		secret, expires, err := auth.NewMembers(o.db, nil, nil).PasswordLink(ctx, member.AccountID, member.ID)
		if err != nil {
			return err
		}
		url := o.config.baseURL(o.config.HTTP) + rest.PasswordPage + secret
		if c.JSON {
			return printJSON(t.stdout, map[string]any{"link_url": url, "link_expires_at": expires.UTC()})
		}
		_, err = fmt.Fprintln(t.stdout, url)
		return err
	})
}
