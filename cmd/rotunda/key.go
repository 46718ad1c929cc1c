package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/alecthomas/kong"

	"github.com/rotunda-rtc/rotunda/internal/store"
)

type keyCommand struct {
	Create keyCreateCommand `cmd:"" help:"Make an admin API key and print it. The server may be running."`
}

type keyCreateCommand struct {
	serverFlags

	Name string `placeholder:"NAME" default:"${key_name}" help:"What the key is for, so that it can be told from others (default ${key_name})."`
	JSON bool   `name:"json" help:"Print JSON."`
}

// Run makes the key. Only its hash is kept, so it is printed this once.
func (c *keyCreateCommand) Run(ctx context.Context, line *kong.Context, t *terminal) (err error) {
	flags := given(line)
	delete(flags, "name")
	delete(flags, "json")
	config, err := loadConfig(flags, t.env)
	if err != nil {
		return err
	}
	path := databasePath(config.Data)
	if _, err := os.Stat(path); err != nil && config.DatabaseURL == "" {
		return fmt.Errorf("open database: %w: name the data directory of a server that has been started once with --data", err)
	}
	db, err := store.Open(ctx, config.database())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	account, _, err := db.DefaultAccount(ctx)
	if err != nil {
		return err
	}
	key, err := newAPIKey(ctx, db, account.ID, c.Name)
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(t.stdout).Encode(map[string]string{"api_key": key, "name": c.Name})
	}
	_, err = fmt.Fprintln(t.stdout, key)
	return err
}
