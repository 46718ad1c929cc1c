package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"
)

// claimPatience is more than a database takes to notice that a server on a machine that lives is dead.
const claimPatience = 10 * time.Second

// claim makes this process the one server of a database. It is held by a connection, and lost with it.
type claim struct {
	mu   sync.Mutex
	made bool      // guarded by mu
	conn *sql.Conn // guarded by mu; nil if none was made, or it was lost
}

// claim makes this the one server of the database until the store closes. Commands beside the server claim nothing.
func (s *Store) claim(ctx context.Context) error {
	s.alone.mu.Lock()
	defer s.alone.mu.Unlock()
	if s.dialect.claim == "" || s.alone.made {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, claimPatience)
	defer cancel()
	conn, err := s.writes.DB.Conn(ctx)
	if err != nil {
		return s.dialect.explain(err)
	}
	if _, err := conn.ExecContext(ctx, s.dialect.claim); err != nil {
		_ = conn.Close() // the claim failed, which is what counts
		if ctx.Err() != nil {
			return fmt.Errorf("database %s is in use by another server: stop that one, or use another database", s.dialect.place)
		}
		return s.dialect.explain(err)
	}
	s.alone.conn, s.alone.made = conn, true
	return nil
}

// keepClaim makes the claim anew if its connection broke, as it does when the database is restarted.
func (s *Store) keepClaim(ctx context.Context) error {
	s.alone.mu.Lock()
	defer s.alone.mu.Unlock()
	if !s.alone.made {
		return nil
	}
	if s.alone.conn != nil {
		if s.alone.conn.PingContext(ctx) == nil {
			return nil
		}
		_ = s.alone.conn.Close() // it is broken
		s.alone.conn = nil
	}
	conn, err := s.writes.DB.Conn(ctx)
	if err != nil {
		return err
	}
	var free bool
	if err = conn.QueryRowContext(ctx, s.dialect.reclaim).Scan(&free); err == nil && !free {
		err = errClaimed
	}
	if err != nil {
		return errors.Join(err, conn.Close())
	}
	s.alone.conn = conn
	return nil
}

var errClaimed = errors.New("another server uses the database, or the connection that was lost is not over yet")

func (c *claim) giveUp() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn == nil {
		return nil
	}
	err := c.conn.Close()
	c.conn = nil
	if errors.Is(err, sql.ErrConnDone) { // it broke before
		return nil
	}
	return err
}
