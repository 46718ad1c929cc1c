package store

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// MaxIncluded is how many sessions come with a room, and how many participants with a session, where they are asked for:
// the newest. The flat lists hold all of them.
const MaxIncluded = 100

// listing is one list: rows of a table, newest first by the column start, the id as tie-break. Where says which rows;
// it names only columns that an index beginning with the account and start covers, so that skipping to a late page
// reads the index alone.
type listing struct {
	table   string
	start   string // created_at or joined_at
	account video.AccountID
	where   []condition
	total   string // the counter that holds the number of rows while where is empty
}

type condition struct {
	sql  string
	args []any
}

func (l *listing) filter(sql string, args ...any) {
	l.where = append(l.where, condition{sql, args})
}

// during keeps the rows whose column lies in the span.
func (l *listing) during(column string, span video.Span) {
	if !span.From.IsZero() {
		l.filter("? >= ?", bun.Ident(column), span.From.UnixMicro())
	}
	if !span.Until.IsZero() {
		l.filter("? < ?", bun.Ident(column), span.Until.UnixMicro())
	}
}

func (l *listing) apply(q *bun.SelectQuery, always string) *bun.SelectQuery {
	q = q.TableExpr("?", bun.Ident(l.table)).Where("account_id = ?", l.account)
	if always != "" {
		q = q.Where(always)
	}
	for _, c := range l.where {
		q = q.Where(c.sql, c.args...)
	}
	return q
}

// list reads one page into rows (a pointer to a slice of row structs) and returns the number of all matching rows.
func (s *Store) list(ctx context.Context, l listing, always string, page video.Page, rows any) (int, error) {
	if page.Number < 1 || page.Size < 1 || page.Size > video.MaxPageSize {
		return 0, video.Errorf(video.CodeInvalid, "page number counts from 1, page size is 1 to %d", video.MaxPageSize)
	}
	total, err := s.count(ctx, l, always)
	if err != nil {
		return 0, failed("count "+l.table, err)
	}
	if (page.Number - 1) >= (total+page.Size-1)/page.Size {
		return total, nil // past the end; also guards the offset against overflow
	}
	order := fmt.Sprintf("%s DESC, id DESC", l.start)
	ids := l.apply(s.reads.NewSelect(), always).Column("id").
		OrderExpr(order).Limit(int64(page.Size)).Offset(int64(page.Number-1) * int64(page.Size))
	err = s.reads.NewSelect().Model(rows).
		Where("account_id = ?", l.account).Where("id IN (?)", ids).OrderExpr(order).Scan(ctx)
	if err != nil {
		return 0, failed("list "+l.table, err)
	}
	return total, nil
}

func (s *Store) count(ctx context.Context, l listing, always string) (int, error) {
	var n int
	if len(l.where) == 0 {
		err := s.reads.NewSelect().Model((*totalsRow)(nil)).ColumnExpr("coalesce(sum(?), 0)", bun.Ident(l.total)).
			Where("account_id = ?", l.account).Scan(ctx, &n)
		return n, err
	}
	err := l.apply(s.reads.NewSelect(), always).ColumnExpr("count(*)").Scan(ctx, &n)
	return n, err
}

// alsoFrom adds a limited query to a union. The derived table is there because a member of a union can have no order and
// limit of its own.
func alsoFrom(db *bun.DB, all, limited *bun.SelectQuery) *bun.SelectQuery {
	member := db.NewSelect().ColumnExpr("id").TableExpr("(?) AS newest", limited)
	if all == nil {
		return member
	}
	return all.UnionAll(member)
}
