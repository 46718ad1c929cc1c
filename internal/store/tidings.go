package store

import (
	"context"
	"maps"
	"time"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// tidings are what one transaction tells: lines of the history, events for the outbox, and what was used. They are gathered while the
// transaction's changes are made and written with them, many rows to a statement. They belong to whoever runs the transaction.
type tidings struct {
	happenings []happeningRow
	deliveries []deliveryRow
	used       used
	places     map[video.SessionID]place
	moved      map[video.SessionID]int64 // like latest, of this transaction
	ended      []video.SessionID
	unarchived bool // a recording was given to the archive
	settled    bool // a recording was completed or failed, which compositions may wait for

	// latest is the time of the last happening of each open session, over all transactions, so that time never runs back in one.
	latest map[video.SessionID]int64
}

func newTidings() *tidings {
	t := &tidings{latest: make(map[video.SessionID]int64)}
	t.begin()
	return t
}

// begin forgets what a transaction told that failed, or was settled.
func (t *tidings) begin() {
	clear(t.happenings)
	clear(t.deliveries)
	t.happenings, t.deliveries, t.ended, t.unarchived, t.settled = t.happenings[:0], t.deliveries[:0], nil, false, false
	t.used = make(used)
	t.places = make(map[video.SessionID]place)
	t.moved = make(map[video.SessionID]int64)
}

// open reports whether the session's history goes on.
func (t *tidings) open(session video.SessionID) bool {
	for _, ended := range t.ended {
		if ended == session {
			return false
		}
	}
	_, moved := t.moved[session]
	_, before := t.latest[session]
	return moved || before
}

// happen adds a line to the history of the session and returns its time, which is never before that of the line above.
func (t *tidings) happen(h video.Happening, at int64) int64 {
	at = max(at, t.latest[h.SessionID], t.moved[h.SessionID])
	t.moved[h.SessionID] = at
	t.happenings = append(t.happenings, newHappeningRow(h, at))
	return at
}

// dueBy makes events due at a time at the latest. After a clock was set back, those of an open session are dated later than that.
func (t *tidings) dueBy(now time.Time) {
	for _, row := range t.deliveries {
		if row.NextAt != nil {
			*row.NextAt = min(*row.NextAt, now.UnixMicro())
		}
	}
}

// write puts the tidings into the transaction.
func (t *tidings) write(ctx context.Context, tx bun.Tx) error {
	if err := t.used.write(ctx, tx); err != nil {
		return err
	}
	if err := insertRows(ctx, tx, t.happenings, func(r happeningRow) int { return len(r.Data) }); err != nil {
		return err
	}
	if err := insertRows(ctx, tx, t.deliveries, func(r deliveryRow) int { return len(r.Payload) }); err != nil {
		return err
	}
	added := make(map[account]int)
	for i := range t.deliveries {
		added[t.deliveries[i].Account]++
	}
	for number, n := range added {
		if err := addTotal(ctx, tx, number, "deliveries", n); err != nil {
			return err
		}
	}
	return nil
}

// committed takes over what a transaction that is durable changed, and tells those who wait for it.
func (t *tidings) committed(news *news) {
	maps.Copy(t.latest, t.moved)
	for _, session := range t.ended {
		delete(t.latest, session)
	}
	for session := range t.moved {
		news.happened(session)
	}
	if len(t.deliveries) > 0 {
		news.deliver()
	}
	if t.unarchived {
		wake(news.recordings)
	}
	if t.settled {
		news.compose()
	}
	t.begin()
}

// Limits of one statement that inserts many rows. SQLite takes a million characters.
const (
	maxRows  = 250
	maxBytes = 256 << 10
)

func insertRows[R any](ctx context.Context, tx bun.Tx, rows []R, size func(R) int) error {
	for len(rows) > 0 {
		n, bytes := 1, size(rows[0])
		for n < len(rows) && n < maxRows && bytes+size(rows[n]) <= maxBytes {
			bytes += size(rows[n])
			n++
		}
		some := rows[:n]
		if _, err := tx.NewInsert().Model(&some).ExcludeColumn("seq").Returning("NULL").Exec(ctx); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}
