package store

import (
	"context"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

func deliveryAbsent(id string) *video.Error {
	return video.Errorf(video.CodeNotFound, "no webhook delivery with id %s", id)
}

// Delivery returns a delivery of the account by the id of its event, with all its attempts, the newest first.
func (s *Store) Delivery(ctx context.Context, account video.AccountID, id string) (video.Delivery, error) {
	number, err := s.number(ctx, account)
	if err != nil {
		return video.Delivery{}, err
	}
	row, err := findDelivery(ctx, s.reads, number, id)
	if err != nil {
		return video.Delivery{}, err
	}
	all := []video.Delivery{row.delivery(account)}
	return all[0], s.includeAttempts(ctx, all)
}

func findDelivery(ctx context.Context, db bun.IDB, number account, id string) (row deliveryRow, err error) {
	err = db.NewSelect().Model(&row).Where("id = ?", id).Where("account = ?", number).Scan(ctx)
	return row, one(err, deliveryAbsent(id), "find delivery")
}

// Deliveries returns one page of the account's deliveries with their attempts, newest first by when their events occurred.
func (s *Store) Deliveries(ctx context.Context, query video.DeliveryQuery) (video.List[video.Delivery], error) {
	number, err := s.number(ctx, query.AccountID)
	if err != nil {
		return video.List[video.Delivery]{}, err
	}
	var rows []deliveryRow
	total, err := s.list(ctx, deliveryListing(number, query), query.Page, &rows)
	if err != nil {
		return video.List[video.Delivery]{}, err
	}
	deliveries := make([]video.Delivery, len(rows))
	for i, row := range rows {
		deliveries[i] = row.delivery(query.AccountID)
	}
	slices.SortFunc(deliveries, func(a, b video.Delivery) int {
		return newestFirst(a.OccurredAt, b.OccurredAt, a.ID, b.ID)
	})
	return video.List[video.Delivery]{Items: deliveries, Total: total}, s.includeAttempts(ctx, deliveries)
}

func deliveryListing(number account, query video.DeliveryQuery) listing {
	l := listing{table: "deliveries", start: "occurred_at", account: number, total: "deliveries"}
	if query.SessionID != "" {
		l.is("session_id", "= ?", query.SessionID)
		l.ownIndex = true
	}
	if query.Status != "" {
		l.is("status", "= ?", query.Status)
	}
	if len(query.Types) > 0 {
		l.is("event_type", "IN (?)", bun.List(query.Types))
	}
	l.during("occurred_at", query.OccurredAt)
	l.during("started_at", query.StartedAt)
	l.during("finished_at", query.FinishedAt)
	// The texts are looked through row by row; no index helps.
	if query.EventContains != "" {
		l.ranges = append(l.ranges, condition{column: "seq", test: "IN (SELECT d.seq FROM deliveries AS d WHERE d.account = ? AND " +
			eventText + " LIKE ? ESCAPE '!')", args: []any{number, containing(query.EventContains)}})
		l.onlyColumn = ""
	}
	if query.AttemptsContains != "" {
		l.ranges = append(l.ranges, condition{column: "seq", test: "IN (SELECT a.delivery FROM attempts AS a JOIN deliveries AS d ON d.seq = a.delivery " +
			"WHERE d.account = ? AND lower(a.url || ' ' || a.errors || ' ' || a.response_status || ' ' || a.response_header || ' ' || " +
			"a.response_body) LIKE ? ESCAPE '!')", args: []any{number, containing(query.AttemptsContains)}})
		l.onlyColumn = ""
	}
	return l
}

// eventText is an event as JSON, to look something up in.
const eventText = `lower('{"record_type":"event","event_type":"' || d.event_type || '","id":"' || d.id || '","payload":' || d.payload || '}')`

// containing is the pattern of text that holds the words given, in ASCII letters of either case.
func containing(words string) string {
	words = strings.Map(func(r rune) rune {
		switch {
		case r == 0:
			return '\uFFFD' // no row has it, and PostgreSQL takes no NUL
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		}
		return r
	}, words)
	return "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(words) + "%"
}

// includeAttempts gives each delivery its attempts, all in one query.
func (s *Store) includeAttempts(ctx context.Context, deliveries []video.Delivery) error {
	if len(deliveries) == 0 {
		return nil
	}
	seqs := make([]int64, len(deliveries))
	bySeq := make(map[int64]*video.Delivery, len(deliveries))
	for i := range deliveries {
		seqs[i], bySeq[deliveries[i].Seq] = deliveries[i].Seq, &deliveries[i]
		deliveries[i].Attempts = []video.Attempt{}
	}
	var rows []attemptRow
	err := s.reads.NewSelect().Model(&rows).Where("delivery IN (?)", bun.List(seqs)).Order("delivery", "number DESC").Scan(ctx)
	if err != nil {
		return failed("include attempts", err)
	}
	for _, row := range rows {
		attempt, err := row.attempt()
		if err != nil {
			return failed("read attempt", err)
		}
		delivery := bySeq[row.Delivery]
		delivery.Attempts = append(delivery.Attempts, attempt)
	}
	return nil
}
