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
	Path   string           // the file; made, with its missing parent directories, if it does not exist
	Logger *slog.Logger     // nil discards
	Now    func() time.Time // nil is time.Now
}

// Store is an open database.
type Store struct {
	reads   *bun.DB // many connections that cannot write
	writes  *bun.DB // one connection
	journal *journal
	now     func() time.Time
	logger  *slog.Logger
	close   func() error
	numbers sync.Map // of accounts, by video.AccountID
}

// Open opens the database, brings its schema up to date and starts the journal. The caller must Close it. A file that
// cannot be used (unreadable, damaged, locked, of a newer version) gives an error that says what to do about it.
func Open(ctx context.Context, config Config) (*Store, error) {
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	s := &Store{now: config.Now, logger: config.Logger}
	if err := s.connect(ctx, config.Path); err != nil {
		return nil, err
	}
	s.close = sync.OnceValue(s.shut)
	s.journal = startJournal(s)
	return s, nil
}

func (s *Store) connect(ctx context.Context, path string) error {
	writes, err := openFile(path, 1, false)
	if err != nil {
		return explain(path, err)
	}
	if err := migrate(ctx, writes.DB, path); err != nil {
		return errors.Join(explain(path, err), writes.Close())
	}
	reads, err := openFile(path, readConnections, true)
	if err != nil {
		return errors.Join(explain(path, err), writes.Close())
	}
	s.writes, s.reads = writes, reads
	return nil
}

// Close writes what the journal still holds and closes the file. It gives a database that refuses closeGrace, and the
// attempt that is under way then, to recover; what is lost after that is in the error. It may be called again, with the same result.
func (s *Store) Close() error { return s.close() }

func (s *Store) shut() error {
	return errors.Join(s.journal.close(), s.reads.Close(), s.writes.Close())
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

// write runs f in a transaction of its own on the writing connection.
func (s *Store) write(ctx context.Context, action string, f func(context.Context, bun.Tx) error) error {
	if err := s.writes.RunInTx(ctx, nil, f); err != nil {
		return failed(action, err)
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
