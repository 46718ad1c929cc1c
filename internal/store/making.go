package store

import (
	"context"
	"encoding/json"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// How a recording comes to be: it starts, ends, and is archived, or fails anywhere between. Each step is written by the
// journal, in the order of the calls, with what it tells in the same transaction; and each but the first takes a row that
// is still being made, so that it happens once.

// RecordingStarted notes that a recording began (all but what only its end shows) and returns at once. It is written after
// all that came before it, and retried until it is. Its account and room are those of its session.
func (s *Store) RecordingStarted(recording video.Recording) {
	recording = dated(recording, s.stamp())
	recording.Status, recording.EndedAt, recording.CompletedAt = video.RecordingProcessing, nil, nil
	s.journal.post(&entry{
		about: slog.Group("recording_started", "session", recording.SessionID, "recording", recording.ID),
		write: func(ctx context.Context, tx bun.Tx) error { return startRecording(ctx, tx, s.journal.told, recording) },
	})
}

// RecordingEnded notes what a recording has become (ID, EndedAt, Duration, SizeBytes, Codec), and gives it to the archive.
// It returns at once, like RecordingStarted.
func (s *Store) RecordingEnded(recording video.Recording) {
	at := timeOr(recording.EndedAt, s.now)
	s.journal.post(&entry{
		about: slog.Group("recording_ended", "recording", recording.ID),
		write: func(ctx context.Context, tx bun.Tx) error {
			return endRecording(ctx, tx, s.journal.told, recording, at)
		},
	})
}

// RecordingFailed notes that a recording will never be completed, and why (see video.FailureOf). It returns at once, like
// RecordingStarted.
func (s *Store) RecordingFailed(id, reason string) {
	at := s.now().UnixMicro()
	s.journal.post(&entry{
		about: slog.Group("recording_failed", "recording", id),
		write: func(ctx context.Context, tx bun.Tx) error {
			return failRecording(ctx, tx, s.journal.told, id, reason, at)
		},
	})
}

// RecordingArchived completes a recording that ended, with the size and the SHA-256 of its file (in hex; empty if it is not known). It
// returns when that is durable; doing it again changes nothing. Errors: not_found, and invalid_state for one that did not end, or failed.
func (s *Store) RecordingArchived(ctx context.Context, id string, sizeBytes int64, sha256 string) error {
	at := s.now().UnixMicro()
	return s.journal.await(ctx, &entry{
		about: slog.Group("recording_archived", "recording", id),
		write: func(ctx context.Context, tx bun.Tx) error {
			return completeRecording(ctx, tx, s.journal.told, id, sizeBytes, sha256, at)
		},
	})
}

// RecordingArchiveFailed notes that an attempt to archive a recording failed, why, and when the next one is due.
func (s *Store) RecordingArchiveFailed(ctx context.Context, id, reason string, next time.Time) error {
	return s.write(ctx, "note failed archiving", func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewUpdate().Model((*recordingRow)(nil)).
			Set("archive_at = ?", next.UnixMicro()).Set("archive_attempts = archive_attempts + 1").Set("archive_failure = ?", storable(reason)).
			Apply(touched(s.now().UnixMicro())).Where("id = ?", id).Where("archive_at IS NOT NULL").Exec(ctx)
		return err
	})
}

// storable is text that every database takes.
func storable(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}

// UnfinishedRecordings returns the recordings of all accounts that did not end, oldest first: at a start, those of a
// process that died.
func (s *Store) UnfinishedRecordings(ctx context.Context) ([]video.Recording, error) {
	var rows []recordingRow
	// A parameter would keep the planner from the index, which has the word.
	err := s.reads.NewSelect().Model(&rows).Where("status = 'processing' AND ended_at IS NULL").Order("started_at", "id").Scan(ctx)
	if err != nil {
		return nil, failed("find unfinished recordings", err)
	}
	ids, err := accountIDs(ctx, s.reads, rows, func(r recordingRow) account { return r.Account })
	if err != nil {
		return nil, failed("find accounts of recordings", err)
	}
	recordings := make([]video.Recording, len(rows))
	for i, row := range rows {
		recordings[i] = row.recording(ids[row.Account])
	}
	return recordings, nil
}

// UnarchivedRecordings returns at most n recordings of all accounts that ended and wait for the archive, the one whose
// attempt is due first first, whether it is due or not.
func (s *Store) UnarchivedRecordings(ctx context.Context, n int) ([]video.UnarchivedRecording, error) {
	var rows []recordingRow
	err := s.reads.NewSelect().Model(&rows).Where("archive_at IS NOT NULL").Order("archive_at", "id").Limit(int64(n)).Scan(ctx)
	if err != nil {
		return nil, failed("find unarchived recordings", err)
	}
	ids, err := accountIDs(ctx, s.reads, rows, func(r recordingRow) account { return r.Account })
	if err != nil {
		return nil, failed("find accounts of recordings", err)
	}
	waiting := make([]video.UnarchivedRecording, len(rows))
	for i, row := range rows {
		waiting[i] = video.UnarchivedRecording{
			Recording: row.recording(ids[row.Account]), Attempts: row.ArchiveAttempts, LastFailure: row.ArchiveFailure,
			NextAt: moment(*row.ArchiveAt),
		}
	}
	return waiting, nil
}

func startRecording(ctx context.Context, tx bun.Tx, told *tidings, r video.Recording) error {
	var session sessionRow
	err := tx.NewSelect().Model(&session).Where("id = ?", r.SessionID).Scan(ctx)
	if err := one(err, sessionAbsent(r.SessionID), "find session"); err != nil {
		return err
	}
	r.RoomID = session.RoomID
	row := newRecordingRow(r, session.Account)
	n, err := affected(tx.NewInsert().Model(&row).On("CONFLICT DO NOTHING").Exec(ctx))
	if err != nil {
		return err
	}
	if n == 0 {
		return video.Errorf(video.CodeDuplicate, "a recording with id %s exists already", r.ID)
	}
	if err := addTotal(ctx, tx, session.Account, "recordings", 1); err != nil {
		return err
	}
	at := told.recording(video.HappenedRecordingStarted, &row, row.StartedAt)
	p, err := told.place(ctx, tx, row.SessionID)
	if err != nil {
		return err
	}
	told.dispatch(p, video.EventRecordingStarted, at, row.SessionID, row.ParticipantID, made(&row))
	return nil
}

func endRecording(ctx context.Context, tx bun.Tx, told *tidings, r video.Recording, at int64) error {
	var ended []recordingRow
	_, err := tx.NewUpdate().Model((*recordingRow)(nil)).
		Apply(over("ended_at", "started_at", at)).
		Set("duration_us = ?", r.Duration.Microseconds()).Set("size_bytes = ?", r.SizeBytes).Set("codec = ?", r.Codec).
		Set("archive_at = ?", at).
		Where("id = ?", r.ID).Where("status = ?", video.RecordingProcessing).Where("ended_at IS NULL").
		Returning("*").Exec(ctx, &ended)
	if err != nil || len(ended) == 0 {
		return err
	}
	row := &ended[0]
	told.recording(video.HappenedRecordingStopped, row, *row.EndedAt)
	told.used.during(row.Account, row.RoomID, row.StartedAt, row.StartedAt+row.DurationUS, func(on *usageRow, us int64) { on.RecordedUS += us })
	told.unarchived = true
	return nil
}

func failRecording(ctx context.Context, tx bun.Tx, told *tidings, id, reason string, at int64) error {
	var row recordingRow
	err := tx.NewSelect().Model(&row).Where("id = ?", id).Scan(ctx)
	if err := one(err, recordingAbsent(id), "find recording"); err != nil {
		return err
	}
	if row.Status != video.RecordingProcessing {
		return nil
	}
	told.settled = true
	if row.EndedAt == nil {
		end := max(at, row.StartedAt)
		row.EndedAt = &end
		told.recording(video.HappenedRecordingStopped, &row, end)
	}
	row.FailedReason = storable(reason)
	_, err = tx.NewUpdate().Model((*recordingRow)(nil)).
		Set("status = ?", video.RecordingFailed).Set("failed_reason = ?", row.FailedReason).
		Set("ended_at = ?", *row.EndedAt).Set("archive_at = NULL").Apply(touched(at)).
		Where("id = ?", id).Exec(ctx)
	if err != nil {
		return err
	}
	p, err := told.place(ctx, tx, row.SessionID)
	if err != nil || !p.wants(video.EventRecordingFailed) {
		return err
	}
	payload := made(&row)
	failure := video.FailureOf(row.FailedReason)
	payload.Error = &failureJSON{failure.Code, failure.Title, failure.Detail}
	told.dispatch(p, video.EventRecordingFailed, max(at, *row.EndedAt), row.SessionID, row.ParticipantID, payload)
	return nil
}

func completeRecording(ctx context.Context, tx bun.Tx, told *tidings, id string, size int64, sha256 string, at int64) error {
	var completed []recordingRow
	_, err := tx.NewUpdate().Model((*recordingRow)(nil)).
		Apply(over("completed_at", "ended_at", at)).
		Set("status = ?", video.RecordingCompleted).Set("size_bytes = ?", size).Set("sha256 = ?", sha256).
		Set("archive_at = NULL").Set("archive_failure = ''").
		Where("id = ?", id).Where("status = ?", video.RecordingProcessing).Where("ended_at IS NOT NULL").
		Returning("*").Exec(ctx, &completed)
	if err != nil {
		return err
	}
	if len(completed) == 0 {
		return notArchivable(ctx, tx, id)
	}
	told.settled = true
	row := &completed[0]
	told.used.on(row.Account, row.RoomID, *row.CompletedAt).StoredBytes += row.SizeBytes
	p, err := told.place(ctx, tx, row.SessionID)
	if err != nil {
		return err
	}
	payload := made(row)
	payload.finished = &finished{
		SizeMB: megabytes(row.SizeBytes), Codec: row.Codec, DurationSecs: *seconds(0, row.DurationUS),
	}
	told.dispatch(p, video.EventRecordingCompleted, *row.CompletedAt, row.SessionID, row.ParticipantID, payload)
	return nil
}

// notArchivable says why no recording was completed, or nil if it was before.
func notArchivable(ctx context.Context, tx bun.Tx, id string) error {
	var row recordingRow
	err := tx.NewSelect().Model(&row).Where("id = ?", id).Scan(ctx)
	if err := one(err, recordingAbsent(id), "find recording"); err != nil {
		return err
	}
	if row.Status == video.RecordingCompleted {
		return nil
	}
	return video.Errorf(video.CodeState, "the recording %s has not ended, or failed", id)
}

// recording notes in the session's history that a recording started or stopped, unless the history is closed, and returns
// when that was.
func (t *tidings) recording(happened video.HappeningType, row *recordingRow, at int64) int64 {
	if !t.open(row.SessionID) {
		return at
	}
	return t.happen(video.Happening{
		SessionID: row.SessionID, Type: happened, ParticipantID: row.ParticipantID, StreamID: row.StreamID, Key: row.StreamKey, Kind: row.Type,
	}, at)
}

// makingJSON is what the payloads of events about recordings hold; each event leaves some of it out.
type makingJSON struct {
	SessionID     video.SessionID     `json:"session_id"`
	RoomID        video.RoomID        `json:"room_id"`
	ParticipantID video.ParticipantID `json:"participant_id"`
	RecordingID   string              `json:"recording_id"`
	Type          video.Kind          `json:"type"`
	*finished
	Error *failureJSON `json:"error,omitempty"`
}

// finished leaves the URL empty: it is made for each attempt to deliver the event.
type finished struct {
	SizeMB       json.Number `json:"size_mb"`
	DownloadURL  string      `json:"download_url"`
	Codec        string      `json:"codec"`
	DurationSecs int64       `json:"duration_secs"`
}

type failureJSON struct {
	Code   string `json:"code"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
}

func made(row *recordingRow) makingJSON {
	return makingJSON{
		SessionID: row.SessionID, RoomID: row.RoomID, ParticipantID: row.ParticipantID, RecordingID: row.ID, Type: row.Type,
	}
}

// megabytes writes a number of bytes in millions, with a point always, for those who tell floats from integers.
func megabytes(bytes int64) json.Number {
	text := strconv.FormatFloat(float64(bytes)/1e6, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return json.Number(text)
}
