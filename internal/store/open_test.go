package store

import (
	"bytes"
	"database/sql"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	c := &clock{t: start}
	f := openAt(t, path, c)
	room := f.room("kept")
	must(t, f.Close())
	must(t, f.Close())
	stat, err := os.Stat(path)
	must(t, err)
	wantEqual(t, "mode", stat.Mode().Perm(), 0o600)
	again := openAt(t, path, c) // migrations find nothing to do
	defer func() { must(t, again.Close()) }()
	wantEqual(t, "account", again.account, f.account)
	read, err := again.Room(t.Context(), again.account, room.ID, false)
	must(t, err)
	wantEqual(t, "room", read.UniqueName, "kept")
}

func TestUnusableFiles(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(t *testing.T, path string)
		want    string
	}{
		"not a database": {func(t *testing.T, path string) {
			must(t, os.WriteFile(path, bytes.Repeat([]byte("no database "), 1000), 0o600))
		}, "restore it from a backup"},
		"damaged": {func(t *testing.T, path string) {
			must(t, openAt(t, path, &clock{t: start}).Close())
			content, err := os.ReadFile(path)
			must(t, err)
			for i := 100; i < 4096; i++ { // the schema, behind an intact header
				content[i] = 0xa5
			}
			must(t, os.WriteFile(path, content, 0o600))
		}, "restore it from a backup"},
		"newer": {func(t *testing.T, path string) {
			must(t, openAt(t, path, &clock{t: start}).Close())
			execute(t, path, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)")
		}, "run the newer program"},
		"another program's": {func(t *testing.T, path string) {
			execute(t, path, "CREATE TABLE recipes (name TEXT)")
		}, "belongs to another program"},
		"locked": {func(t *testing.T, path string) {
			must(t, openAt(t, path, &clock{t: start}).Close())
			db := rawOpen(t, path)
			_, err := db.Exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; INSERT INTO heartbeat (id, alive_at) VALUES (1, 0)")
			must(t, err)
		}, "locked by another process"},
		"a folder": {func(t *testing.T, path string) {
			must(t, os.Mkdir(path, 0o700))
		}, "is a directory"},
		"below a file": {func(t *testing.T, path string) {
			must(t, os.WriteFile(filepath.Dir(path), nil, 0o600))
		}, "not a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "a.db")
			if name == "below a file" {
				path = filepath.Join(filepath.Dir(path), "file", "a.db")
			}
			c.prepare(t, path)
			s, err := Open(t.Context(), Config{Path: path})
			if err == nil {
				_ = s.Close()
				t.Fatal("opened")
			}
			if !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) && name != "below a file" {
				t.Fatalf("got %q, want it to say %q", err, c.want)
			}
		})
	}
}

// Tests may run as root, who is refused nothing; so this asks only for the words.
func TestExplainPermission(t *testing.T) {
	err := explainFile("a.db", &fs.PathError{Op: "open", Path: "a.db", Err: fs.ErrPermission})
	if !strings.Contains(err.Error(), "give this user read and write permission") {
		t.Fatal(err)
	}
}

func rawOpen(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	must(t, err)
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { must(t, db.Close()) })
	return db
}

func execute(t *testing.T, path, query string) {
	t.Helper()
	_, err := rawOpen(t, path).Exec(query)
	must(t, err)
}
