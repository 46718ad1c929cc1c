// Package storetest gives tests a real PostgreSQL.
package storetest

import (
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
)

// shared is the one cluster of the test binary. It stops when the binary ends, however it ends.
var shared = sync.OnceValues(func() (*Server, error) {
	s, err := makeServer()
	if err != nil {
		return nil, err
	}
	return s, s.Start()
})

var databases atomic.Int64

// Postgres returns the URL of a fresh, empty database in the test binary's own PostgreSQL, which is started when the first
// test asks. The database goes when the test ends. A machine without PostgreSQL fails the test.
func Postgres(tb testing.TB) string {
	tb.Helper()
	s, err := shared()
	if err != nil {
		tb.Fatal(err)
	}
	return s.Database(tb, "template0")
}

var prepared sync.Once

// PreparedPostgres is Postgres for a package whose tests all begin with the same database: prepare makes it, once in the
// test binary, and each test gets a copy. prepare must leave no connection open.
func PreparedPostgres(tb testing.TB, prepare func(url string)) string {
	tb.Helper()
	s, err := shared()
	if err != nil {
		tb.Fatal(err)
	}
	prepared.Do(func() {
		s.execute(tb, "CREATE DATABASE prepared TEMPLATE template0")
		prepare(s.URL("prepared"))
	})
	return s.Database(tb, "prepared")
}

// Database makes a database after a template and returns its URL.
func (s *Server) Database(tb testing.TB, template string) string {
	tb.Helper()
	name := fmt.Sprintf("test%d", databases.Add(1))
	s.execute(tb, fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s", name, template))
	tb.Cleanup(func() { s.execute(tb, fmt.Sprintf("DROP DATABASE IF EXISTS %s WITH (FORCE)", name)) })
	return s.URL(name)
}

// URL leads to a database of the cluster through its socket.
func (s *Server) URL(database string) string {
	query := url.Values{"host": {s.dir}, "user": {"test"}, "sslmode": {"disable"}}
	return "postgres:///" + database + "?" + query.Encode()
}

// Execute runs one statement in the database a URL leads to.
func Execute(tb testing.TB, database, statement string) {
	tb.Helper()
	ctx := tb.Context()
	if ctx.Err() != nil { // the test is being cleaned up
		ctx = background
	}
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		tb.Fatalf("connect to the test's PostgreSQL: %v", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, statement); err != nil {
		tb.Fatalf("%s: %v", statement, err)
	}
}

func (s *Server) execute(tb testing.TB, statement string) {
	tb.Helper()
	Execute(tb, s.URL("postgres"), statement)
}
