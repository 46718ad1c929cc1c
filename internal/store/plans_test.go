package store

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/store/storetest"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// The index that each shape of list is counted in, and the one its page is found in; empty where a counter answers, or
// nothing is found. Both databases take the same ones. At full size, days of participants are more than fewRows and found in order.
var listPlans = map[string]struct{ count, page string }{
	"rooms/page 1":                               {"", "rooms_created"},
	"rooms/page 100":                             {"", "rooms_created"},
	"rooms/page 1 of 250 with sessions":          {"", "rooms_created"},
	"rooms/name":                                 {"rooms_name", "rooms_name"},
	"rooms/created half a year, page 100":        {"rooms_created", "rooms_created"},
	"rooms/updated day":                          {"rooms_updated", "rooms_updated"},
	"rooms/updated half a year, page 100":        {"rooms_updated", ""},
	"sessions/page 1 of 250 with participants":   {"", "sessions_created"},
	"sessions/room":                              {"sessions_room", "sessions_room"},
	"sessions/room, ended half a year":           {"sessions_room", ""},
	"sessions/active":                            {"sessions_ended", "sessions_open"},
	"sessions/not active, page 100":              {"sessions_ended", "sessions_created"},
	"sessions/ended half a year, page 100":       {"sessions_ended", "sessions_created"},
	"sessions/updated day":                       {"sessions_updated", "sessions_updated"},
	"participants/page 1":                        {"", "participants_joined"},
	"participants/page 100":                      {"", "participants_joined"},
	"participants/page 100 of 250":               {"", "participants_joined"},
	"participants/joined day":                    {"participants_counted", "participants_joined"},
	"participants/joined half a year, page 100":  {"participants_counted", "participants_joined"},
	"participants/joined year, page 100 of 250":  {"participants_counted", "participants_joined"},
	"participants/updated day":                   {"participants_updated", "participants_updated"},
	"participants/updated half a year, page 100": {"participants_updated", "participants_joined"},
	"participants/left day":                      {"participants_left", "participants_left"},
	"participants/left year, page 100":           {"participants_left", "participants_joined"},
	"participants/there":                         {"participants_left", "participants_left"},
	"participants/not there, page 100":           {"participants_left", "participants_joined"},
	"participants/lost, day":                     {"participants_left", "participants_left"},
	"participants/left by choice, day":           {"participants_left", "participants_left"},
	"participants/session":                       {"participants_session", "participants_session"},
	"participants/session, context":              {"participants_session", "participants_session"},
	"participants/context of half, page 100":     {"participants_context", "participants_context"},
	"participants/context of 20":                 {"participants_context", "participants_context"},
	"participants/context of half, joined half":  {"participants_context", "participants_context"},
	"participants/context of half, left half":    {"participants_context", "participants_context"},
	"participants/updated and left half":         {"participants_left", "participants_joined"},
	"participants/joined and left half":          {"participants_left", "participants_joined"},
}

// small is enough for planners to choose as they do at full size. Lists that end before the page asked for have no plan.
var small = size{rooms: 5_000, sessions: 15_000, participants: 50_000}

// Each shape of list uses the index made for it, and none reads a whole table. With -v the plans are printed; over the
// databases of the benchmark they are those of docs/database.md.
func TestPlans(t *testing.T) {
	for name, config := range map[string]func(t *testing.T) Config{
		"sqlite": func(t *testing.T) Config {
			if path := os.Getenv("ROTUNDA_BENCH_DB"); path != "" {
				return Config{Path: path}
			}
			return Config{Path: filepath.Join(t.TempDir(), "a.db")}
		},
		"postgres": func(t *testing.T) Config {
			if url := os.Getenv("ROTUNDA_BENCH_URL"); url != "" {
				return Config{URL: url}
			}
			return Config{URL: storetest.Postgres(t)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, account := openBench(t, small, config(t))
			shapes := listShapes(t, s, account)
			heard := &listener{}
			s.reads = s.reads.WithQueryHook(heard)
			for _, shape := range shapes {
				heard.queries = nil
				_, err := shape.list()
				must(t, err)
				checkPlans(t, s, shape.name, heard.queries)
			}
		})
	}
}

// Who is looked for by the beginning of an id is found in the index of ids.
func TestSearchPlans(t *testing.T) {
	s, account := openBench(t, small, Config{Path: filepath.Join(t.TempDir(), "a.db")})
	heard := &listener{}
	s.reads = s.reads.WithQueryHook(heard)
	_, err := s.Search(t.Context(), account, "0123", 10)
	must(t, err)
	_, err = s.RefusedJoins(t.Context(), video.RefusedJoinQuery{AccountID: account, Page: video.Page{Number: 1, Size: 20}})
	must(t, err)
	found := map[string]bool{}
	for _, query := range heard.queries {
		plan := explainQuery(t, s, query)
		for _, index := range []string{"session_row", "participant_row", "recording_row", "composition_row"} {
			if strings.Contains(plan, "SEARCH "+index) && strings.Contains(plan, "id>? AND id<?") {
				found[index] = true
			}
		}
		if strings.Contains(plan, "happenings_refused") {
			found["refused"] = true
		}
	}
	if len(found) != 5 {
		t.Errorf("of sessions, participants, recordings, compositions and refused joins only %v are found by an index, by %q", found, heard.queries)
	}
}

func checkPlans(t *testing.T, s *Store, shape string, queries []string) {
	t.Helper()
	want, checked := listPlans[shape]
	for _, query := range queries {
		plan := explainQuery(t, s, query)
		t.Logf("%s\n  %s\n%s", shape, query, plan)
		if wholeTable.MatchString(plan) {
			t.Errorf("%s reads a whole table:\n%s\n%s", shape, query, plan)
		}
		index := want.count
		if strings.HasPrefix(query, `SELECT "id"`) {
			index = want.page
		} else if !countsRows.MatchString(query) {
			continue
		}
		used := indexesUsed(plan)
		if checked && !slices.Contains(used, index) && !slices.Contains(used, ordered[index]) {
			t.Errorf("%s uses %v, not %s:\n%s\n%s", shape, used, index, query, plan)
		}
	}
}

var (
	usedIndex  = regexp.MustCompile(`(?:USING (?:COVERING )?INDEX|using) (\w+)`)
	wholeTable = regexp.MustCompile(`Seq Scan|SCAN (rooms|sessions|participants)`)
	countsRows = regexp.MustCompile(`^SELECT (count\(\*\) FROM "(rooms|sessions|participants)"|\(SELECT "\w+" FROM "account_totals)`)

	// Where there are more than fewRows, which the benchmark's databases have.
	ordered = map[string]string{
		"participants_updated": "participants_joined", "participants_left": "participants_joined", "": "rooms_created",
	}
)

func indexesUsed(plan string) (names []string) {
	for _, match := range usedIndex.FindAllStringSubmatch(plan, -1) {
		names = append(names, match[1])
	}
	return names
}

// listener remembers what a database is asked.
type listener struct{ queries []string }

func (*listener) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }

func (l *listener) AfterQuery(_ context.Context, event *bun.QueryEvent) {
	l.queries = append(l.queries, event.Query)
}

// explainQuery is the plan of a query, a step to a line.
func explainQuery(t *testing.T, s *Store, query string) string {
	t.Helper()
	ask := "EXPLAIN QUERY PLAN "
	if s.dialect.serialize != "" {
		ask = "EXPLAIN (COSTS OFF) "
	}
	rows, err := s.reads.DB.QueryContext(t.Context(), ask+query)
	must(t, err)
	defer rows.Close()
	columns, err := rows.Columns()
	must(t, err)
	var lines []string
	for rows.Next() {
		cells := make([]string, len(columns))
		targets := make([]any, len(columns))
		for i := range cells {
			targets[i] = &cells[i]
		}
		must(t, rows.Scan(targets...))
		lines = append(lines, cells[len(cells)-1]) // the last column is for people
	}
	must(t, rows.Err())
	return strings.Join(lines, "\n")
}
