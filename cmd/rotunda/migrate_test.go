package main

import (
	"database/sql"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rotunda-rtc/rotunda/internal/store/storetest"
)

func TestMigrateBothDatabases(t *testing.T) {
	for name, env := range map[string][]string{
		"sqlite":   nil,
		"postgres": {"ROTUNDA_DATABASE_URL=" + storetest.Postgres(t)},
	} {
		t.Run(name, func(t *testing.T) {
			data := "--data=" + t.TempDir()
			if name == "postgres" {
				code, _, stderr := command(t, env, "serve", data, "--http=127.0.0.1:0", "--rtc-udp-port=0", "--metrics=off")
				if code != 1 || !strings.Contains(stderr, "rotunda migrate apply") {
					t.Fatalf("serve on an empty database ended with %d: %s", code, stderr)
				}
			}
			migrate := func(what string, args ...string) string {
				t.Helper()
				code, stdout, stderr := command(t, env, append([]string{"migrate", what, data}, args...)...)
				if code != 0 {
					t.Fatalf("migrate %s ended with %d: %s", what, code, stderr)
				}
				return stdout
			}
			if text := migrate("plan"); !strings.Contains(text, "Pending:\n  00001_first.sql\n") {
				t.Fatalf("plan: %s", text)
			}
			if text := migrate("apply"); !strings.Contains(text, "Applied:\n  00001_first.sql\n") {
				t.Fatalf("apply: %s", text)
			}
			if text := migrate("plan"); !strings.Contains(text, "is up to date") {
				t.Fatalf("plan afterwards: %s", text)
			}
			var again struct {
				Current, Target int
				Applied         []string
			}
			if err := json.Unmarshal([]byte(migrate("apply", "--json")), &again); err != nil {
				t.Fatal(err)
			}
			if again.Current == 0 || again.Current != again.Target || again.Applied == nil || len(again.Applied) > 0 {
				t.Fatalf("applied again: %+v", again)
			}
		})
	}
}

// A server of an older release may be at work in the database that a newer program is asked about.
func TestCommandsMigrateNothing(t *testing.T) {
	dir := t.TempDir()
	if code, _, stderr := command(t, nil, "migrate", "apply", "--data="+dir); code != 0 {
		t.Fatal(stderr)
	}
	older, err := sql.Open("sqlite", filepath.Join(dir, "rotunda.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer older.Close()
	if _, err := older.ExecContext(t.Context(), "DELETE FROM goose_db_version WHERE version_id > 1"); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"key", "list"}, {"key", "create"}, {"account", "list"}, {"erase", "--context=x"}, {"token", "--room=x"}} {
		code, _, stderr := command(t, nil, append(args, "--data="+dir)...)
		if code != 1 || !strings.Contains(stderr, "its schema has version 1") || !strings.Contains(stderr, "rotunda migrate plan") {
			t.Errorf("%v ended with %d: %s", args, code, stderr)
		}
	}
	var version int
	if err := older.QueryRowContext(t.Context(), "SELECT max(version_id) FROM goose_db_version").Scan(&version); err != nil || version != 1 {
		t.Errorf("the schema has version %d (%v)", version, err)
	}
}

func TestMigrateNeedsTheServerStopped(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir)
	code, _, stderr := command(t, nil, "migrate", "apply", "--data="+dir)
	if code != 1 || !strings.Contains(stderr, "in use by another server") {
		t.Fatalf("ended with %d: %s", code, stderr)
	}
	s.stop()
}

func TestServeOnPostgres(t *testing.T) {
	url, dir := storetest.Postgres(t), t.TempDir()
	database := "--database-url=" + url
	if code, _, stderr := command(t, nil, "migrate", "apply", "--data="+dir, database); code != 0 {
		t.Fatal(stderr)
	}
	s := start(t, dir, database)
	var room struct{ ID string }
	s.call("POST", "/v2/rooms", s.key(), `{"unique_name": "kept"}`, 201, &room)
	code, made, stderr := command(t, nil, "key", "create", "--data="+dir, database)
	if code != 0 {
		t.Fatal(stderr)
	}
	s.stop()
	s = start(t, dir, database, "--api-key="+strings.TrimSpace(made)) // the greeting is over once a key is configured
	s.call("GET", "/v2/rooms/"+room.ID, strings.TrimSpace(made), "", 200, &room)
	s.stop()
}

// A password must not come out where a URL is refused or a database is not there.
func TestDatabasePasswordIsNotRepeated(t *testing.T) {
	for _, url := range []string{
		"postgres://me:hidden@127.0.0.1:1/rotunda", "mysql://me:hidden@127.0.0.1/rotunda", "postgres://me:hidden@127.0.0.1:port/rotunda",
		"postgres://me:hidden@127.0.0.1",
	} {
		for _, args := range [][]string{{"serve"}, {"migrate", "plan"}, {"key", "create"}} {
			code, stdout, stderr := command(t, []string{"ROTUNDA_DATABASE_URL=" + url},
				slices.Concat(args, []string{"--data=" + t.TempDir()})...)
			if code == 0 || strings.Contains(stdout+stderr, "hidden") {
				t.Errorf("%s %v ended with %d: %s", url, args, code, stderr)
			}
		}
	}
}
