package store

import (
	"context"
	"database/sql"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/rotunda-rtc/rotunda/internal/store/storetest"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// allFiles are the migrations there are, the same on both databases.
func allFiles(t *testing.T) (names []string, target int64) {
	t.Helper()
	for _, folder := range []string{"migrations/sqlite", "migrations/postgres"} {
		entries, err := fs.ReadDir(migrations, folder)
		must(t, err)
		var these []string
		for _, entry := range entries {
			these = append(these, entry.Name())
		}
		if names != nil && !slices.Equal(names, these) {
			t.Fatalf("SQLite has migrations %v, PostgreSQL %v", names, these)
		}
		names = these
	}
	target, err := goose.NumericComponent(names[len(names)-1])
	must(t, err)
	return names, target
}

// onBoth runs a test on a fresh database of each kind.
func onBoth(t *testing.T, test func(*testing.T, Config)) {
	for name, config := range map[string]func(*testing.T) Config{
		"sqlite":   func(t *testing.T) Config { return Config{Path: filepath.Join(t.TempDir(), "a.db")} },
		"postgres": func(t *testing.T) Config { return Config{URL: storetest.Postgres(t), Migrate: true} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, config(t))
		})
	}
}

// raw gives a connection to a database beside the store's.
func raw(t *testing.T, config Config) *sql.DB {
	t.Helper()
	d, err := config.dialect()
	must(t, err)
	db, err := d.open(false)
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	return db.DB
}

func runSQL(t *testing.T, config Config, statement string) {
	t.Helper()
	_, err := raw(t, config).ExecContext(t.Context(), statement)
	must(t, err)
}

// first brings a database to the schema of the first release.
func first(t *testing.T, config Config) {
	t.Helper()
	upTo(t, config, 1)
}

func upTo(t *testing.T, config Config, version int64) {
	t.Helper()
	d, err := config.dialect()
	must(t, err)
	files, err := fs.Sub(migrations, d.folder)
	must(t, err)
	provider, err := goose.NewProvider(d.migration, raw(t, config), files)
	must(t, err)
	_, err = provider.UpTo(t.Context(), version)
	must(t, err)
}

func TestPlanAndMigrate(t *testing.T) {
	files, target := allFiles(t)
	onBoth(t, func(t *testing.T, config Config) {
		plan, err := PlanMigration(t.Context(), config)
		must(t, err)
		if plan.Current != 0 || plan.Target != target || !slices.Equal(plan.Pending, files) {
			t.Fatalf("plan of nothing: %+v", plan)
		}
		if config.URL == "" {
			if _, err := os.Stat(config.Path); err == nil {
				t.Fatal("planning made the file")
			}
		}
		first(t, config)
		plan, err = PlanMigration(t.Context(), config)
		must(t, err)
		if plan.Current != 1 || !slices.Equal(plan.Pending, files[1:]) {
			t.Fatalf("plan of the first release: %+v", plan)
		}
		done, err := Migrate(t.Context(), config)
		must(t, err)
		if done.Current != 1 || done.Target != target || !slices.Equal(done.Pending, files[1:]) {
			t.Fatalf("done: %+v", done)
		}
		done, err = Migrate(t.Context(), config)
		must(t, err)
		if done.Current != target || len(done.Pending) != 0 {
			t.Fatalf("done again: %+v", done)
		}
		config.Migrate = false
		must(t, openWith(t, config, &clock{t: start}).Close())
	})
}

// What the first release wrote is there after the upgrade.
func TestUpgradeKeepsRows(t *testing.T) {
	onBoth(t, func(t *testing.T, config Config) {
		first(t, config)
		runSQL(t, config, "INSERT INTO accounts (id, name, is_default, created_at) VALUES ('an account', 'default', "+
			map[bool]string{true: "1", false: "true"}[config.URL == ""]+", 5)")
		runSQL(t, config, "INSERT INTO account_totals (account) SELECT number FROM accounts")
		runSQL(t, config, "INSERT INTO heartbeat (id, alive_at) VALUES (1, 7)")
		f := openWith(t, config, &clock{t: start})
		wantEqual(t, "account", string(f.account), "an account")
		f.session(f.room("").ID)
		must(t, f.Close())
	})
}

// A composition that was asked for before there was anything to make it with is made after the upgrade.
func TestUpgradeKeepsCompositions(t *testing.T) {
	onBoth(t, func(t *testing.T, config Config) {
		upTo(t, config, 2)
		for _, statement := range []string{
			"INSERT INTO accounts (id, name, is_default, created_at) VALUES ('an account', 'default', " + map[bool]string{true: "1", false: "true"}[config.URL == ""] + ", 5)",
			"INSERT INTO rooms (id, account, max_participants, enable_recording, webhook_event_url, webhook_event_failover_url, created_at, updated_at) " +
				"SELECT 'r', number, 2, " + map[bool]string{true: "1", false: "true"}[config.URL == ""] + ", '', '', 5, 5 FROM accounts",
			"INSERT INTO sessions (id, account, room_id, ended_reason, created_at, updated_at) SELECT 's', number, 'r', '', 5, 5 FROM accounts",
			"INSERT INTO recordings (id, account, room_id, session_id, participant_id, stream_key, status, failed_reason, type, codec, size_bytes, " +
				"duration_us, started_at, created_at, updated_at) SELECT 'v', number, 'r', 's', 'p', 'self', 'completed', '', 'video', 'vp8', 1, 1, 5, 5, 5 FROM accounts",
			"INSERT INTO compositions (id, account, room_id, session_id, status, failed_reason, format, width, height, layout, audio_sources, size_bytes, " +
				"duration_us, webhook_event_url, webhook_event_failover_url, created_at, updated_at) " +
				"SELECT 'c', number, 'r', 's', 'enqueued', '', 'mp4', 640, 360, '{}', '[]', 0, 0, '', '', 5, 5 FROM accounts",
		} {
			runSQL(t, config, statement)
		}
		f := openWith(t, config, &clock{t: start})
		if job := f.begin(); job == nil || job.ID != "c" || len(job.Recordings) != 1 || job.Settings.Grid != video.GridReflow || job.Settings.Fit != video.FitLetterbox {
			t.Errorf("begun: %+v", job)
		}
		must(t, f.Close())
	})
}

// A migration that fails leaves nothing behind.
func TestMigrationFails(t *testing.T) {
	onBoth(t, func(t *testing.T, config Config) {
		first(t, config)
		runSQL(t, config, "CREATE TABLE compositions (id INTEGER)") // in the way of the last table of the second
		_, err := Migrate(t.Context(), config)
		if err == nil || !strings.Contains(err.Error(), "bring schema from version 1 to") {
			t.Fatalf("got %v", err)
		}
		runSQL(t, config, "DROP TABLE compositions")
		plan, err := Migrate(t.Context(), config)
		must(t, err)
		wantEqual(t, "version before", plan.Current, 1)
	})
}

func TestPostgresIsMigratedByHand(t *testing.T) {
	config := Config{URL: storetest.Postgres(t)}
	_, err := Open(t.Context(), config)
	if err == nil || !strings.Contains(err.Error(), "rotunda migrate apply") {
		t.Fatalf("got %v", err)
	}
	var tables int
	must(t, raw(t, config).QueryRowContext(t.Context(), "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").Scan(&tables))
	wantEqual(t, "tables made by the refused start", tables, 0)
}

// Processes that migrate at once do it once. Their connections are their own, as those of processes are.
func TestMigrateAtOnce(t *testing.T) {
	files, _ := allFiles(t)
	config := Config{URL: storetest.Postgres(t)}
	var group sync.WaitGroup
	applied := make(chan int, 4)
	for range 4 {
		group.Go(func() {
			plan, err := Migrate(context.Background(), config)
			if err != nil {
				t.Error(err)
			}
			applied <- len(plan.Pending)
		})
	}
	group.Wait()
	close(applied)
	sum := 0
	for n := range applied {
		sum += n
	}
	wantEqual(t, "migrations applied by all together", sum, len(files))
}

func TestUnusablePostgres(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(t *testing.T, config *Config)
		want    string
	}{
		"newer": {func(t *testing.T, config *Config) {
			must(t, openWith(t, *config, &clock{t: start}).Close())
			runSQL(t, *config, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, true)")
		}, "run the newer program"},
		"another program's": {func(t *testing.T, config *Config) {
			runSQL(t, *config, "CREATE TABLE recipes (name TEXT)")
		}, "belongs to another program"},
		"another program's, migrated as ours are": {func(t *testing.T, config *Config) {
			runSQL(t, *config, "CREATE TABLE goose_db_version (id INT, version_id BIGINT, is_applied BOOLEAN)")
			runSQL(t, *config, "INSERT INTO goose_db_version VALUES (1, 1, true)")
		}, "belongs to another program"},
		"no such database": {func(_ *testing.T, config *Config) {
			config.URL = strings.Replace(config.URL, "postgres:///", "postgres:///no", 1)
		}, "CREATE DATABASE"},
		"no server": {func(_ *testing.T, config *Config) {
			config.URL = "postgres://me:hidden@127.0.0.1:1/db"
		}, "postgres://127.0.0.1:1/db cannot be reached"},
		"no right to write": {func(t *testing.T, config *Config) {
			runSQL(t, *config, "DROP ROLE IF EXISTS reader") // roles are the server's: one may be left of a run before
			runSQL(t, *config, "CREATE ROLE reader LOGIN")
			config.URL = strings.Replace(config.URL, "user=test", "user=reader", 1)
		}, "give it CREATE"},
		"not a URL": {func(_ *testing.T, config *Config) {
			config.URL = "postgres://me:hidden@host:port/db"
		}, "write it as postgres://"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := Config{URL: storetest.Postgres(t), Migrate: true}
			c.prepare(t, &config)
			s, err := Open(t.Context(), config)
			if err == nil {
				_ = s.Close()
				t.Fatal("opened")
			}
			if text := err.Error(); !strings.Contains(text, c.want) || strings.ContainsAny(text, "\n\t") || strings.Contains(text, "hidden") {
				t.Fatalf("got %q, want it to say %q in one line", err, c.want)
			}
		})
	}
}

// A second server would end the sessions of the first in the record.
func TestOneServerOnPostgres(t *testing.T) {
	config := Config{URL: storetest.Postgres(t), Migrate: true}
	first := openWith(t, config, &clock{t: start})
	_, err := first.CloseDangling(t.Context())
	must(t, err)
	session := first.session(first.room("").ID)
	second := openWith(t, config, &clock{t: start}) // a command may
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := second.CloseDangling(ctx); err == nil || !strings.Contains(err.Error(), "in use by another server") {
		t.Fatalf("the second server: %v", err)
	}
	still, err := first.Session(t.Context(), first.account, session.ID, false)
	must(t, err)
	wantEqual(t, "still going on", still.Active(), true)
	must(t, first.Close())
	n, err := second.CloseDangling(t.Context())
	must(t, err)
	wantEqual(t, "dangling", n, 1)
	must(t, second.Close())
}
