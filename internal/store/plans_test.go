package store

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/uptrace/bun"
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
	for name, config := range benchDatabases {
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

// What the portal asks is found in the indexes made for it, and what was used in days or rooms that are asked for alone.
func TestPortalPlans(t *testing.T) {
	want := map[string][]string{
		"search/four characters of an id": {"rooms_pkey", "sessions_pkey", "participants_pkey", "recordings_pkey", "compositions_pkey"},
		"usage/a month by day":            {"usage_pkey", "usage_stored", "participants_left", "recordings_unfinished"},
		"usage/a month by room":           {"usage_pkey", "usage_stored"},
		"usage/of a room":                 {"usage_room", "usage_stored"},
		"refused joins/half a year":       {"happenings_refused"}, // within a day PostgreSQL may go through all that happened
		"refused joins/all":               {"happenings_refused"},
		"activity/a month":                {"participants_left", "happenings_refused"},
	}
	for name, config := range benchDatabases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, account := openBench(t, small, config(t))
			must(t, fillPortal(t.Context(), s, account))
			heard := &listener{}
			s.reads = s.reads.WithQueryHook(heard)
			for _, shape := range portalShapes(t, s, account) {
				heard.queries = nil
				_, err := shape.list()
				must(t, err)
				var used []string
				namesAlone := false
				for _, query := range heard.queries {
					plan := explainQuery(t, s, query)
					t.Logf("%s\n  %s\n%s", shape.name, query, plan)
					used = append(used, indexesUsed(plan)...)
					namesAlone = namesAlone || onlyNames.MatchString(plan)
				}
				if strings.HasPrefix(shape.name, "search") && !namesAlone {
					t.Errorf("%s reads rooms whose names are others", shape.name)
				}
				for _, index := range want[shape.name] {
					if !slices.Contains(used, index) {
						t.Errorf("%s uses %v, not %s", shape.name, used, index)
					}
				}
			}
		})
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
	usedIndex  = regexp.MustCompile(`(?:USING (?:COVERING )?INDEX|using|Bitmap Index Scan on) (\w+)`)
	onlyNames  = regexp.MustCompile(`COVERING INDEX rooms_search|Index Only Scan using rooms_name`)
	ownIndex   = regexp.MustCompile(`sqlite_autoindex_(\w+)_1`) // of a primary key
	wholeTable = regexp.MustCompile(`Seq Scan|SCAN (rooms|sessions|participants)`)
	countsRows = regexp.MustCompile(`^SELECT (count\(\*\) FROM "(rooms|sessions|participants)"|\(SELECT "\w+" FROM "account_totals)`)

	// Where there are more than fewRows, which the benchmark's databases have.
	ordered = map[string]string{
		"participants_updated": "participants_joined", "participants_left": "participants_joined", "": "rooms_created",
	}
)

func indexesUsed(plan string) (names []string) {
	for _, match := range usedIndex.FindAllStringSubmatch(plan, -1) {
		names = append(names, ownIndex.ReplaceAllString(match[1], "${1}_pkey"))
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
