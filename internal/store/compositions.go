package store

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

type compositionRow struct {
	bun.BaseModel `bun:"table:compositions"`

	ID                      string                  `bun:"id,pk"`
	Account                 account                 `bun:"account"`
	RoomID                  video.RoomID            `bun:"room_id"`
	SessionID               video.SessionID         `bun:"session_id"`
	Status                  video.CompositionStatus `bun:"status"`
	FailedReason            string                  `bun:"failed_reason"` // of one that is enqueued: why it waits
	FailedCode              string                  `bun:"failed_code"`
	Progress                int                     `bun:"progress"`
	Attempts                int                     `bun:"attempts"`
	NextAt                  *int64                  `bun:"next_at"`
	Format                  video.CompositionFormat `bun:"format"`
	Width                   int                     `bun:"width"`
	Height                  int                     `bun:"height"`
	Layout                  string                  `bun:"layout"`        // JSON
	AudioSources            string                  `bun:"audio_sources"` // JSON
	Settings                string                  `bun:"settings"`      // JSON
	Warnings                string                  `bun:"warnings"`      // JSON
	OffsetUS                int64                   `bun:"offset_us"`
	Speed                   float64                 `bun:"speed"`
	SizeBytes               int64                   `bun:"size_bytes"`
	DurationUS              int64                   `bun:"duration_us"`
	WebhookEventURL         string                  `bun:"webhook_event_url"`
	WebhookEventFailoverURL string                  `bun:"webhook_event_failover_url"`
	WebhookTimeoutSecs      *int                    `bun:"webhook_timeout_secs"`
	StartedAt               *int64                  `bun:"started_at"`
	EndedAt                 *int64                  `bun:"ended_at"`
	CompletedAt             *int64                  `bun:"completed_at"`
	CreatedAt               int64                   `bun:"created_at"`
	UpdatedAt               int64                   `bun:"updated_at"`
}

func newCompositionRow(c video.Composition, number account) (compositionRow, error) {
	layout, err := json.Marshal(c.Layout)
	if err != nil {
		return compositionRow{}, err
	}
	audio, err := json.Marshal(c.AudioSources)
	if err != nil {
		return compositionRow{}, err
	}
	return compositionRow{
		ID: c.ID, Account: number, RoomID: c.RoomID, SessionID: c.SessionID, Status: c.Status, FailedReason: c.FailedReason, FailedCode: c.FailedCode,
		Progress: c.Progress, Attempts: c.Attempts,
		Format: c.Format, Width: c.Width, Height: c.Height, Layout: string(layout), AudioSources: string(audio),
		Settings: asJSON(c.Settings), Warnings: asJSON(append([]string{}, c.Warnings...)),
		OffsetUS: c.Offset.Microseconds(), Speed: c.Speed,
		SizeBytes: c.SizeBytes, DurationUS: c.Duration.Microseconds(),
		WebhookEventURL: c.WebhookEventURL, WebhookEventFailoverURL: c.WebhookEventFailoverURL, WebhookTimeoutSecs: c.WebhookTimeoutSecs,
		StartedAt: microsOrNil(c.StartedAt), EndedAt: microsOrNil(c.EndedAt), CompletedAt: microsOrNil(c.CompletedAt),
		CreatedAt: c.CreatedAt.UnixMicro(), UpdatedAt: c.UpdatedAt.UnixMicro(),
	}, nil
}

func (r compositionRow) composition(of video.AccountID) (video.Composition, error) {
	c := video.Composition{
		ID: r.ID, AccountID: of, RoomID: r.RoomID, SessionID: r.SessionID, Status: r.Status,
		Progress: r.Progress, Attempts: r.Attempts, Format: r.Format, Width: r.Width, Height: r.Height,
		Offset: time.Duration(r.OffsetUS) * time.Microsecond, Speed: r.Speed,
		SizeBytes: r.SizeBytes, Duration: time.Duration(r.DurationUS) * time.Microsecond,
		WebhookEventURL: r.WebhookEventURL, WebhookEventFailoverURL: r.WebhookEventFailoverURL, WebhookTimeoutSecs: r.WebhookTimeoutSecs,
		StartedAt: momentOrNil(r.StartedAt), EndedAt: momentOrNil(r.EndedAt), CompletedAt: momentOrNil(r.CompletedAt),
		CreatedAt: moment(r.CreatedAt), UpdatedAt: moment(r.UpdatedAt),
	}
	switch {
	case r.Status == video.CompositionFailed:
		c.FailedReason, c.FailedCode = r.FailedReason, r.FailedCode
	case r.Status != video.CompositionCompleted && r.FailedCode != "":
		why := video.CompositionFailure(r.FailedCode, r.FailedReason)
		c.Waiting = &why
	}
	if err := json.Unmarshal([]byte(r.Layout), &c.Layout); err != nil {
		return c, failed("read layout of composition", err)
	}
	if err := json.Unmarshal([]byte(r.AudioSources), &c.AudioSources); err != nil {
		return c, failed("read audio sources of composition", err)
	}
	if err := json.Unmarshal([]byte(r.Settings), &c.Settings); err != nil {
		return c, failed("read settings of composition", err)
	}
	if err := json.Unmarshal([]byte(r.Warnings), &c.Warnings); err != nil {
		return c, failed("read warnings of composition", err)
	}
	return c, nil
}

func compositionAbsent(id string) *video.Error {
	return video.Errorf(video.CodeNotFound, "no composition with id %s", id)
}

// CreateComposition keeps a new composition of a session of the account and returns it as kept. An empty ID is filled in;
// the room is that of the session, the status enqueued, and both CreatedAt and UpdatedAt are now. What it is made of is fixed: of a
// session that goes on, AllSources are the recordings so far. A session the account does not have is not_found, and one that is encrypted from end to end invalid_state, at /session_id. All
// else is the caller's to check.
func (s *Store) CreateComposition(ctx context.Context, composition video.Composition) (video.Composition, error) {
	if composition.ID == "" {
		composition.ID = video.NewUUID()
	}
	composition.Status = video.CompositionEnqueued
	composition.CreatedAt = s.stamp()
	composition.UpdatedAt = composition.CreatedAt
	composition.Progress, composition.Attempts = 0, 0
	number, err := s.number(ctx, composition.AccountID)
	if err != nil {
		return video.Composition{}, err
	}
	row, err := newCompositionRow(composition, number)
	if err != nil {
		return video.Composition{}, failed("render composition", err)
	}
	row.NextAt = &row.CreatedAt
	err = s.write(ctx, "create composition", func(ctx context.Context, tx bun.Tx) error {
		session, err := findSession(ctx, tx, number, row.SessionID)
		if video.CodeOf(err) == video.CodeNotFound {
			return sessionAbsent(row.SessionID).WithField("/session_id")
		}
		if err != nil {
			return err
		}
		if session.E2EE {
			return video.Errorf(video.CodeState, "the session %s is encrypted from end to end, so there is nothing to compose", session.ID).WithField("/session_id")
		}
		row.RoomID = session.RoomID
		if _, err := tx.NewInsert().Model(&row).Exec(ctx); err != nil {
			return err
		}
		if err := fixSources(ctx, tx, composition); err != nil {
			return err
		}
		if err := s.auditTx(ctx, tx, number, "room_composition.create", row.ID, ""); err != nil {
			return err
		}
		return addTotal(ctx, tx, number, "compositions", 1)
	})
	if duplicate(err) {
		return video.Composition{}, video.Errorf(video.CodeDuplicate, "a composition with id %s exists already", row.ID)
	}
	if err != nil {
		return video.Composition{}, err
	}
	s.journal.news.compose()
	return row.composition(composition.AccountID)
}

// Composition returns a composition of the account.
func (s *Store) Composition(ctx context.Context, account video.AccountID, id string) (video.Composition, error) {
	number, err := s.number(ctx, account)
	if err != nil {
		return video.Composition{}, err
	}
	var row compositionRow
	err = s.reads.NewSelect().Model(&row).Where("id = ?", id).Where("account = ?", number).Scan(ctx)
	if err := one(err, compositionAbsent(id), "find composition"); err != nil {
		return video.Composition{}, err
	}
	return row.composition(account)
}

// Compositions returns one page of the account's compositions, newest first.
func (s *Store) Compositions(ctx context.Context, query video.CompositionQuery) (video.List[video.Composition], error) {
	number, err := s.number(ctx, query.AccountID)
	if err != nil {
		return video.List[video.Composition]{}, err
	}
	l := listing{table: "compositions", start: "created_at", account: number, total: "compositions"}
	if query.SessionID != "" {
		l.is("session_id", "= ?", query.SessionID)
		l.ownIndex = true
	}
	if query.Status != "" {
		l.is("status", "= ?", query.Status)
	}
	l.during("created_at", query.CreatedAt)
	var rows []compositionRow
	total, err := s.list(ctx, l, query.Page, &rows)
	if err != nil {
		return video.List[video.Composition]{}, err
	}
	compositions := make([]video.Composition, len(rows))
	for i, row := range rows {
		if compositions[i], err = row.composition(query.AccountID); err != nil {
			return video.List[video.Composition]{}, err
		}
	}
	slices.SortFunc(compositions, func(a, b video.Composition) int {
		return newestFirst(a.CreatedAt, b.CreatedAt, a.ID, b.ID)
	})
	return video.List[video.Composition]{Items: compositions, Total: total}, nil
}

// DeleteComposition removes a composition, whatever its status, and has its media deleted: whoever makes it finds it gone, stops, and
// deletes what came of it.
func (s *Store) DeleteComposition(ctx context.Context, account video.AccountID, id string) error {
	number, err := s.number(ctx, account)
	if err != nil {
		return err
	}
	err = s.write(ctx, "delete composition", func(ctx context.Context, tx bun.Tx) error {
		n, err := s.removeCompositions(ctx, tx, number, account, tx.NewDelete().Where("id = ?", id))
		if err != nil {
			return err
		}
		if n == 0 {
			return compositionAbsent(id)
		}
		return s.auditTx(ctx, tx, number, "room_composition.delete", id, "")
	})
	if err == nil {
		s.journal.news.removeMedia()
		s.journal.news.compose() // a place may be free
	}
	return err
}

// removeCompositions deletes those of an account that the query selects, and notes that their media is to go.
func (s *Store) removeCompositions(ctx context.Context, tx bun.Tx, number account, of video.AccountID, query *bun.DeleteQuery) (int, error) {
	var rows []compositionRow
	_, err := query.Model((*compositionRow)(nil)).Where("account = ?", number).Returning("*").Exec(ctx, &rows)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	gone := make([]video.MediaDeletion, len(rows))
	for i, row := range rows {
		gone[i] = mediaOfComposition(row, of)
	}
	if err := s.dropMedia(ctx, tx, number, gone...); err != nil {
		return 0, err
	}
	return len(rows), addTotal(ctx, tx, number, "compositions", -len(rows))
}
