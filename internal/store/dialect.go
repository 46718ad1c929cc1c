package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/pressly/goose/v3"
	"github.com/uptrace/bun"
)

const (
	readConnections = 8
	// Beyond the journal, which uses one connection at a time. On PostgreSQL a write transaction waits for the others, but holds
	// a connection while it does.
	writeConnections = 8
)

// dialect is the table of what differs between the databases. All else is one code.
type dialect struct {
	place     string // of the database, for messages; without a password
	migration goose.Dialect
	folder    string // of the migrations
	lock      func() (goose.ProviderOption, error)
	upgrades  bool   // Open applies migrations by itself
	claim     string // keeps other servers off while the connection lives; empty where the data directory's lock does
	reclaim   string // tries that again and says whether it could be had at once
	serialize string // makes a write transaction wait for those before it; empty if a single connection does that

	// forEach runs a query of one owner's rows for each of the owners.
	forEach func(db *bun.DB, one func(owned string, id any) *bun.SelectQuery, ids []string) *bun.SelectQuery

	open    func(readOnly bool) (*bun.DB, error)
	missing func() bool // there is nothing yet, so all migrations are pending
	usable  func(ctx context.Context, db *sql.DB) error
	tables  string // a query for the names of all tables there
	explain func(error) error
}

func (c Config) dialect() (dialect, error) {
	if c.URL != "" {
		return postgresDialect(c.URL, c.Migrate)
	}
	return sqliteDialect(c.Path), nil
}

// transient reports whether the same statement may succeed later: the database, not the statement, is at fault.
func transient(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) ||
		transientSQLite(err) || transientPostgres(err)
}

// duplicate reports whether a unique index refused the statement. On PostgreSQL that ends the transaction, so that nothing
// more can be done in it.
func duplicate(err error) bool { return duplicateSQLite(err) || duplicatePostgres(err) }
