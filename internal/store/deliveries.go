package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

type deliveryRow struct {
	bun.BaseModel `bun:"table:deliveries"`

	Seq           int64                `bun:"seq,pk,autoincrement"`
	ID            string               `bun:"id"`
	Account       account              `bun:"account"`
	EventType     video.EventType      `bun:"event_type"`
	RoomID        video.RoomID         `bun:"room_id"`
	SessionID     video.SessionID      `bun:"session_id"`
	ParticipantID video.ParticipantID  `bun:"participant_id"`
	Payload       string               `bun:"payload"`
	OccurredAt    int64                `bun:"occurred_at"`
	URL           string               `bun:"url"`
	FailoverURL   string               `bun:"failover_url"`
	TimeoutSecs   *int                 `bun:"timeout_secs"`
	Status        video.DeliveryStatus `bun:"status"`
	Step          int                  `bun:"step"`
	Attempts      int                  `bun:"attempts"`
	Target        string               `bun:"target"`
	NextAt        *int64               `bun:"next_at"`
	Claimed       bool                 `bun:"claimed"`
	StartedAt     *int64               `bun:"started_at"`
	FinishedAt    *int64               `bun:"finished_at"`
}

// newDeliveryRow is the delivery of an event that is due at once; without a URL it is skipped.
func newDeliveryRow(p place, event video.Event, due int64) deliveryRow {
	row := deliveryRow{
		ID: event.ID, Account: p.Account, EventType: event.Type, RoomID: event.RoomID, SessionID: event.SessionID,
		ParticipantID: event.ParticipantID, Payload: string(event.Payload), OccurredAt: event.OccurredAt.UnixMicro(),
		URL: p.URL, FailoverURL: p.FailoverURL, TimeoutSecs: p.TimeoutSecs,
		Status: video.DeliverySkipped,
	}
	if p.URL != "" {
		row.Status, row.Target, row.NextAt = video.DeliveryPending, p.URL, &due
	}
	return row
}

func (r deliveryRow) delivery(of video.AccountID) video.Delivery {
	return video.Delivery{
		Event: video.Event{
			ID: r.ID, AccountID: of, Type: r.EventType, RoomID: r.RoomID, SessionID: r.SessionID,
			ParticipantID: r.ParticipantID, OccurredAt: moment(r.OccurredAt), Payload: json.RawMessage(r.Payload),
		},
		Seq: r.Seq, URL: r.URL, FailoverURL: r.FailoverURL, TimeoutSecs: r.TimeoutSecs, Status: r.Status, Step: r.Step,
		AttemptCount: r.Attempts, NextAt: momentOrNil(r.NextAt),
		StartedAt: momentOrNil(r.StartedAt), FinishedAt: momentOrNil(r.FinishedAt),
	}
}

// claimPerTarget is how many deliveries one claim takes for one URL at most, so that those who have a long queue leave
// room for the others.
const claimPerTarget = 8

// target is a URL and when the first of its deliveries is due.
type target struct {
	URL string `bun:"url"`
	Due int64  `bun:"due"`
}

// targets are the URLs for which deliveries wait, the one that is due first first, without the busy ones. Each costs two
// steps into an index, however many deliveries wait for it.
func (s *Store) targets(ctx context.Context, busy []string) ([]target, error) {
	var all []target
	err := s.reads.NewRaw(`WITH RECURSIVE waiting (url) AS (
		SELECT min(target) FROM deliveries WHERE next_at IS NOT NULL
		UNION ALL
		SELECT (SELECT min(d.target) FROM deliveries AS d WHERE d.next_at IS NOT NULL AND d.target > waiting.url)
		FROM waiting WHERE waiting.url IS NOT NULL
	)
	SELECT url, (SELECT min(d.next_at) FROM deliveries AS d WHERE d.target = waiting.url AND d.next_at IS NOT NULL) AS due
	FROM waiting WHERE url IS NOT NULL`).Scan(ctx, &all)
	if err != nil {
		return nil, err
	}
	left := make(map[string]bool, len(busy))
	for _, url := range busy {
		left[url] = true
	}
	all = slices.DeleteFunc(all, func(t target) bool { return left[t.URL] })
	slices.SortFunc(all, func(a, b target) int { return cmp.Or(cmp.Compare(a.Due, b.Due), cmp.Compare(a.URL, b.URL)) })
	return all, nil
}

// NextDelivery returns when the next delivery is due whose target is not among the busy, or nil if none waits.
func (s *Store) NextDelivery(ctx context.Context, busy []string) (*time.Time, error) {
	all, err := s.targets(ctx, busy)
	if err != nil {
		return nil, failed("find next delivery", err)
	}
	if len(all) == 0 {
		return nil, nil
	}
	at := moment(all[0].Due)
	return &at, nil
}

// ClaimDeliveries takes deliveries that are due, at most n of them and at most claimPerTarget for one URL, none for the
// busy ones; in the order of their events. Until it is settled or the lease is over, nobody else gets a claimed delivery.
// Fewer than n does not mean that no more are due.
func (s *Store) ClaimDeliveries(ctx context.Context, busy []string, lease time.Duration, n int) ([]video.Delivery, error) {
	now := s.now().UnixMicro()
	due, err := s.targets(ctx, busy)
	if err != nil {
		return nil, failed("claim deliveries", err)
	}
	due = slices.DeleteFunc(due, func(t target) bool { return t.Due > now })
	if len(due) > n {
		due = due[:n]
	}
	if len(due) == 0 {
		return nil, nil
	}
	var claimed []video.Delivery
	err = s.write(ctx, "claim deliveries", func(ctx context.Context, tx bun.Tx) error {
		var rows []deliveryRow
		_, err := tx.NewUpdate().Model((*deliveryRow)(nil)).
			Set("claimed = ?", true).Set("next_at = ?", now+lease.Microseconds()).
			Where("seq IN (?)", firstDue(tx, due, now, n)).Returning("*").Exec(ctx, &rows)
		if err != nil {
			return err
		}
		claimed, err = deliveriesOf(ctx, tx, rows)
		return err
	})
	if err != nil {
		return nil, err
	}
	return claimed, nil
}

// firstDue selects the deliveries to claim: the first of each target, and of those the first n.
func firstDue(db bun.IDB, due []target, now int64, n int) *bun.SelectQuery {
	var all *bun.SelectQuery
	for _, t := range due {
		few := db.NewSelect().Table("deliveries").Column("seq", "next_at").
			Where("target = ?", t.URL).Where("next_at <= ?", now).Order("next_at", "seq").Limit(claimPerTarget)
		member := db.NewSelect().ColumnExpr("few.seq, few.next_at").TableExpr("(?) AS few", few)
		if all == nil {
			all = member
		} else {
			all = all.UnionAll(member)
		}
	}
	return db.NewSelect().ColumnExpr("found.seq").TableExpr("(?) AS found", all).
		OrderExpr("found.next_at, found.seq").Limit(int64(n))
}

// deliveriesOf turns rows of any accounts into deliveries, in the order of their events.
func deliveriesOf(ctx context.Context, db bun.IDB, rows []deliveryRow) ([]video.Delivery, error) {
	ids, err := accountIDs(ctx, db, rows, func(r deliveryRow) account { return r.Account })
	if err != nil {
		return nil, err
	}
	slices.SortFunc(rows, func(a, b deliveryRow) int { return cmp.Compare(a.Seq, b.Seq) })
	deliveries := make([]video.Delivery, len(rows))
	for i, row := range rows {
		deliveries[i] = row.delivery(ids[row.Account])
	}
	return deliveries, nil
}

// ReleaseDeliveries makes due at once what a process had claimed that is no more. It is called once, before the first claim.
func (s *Store) ReleaseDeliveries(ctx context.Context) error {
	return s.write(ctx, "release deliveries", func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewUpdate().Model((*deliveryRow)(nil)).
			Set("claimed = ?", false).Set("next_at = ?", s.now().UnixMicro()).
			Where("next_at IS NOT NULL").Where("claimed = ?", true).Exec(ctx)
		return err
	})
}

// WaitingDeliveries counts the deliveries that have an attempt to come or under way.
func (s *Store) WaitingDeliveries(ctx context.Context) (int, error) {
	n, err := s.reads.NewSelect().Table("deliveries").Where("next_at IS NOT NULL").Count(ctx)
	if err != nil {
		return 0, failed("count waiting deliveries", err)
	}
	return int(n), nil
}

// SettleDeliveries writes what came of attempts, all in one transaction, and ends their claims. A delivery that is no more
// is passed over.
func (s *Store) SettleDeliveries(ctx context.Context, outcomes []video.DeliveryOutcome) error {
	return s.write(ctx, "settle deliveries", func(ctx context.Context, tx bun.Tx) error {
		rows := make([]attemptRow, 0, len(outcomes))
		for _, o := range outcomes {
			settled, err := settle(ctx, tx, o)
			if err != nil {
				return err
			}
			if settled {
				rows = append(rows, newAttemptRow(o.Seq, o.Attempt))
			}
		}
		if len(rows) == 0 {
			return nil
		}
		// A commit that failed may have happened; then the same attempt comes twice.
		_, err := tx.NewInsert().Model(&rows).On("CONFLICT DO NOTHING").Exec(ctx)
		return err
	})
}

func settle(ctx context.Context, tx bun.Tx, o video.DeliveryOutcome) (bool, error) {
	update := tx.NewUpdate().Model((*deliveryRow)(nil)).
		Set("status = ?", o.Status).Set("step = ?", o.Step).Set("attempts = ?", o.Attempt.Number).
		Set("target = ?", o.Target).Set("claimed = ?", false).
		Set("started_at = coalesce(started_at, ?)", o.Attempt.StartedAt.UnixMicro()).
		Where("seq = ?", o.Seq)
	if o.NextAt != nil {
		update = update.Set("next_at = ?", o.NextAt.UnixMicro())
	} else {
		update = update.Set("next_at = NULL").Set("finished_at = ?", o.Attempt.FinishedAt.UnixMicro())
	}
	n, err := affected(update.Exec(ctx))
	return n > 0, err
}

type attemptRow struct {
	bun.BaseModel `bun:"table:attempts"`

	Delivery       int64  `bun:"delivery,pk"`
	Number         int    `bun:"number,pk"`
	URL            string `bun:"url"`
	Delivered      bool   `bun:"delivered"`
	StartedAt      int64  `bun:"started_at"`
	FinishedAt     int64  `bun:"finished_at"`
	RequestHeader  string `bun:"request_header"`
	ResponseStatus int    `bun:"response_status"`
	ResponseHeader string `bun:"response_header"`
	ResponseBody   string `bun:"response_body"`
	Errors         string `bun:"errors"`
}

func newAttemptRow(delivery int64, a video.Attempt) attemptRow {
	body := a.ResponseBody[:min(len(a.ResponseBody), video.MaxResponseBody)]
	return attemptRow{
		Delivery: delivery, Number: a.Number, URL: a.URL, Delivered: a.Delivered,
		StartedAt: a.StartedAt.UnixMicro(), FinishedAt: a.FinishedAt.UnixMicro(),
		RequestHeader: asJSON(a.RequestHeader), ResponseStatus: a.ResponseStatus, ResponseHeader: asJSON(a.ResponseHeader),
		ResponseBody: strings.ReplaceAll(strings.ToValidUTF8(string(body), "\uFFFD"), "\x00", "\uFFFD"),
		Errors:       asJSON(a.Errors),
	}
}

func (r attemptRow) attempt() (a video.Attempt, err error) {
	a = video.Attempt{
		Number: r.Number, URL: r.URL, Delivered: r.Delivered, StartedAt: moment(r.StartedAt), FinishedAt: moment(r.FinishedAt),
		ResponseStatus: r.ResponseStatus, ResponseBody: []byte(r.ResponseBody),
	}
	err = errors.Join(
		json.Unmarshal([]byte(r.RequestHeader), &a.RequestHeader),
		json.Unmarshal([]byte(r.ResponseHeader), &a.ResponseHeader),
		json.Unmarshal([]byte(r.Errors), &a.Errors),
	)
	return a, err
}
