package store

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// The size lists have to stay fast at: a year of calls in one account.
const (
	benchRooms        = 100_000
	benchSessions     = 300_000
	benchParticipants = 1_000_000
)

// benchFile makes the big database once for all benchmarks. ROTUNDA_BENCH_DB names a file to keep it in between runs.
var benchFile = sync.OnceValues(func() (string, error) {
	path := os.Getenv("ROTUNDA_BENCH_DB")
	if path == "" {
		dir, err := os.MkdirTemp("", "rotunda-store-bench")
		if err != nil {
			return "", err
		}
		path = filepath.Join(dir, "bench.db") // the system clears its temporary folder
	} else if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	return path, fillBench(path)
})

func openBench(b *testing.B) (*Store, video.AccountID) {
	b.Helper()
	path, err := benchFile()
	if err != nil {
		b.Fatal(err)
	}
	s, err := Open(b.Context(), Config{Path: path})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	account, _, err := s.DefaultAccount(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return s, account.ID
}

const benchYear = 365 * 24 * time.Hour

func fillBench(path string) error {
	ctx := context.Background()
	s, err := Open(ctx, Config{Path: path, Now: func() time.Time { return start }})
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	if _, _, err := s.DefaultAccount(ctx); err != nil {
		return err
	}
	tx, err := s.writes.DB.Begin()
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if err := fillRows(tx, 1); err != nil {
		return err
	}
	return tx.Commit()
}

func fillRows(tx *sql.Tx, account int) error {
	random := rand.New(rand.NewPCG(1, 2))
	at := func(i, n int) int64 {
		return start.Add(time.Duration(float64(benchYear) * float64(i) / float64(n))).UnixMicro()
	}
	later := func(us int64, most time.Duration) int64 { return us + random.Int64N(most.Microseconds()) }

	rooms, err := fillTable(tx, "INSERT INTO rooms VALUES (?,?,?,10,0,'','',NULL,NULL,?,?,NULL)", benchRooms, func(i int) []any {
		made := at(i, benchRooms)
		return []any{account, fmt.Sprintf("room %d", i), made, later(made, benchYear)}
	})
	if err != nil {
		return err
	}
	sessions, err := fillTable(tx, "INSERT INTO sessions VALUES (?,?,?,?,?,?,?)", benchSessions, func(i int) []any {
		made := at(i, benchSessions)
		ended := later(made, time.Hour)
		if i >= benchSessions-1000 {
			return []any{account, rooms[random.IntN(benchRooms)], "", made, made, nil}
		}
		return []any{account, rooms[random.IntN(benchRooms)], "empty", made, ended, ended}
	})
	if err != nil {
		return err
	}
	_, err = fillTable(tx, "INSERT INTO participants (id,account,session_id,context,context_key,left_reason,joined_at,updated_at,left_at) VALUES (?,?,?,?,?,?,?,?,?)", benchParticipants, func(i int) []any {
		joined := at(i, benchParticipants)
		left := later(joined, time.Hour)
		context := "same"
		if i%2 == 0 {
			context = fmt.Sprintf(`{"user": %d}`, i%50_000)
		}
		return []any{account, sessions[i*benchSessions/benchParticipants], []byte(context), contextKey(context), "left", joined, left, left}
	})
	if err != nil {
		return err
	}
	_, err = tx.Exec("UPDATE account_totals SET rooms=?, sessions=?, participants=?", benchRooms, benchSessions, benchParticipants)
	return err
}

// fillTable inserts n rows with an id each, followed by the values given, and returns the ids.
func fillTable(tx *sql.Tx, insert string, n int, values func(int) []any) ([]string, error) {
	statement, err := tx.Prepare(insert)
	if err != nil {
		return nil, err
	}
	defer func() { _ = statement.Close() }()
	ids := make([]string, n)
	for i := range ids {
		ids[i] = video.NewUUID()
		if _, err := statement.Exec(append([]any{ids[i]}, values(i)...)...); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// BenchmarkLists reads pages of the big database. Budgets: any of the first 100 pages of an unfiltered list within 10 ms,
// a filtered total within 100 ms. Run it with: go test -run '^$' -bench Lists ./internal/store
func BenchmarkLists(b *testing.B) {
	s, account := openBench(b)
	ctx := b.Context()
	first, hundredth, large := video.Page{Number: 1, Size: 20}, video.Page{Number: 100, Size: 20}, video.Page{Number: 100, Size: 250}
	when := func(from, until float64) video.Span {
		return video.Span{From: start.Add(time.Duration(from * float64(benchYear))), Until: start.Add(time.Duration(until * float64(benchYear)))}
	}
	day, half, year := when(0.5, 0.5+1./365), when(0.25, 0.75), when(0, 2)
	same, rare := "same", `{"user": 10}`
	yes, no := true, false

	rooms := func(q video.RoomQuery) func() (int, error) {
		q.AccountID = account
		return func() (int, error) { l, err := s.Rooms(ctx, q); return l.Total, err }
	}
	sessions := func(q video.SessionQuery) func() (int, error) {
		q.AccountID = account
		return func() (int, error) { l, err := s.Sessions(ctx, q); return l.Total, err }
	}
	participants := func(q video.ParticipantQuery) func() (int, error) {
		q.AccountID = account
		return func() (int, error) { l, err := s.Participants(ctx, q); return l.Total, err }
	}
	for _, c := range []struct {
		name string
		list func() (int, error)
	}{
		{"rooms/page 1", rooms(video.RoomQuery{Page: first})},
		{"rooms/page 100", rooms(video.RoomQuery{Page: hundredth})},
		{"rooms/page 100 of 250", rooms(video.RoomQuery{Page: large})},
		{"rooms/page 1 of 250 with sessions", rooms(video.RoomQuery{Page: video.Page{Number: 1, Size: 250}, IncludeSessions: true})},
		{"rooms/name", rooms(video.RoomQuery{Page: first, UniqueName: "room 777"})},
		{"rooms/created half a year, page 100", rooms(video.RoomQuery{Page: hundredth, CreatedAt: half})},
		{"rooms/updated day", rooms(video.RoomQuery{Page: first, UpdatedAt: day})},
		{"rooms/updated half a year, page 100", rooms(video.RoomQuery{Page: hundredth, UpdatedAt: half})},
		{"sessions/page 100 of 250", sessions(video.SessionQuery{Page: large})},
		{"sessions/page 1 of 250 with participants", sessions(video.SessionQuery{Page: video.Page{Number: 1, Size: 250}, IncludeParticipants: true})},
		{"sessions/active", sessions(video.SessionQuery{Page: first, Active: &yes})},
		{"sessions/not active, page 100", sessions(video.SessionQuery{Page: hundredth, Active: &no})},
		{"sessions/ended half a year, page 100", sessions(video.SessionQuery{Page: hundredth, EndedAt: half})},
		{"sessions/updated day", sessions(video.SessionQuery{Page: first, UpdatedAt: day})},
		{"participants/page 1", participants(video.ParticipantQuery{Page: first})},
		{"participants/page 100", participants(video.ParticipantQuery{Page: hundredth})},
		{"participants/page 100 of 250", participants(video.ParticipantQuery{Page: large})},
		{"participants/joined day", participants(video.ParticipantQuery{Page: first, JoinedAt: day})},
		{"participants/joined half a year, page 100", participants(video.ParticipantQuery{Page: hundredth, JoinedAt: half})},
		{"participants/joined year, page 100 of 250", participants(video.ParticipantQuery{Page: large, JoinedAt: year})},
		{"participants/updated day", participants(video.ParticipantQuery{Page: first, UpdatedAt: day})},
		{"participants/updated half a year, page 100", participants(video.ParticipantQuery{Page: hundredth, UpdatedAt: half})},
		{"participants/left day", participants(video.ParticipantQuery{Page: first, LeftAt: day})},
		{"participants/left year, page 100", participants(video.ParticipantQuery{Page: hundredth, LeftAt: year})},
		{"participants/context of half, page 100", participants(video.ParticipantQuery{Page: hundredth, Context: &same})},
		{"participants/context of 20", participants(video.ParticipantQuery{Page: first, Context: &rare})},
		{"participants/context of half, joined half", participants(video.ParticipantQuery{Page: first, Context: &same, JoinedAt: half})},
		{"participants/joined and left half", participants(video.ParticipantQuery{Page: first, LeftAt: half, JoinedAt: half})},
	} {
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
