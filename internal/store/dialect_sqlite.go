package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/pressly/goose/v3"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Write transactions are immediate: a deferred one that reads before it writes fails at once, whatever the timeout, when
// another process wrote in between. Commits survive the death of the process; after a power failure the last moments may
// be missing, but the file is sound.
const sqliteOptions = "_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_pragma=synchronous(NORMAL)" +
	"&_pragma=foreign_keys(1)&_time_format=sqlite&_txlock=immediate"

func sqliteDialect(path string) dialect {
	return dialect{
		place:     path,
		migration: goose.DialectSQLite3,
		folder:    "migrations/sqlite",
		upgrades:  true,
		forEach:   unionForEach,
		open:      func(readOnly bool) (*bun.DB, error) { return openFile(path, readOnly) },
		missing: func() bool {
			_, err := os.Stat(path)
			return errors.Is(err, fs.ErrNotExist)
		},
		usable:  func(context.Context, *sql.DB) error { return nil },
		tables:  "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
		explain: func(err error) error { return explainFile(path, err) },
	}
}

// openFile gives many connections that read, or the one that writes.
func openFile(path string, readOnly bool) (*bun.DB, error) {
	if err := touch(path); err != nil {
		return nil, err
	}
	dsn := "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + sqliteOptions
	connections := 1
	if readOnly {
		dsn += "&_pragma=query_only(1)"
		connections = readConnections
	}
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return bun.NewDB(db, sqlitedialect.New()), nil
}

// touch makes the file, for its owner alone, and otherwise asks the operating system whether it can be written: its
// answer is clearer than SQLite's.
func touch(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// explainFile says in the operator's words why the file cannot be used.
func explainFile(path string, err error) error {
	switch code := resultCode(err); {
	case errors.Is(err, fs.ErrPermission) || code == sqlite3.SQLITE_READONLY || code == sqlite3.SQLITE_CANTOPEN:
		return fmt.Errorf("database %s cannot be opened for writing: "+
			"give this user read and write permission on the file and its directory: %w", path, err)
	case code == sqlite3.SQLITE_NOTADB || code == sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("database %s is damaged or not a SQLite database: "+
			"restore it from a backup, or move it away to start afresh: %w", path, err)
	case code == sqlite3.SQLITE_BUSY || code == sqlite3.SQLITE_LOCKED:
		return fmt.Errorf("database %s is locked by another process: stop that process and start again: %w", path, err)
	case code == sqlite3.SQLITE_FULL:
		return fmt.Errorf("database %s: the disk is full: %w", path, err)
	default:
		return fmt.Errorf("database %s: %w", path, err)
	}
}

// resultCode is SQLite's primary result code, or 0 for other errors.
func resultCode(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() & 0xff
	}
	return 0
}

func transientSQLite(err error) bool {
	switch resultCode(err) {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM,
		sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_INTERRUPT:
		return true
	}
	return false
}

func duplicateSQLite(err error) bool {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
	}
	return false
}

// unionForEach asks for each owner in a member of a union. The derived tables are there because such a member can have no
// order and limit of its own.
func unionForEach(db *bun.DB, one func(string, any) *bun.SelectQuery, ids []string) (all *bun.SelectQuery) {
	for _, id := range ids {
		member := db.NewSelect().ColumnExpr("*").TableExpr("(?) AS newest", one("?", id))
		if all == nil {
			all = member
		} else {
			all = all.UnionAll(member)
		}
	}
	return all
}
