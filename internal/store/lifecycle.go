package store

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// OpenSession writes that a session began and makes it its room's active session. It returns when that is durable, or
// with an error when nothing was written: the room is gone, the journal is full or closed (unavailable), or ctx ended
// first. A zero CreatedAt is now.
func (s *Store) OpenSession(ctx context.Context, session video.Session) error {
	if session.CreatedAt.IsZero() {
		session.CreatedAt = s.now()
	}
	number, err := s.number(ctx, session.AccountID)
	if err != nil {
		return err
	}
	at := session.CreatedAt.UnixMicro()
	row := sessionRow{
		ID: session.ID, Account: number, RoomID: session.RoomID, E2EE: session.E2EE, CreatedAt: at, UpdatedAt: at,
	}
	return s.journal.await(ctx, &entry{
		about: slog.Group("open", "session", session.ID),
		write: func(ctx context.Context, tx bun.Tx) error { return openSession(ctx, tx, s.journal.told, &row) },
		after: func() { s.journal.open[session.ID] = struct{}{} },
	})
}

// Join writes that a participant joined. It returns when that is durable, or with an error when nothing was written: the
// id was used before (duplicate_participant), the session has ended or never was, the journal is full or closed
// (unavailable), or ctx ended before the writing began. A ctx that ends during the writing is waited out: the outcome is
// what happened. A zero JoinedAt is now.
func (s *Store) Join(ctx context.Context, participant video.Participant) error {
	if !video.IsUUID(string(participant.ID)) {
		return video.Errorf(video.CodeInvalid, "a participant id is a UUID in lower case")
	}
	if participant.JoinedAt.IsZero() {
		participant.JoinedAt = s.now()
	}
	number, err := s.number(ctx, participant.AccountID)
	if err != nil {
		return err
	}
	at := participant.JoinedAt.UnixMicro()
	row := participantRow{
		Account: number, ID: participant.ID, SessionID: participant.SessionID,
		Context: []byte(participant.Context), ContextKey: contextKey(participant.Context), JoinedAt: at, UpdatedAt: at,
	}
	return s.journal.await(ctx, &entry{
		about: slog.Group("join", "session", participant.SessionID, "participant", participant.ID),
		write: func(ctx context.Context, tx bun.Tx) error { return join(ctx, tx, s.journal.told, &row) },
	})
}

// Leave notes that a participant left (ID, SessionID, LeftAt, LeftReason) and returns at once. It is written after all
// that came before it, and retried until it is. Of several for one participant the first counts.
func (s *Store) Leave(participant video.Participant) {
	at := timeOr(participant.LeftAt, s.now)
	s.journal.post(&entry{
		about: slog.Group("leave", "session", participant.SessionID, "participant", participant.ID),
		write: func(ctx context.Context, tx bun.Tx) error { return leave(ctx, tx, s.journal.told, participant, at) },
	})
}

// EndSession notes that a session ended (ID, EndedAt, EndedReason) and returns at once. It is written after all that
// came before it, and retried until it is. Participants of whom no leave was noted left with it.
func (s *Store) EndSession(session video.Session) {
	at := timeOr(session.EndedAt, s.now)
	s.journal.post(&entry{
		about: slog.Group("end", "session", session.ID),
		write: func(ctx context.Context, tx bun.Tx) error {
			return endSession(ctx, tx, s.journal.told, session.ID, at, session.EndedReason, video.LeftSessionEnded)
		},
		after: func() { delete(s.journal.open, session.ID) },
	})
}

// Flush returns when everything noted before the call is written, or ctx ends.
func (s *Store) Flush(ctx context.Context) error {
	return s.journal.await(ctx, &entry{about: slog.Group("flush"), retry: true})
}

func timeOr(t *time.Time, now func() time.Time) int64 {
	if t == nil {
		return now().UnixMicro()
	}
	return t.UnixMicro()
}

func openSession(ctx context.Context, tx bun.Tx, told *tidings, row *sessionRow) error {
	room, err := findRoom(ctx, tx, row.Account, row.RoomID)
	if err != nil {
		return err
	}
	n, err := affected(tx.NewInsert().Model(row).On("CONFLICT DO NOTHING").Exec(ctx))
	if err != nil {
		return err
	}
	if n == 0 {
		return video.Errorf(video.CodeDuplicate, "a session with id %s exists already", row.ID)
	}
	if room.ActiveSessionID != nil {
		// Its end was never noted. A room has one active session, so it is over.
		old := video.SessionID(*room.ActiveSessionID)
		if err := endSession(ctx, tx, told, old, row.CreatedAt, video.EndedStale, video.LeftSessionEnded); err != nil {
			return err
		}
	}
	_, err = tx.NewUpdate().Model((*roomRow)(nil)).Set("active_session_id = ?", row.ID).
		Apply(touched(row.CreatedAt)).Where("id = ?", row.RoomID).Exec(ctx)
	if err != nil {
		return err
	}
	if err := told.sessionStarted(ctx, tx, row.ID, row.CreatedAt); err != nil {
		return err
	}
	return addTotal(ctx, tx, row.Account, "sessions", 1)
}

func join(ctx context.Context, tx bun.Tx, told *tidings, row *participantRow) error {
	var session sessionRow
	err := tx.NewSelect().Model(&session).
		Where("id = ?", row.SessionID).Where("account = ?", row.Account).Scan(ctx)
	if err := one(err, sessionAbsent(row.SessionID), "find session"); err != nil {
		return err
	}
	if session.EndedAt != nil {
		return video.Errorf(video.CodeState, "the session has ended")
	}
	n, err := affected(tx.NewInsert().Model(row).On("CONFLICT DO NOTHING").Exec(ctx))
	if err != nil {
		return err
	}
	if n == 0 {
		return video.Errorf(video.CodeDuplicateParticipant, "the participant id %s was used before", row.ID)
	}
	_, err = tx.NewUpdate().Model((*sessionRow)(nil)).
		Apply(touched(row.JoinedAt)).Where("id = ?", row.SessionID).Exec(ctx)
	if err != nil {
		return err
	}
	if err := told.joined(ctx, tx, row); err != nil {
		return err
	}
	return addTotal(ctx, tx, row.Account, "participants", 1)
}

func leave(ctx context.Context, tx bun.Tx, told *tidings, p video.Participant, at int64) error {
	var left []participantRow
	_, err := tx.NewUpdate().Model((*participantRow)(nil)).
		Apply(over("left_at", "joined_at", at)).Set("left_reason = ?", p.LeftReason).
		Where("session_id = ?", p.SessionID).Where("id = ?", p.ID).Where("left_at IS NULL").
		Returning("*").Exec(ctx, &left)
	if err != nil || len(left) == 0 {
		return err
	}
	if err := told.left(ctx, tx, left[0]); err != nil {
		return err
	}
	_, err = tx.NewUpdate().Model((*sessionRow)(nil)).
		Apply(touched(at)).Where("id = ?", p.SessionID).Exec(ctx)
	return err
}

// endSession ends a session that is still open, puts out who is still in it, and frees its room.
func endSession(
	ctx context.Context, tx bun.Tx, told *tidings, id video.SessionID, at int64, ended video.EndedReason, left video.LeftReason,
) error {
	var sessions []sessionRow
	_, err := tx.NewUpdate().Model((*sessionRow)(nil)).
		Apply(over("ended_at", "created_at", at)).Set("ended_reason = ?", ended).
		Where("id = ?", id).Where("ended_at IS NULL").Returning("*").Exec(ctx, &sessions)
	if err != nil || len(sessions) == 0 {
		return err
	}
	if err := putOut(ctx, tx, told, id, at, left); err != nil {
		return err
	}
	if err := told.sessionEnded(ctx, tx, sessions[0]); err != nil {
		return err
	}
	_, err = tx.NewUpdate().Model((*roomRow)(nil)).Set("active_session_id = NULL").Apply(touched(at)).
		Where("id = (SELECT room_id FROM sessions WHERE id = ?)", id).Where("active_session_id = ?", id).Exec(ctx)
	return err
}

// putOut lets everyone who is still in the session leave it, in the order they came.
func putOut(ctx context.Context, tx bun.Tx, told *tidings, id video.SessionID, at int64, reason video.LeftReason) error {
	var left []participantRow
	_, err := tx.NewUpdate().Model((*participantRow)(nil)).
		Apply(over("left_at", "joined_at", at)).Set("left_reason = ?", reason).
		Where("session_id = ?", id).Where("left_at IS NULL").Returning("*").Exec(ctx, &left)
	if err != nil {
		return err
	}
	slices.SortFunc(left, func(a, b participantRow) int {
		return cmp.Or(cmp.Compare(a.JoinedAt, b.JoinedAt), cmp.Compare(a.ID, b.ID))
	})
	for _, row := range left {
		if err := told.left(ctx, tx, row); err != nil {
			return err
		}
	}
	return nil
}

// touched moves updated_at on to a time, never back.
func touched(at int64) func(*bun.UpdateQuery) *bun.UpdateQuery {
	return func(q *bun.UpdateQuery) *bun.UpdateQuery {
		return q.Set("updated_at = CASE WHEN updated_at < ? THEN ? ELSE updated_at END", at, at)
	}
}

// over sets the end of a span, never before its start, and moves updated_at on with it.
func over(end, start string, at int64) func(*bun.UpdateQuery) *bun.UpdateQuery {
	return func(q *bun.UpdateQuery) *bun.UpdateQuery {
		return touched(at)(q).Set("? = CASE WHEN ? < ? THEN ? ELSE ? END",
			bun.Ident(end), bun.Ident(start), at, at, bun.Ident(start))
	}
}
