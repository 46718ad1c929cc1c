package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

type sourceRow struct {
	bun.BaseModel `bun:"table:composition_sources"`

	CompositionID string `bun:"composition_id,pk"`
	RecordingID   string `bun:"recording_id,pk"`
}

// fixSources writes down which recordings a composition is made of.
func fixSources(ctx context.Context, tx bun.Tx, c video.Composition) error {
	var there []recordingRow
	err := tx.NewSelect().Model(&there).Column("id", "type").Where("session_id = ?", c.SessionID).Scan(ctx)
	if err != nil {
		return err
	}
	var rows []sourceRow
	for _, r := range there {
		if uses(c, r) {
			rows = append(rows, sourceRow{CompositionID: c.ID, RecordingID: r.ID})
		}
	}
	for some := range slices.Chunk(rows, maxRows) {
		if _, err := tx.NewInsert().Model(&some).Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

func uses(c video.Composition, r recordingRow) bool {
	named := func(sources []string) bool {
		return slices.Contains(sources, video.AllSources) || slices.Contains(sources, r.ID)
	}
	if r.Type == video.Audio {
		return named(c.AudioSources)
	}
	if !c.Format.Pictured() {
		return false
	}
	for _, region := range c.Layout {
		if named(region.VideoSources) {
			return true
		}
	}
	return false
}

// ClaimComposition begins the composition that is due first and of whose recordings none is being made: it is processing from
// then on. It returns nil if there is none.
func (s *Store) ClaimComposition(ctx context.Context) (*video.CompositionJob, error) {
	now := s.stamp().UnixMicro()
	due := func(db bun.IDB) *bun.SelectQuery {
		running := db.NewSelect().TableExpr("composition_sources AS s").ColumnExpr("1").
			Join("JOIN recordings AS r ON r.id = s.recording_id").
			Where("s.composition_id = c.id").Where("r.status = ?", video.RecordingProcessing)
		return db.NewSelect().TableExpr("compositions AS c").ColumnExpr("c.id").
			Where("c.next_at <= ?", now).Where("NOT EXISTS (?)", running).OrderExpr("c.next_at, c.id").Limit(1)
	}
	// Asked without a transaction first: a worker looks often, and writes of others must not wait for that.
	var id string
	if err := due(s.reads).Scan(ctx, &id); errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	} else if err != nil {
		return nil, failed("claim composition", err)
	}
	var job *video.CompositionJob
	err := s.write(ctx, "claim composition", func(ctx context.Context, tx bun.Tx) error {
		var rows []compositionRow
		_, err := tx.NewUpdate().Model((*compositionRow)(nil)).
			Set("status = ?", video.CompositionProcessing).Set("next_at = NULL").Set("attempts = attempts + 1").Set("progress = 0").
			Set("failed_code = ''").Set("failed_reason = ''").
			Set("started_at = coalesce(started_at, ?)", now).Set("updated_at = ?", now).
			Where("id IN (?)", due(tx)).Returning("*").Exec(ctx, &rows)
		if err != nil || len(rows) == 0 {
			return err
		}
		job, err = jobOf(ctx, tx, rows[0])
		return err
	})
	if err != nil {
		return nil, err
	}
	return job, nil
}

// jobOf adds to a composition what it is made of.
func jobOf(ctx context.Context, tx bun.Tx, row compositionRow) (*video.CompositionJob, error) {
	var owner accountRow
	if err := tx.NewSelect().Model(&owner).Where("number = ?", row.Account).Scan(ctx); err != nil {
		return nil, err
	}
	composition, err := row.composition(owner.ID)
	if err != nil {
		return nil, err
	}
	job := &video.CompositionJob{Composition: composition, Contexts: make(map[video.ParticipantID]string)}
	sources := tx.NewSelect().Model((*sourceRow)(nil)).Column("recording_id").Where("composition_id = ?", row.ID)
	var recordings []recordingRow
	err = tx.NewSelect().Model(&recordings).Where("id IN (?)", sources).Order("started_at", "id").Scan(ctx)
	if err != nil {
		return nil, err
	}
	there := tx.NewSelect().Model((*recordingRow)(nil)).Column("id").Where("session_id = ?", row.SessionID)
	err = tx.NewSelect().Model((*sourceRow)(nil)).Column("recording_id").Where("composition_id = ?", row.ID).
		Where("recording_id NOT IN (?)", there).Order("recording_id").Scan(ctx, &job.Missing)
	if err != nil {
		return nil, err
	}
	for _, r := range recordings {
		job.Recordings = append(job.Recordings, r.recording(owner.ID))
	}
	var people []participantRow
	err = tx.NewSelect().Model(&people).Column("id", "context").Where("session_id = ?", row.SessionID).Scan(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range people {
		job.Contexts[p.ID] = string(p.Context)
	}
	return job, nil
}

// ReleaseCompositions takes up what a process had begun that is no more. It is called once, before the first claim. A composition
// that was begun CompositionAttempts times by processes that died is likely what they died of: it fails.
func (s *Store) ReleaseCompositions(ctx context.Context) error {
	var dead []string
	err := s.reads.NewSelect().Model((*compositionRow)(nil)).Column("id").Where("status = ?", video.CompositionProcessing).
		Where("attempts >= ?", video.CompositionAttempts).Scan(ctx, &dead)
	if err != nil {
		return failed("release compositions", err)
	}
	for _, id := range dead {
		why := video.CompositionFailure(video.CompositionFailedStop, "the server stopped each time it was being made")
		if err := s.FailComposition(ctx, id, why, nil); err != nil {
			return err
		}
	}
	return s.write(ctx, "release compositions", func(ctx context.Context, tx bun.Tx) error {
		why := video.CompositionFailure(video.CompositionFailedStop, "the server stopped while it was being made")
		_, err := s.enqueue(tx, s.now(), why).Where("status = ?", video.CompositionProcessing).Exec(ctx)
		if err != nil {
			return err
		}
		_, err = tx.NewUpdate().Model((*compositionRow)(nil)).Set("failed_code = ''").Set("failed_reason = ''").
			Where("next_at IS NOT NULL").Where("failed_code = ?", video.CompositionWaitsElsewhere).Exec(ctx)
		return err
	})
}

// HoldCompositions writes down why none that waits is being made.
func (s *Store) HoldCompositions(ctx context.Context, why video.Failure) error {
	held := func(q bun.QueryBuilder) bun.QueryBuilder {
		return q.Where("next_at IS NOT NULL").Where("failed_code <> ?", why.Code)
	}
	some, err := s.reads.NewSelect().Model((*compositionRow)(nil)).ApplyQueryBuilder(held).Exists(ctx)
	if err != nil {
		return failed("hold compositions", err)
	}
	if !some {
		return nil
	}
	return s.write(ctx, "hold compositions", func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewUpdate().Model((*compositionRow)(nil)).Set("failed_code = ?", why.Code).Set("failed_reason = ?", storable(why.Detail)).
			Set("updated_at = ?", s.stamp().UnixMicro()).ApplyQueryBuilder(held).Exec(ctx)
		return err
	})
}

// enqueue has compositions wait until a time, for a reason if there is any.
func (s *Store) enqueue(tx bun.Tx, at time.Time, why video.Failure) *bun.UpdateQuery {
	return tx.NewUpdate().Model((*compositionRow)(nil)).Set("status = ?", video.CompositionEnqueued).
		Set("next_at = ?", at.UnixMicro()).Set("progress = 0").Set("updated_at = ?", s.stamp().UnixMicro()).
		Set("failed_code = ?", why.Code).Set("failed_reason = ?", storable(why.Detail))
}

// ReturnComposition puts a composition back that was begun and has to be left for no fault of its own, until a time. It does not
// count as an attempt.
func (s *Store) ReturnComposition(ctx context.Context, id string, why video.Failure, until time.Time) error {
	return s.write(ctx, "return composition", func(ctx context.Context, tx bun.Tx) error {
		_, err := s.enqueue(tx, until, why).Set("attempts = attempts - 1").
			Where("id = ?", id).Where("status = ?", video.CompositionProcessing).Exec(ctx)
		return err
	})
}

// ProgressComposition notes how far a composition is, in percent, and why it does not get on, if there is a reason. One that was
// deleted is not_found.
func (s *Store) ProgressComposition(ctx context.Context, id string, percent int, why video.Failure) error {
	var known compositionRow
	err := s.reads.NewSelect().Model(&known).Column("progress", "failed_code", "failed_reason").Where("id = ?", id).Scan(ctx)
	if err := one(err, compositionAbsent(id), "find composition"); err != nil {
		return err
	}
	if known.Progress == percent && known.FailedCode == why.Code && known.FailedReason == storable(why.Detail) {
		return nil
	}
	return s.write(ctx, "note progress of composition", func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewUpdate().Model((*compositionRow)(nil)).Set("progress = ?", percent).
			Set("failed_code = ?", why.Code).Set("failed_reason = ?", storable(why.Detail)).
			Where("id = ?", id).Where("status = ?", video.CompositionProcessing).Exec(ctx)
		return err
	})
}

// CompleteComposition writes what a composition has become, with its event. To say it again changes nothing. One that was deleted is
// not_found, and one that is not processing invalid_state.
func (s *Store) CompleteComposition(ctx context.Context, c video.Composition) error {
	at := s.stamp()
	return s.conclude(ctx, "complete composition", c.ID, video.CompositionCompleted, func(_ context.Context, _ bun.Tx, told *tidings, row *compositionRow) (video.EventType, string, error) {
		row.Progress, row.FailedCode, row.FailedReason = 100, "", ""
		row.SizeBytes, row.DurationUS, row.Warnings = c.SizeBytes, c.Duration.Microseconds(), asJSON(append([]string{}, c.Warnings...))
		row.OffsetUS, row.Speed = c.Offset.Microseconds(), c.Speed
		row.CompletedAt = microsOrNil(&at)
		on := told.used.on(row.Account, row.RoomID, *row.CompletedAt)
		on.ComposedUS, on.StoredBytes = on.ComposedUS+row.DurationUS, on.StoredBytes+row.SizeBytes
		return video.EventCompositionCompleted, asJSON(compositionCompleted{
			CompositionID: row.ID, RoomID: row.RoomID, SessionID: row.SessionID, DurationSecs: *seconds(0, row.DurationUS),
			Format: row.Format, Resolution: fmt.Sprintf("%dx%d", row.Width, row.Height), SizeMB: megabytes(row.SizeBytes),
		}), nil
	})
}

// FailComposition writes why an attempt failed. With a time to try again the composition is enqueued for then; without, it has
// failed, with its event for those who want it. Errors are those of CompleteComposition.
func (s *Store) FailComposition(ctx context.Context, id string, why video.Failure, again *time.Time) error {
	if again != nil {
		return s.write(ctx, "put composition off", func(ctx context.Context, tx bun.Tx) error {
			_, err := s.enqueue(tx, *again, why).Where("id = ?", id).Where("status = ?", video.CompositionProcessing).Exec(ctx)
			return err
		})
	}
	return s.conclude(ctx, "fail composition", id, video.CompositionFailed, func(ctx context.Context, tx bun.Tx, _ *tidings, row *compositionRow) (video.EventType, string, error) {
		row.FailedCode, row.FailedReason = why.Code, storable(why.Detail)
		settings, err := findWebhookSettings(ctx, tx, row.Account)
		if err != nil || !slices.Contains(settings.ExtraEventTypes, video.EventCompositionFailed) {
			return "", "", err
		}
		return video.EventCompositionFailed, asJSON(compositionFailed{
			CompositionID: row.ID, RoomID: row.RoomID, SessionID: row.SessionID,
			Error: failureJSON{why.Code, why.Title, row.FailedReason},
		}), nil
	})
}

// conclude ends a composition that is processing, and tells of it in the same transaction.
func (s *Store) conclude(
	ctx context.Context, action, id string, status video.CompositionStatus,
	outcome func(context.Context, bun.Tx, *tidings, *compositionRow) (kind video.EventType, payload string, err error),
) error {
	told := newTidings()
	err := s.write(ctx, action, func(ctx context.Context, tx bun.Tx) error {
		told.begin()
		var row compositionRow
		err := tx.NewSelect().Model(&row).Where("id = ?", id).Scan(ctx)
		if err := one(err, compositionAbsent(id), "find composition"); err != nil || row.Status == status {
			return err
		}
		if row.Status != video.CompositionProcessing {
			return video.Errorf(video.CodeState, "the composition %s is %s", id, row.Status)
		}
		at := s.stamp().UnixMicro()
		row.Status, row.EndedAt, row.UpdatedAt, row.NextAt = status, &at, at, nil
		kind, payload, err := outcome(ctx, tx, told, &row)
		if err != nil {
			return err
		}
		if _, err := tx.NewUpdate().Model(&row).WherePK().Exec(ctx); err != nil || kind == "" {
			return err
		}
		p, err := placeOfComposition(ctx, tx, row)
		if err != nil {
			return err
		}
		told.deliveries = append(told.deliveries, newDeliveryRow(p, video.Event{
			ID: video.NewUUID(), Type: kind, RoomID: row.RoomID, SessionID: row.SessionID,
			OccurredAt: moment(at), Payload: json.RawMessage(payload),
		}, at))
		return told.write(ctx, tx)
	})
	if err == nil && len(told.deliveries) > 0 {
		s.journal.news.deliver()
	}
	return err
}

// placeOfComposition is where its events go: its own URLs, or else those of its room or account.
func placeOfComposition(ctx context.Context, tx bun.Tx, row compositionRow) (place, error) {
	p, err := findPlace(ctx, tx, tx.NewSelect().ColumnExpr("?", row.RoomID))
	if err == nil && row.WebhookEventURL != "" {
		p.URL, p.FailoverURL, p.TimeoutSecs = row.WebhookEventURL, row.WebhookEventFailoverURL, row.WebhookTimeoutSecs
	}
	return p, err
}

type (
	compositionCompleted struct {
		CompositionID string                  `json:"composition_id"`
		RoomID        video.RoomID            `json:"room_id"`
		SessionID     video.SessionID         `json:"session_id"`
		DownloadURL   string                  `json:"download_url"` // signed when it is sent
		DurationSecs  int64                   `json:"duration_secs"`
		Format        video.CompositionFormat `json:"format"`
		Resolution    string                  `json:"resolution"`
		SizeMB        json.Number             `json:"size_mb"`
	}
	compositionFailed struct {
		CompositionID string          `json:"composition_id"`
		RoomID        video.RoomID    `json:"room_id"`
		SessionID     video.SessionID `json:"session_id"`
		Error         failureJSON     `json:"error"`
	}
)
