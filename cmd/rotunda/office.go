package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/alecthomas/kong"

	"github.com/rotunda-rtc/rotunda/internal/auth"
	"github.com/rotunda-rtc/rotunda/internal/store"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// accountFlag names the account a command is about.
type accountFlag struct {
	Account string `placeholder:"ID|NAME" help:"The account, by its id or name (default: the one of the first start)."`
}

type jsonFlag struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// office is where commands work on a server's record, which may be running meanwhile.
type office struct {
	config   *Config
	db       *store.Store
	terminal *terminal
}

// inOffice opens the record for as long as work takes. What work changes is put down to the command line.
func inOffice(ctx context.Context, line *kong.Context, t *terminal, work func(context.Context, *office) error) (err error) {
	config, err := loadConfig(givenSettings(line), t.env)
	if err != nil {
		return err
	}
	db, err := openRecord(ctx, config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	ctx = video.WithActor(ctx, video.Actor{KeyName: "command line"})
	return work(ctx, &office{config: config, db: db, terminal: t})
}

// openRecord opens the database of a server that was started before. It makes none, so that a wrong directory is noticed, and
// migrates none: an older server may be at work in it.
func openRecord(ctx context.Context, config *Config) (*store.Store, error) {
	if _, err := os.Stat(databasePath(config.Data)); err != nil && config.DatabaseURL == "" {
		return nil, fmt.Errorf("open database: %w: with --data, name the data directory of a server that was started before", err)
	}
	plan, err := store.PlanMigration(ctx, config.database())
	if err != nil {
		return nil, err
	}
	if plan.Current > 0 && len(plan.Pending) > 0 {
		return nil, fmt.Errorf("database %s: its schema has version %d and this program needs %d: use the program that the server runs, "+
			"or upgrade the server first ('rotunda migrate plan' says how)", plan.Place, plan.Current, plan.Target)
	}
	return store.Open(ctx, config.database())
}

// authority makes and checks tokens like the server. It needs the server's root key, and never makes one.
func (o *office) authority(ctx context.Context) (*auth.Authority, error) {
	if _, err := os.Stat(filepath.Join(o.config.Data, "root.key")); err != nil && o.config.RootKey == nil {
		return nil, fmt.Errorf("open root key: %w: name the server's data directory with --data, or set ROTUNDA_ROOT_KEY as it has it", err)
	}
	own, err := unpack(ctx, o.config, o.db, nil)
	if err != nil {
		return nil, err
	}
	return own.authority, nil
}

// account finds the account of that id or name; none is the default one.
func (o *office) account(ctx context.Context, named accountFlag) (video.Account, error) {
	if named.Account == "" {
		account, _, err := o.db.DefaultAccount(ctx)
		return account, err
	}
	accounts, err := o.db.Accounts(ctx)
	if err != nil {
		return video.Account{}, err
	}
	var found []video.Account
	for _, account := range accounts {
		if string(account.ID) == named.Account || account.Name == named.Account {
			found = append(found, account)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return video.Account{}, fmt.Errorf("find account: none has the id or name %q: 'rotunda account list' shows them", named.Account)
	}
	return video.Account{}, fmt.Errorf("find account: several have the name %q: give the id, which 'rotunda account list' shows", named.Account)
}

// refusedTo says in a terminal's words why something was refused, and what to do. Other errors stay as they are.
func refusedTo(action string, err error, advice string) error {
	if e, refused := errors.AsType[*video.Error](err); refused && e.Code != video.CodeUnavailable && e.Code != video.CodeInternal {
		return fmt.Errorf("%s: %s: %s", action, e.Message, advice)
	}
	return err
}

func printJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}

// printTable aligns columns. Cells may come from strangers: nothing in them reaches the terminal but what can be printed.
func printTable(w io.Writer, rows [][]string) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		for i := range row {
			if row[i] = printable(row[i]); row[i] == "" {
				row[i] = "-"
			}
		}
		if _, err := fmt.Fprintln(table, strings.Join(row, "\t")); err != nil {
			return err
		}
	}
	return table.Flush()
}

func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r != ' ' && !unicode.IsGraphic(r) {
			return '?'
		}
		return r
	}, s)
}

// inTable writes a time for people.
func inTable(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04Z")
}
