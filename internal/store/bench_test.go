package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/store/storetest"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// size is how much there is in an account, spread over a year.
type size struct{ rooms, sessions, participants int }

// full is the size lists have to stay fast at.
var full = size{rooms: 100_000, sessions: 300_000, participants: 1_000_000}

// openBench opens a big database, which is made unless it is there. Without a place of its own it lasts as long as the run.
func openBench(b testing.TB, n size, config Config) (*Store, video.AccountID) {
	b.Helper()
	config.Migrate = true
	config.Now = func() time.Time { return start }
	s, err := Open(b.Context(), config)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	account, fresh, err := s.DefaultAccount(b.Context())
	if err == nil && fresh {
		err = fillBench(b.Context(), s, account.ID, n)
	}
	if err != nil {
		b.Fatal(err)
	}
	return s, account.ID
}

const benchYear = 365 * 24 * time.Hour

func fillBench(ctx context.Context, s *Store, id video.AccountID, n size) error {
	number, err := s.number(ctx, id)
	if err != nil {
		return err
	}
	if err := s.write(ctx, "fill", func(ctx context.Context, tx bun.Tx) error { return fillRows(ctx, tx, number, n) }); err != nil {
		return err
	}
	if s.dialect.serialize != "" {
		_, err = s.writes.ExecContext(ctx, "VACUUM ANALYZE") // which PostgreSQL does by itself when it finds the time
	}
	return err
}

func fillRows(ctx context.Context, tx bun.Tx, number account, n size) error {
	random := rand.New(rand.NewPCG(1, 2))
	at := func(i, n int) int64 {
		return start.Add(time.Duration(float64(benchYear) * float64(i) / float64(n))).UnixMicro()
	}
	later := func(us int64, most time.Duration) int64 { return us + random.Int64N(most.Microseconds()) }

	rooms := make([]video.RoomID, n.rooms)
	err := fillTable(ctx, tx, n.rooms, func(i int) roomRow {
		rooms[i] = video.RoomID(video.NewUUID())
		name, made := fmt.Sprintf("room %d", i), at(i, n.rooms)
		return roomRow{
			ID: rooms[i], Account: number, UniqueName: &name, MaxParticipants: 10, CreatedAt: made, UpdatedAt: later(made, benchYear),
		}
	})
	if err != nil {
		return err
	}
	sessions := make([]video.SessionID, n.sessions)
	err = fillTable(ctx, tx, n.sessions, func(i int) sessionRow {
		sessions[i] = video.SessionID(video.NewUUID())
		made := at(i, n.sessions)
		row := sessionRow{ID: sessions[i], Account: number, RoomID: rooms[random.IntN(n.rooms)], CreatedAt: made, UpdatedAt: made}
		if ended := later(made, time.Hour); i < n.sessions-n.sessions/300 {
			row.EndedReason, row.UpdatedAt, row.EndedAt = "empty", ended, &ended
		}
		return row
	})
	if err != nil {
		return err
	}
	err = fillTable(ctx, tx, n.participants, func(i int) participantRow {
		joined := at(i, n.participants)
		left := later(joined, time.Hour)
		context := "same"
		if i%2 == 0 {
			context = fmt.Sprintf(`{"user": %d}`, i%(n.participants/20))
		}
		return participantRow{
			Account: number, ID: video.ParticipantID(video.NewUUID()), SessionID: sessions[i*n.sessions/n.participants],
			Context: []byte(context), ContextKey: contextKey(context), LeftReason: "left", JoinedAt: joined, UpdatedAt: left, LeftAt: &left,
		}
	})
	if err != nil {
		return err
	}
	totals := totalsRow{Account: number, Rooms: n.rooms, Sessions: n.sessions, Participants: n.participants}
	_, err = tx.NewUpdate().Model(&totals).Column("rooms", "sessions", "participants").WherePK().Exec(ctx)
	return err
}

// fillTable inserts n rows, a thousand in a statement.
func fillTable[Row any](ctx context.Context, tx bun.Tx, n int, row func(int) Row) error {
	for i := 0; i < n; {
		var rows []Row
		for ; i < n && len(rows) < 1000; i++ {
			rows = append(rows, row(i))
		}
		if _, err := tx.NewInsert().Model(&rows).Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// benchDatabases are both kinds. ROTUNDA_BENCH_DB names a SQLite file and ROTUNDA_BENCH_URL a PostgreSQL database to keep between
// runs; without them the run makes its own.
var benchDatabases = map[string]func(testing.TB) Config{
	"sqlite": func(tb testing.TB) Config {
		if path := os.Getenv("ROTUNDA_BENCH_DB"); path != "" {
			return Config{Path: path}
		}
		return Config{Path: filepath.Join(tb.TempDir(), "bench.db")}
	},
	"postgres": func(tb testing.TB) Config {
		if url := os.Getenv("ROTUNDA_BENCH_URL"); url != "" {
			return Config{URL: url}
		}
		return Config{URL: storetest.Postgres(tb)}
	},
}

// BenchmarkLists reads pages of big databases. It has budgets: any of the first 100 pages of an unfiltered list within 10 ms, a
// filtered total within 100 ms. Run it with: go test -run '^$' -bench Lists ./internal/store
func BenchmarkLists(b *testing.B) {
	for name, config := range benchDatabases {
		b.Run(name, func(b *testing.B) {
			s, account := openBench(b, full, config(b))
			benchShapes(b, listShapes(b, s, account))
		})
	}
}

func benchShapes(b *testing.B, shapes []shape) {
	for _, c := range shapes {
		b.Run(c.name, func(b *testing.B) {
			var total int
			for b.Loop() {
				var err error
				if total, err = c.list(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(total), "rows")
		})
	}
}
