package store

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

type mediaDeletionRow struct {
	bun.BaseModel `bun:"table:media_deletions"`

	Seq       int64           `bun:"seq,pk,autoincrement"`
	Account   account         `bun:"account"`
	Kind      video.MediaKind `bun:"kind"`
	ID        string          `bun:"id"`
	ObjectKey string          `bun:"object_key"`
	CreatedAt int64           `bun:"created_at"`
	NextAt    int64           `bun:"next_at"`
	Attempts  int             `bun:"attempts"`
	Reason    string          `bun:"reason"`
}

// dropMedia notes, in the transaction that deletes rows, that their media is to go. The rows are of one account.
func (s *Store) dropMedia(ctx context.Context, tx bun.Tx, number account, gone ...video.MediaDeletion) error {
	now := s.now().UnixMicro()
	rows := make([]mediaDeletionRow, len(gone))
	for i, d := range gone {
		rows[i] = mediaDeletionRow{Account: number, Kind: d.Kind, ID: d.ID, ObjectKey: d.Key, CreatedAt: now, NextAt: now + d.After.Microseconds()}
	}
	return insertRows(ctx, tx, rows, func(r mediaDeletionRow) int { return len(r.ObjectKey) })
}

func mediaOfRecording(r recordingRow, of video.AccountID) video.MediaDeletion {
	return video.MediaDeletion{Kind: video.MediaRecording, ID: r.ID, Key: r.recording(of).FileKey()}
}

// compositionTail is how long after its deletion a composition that was being made may still leave a file: whoever makes it stops and
// deletes what there is, but may die over that.
const compositionTail = 15 * time.Minute

func mediaOfComposition(r compositionRow, of video.AccountID) video.MediaDeletion {
	c := video.Composition{ID: r.ID, AccountID: of, SessionID: r.SessionID, Format: r.Format}
	gone := video.MediaDeletion{Kind: video.MediaComposition, ID: r.ID, Key: c.FileKey()}
	if r.Status == video.CompositionProcessing {
		gone.After = compositionTail
	}
	return gone
}

// MediaObject finds what can be downloaded. Media that is not complete is invalid_state; what was deleted, and what belongs to
// another account, is not_found.
func (s *Store) MediaObject(ctx context.Context, account video.AccountID, kind video.MediaKind, id string) (video.MediaObject, error) {
	incomplete := video.Errorf(video.CodeState, "the media of %s is not complete", id)
	if kind == video.MediaComposition {
		c, err := s.Composition(ctx, account, id)
		if err == nil && c.Status != video.CompositionCompleted {
			err = incomplete
		}
		return c.File(), err
	}
	r, err := s.Recording(ctx, account, id)
	if err == nil && r.Status != video.RecordingCompleted {
		err = incomplete
	}
	if err != nil {
		return video.MediaObject{}, err
	}
	if kind == video.MediaRecordingIndex {
		return r.Index(), nil
	}
	return r.File(), nil
}

// MediaDeletionsCommitted returns a channel that holds a token whenever a commit left media to delete since it was last
// emptied. It is for one reader.
func (s *Store) MediaDeletionsCommitted() <-chan struct{} { return s.journal.news.deletions }

// MediaDeletions returns media that is to be deleted now, what waits longest first, and when more is to be if that is all; a
// zero time means never.
func (s *Store) MediaDeletions(ctx context.Context, now time.Time, limit int) (due []video.MediaDeletion, next time.Time, err error) {
	var rows []mediaDeletionRow
	err = s.reads.NewSelect().Model(&rows).Order("next_at", "seq").Limit(int64(limit)).Scan(ctx)
	if err != nil {
		return nil, time.Time{}, failed("find media to delete", err)
	}
	for _, r := range rows {
		if r.NextAt > now.UnixMicro() {
			return due, moment(r.NextAt), nil
		}
		due = append(due, video.MediaDeletion{Seq: r.Seq, Kind: r.Kind, ID: r.ID, Key: r.ObjectKey, Attempts: r.Attempts})
	}
	return due, time.Time{}, nil
}

// MediaDeleted notes that the media is gone.
func (s *Store) MediaDeleted(ctx context.Context, seq int64) error {
	_, err := s.writes.NewDelete().Model((*mediaDeletionRow)(nil)).Where("seq = ?", seq).Exec(ctx)
	if err != nil {
		return failed("note deleted media", err)
	}
	return nil
}

// MediaDeletionFailed notes why media could not be deleted, and when to try again.
func (s *Store) MediaDeletionFailed(ctx context.Context, seq int64, reason string, next time.Time) error {
	_, err := s.writes.NewUpdate().Model((*mediaDeletionRow)(nil)).
		Set("attempts = attempts + 1").Set("reason = ?", reason).Set("next_at = ?", next.UnixMicro()).Where("seq = ?", seq).Exec(ctx)
	if err != nil {
		return failed("note media that was not deleted", err)
	}
	return nil
}

// CountMediaDeletions counts what is still to be deleted.
func (s *Store) CountMediaDeletions(ctx context.Context) (int, error) {
	n, err := s.reads.NewSelect().Model((*mediaDeletionRow)(nil)).Count(ctx)
	if err != nil {
		return 0, failed("count media to delete", err)
	}
	return int(n), nil
}

// RecordingStatuses are those of the recordings with these ids, of any account; what is not in the record is left out.
func (s *Store) RecordingStatuses(ctx context.Context, ids []string) (map[string]video.RecordingStatus, error) {
	statuses := make(map[string]video.RecordingStatus, len(ids))
	for some := range slices.Chunk(ids, 500) {
		var rows []recordingRow
		if err := s.reads.NewSelect().Model(&rows).Column("id", "status").Where("id IN (?)", bun.List(some)).Scan(ctx); err != nil {
			return nil, failed("find statuses of recordings", err)
		}
		for _, row := range rows {
			statuses[row.ID] = row.Status
		}
	}
	return statuses, nil
}
