package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/alecthomas/kong"

	"github.com/rotunda-rtc/rotunda/internal/store"
)

type migrateCommand struct {
	Plan  migratePlanCommand  `cmd:"" help:"Say which migrations are pending. Changes nothing; the server may be running."`
	Apply migrateApplyCommand `cmd:"" help:"Apply what is pending, each migration in a transaction. Make a backup and stop the server first."`
}

type migrateFlags struct {
	serverFlags

	JSON bool `name:"json" help:"Print JSON."`
}

// config reads the settings that the command shares with the server.
func (f *migrateFlags) config(line *kong.Context, t *terminal) (*Config, error) {
	flags := given(line)
	delete(flags, "json")
	return loadConfig(flags, t.env)
}

type migratePlanCommand struct {
	migrateFlags
}

// Run prints what 'migrate apply' would do.
func (c *migratePlanCommand) Run(ctx context.Context, line *kong.Context, t *terminal) error {
	config, err := c.config(line, t)
	if err != nil {
		return err
	}
	plan, err := store.PlanMigration(ctx, config.database())
	if err != nil {
		return err
	}
	if c.JSON {
		return printPlan(t.stdout, plan, "pending")
	}
	if len(plan.Pending) == 0 {
		_, err = fmt.Fprintf(t.stdout, "%s is up to date: its schema has version %d.\n", plan.Place, plan.Current)
		return err
	}
	fmt.Fprintf(t.stdout, "%s: its schema has version %d, this program needs %d. Pending:\n", plan.Place, plan.Current, plan.Target)
	_, err = fmt.Fprintf(t.stdout, "%sMake a backup, stop the server, and run 'rotunda migrate apply'.\n", indented(plan.Pending))
	return err
}

type migrateApplyCommand struct {
	migrateFlags
}

// Run brings the schema up to date, unless a server uses the data directory.
func (c *migrateApplyCommand) Run(ctx context.Context, line *kong.Context, t *terminal) (err error) {
	config, err := c.config(line, t)
	if err != nil {
		return err
	}
	unlock, err := lockData(config.Data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	plan, err := store.Migrate(ctx, config.database())
	if err != nil {
		return err
	}
	if c.JSON {
		return printPlan(t.stdout, plan, "applied")
	}
	if len(plan.Pending) == 0 {
		_, err = fmt.Fprintf(t.stdout, "%s was up to date: its schema has version %d.\n", plan.Place, plan.Target)
		return err
	}
	_, err = fmt.Fprintf(t.stdout, "%s: its schema had version %d and has %d now. Applied:\n%s",
		plan.Place, plan.Current, plan.Target, indented(plan.Pending))
	return err
}

func printPlan(w io.Writer, plan store.Plan, files string) error {
	return json.NewEncoder(w).Encode(map[string]any{
		"database": plan.Place, "current": plan.Current, "target": plan.Target, files: plan.Pending,
	})
}

func indented(lines []string) (text string) {
	for _, line := range lines {
		text += "  " + line + "\n"
	}
	return text
}
