package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
)

// The advisory locks of a database that we take. They are the same in every release.
const (
	writeLock   = 7_305_001 // held by the one write transaction that is under way
	migrateLock = 7_305_002 // held while migrations are applied
	serverLock  = 7_305_003 // held by the one server, as long as it runs
)

// Write transactions run one after the other, as on SQLite: the code in them may read and then write. A client that vanished
// inside one must not hold up the others for long, nor leave the fate of its commit open.
const idleInTransaction = 30 * time.Second

var postgresSettings = map[string]string{
	"application_name":                    "rotunda",
	"standard_conforming_strings":         "on", // how bun quotes
	"client_encoding":                     "UTF8",
	"idle_in_transaction_session_timeout": strconv.FormatInt(idleInTransaction.Milliseconds(), 10),
	"tcp_keepalives_idle":                 "30",
	"tcp_keepalives_interval":             "10",
	"tcp_keepalives_count":                "3",
}

// readSettings leave the planner what the queries of list.go leave SQLite's: the index that has the order. It knows
// nothing about a column behind a plus, takes such a range for a few rows, and would otherwise sort half a table to show a page.
var readSettings = map[string]string{
	"default_transaction_read_only":   "on",
	"enable_seqscan":                  "off",
	"enable_bitmapscan":               "off",
	"enable_sort":                     "off",
	"max_parallel_workers_per_gather": "0",
	"jit":                             "off",
}

func postgresDialect(url string, upgrade bool) (dialect, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return dialect{}, fmt.Errorf("database URL: %w: write it as postgres://user:password@host:5432/name", err) // it hides the password
	}
	place := "postgres://" + net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port))) + "/" + config.Database
	if strings.HasPrefix(config.Host, "/") {
		place = "postgres at " + config.Host + ", database " + config.Database
	}
	return dialect{
		place:     place,
		migration: goose.DialectPostgres,
		folder:    "migrations/postgres",
		lock:      lockMigrations,
		upgrades:  upgrade,
		claim:     fmt.Sprintf("SELECT pg_advisory_lock(%d)", serverLock),
		reclaim:   fmt.Sprintf("SELECT pg_try_advisory_lock(%d)", serverLock),
		serialize: fmt.Sprintf("SELECT pg_advisory_xact_lock(%d)", writeLock),
		forEach:   lateralForEach,
		open:      func(readOnly bool) (*bun.DB, error) { return openPostgres(config, readOnly), nil },
		missing:   func() bool { return false },
		usable:    usablePostgres,
		tables:    "SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = current_schema()",
		explain:   func(err error) error { return explainPostgres(place, err) },
	}, nil
}

// lockMigrations lets one process migrate, and others wait for up to five minutes.
func lockMigrations() (goose.ProviderOption, error) {
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockID(migrateLock), lock.WithLockTimeout(1, 300))
	if err != nil {
		return nil, err
	}
	return goose.WithSessionLocker(locker), nil
}

func openPostgres(config *pgx.ConnConfig, readOnly bool) *bun.DB {
	config = config.Copy()
	// bun writes values into the statement, so that no two are alike and none is worth preparing.
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 5 * time.Second
	}
	maps.Copy(config.RuntimeParams, postgresSettings)
	connections := writeConnections
	if readOnly {
		maps.Copy(config.RuntimeParams, readSettings)
		connections = readConnections
	}
	db := stdlib.OpenDB(*config)
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	db.SetConnMaxIdleTime(5 * time.Minute)
	return bun.NewDB(db, pgdialect.New())
}

// lateralForEach is planned once, where a union would be planned owner by owner.
func lateralForEach(db *bun.DB, one func(string, any) *bun.SelectQuery, ids []string) *bun.SelectQuery {
	return db.NewSelect().ColumnExpr("newest.*").
		TableExpr("unnest(ARRAY[?]) AS owner (id)", bun.List(ids)).
		Join("CROSS JOIN LATERAL (?) AS newest", one("?", bun.Ident("owner.id")))
}

func usablePostgres(ctx context.Context, db *sql.DB) error {
	var encoding string
	var schema *string
	err := db.QueryRowContext(ctx, "SELECT current_setting('server_encoding'), current_schema()").Scan(&encoding, &schema)
	switch {
	case err != nil:
		return err
	case encoding != "UTF8":
		return fmt.Errorf("its encoding is %s: make it with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0", encoding)
	case schema == nil:
		return errors.New("this user has no schema there: give it one, or the right to use the schema public")
	}
	return nil
}

// explainPostgres says in the operator's words why the database cannot be used.
func explainPostgres(place string, err error) error {
	state := sqlState(err)
	advice := ""
	switch {
	case strings.HasPrefix(state, "28"):
		advice = " refused this user or password: check the database URL and the server's pg_hba.conf"
	case state == "3D000":
		advice = " does not exist: make it with CREATE DATABASE"
	case state == "42501" || state == "25006":
		advice = " cannot be written by this user: give it CREATE on the schema, and a server that is not a standby"
	case strings.HasPrefix(state, "53"):
		advice = " has no resources left (connections, memory or disk): free some, or raise the server's limits"
	case state == "57P03":
		advice = " is starting up: try again in a moment"
	case connectionFailed(err):
		advice = " cannot be reached: check that the server runs, and the host and port of the database URL"
	}
	return fmt.Errorf("database %s%s: %w", place, advice, oneLineError{err})
}

// oneLineError is an error of which each line is said once, and all in one line: a refused connection has a line for each way that was tried.
type oneLineError struct{ error }

func (e oneLineError) Unwrap() error { return e.error }

func (e oneLineError) Error() string {
	var lines []string
	for line := range strings.Lines(e.error.Error()) {
		if line = strings.TrimSpace(line); line != "" && !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, " ")
}

// sqlState is the five characters in which PostgreSQL says what went wrong, or empty for other errors.
func sqlState(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

func connectionFailed(err error) bool {
	if _, refused := errors.AsType[*pgconn.ConnectError](err); refused {
		return true
	}
	if _, broken := errors.AsType[net.Error](err); broken {
		return true
	}
	for _, broken := range []error{
		pgconn.ErrConnClosed, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, driver.ErrBadConn, sql.ErrConnDone, sql.ErrTxDone,
	} {
		if errors.Is(err, broken) {
			return true
		}
	}
	return pgconn.SafeToRetry(err)
}

func transientPostgres(err error) bool {
	state := sqlState(err)
	if state == "" {
		return connectionFailed(err)
	}
	switch state[:2] {
	case "08", // connection
		"40",       // another transaction was in the way
		"53", "58": // out of memory, disk or connections; a broken disk
		return true
	}
	switch state {
	case "25006", // the server is a standby at present
		"25P03",                                     // idle in transaction for too long
		"55P03",                                     // a lock was not to be had
		"57014", "57P01", "57P02", "57P03", "57P05": // cancelled, shutting down, crashed, starting up, idle
		return true
	}
	return false
}

func duplicatePostgres(err error) bool { return sqlState(err) == "23505" }
