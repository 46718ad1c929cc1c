package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

type heartbeatRow struct {
	bun.BaseModel `bun:"table:heartbeat"`

	ID      int    `bun:"id,pk"`
	AliveAt int64  `bun:"alive_at"`
	Batch   string `bun:"batch"` // of the journal, the last one that was committed
}

func touchHeartbeat(ctx context.Context, db bun.IDB, now time.Time) error {
	_, err := db.NewInsert().Model(&heartbeatRow{ID: 1, AliveAt: now.UnixMicro()}).
		On("CONFLICT (id) DO UPDATE").Set("alive_at = excluded.alive_at").Exec(ctx)
	return err
}

// markBatch is a heartbeat too.
func markBatch(ctx context.Context, tx bun.Tx, now time.Time, batch string) error {
	_, err := tx.NewInsert().Model(&heartbeatRow{ID: 1, AliveAt: now.UnixMicro(), Batch: batch}).
		On("CONFLICT (id) DO UPDATE").Set("alive_at = excluded.alive_at").Set("batch = excluded.batch").Exec(ctx)
	return err
}

// CloseDangling ends the sessions that a process left open when it died, and puts out their participants, all with the
// reason server_crashed. It is called once at start, before any session is opened, and returns how many it ended. It is
// refused while another server has the database.
//
// Nobody knows when the process died. It was alive at its last heartbeat, which the journal writes with every batch and
// every 10 s while sessions are open; the sessions end at that moment, or at their own last change if that is later. So the
// end recorded is at most 10 s (and a batch) too early, however long the server was down afterwards.
func (s *Store) CloseDangling(ctx context.Context) (sessions int, err error) {
	if err := s.claim(ctx); err != nil {
		return 0, err
	}
	err = s.write(ctx, "close dangling sessions", func(ctx context.Context, tx bun.Tx) error {
		var beat heartbeatRow
		if err := tx.NewSelect().Model(&beat).Scan(ctx); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		var open []sessionRow
		if err := tx.NewSelect().Model(&open).Where("ended_at IS NULL").Scan(ctx); err != nil {
			return err
		}
		told := newTidings()
		for _, row := range open {
			at := max(beat.AliveAt, row.UpdatedAt)
			if err := told.resume(ctx, tx, row.ID); err != nil {
				return err
			}
			if err := endSession(ctx, tx, told, row.ID, at, video.EndedServerCrashed, video.LeftServerCrashed); err != nil {
				return err
			}
		}
		sessions = len(open)
		told.dueBy(s.now())
		return told.write(ctx, tx)
	})
	if err != nil {
		return 0, err
	}
	return sessions, nil
}

// resume finds out how far the history of a session of another process has come.
func (t *tidings) resume(ctx context.Context, tx bun.Tx, session video.SessionID) error {
	var at []int64
	err := tx.NewSelect().Model((*happeningRow)(nil)).Column("at").
		Where("session_id = ?", session).Order("seq DESC").Limit(1).Scan(ctx, &at)
	if err == nil && len(at) > 0 {
		t.latest[session] = at[0]
	}
	return err
}
