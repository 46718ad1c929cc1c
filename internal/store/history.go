package store

import (
	"context"
	"encoding/json"
	"log/slog"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

type happeningRow struct {
	bun.BaseModel `bun:"table:happenings"`

	Seq           int64               `bun:"seq,pk,autoincrement"`
	SessionID     video.SessionID     `bun:"session_id"`
	Type          video.HappeningType `bun:"type"`
	At            int64               `bun:"at"`
	ParticipantID video.ParticipantID `bun:"participant_id"`
	Data          string              `bun:"data"`
}

// happeningData are the fields of a happening that most types leave empty.
type happeningData struct {
	PublisherID video.ParticipantID `json:"publisher_id,omitempty"`
	StreamID    video.StreamID      `json:"stream_id,omitempty"`
	Key         string              `json:"key,omitempty"`
	Kind        video.Kind          `json:"kind,omitempty"`
	Audio       *bool               `json:"audio,omitempty"`
	Video       *bool               `json:"video,omitempty"`
	Quality     video.Quality       `json:"quality,omitempty"`
	Layer       string              `json:"layer,omitempty"`
	Reason      string              `json:"reason,omitempty"`
}

func newHappeningRow(h video.Happening, at int64) happeningRow {
	return happeningRow{
		SessionID: h.SessionID, Type: h.Type, At: at, ParticipantID: h.ParticipantID,
		Data: asJSON(happeningData{
			PublisherID: h.PublisherID, StreamID: h.StreamID, Key: h.Key, Kind: h.Kind,
			Audio: h.Audio, Video: h.Video, Quality: h.Quality, Layer: h.Layer, Reason: h.Reason,
		}),
	}
}

func (r happeningRow) happening(of video.AccountID) (video.Happening, error) {
	var data happeningData
	if err := json.Unmarshal([]byte(r.Data), &data); err != nil {
		return video.Happening{}, err
	}
	return video.Happening{
		Seq: r.Seq, AccountID: of, SessionID: r.SessionID, Type: r.Type, At: moment(r.At), ParticipantID: r.ParticipantID,
		PublisherID: data.PublisherID, StreamID: data.StreamID, Key: data.Key, Kind: data.Kind,
		Audio: data.Audio, Video: data.Video, Quality: data.Quality, Layer: data.Layer, Reason: data.Reason,
	}, nil
}

// maxNotes is how many entries may wait in the journal before happenings that come often are dropped. What concerns people
// and streams is never dropped: there is little of it, and without it the history is wrong and not just coarse.
const maxNotes = 50_000

func droppable(t video.HappeningType) bool {
	switch t {
	case video.HappenedSubscribed, video.HappenedSubscriptionChanged, video.HappenedUnsubscribed, video.HappenedLayer,
		video.HappenedPaused, video.HappenedResumed, video.HappenedJoinRefused:
		return true
	}
	return false
}

// Note adds a line to a session's history and returns at once. It is written after all that came before it, and retried
// until it is. Joining, leaving, opening and ending note themselves. While maxNotes entries wait, happenings of
// subscriptions and pictures, and refusals, are dropped and counted. A line for a session that has ended is not written. A zero At is now.
func (s *Store) Note(h video.Happening) {
	if h.At.IsZero() {
		h.At = s.now()
	}
	if droppable(h.Type) && s.journal.full() {
		s.journal.drop()
		return
	}
	s.journal.post(&entry{
		about: slog.Group("note", "session", h.SessionID, "type", h.Type),
		write: func(context.Context, bun.Tx) error {
			if told := s.journal.told; told.open(h.SessionID) {
				told.happen(h, h.At.UnixMicro())
			}
			return nil
		},
	})
}

// DroppedHappenings is how many were dropped because the database could not keep up.
func (s *Store) DroppedHappenings() int64 { return s.journal.dropped.Load() }

func (j *journal) full() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.queue) >= maxNotes
}

func (j *journal) drop() {
	if j.dropped.Add(1) == 1 {
		j.store.logger.Warn("the database cannot keep up: happenings of subscriptions, layers and pauses, and refused joins, are dropped", "waiting", maxNotes)
	}
}

// Happenings returns what happened in a session of the account after the cursor, which is the Seq of the last one known,
// oldest first and at most Limit of them (1 to 1000).
func (s *Store) Happenings(ctx context.Context, query video.HappeningQuery) ([]video.Happening, error) {
	if query.Limit < 1 || query.Limit > maxHappenings {
		return nil, video.Errorf(video.CodeInvalid, "at most %d happenings at a time", maxHappenings)
	}
	if _, err := s.Session(ctx, query.AccountID, query.SessionID, false); err != nil {
		return nil, err
	}
	var rows []happeningRow
	q := s.reads.NewSelect().Model(&rows).Where("session_id = ?", query.SessionID).Where("seq > ?", query.After)
	if query.ParticipantID != "" {
		q = q.Where("participant_id = ?", query.ParticipantID)
	}
	if len(query.Types) > 0 {
		q = q.Where("type IN (?)", bun.List(query.Types))
	}
	err := q.Order("seq").Limit(int64(query.Limit)).Scan(ctx)
	if err != nil {
		return nil, failed("list happenings", err)
	}
	happenings := make([]video.Happening, len(rows))
	for i, row := range rows {
		if happenings[i], err = row.happening(query.AccountID); err != nil {
			return nil, failed("read happening", err)
		}
	}
	return happenings, nil
}

const maxHappenings = 1000
