package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

type recordingRow struct {
	bun.BaseModel `bun:"table:recordings"`

	ID            string                `bun:"id,pk"`
	Account       account               `bun:"account"`
	RoomID        video.RoomID          `bun:"room_id"`
	SessionID     video.SessionID       `bun:"session_id"`
	ParticipantID video.ParticipantID   `bun:"participant_id"`
	StreamID      video.StreamID        `bun:"stream_id"`
	StreamKey     string                `bun:"stream_key"`
	Status        video.RecordingStatus `bun:"status"`
	FailedReason  string                `bun:"failed_reason"`
	Type          video.Kind            `bun:"type"`
	Codec         string                `bun:"codec"`
	SizeBytes     int64                 `bun:"size_bytes"`
	DurationUS    int64                 `bun:"duration_us"`
	StartedAt     int64                 `bun:"started_at"`
	EndedAt       *int64                `bun:"ended_at"`
	CompletedAt   *int64                `bun:"completed_at"`
	CreatedAt     int64                 `bun:"created_at"`
	UpdatedAt     int64                 `bun:"updated_at"`

	ArchiveAt       *int64 `bun:"archive_at"` // set from the end until it is archived or failed
	ArchiveAttempts int    `bun:"archive_attempts"`
	ArchiveFailure  string `bun:"archive_failure"`
	SHA256          string `bun:"sha256"`
}

func newRecordingRow(r video.Recording, number account) recordingRow {
	row := recordingRow{
		ID: r.ID, Account: number, RoomID: r.RoomID, SessionID: r.SessionID, ParticipantID: r.ParticipantID,
		StreamID: r.StreamID, StreamKey: r.StreamKey, Status: r.Status, FailedReason: r.FailedReason, Type: r.Type, Codec: r.Codec,
		SizeBytes: r.SizeBytes, DurationUS: r.Duration.Microseconds(), StartedAt: r.StartedAt.UnixMicro(),
		EndedAt: microsOrNil(r.EndedAt), CompletedAt: microsOrNil(r.CompletedAt),
		CreatedAt: r.CreatedAt.UnixMicro(), UpdatedAt: r.UpdatedAt.UnixMicro(), SHA256: r.SHA256,
	}
	if r.Status == video.RecordingProcessing {
		row.ArchiveAt = row.EndedAt
	}
	return row
}

func (r recordingRow) recording(of video.AccountID) video.Recording {
	recording := video.Recording{
		ID: r.ID, AccountID: of, RoomID: r.RoomID, SessionID: r.SessionID, ParticipantID: r.ParticipantID,
		StreamID: r.StreamID, StreamKey: r.StreamKey, Status: r.Status, FailedReason: r.FailedReason, Type: r.Type, Codec: r.Codec,
		SizeBytes: r.SizeBytes, Duration: time.Duration(r.DurationUS) * time.Microsecond, StartedAt: moment(r.StartedAt),
		EndedAt: momentOrNil(r.EndedAt), CompletedAt: momentOrNil(r.CompletedAt),
		CreatedAt: moment(r.CreatedAt), UpdatedAt: moment(r.UpdatedAt), SHA256: r.SHA256,
	}
	if r.ArchiveAt != nil {
		recording.WaitingReason = r.ArchiveFailure
	}
	return recording
}

func recordingAbsent(id string) *video.Error {
	return video.Errorf(video.CodeNotFound, "no recording with id %s", id)
}

// AddRecording keeps a new recording of a session of the account. Its room is that of the session. A zero StartedAt is
// now, and so is a zero UpdatedAt; a recording is created no later than it starts. Errors: not_found for the session,
// duplicate for the id.
func (s *Store) AddRecording(ctx context.Context, recording video.Recording) error {
	recording = dated(recording, s.stamp())
	number, err := s.number(ctx, recording.AccountID)
	if err != nil {
		return err
	}
	row := newRecordingRow(recording, number)
	err = s.write(ctx, "add recording", func(ctx context.Context, tx bun.Tx) error {
		var err error
		session, err := findSession(ctx, tx, number, row.SessionID)
		row.RoomID = session.RoomID
		if err != nil {
			return err
		}
		if _, err := tx.NewInsert().Model(&row).Exec(ctx); err != nil {
			return err
		}
		return addTotal(ctx, tx, number, "recordings", 1)
	})
	if duplicate(err) {
		return video.Errorf(video.CodeDuplicate, "a recording with id %s exists already", recording.ID)
	}
	return err
}

// dated fills in the times that every recording has.
func dated(r video.Recording, now time.Time) video.Recording {
	if r.StartedAt.IsZero() {
		r.StartedAt = now
	}
	// The list relies on it: a row that began before some time was created before it.
	if r.CreatedAt.IsZero() || r.CreatedAt.After(r.StartedAt) {
		r.CreatedAt = r.StartedAt
	}
	if r.UpdatedAt.IsZero() {
		r.UpdatedAt = now
	}
	return r
}

// findSession also says whether the account has the session.
func findSession(ctx context.Context, tx bun.Tx, number account, id video.SessionID) (session sessionRow, err error) {
	err = tx.NewSelect().Model(&session).Where("id = ?", id).Where("account = ?", number).Scan(ctx)
	return session, one(err, sessionAbsent(id), "find session")
}

// Recording returns a recording of the account.
func (s *Store) Recording(ctx context.Context, account video.AccountID, id string) (video.Recording, error) {
	number, err := s.number(ctx, account)
	if err != nil {
		return video.Recording{}, err
	}
	var row recordingRow
	err = s.reads.NewSelect().Model(&row).Where("id = ?", id).Where("account = ?", number).Scan(ctx)
	if err := one(err, recordingAbsent(id), "find recording"); err != nil {
		return video.Recording{}, err
	}
	return row.recording(account), nil
}

// Recordings returns one page of the account's recordings, newest first.
func (s *Store) Recordings(ctx context.Context, query video.RecordingQuery) (video.List[video.Recording], error) {
	number, err := s.number(ctx, query.AccountID)
	if err != nil {
		return video.List[video.Recording]{}, err
	}
	var rows []recordingRow
	total, err := s.list(ctx, listingOfRecordings(query.RecordingFilter, number), query.Page, &rows)
	if err != nil {
		return video.List[video.Recording]{}, err
	}
	recordings := make([]video.Recording, len(rows))
	for i, row := range rows {
		recordings[i] = row.recording(query.AccountID)
	}
	slices.SortFunc(recordings, func(a, b video.Recording) int {
		return newestFirst(a.CreatedAt, b.CreatedAt, a.ID, b.ID)
	})
	return video.List[video.Recording]{Items: recordings, Total: total}, nil
}

func listingOfRecordings(filter video.RecordingFilter, number account) listing {
	l := listing{table: "recordings", start: "created_at", account: number, total: "recordings"}
	if filter.RoomID != "" {
		l.is("room_id", "= ?", filter.RoomID)
		l.ownIndex = true
	}
	if filter.SessionID != "" {
		l.is("session_id", "= ?", filter.SessionID)
		l.ownIndex = true
	}
	if filter.ParticipantID != "" {
		l.is("participant_id", "= ?", filter.ParticipantID)
	}
	if filter.Status != "" {
		l.is("status", "= ?", filter.Status)
	}
	if filter.Type != "" {
		l.is("type", "= ?", filter.Type)
	}
	if filter.AtLeast > 0 {
		l.ranges = append(l.ranges, condition{column: "duration_us", test: ">= ?", args: []any{filter.AtLeast.Microseconds()}})
	}
	l.during("started_at", filter.StartedAt)
	l.during("ended_at", filter.EndedAt)
	return l
}

// RecordingKinds says of which kind each of the ids is that names a recording of the session; others are left out.
func (s *Store) RecordingKinds(
	ctx context.Context, account video.AccountID, session video.SessionID, ids []string,
) (map[string]video.Kind, error) {
	number, err := s.number(ctx, account)
	if err != nil {
		return nil, err
	}
	kinds := make(map[string]video.Kind)
	for some := range slices.Chunk(ids, 500) {
		var rows []recordingRow
		err := s.reads.NewSelect().Model(&rows).Column("id", "type").Where("id IN (?)", bun.List(some)).
			Where("account = ?", number).Where("session_id = ?", session).Scan(ctx)
		if err != nil {
			return nil, failed("find recordings", err)
		}
		for _, row := range rows {
			kinds[row.ID] = row.Type
		}
	}
	return kinds, nil
}

// DeleteRecording removes a recording and has its media deleted. One that is being made is invalid_state.
func (s *Store) DeleteRecording(ctx context.Context, account video.AccountID, id string) error {
	number, err := s.number(ctx, account)
	if err != nil {
		return err
	}
	err = s.write(ctx, "delete recording", func(ctx context.Context, tx bun.Tx) error {
		n, err := s.removeRecordings(ctx, tx, number, account, tx.NewDelete().Where("id = ?", id))
		if err != nil {
			return err
		}
		if n == 1 {
			return s.auditTx(ctx, tx, number, "room_recording.delete", id, "")
		}
		running, err := tx.NewSelect().Model((*recordingRow)(nil)).Where("id = ?", id).Where("account = ?", number).Exists(ctx)
		switch {
		case err != nil:
			return err
		case running:
			return video.Errorf(video.CodeState, "the recording %s is still being made", id)
		}
		return recordingAbsent(id)
	})
	if err == nil {
		s.journal.news.removeMedia()
	}
	return err
}

// removeRecordings deletes those of an account that the query selects and that are not being made, and notes that their media is
// to go.
func (s *Store) removeRecordings(ctx context.Context, tx bun.Tx, number account, of video.AccountID, query *bun.DeleteQuery) (int, error) {
	var rows []recordingRow
	_, err := query.Model((*recordingRow)(nil)).Where("account = ?", number).Where("status <> ?", video.RecordingProcessing).
		Returning("*").Exec(ctx, &rows)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	gone := make([]video.MediaDeletion, len(rows))
	for i, row := range rows {
		gone[i] = mediaOfRecording(row, of)
	}
	if err := s.dropMedia(ctx, tx, number, gone...); err != nil {
		return 0, err
	}
	return len(rows), addTotal(ctx, tx, number, "recordings", -len(rows))
}

// deletedAtOnce is how many recordings one transaction removes: joins and leaves are written between two of them.
const deletedAtOnce = 500

// DeleteRecordings removes what the filter selects, but not recordings that are being made, has their media deleted, and
// returns how many that were. When it fails, those removed until then are gone. Each transaction leaves an entry in the audit log, with the filter
// in the words given.
func (s *Store) DeleteRecordings(ctx context.Context, filter video.RecordingFilter, asked string) (int, error) {
	number, err := s.number(ctx, filter.AccountID)
	if err != nil {
		return 0, err
	}
	l := listingOfRecordings(filter, number)
	deleted := 0
	for {
		n := 0
		err := s.write(ctx, "delete recordings", func(ctx context.Context, tx bun.Tx) error {
			selected := l.query(s.reads, l.start).Column("id").Where("status <> ?", video.RecordingProcessing).Limit(deletedAtOnce)
			var err error
			n, err = s.removeRecordings(ctx, tx, number, filter.AccountID, tx.NewDelete().Where("id IN (?)", selected))
			if err != nil || n == 0 {
				return err
			}
			return s.auditTx(ctx, tx, number, "room_recordings.delete", "", fmt.Sprintf("%d recordings: %s", n, asked))
		})
		if err != nil {
			return deleted, err
		}
		if n > 0 {
			s.journal.news.removeMedia()
		}
		deleted += n
		if n < deletedAtOnce {
			return deleted, nil
		}
	}
}
