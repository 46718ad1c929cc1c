package store

import (
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// MaxIncluded is how many sessions come with a room, and how many participants with a session, where they are asked for:
// the newest. The flat lists hold all of them.
const MaxIncluded = 100

// fewRows is how many matching rows are sorted rather than met in order.
const fewRows = 2000

// listing is one list: rows of a table, newest first by the column start, the id as tie-break. Which index a planner takes
// decides between milliseconds and seconds, and planners guess, so the query leaves it one choice. An index cannot be used
// for a column behind a unary plus; that holds for SQLite and PostgreSQL alike.
//
//   - An equality has an ordered index of its own, which is taken. The room's or session's comes first.
//   - Ranges are counted in the index of the column with the shortest span. It covers every column a range can be on, and
//     holds no ids, so that it is small. When there is but one range, a few rows are found in it too.
//   - All else walks the index by start, which covers those columns and the ids, so that skipping reads no rows.
type listing struct {
	table   string
	start   string // created_at or joined_at
	total   string // the counter that holds the number of rows while nothing is filtered
	account account
	always  string // a condition of the table's indexes
	keyed   bool   // a row's key is its account and its id, not the id alone

	equal      []condition
	ownIndex   bool   // the index of the first equality does not begin with the account
	sift       string // a condition that no index helps with
	siftArgs   []any
	ranges     []condition
	onlyColumn string // the one column the ranges asked for are on; empty for none or several
	onlySpan   video.Span
	shortest   string // the column of the shortest span; empty without one
	length     time.Duration
}

type condition struct {
	column  string
	test    string
	args    []any
	implied bool // by another
}

// is keeps the rows whose column passes the test.
func (l *listing) is(column, test string, args ...any) {
	l.equal = append(l.equal, condition{column: column, test: test, args: args})
}

// during keeps the rows whose column lies in the span. No span of ours begins after it ends or changes, so that an upper
// bound on any of its times is one on start as well.
func (l *listing) during(column string, span video.Span) {
	if span == (video.Span{}) {
		return
	}
	l.onlyColumn, l.onlySpan = column, span
	if len(l.ranges) > 0 {
		l.onlyColumn = ""
	}
	if length := spanLength(span); l.shortest == "" || length <= l.length {
		l.shortest, l.length = column, length
	}
	if !span.From.IsZero() {
		l.ranges = append(l.ranges, condition{column: column, test: ">= ?", args: []any{span.From.UnixMicro()}})
	}
	if !span.Until.IsZero() {
		l.ranges = append(l.ranges, condition{column: column, test: "< ?", args: []any{span.Until.UnixMicro()}})
		if column != l.start {
			l.ranges = append(l.ranges, condition{column: l.start, test: "< ?", args: []any{span.Until.UnixMicro()}, implied: true})
		}
	}
}

func spanLength(span video.Span) time.Duration {
	if span.From.IsZero() || span.Until.IsZero() {
		return math.MaxInt64
	}
	return span.Until.Sub(span.From)
}

// single reports whether one span alone says which rows belong to the list.
func (l *listing) single() bool { return l.sift == "" && l.spanned() }

// spanned reports whether one span alone says which rows are looked at.
func (l *listing) spanned() bool {
	return len(l.equal) == 0 && l.onlyColumn != "" &&
		!slices.ContainsFunc(l.ranges, func(c condition) bool { return c.column != l.onlyColumn && !c.implied })
}

// query selects the rows of the list. by is the column with a range whose index is to be used, where no equality has one.
func (l *listing) query(db *bun.DB, by string) *bun.SelectQuery {
	q := db.NewSelect().TableExpr("?", bun.Ident(l.table))
	where := func(indexed bool, column, test string, args ...any) {
		plus := "+"
		if indexed {
			plus = ""
		}
		q = q.Where(plus+"? "+test, append([]any{bun.Ident(column)}, args...)...)
	}
	where(!l.ownIndex, "account", "= ?", l.account)
	if l.always != "" {
		q = q.Where(l.always)
	}
	for i, c := range l.equal {
		if l.ownIndex && i > 0 { // no index can be used for a truth value
			q = q.Where("(? "+c.test+") IS TRUE", append([]any{bun.Ident(c.column)}, c.args...)...)
			continue
		}
		where(true, c.column, c.test, c.args...)
	}
	if l.sift != "" {
		q = q.Where(l.sift, l.siftArgs...)
	}
	for _, c := range l.ranges {
		if !c.implied || by == l.start {
			where(c.column == by, c.column, c.test, c.args...)
		}
	}
	return q
}

// list reads one page into rows (a pointer to a slice of row structs, to be sorted) and returns the number of all
// matching rows.
func (s *Store) list(ctx context.Context, l listing, page video.Page, rows any) (int, error) {
	if page.Number < 1 || page.Size < 1 || page.Size > video.MaxPageSize {
		return 0, video.Errorf(video.CodeInvalid, "page number counts from 1, page size is 1 to %d", video.MaxPageSize)
	}
	total, err := s.count(ctx, l)
	if err != nil {
		return 0, failed("count "+l.table, err)
	}
	if (page.Number - 1) >= (total+page.Size-1)/page.Size {
		return total, nil // past the end; also guards the offset against overflow
	}
	few := total <= fewRows
	narrow := few && l.spanned() && l.onlyColumn != l.start
	plus, by := "", l.start
	if narrow {
		by = l.onlyColumn
	}
	if narrow || few && len(l.equal) > 0 {
		plus = "+" // not the index that has the order
	}
	var ids []string
	err = l.query(s.reads, by).Column("id").OrderExpr(plus+"? DESC, id DESC", bun.Ident(l.start)).
		Limit(int64(page.Size)).Offset(int64(page.Number-1)*int64(page.Size)).Scan(ctx, &ids)
	if err != nil {
		return 0, failed("list "+l.table, err)
	}
	if len(ids) == 0 {
		return total, nil
	}
	// The rows are read by their ids, without an order: with one, planners walk the ordered index whole.
	found := s.reads.NewSelect().Model(rows).Where("id IN (?)", bun.List(ids))
	if l.keyed {
		found = found.Where("account = ?", l.account)
	}
	err = found.Scan(ctx)
	if err != nil {
		return 0, failed("list "+l.table, err)
	}
	return total, nil
}

func (s *Store) count(ctx context.Context, l listing) (int, error) {
	var n int
	if len(l.equal) == 0 && len(l.ranges) == 0 && l.sift == "" {
		err := s.reads.NewSelect().Model((*totalsRow)(nil)).ColumnExpr("coalesce(sum(?), 0)", bun.Ident(l.total)).
			Where("account = ?", l.account).Scan(ctx, &n)
		return n, err
	}
	by := l.start
	if len(l.equal) == 0 && l.shortest != "" {
		by = l.shortest
	}
	query := l.query(s.reads, by).ColumnExpr("count(*)")
	if l.single() {
		most, err := s.spansMost(ctx, l)
		if err != nil {
			return 0, err
		}
		if most {
			query = l.countOutside(s.reads)
		}
	}
	err := query.Scan(ctx, &n)
	return n, err
}

// spansMost guesses whether the one range asked for holds most rows, from how much of the time between the first and the
// last row it covers.
func (s *Store) spansMost(ctx context.Context, l listing) (bool, error) {
	end := func(expr string) *bun.SelectQuery {
		return l.unfiltered(s.reads).ColumnExpr(expr, bun.Ident(l.onlyColumn))
	}
	var lowest, highest *int64
	err := s.reads.NewSelect().ColumnExpr("(?), (?)", end("min(?)"), end("max(?)")).Scan(ctx, &lowest, &highest)
	if err != nil || lowest == nil || highest == nil {
		return false, err
	}
	from, until := *lowest, *highest
	if !l.onlySpan.From.IsZero() {
		from = max(from, l.onlySpan.From.UnixMicro())
	}
	if !l.onlySpan.Until.IsZero() {
		until = min(until, l.onlySpan.Until.UnixMicro())
	}
	return until-from > (*highest-*lowest)/2, nil
}

// countOutside counts the rows of a range that holds most as all rows without the others, which are fewer to walk. It is
// one statement, so that all its parts see the same rows.
func (l *listing) countOutside(db *bun.DB) *bun.SelectQuery {
	column := bun.Ident(l.onlyColumn)
	all := db.NewSelect().Model((*totalsRow)(nil)).Column(l.total).Where("account = ?", l.account)
	count := func(test string, args ...any) *bun.SelectQuery {
		return l.unfiltered(db).ColumnExpr("count(*)").Where("? "+test, append([]any{column}, args...)...)
	}
	none := db.NewSelect().ColumnExpr("0")
	before, after := none, none
	if !l.onlySpan.From.IsZero() {
		before = count("< ?", l.onlySpan.From.UnixMicro())
	}
	if !l.onlySpan.Until.IsZero() {
		after = count(">= ?", l.onlySpan.Until.UnixMicro())
	}
	return db.NewSelect().ColumnExpr("(?) - (?) - (?) - (?)", all, before, after, count("IS NULL"))
}

// unfiltered selects from all rows of the list, filtered by nothing.
func (l *listing) unfiltered(db *bun.DB) *bun.SelectQuery {
	q := db.NewSelect().TableExpr("?", bun.Ident(l.table)).Where("account = ?", l.account)
	if l.always != "" {
		q = q.Where(l.always)
	}
	return q
}

// newestOf is a query for the newest rows of a table that belong to each of the owners, MaxIncluded for each.
func (s *Store) newestOf(table, start, owner string, ids []string) *bun.SelectQuery {
	newest := func(owned string, id any) *bun.SelectQuery {
		return s.reads.NewSelect().Table(table).Where("? = "+owned, bun.Ident(owner), id).
			OrderExpr("? DESC, id DESC", bun.Ident(start)).Limit(MaxIncluded)
	}
	return s.dialect.forEach(s.reads, newest, ids)
}

// newestFirst is the order of every list.
func newestFirst(a, b time.Time, aID, bID string) int {
	if c := b.Compare(a); c != 0 {
		return c
	}
	return strings.Compare(bID, aID)
}
