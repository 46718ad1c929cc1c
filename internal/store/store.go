package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Config says where the database is.
type Config struct {
	URL     string           // of a PostgreSQL database, postgres://user:password@host:port/name; empty for SQLite
	Path    string           // SQLite's file; made, with its missing parent directories, if it does not exist
	Migrate bool             // apply migrations on PostgreSQL too; on SQLite that is always done
	Logger  *slog.Logger     // nil discards
	Now     func() time.Time // nil is time.Now
}

// Store is an open database.
type Store struct {
	dialect dialect
	reads   *bun.DB // many connections that cannot write
	writes  *bun.DB // one connection on SQLite, several on PostgreSQL
	journal *journal
	now     func() time.Time
	logger  *slog.Logger
	close   func() error
	numbers sync.Map // of accounts, by video.AccountID
	alone   claim
}

// Open opens the database and starts the journal. The caller must Close it. On SQLite it brings the schema up to date; on
// PostgreSQL, where other programs may be at work and backups are somebody's business, it refuses a schema that is not. A
// database that cannot be used (unreachable, damaged, locked, of a newer version) gives an error that says what to do about it.
func Open(ctx context.Context, config Config) (*Store, error) {
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	s := &Store{now: config.Now, logger: config.Logger}
	var err error
	if s.dialect, err = config.dialect(); err != nil {
		return nil, err
	}
	if err := s.connect(ctx); err != nil {
		return nil, err
	}
	s.close = sync.OnceValue(s.shut)
	s.journal = startJournal(s)
	return s, nil
}

func (s *Store) connect(ctx context.Context) error {
	writes, err := s.dialect.open(false)
	if err != nil {
		return s.dialect.explain(err)
	}
	if _, err := s.dialect.migrate(ctx, writes.DB); err != nil {
		return errors.Join(err, writes.Close())
	}
	reads, err := s.dialect.open(true)
	if err != nil {
		return errors.Join(s.dialect.explain(err), writes.Close())
	}
	s.writes, s.reads = writes, reads
	return nil
}

// Close writes what the journal still holds and closes the database. It gives a database that refuses closeGrace, and the
// attempt that is under way then, to recover; what is lost after that is in the error. It may be called again, with the same result.
func (s *Store) Close() error { return s.close() }

func (s *Store) shut() error {
	err := s.journal.close()
	return errors.Join(err, s.alone.giveUp(), s.reads.Close(), s.writes.Close())
}

// errUnavailable is what callers are shown when the database does not work at present; the cause goes beside it in the
// chain, for the log.
var errUnavailable = video.Errorf(video.CodeUnavailable, "storage is not available at present, try again")

// failed wraps a database error with the action that failed.
func failed(action string, err error) error {
	if _, shown := errors.AsType[*video.Error](err); shown {
		return err
	}
	if transient(err) {
		return fmt.Errorf("%s: %w: %w", action, errUnavailable, err)
	}
	return fmt.Errorf("%s: %w", action, err)
}

// write runs f in a transaction of its own. Write transactions run one after the other on both databases, so that what f
// reads stays true until it has written. On PostgreSQL a failed statement ends the transaction: f returns its error.
func (s *Store) write(ctx context.Context, action string, f func(context.Context, bun.Tx) error) error {
	if err := s.transact(ctx, f); err != nil {
		return failed(action, err)
	}
	return nil
}

// errCommit marks the failure of a commit: only the database knows whether it happened.
var errCommit = fmt.Errorf("commit: %w", video.ErrInDoubt)

func (s *Store) transact(ctx context.Context, f func(context.Context, bun.Tx) error) error {
	tx, err := s.writes.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing, and a connection that cannot roll back is closed
	if s.dialect.serialize != "" {
		if _, err := tx.ExecContext(ctx, s.dialect.serialize); err != nil {
			return err
		}
	}
	if err := f(ctx, tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("%w: %w", errCommit, err)
	}
	return nil
}

// stamp is the present, at the precision that is kept.
func (s *Store) stamp() time.Time { return s.now().UTC().Truncate(time.Microsecond) }

func moment(us int64) time.Time { return time.UnixMicro(us).UTC() }

func momentOrNil(us *int64) *time.Time {
	if us == nil {
		return nil
	}
	t := moment(*us)
	return &t
}

// affected is the number of rows a statement changed.
func affected(result sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// one turns the absence of a row into the error given.
func one(err error, absent *video.Error, action string) error {
	if errors.Is(err, sql.ErrNoRows) {
		return absent
	}
	if err != nil {
		return failed(action, err)
	}
	return nil
}
