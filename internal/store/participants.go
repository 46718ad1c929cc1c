package store

import (
	"context"
	"crypto/sha256"
	"slices"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

type participantRow struct {
	bun.BaseModel `bun:"table:participants"`

	Account    account             `bun:"account,pk"`
	ID         video.ParticipantID `bun:"id,pk"`
	SessionID  video.SessionID     `bun:"session_id"`
	Context    []byte              `bun:"context"`
	ContextKey []byte              `bun:"context_key"`
	LeftReason video.LeftReason    `bun:"left_reason"`
	JoinedAt   int64               `bun:"joined_at"`
	UpdatedAt  int64               `bun:"updated_at"`
	LeftAt     *int64              `bun:"left_at"`
}

func (r participantRow) participant(of video.AccountID) video.Participant {
	return video.Participant{
		ID: r.ID, AccountID: of, SessionID: r.SessionID, Context: string(r.Context), LeftReason: r.LeftReason,
		JoinedAt: moment(r.JoinedAt), UpdatedAt: moment(r.UpdatedAt), LeftAt: momentOrNil(r.LeftAt),
	}
}

// contextKey stands for a context in the index. 128 bits of SHA-256 do not collide by accident, and who makes them collide
// confuses only their own account's filter.
func contextKey(context string) []byte {
	sum := sha256.Sum256([]byte(context))
	return sum[:16]
}

// Participant returns the record of a participant of the account.
func (s *Store) Participant(
	ctx context.Context, account video.AccountID, id video.ParticipantID,
) (video.Participant, error) {
	number, err := s.number(ctx, account)
	if err != nil {
		return video.Participant{}, err
	}
	var row participantRow
	err = s.reads.NewSelect().Model(&row).Where("account = ?", number).Where("id = ?", id).Scan(ctx)
	absent := video.Errorf(video.CodeNotFound, "no participant with id %s", id)
	if err := one(err, absent, "find participant"); err != nil {
		return video.Participant{}, err
	}
	return row.participant(account), nil
}

// ParticipantIDUsed reports whether the id was ever a participant's in the account. A Join can still be refused for it:
// somebody else may be faster.
func (s *Store) ParticipantIDUsed(ctx context.Context, account video.AccountID, id video.ParticipantID) (bool, error) {
	number, err := s.number(ctx, account)
	if err != nil {
		return false, err
	}
	used, err := s.reads.NewSelect().Model((*participantRow)(nil)).
		Where("account = ?", number).Where("id = ?", id).Exists(ctx)
	if err != nil {
		return false, failed("look up participant id", err)
	}
	return used, nil
}

// Participants returns one page of the account's participants, newest first.
func (s *Store) Participants(ctx context.Context, query video.ParticipantQuery) (video.List[video.Participant], error) {
	number, err := s.number(ctx, query.AccountID)
	if err != nil {
		return video.List[video.Participant]{}, err
	}
	l := listing{table: "participants", start: "joined_at", account: number, total: "participants", keyed: true}
	if query.SessionID != "" {
		l.is("session_id", "= ?", query.SessionID)
		l.ownIndex = true
	}
	if query.Context != nil {
		l.is("context_key", "= ?", contextKey(*query.Context))
	}
	if query.Active != nil && *query.Active {
		l.is("left_at", "IS NULL")
	}
	if query.Active != nil && !*query.Active {
		l.ranges = append(l.ranges, condition{column: "left_at", test: "IS NOT NULL"})
	}
	if query.Reason != "" {
		l.sift, l.siftArgs = "left_reason = ?", []any{query.Reason} // spans say which rows are looked at
	}
	l.during("joined_at", query.JoinedAt)
	l.during("updated_at", query.UpdatedAt)
	l.during("left_at", query.LeftAt)
	var rows []participantRow
	total, err := s.list(ctx, l, query.Page, &rows)
	if err != nil {
		return video.List[video.Participant]{}, err
	}
	participants := make([]video.Participant, len(rows))
	for i, row := range rows {
		participants[i] = row.participant(query.AccountID)
	}
	slices.SortFunc(participants, newerParticipant)
	return video.List[video.Participant]{Items: participants, Total: total}, nil
}

// includeParticipants gives each session its newest participants, all sessions in one query.
func (s *Store) includeParticipants(ctx context.Context, sessions []video.Session) error {
	if len(sessions) == 0 {
		return nil
	}
	ids := make([]string, len(sessions))
	byID := make(map[video.SessionID]*video.Session, len(sessions))
	for i := range sessions {
		ids[i], byID[sessions[i].ID] = string(sessions[i].ID), &sessions[i]
		sessions[i].Participants = []video.Participant{}
	}
	var rows []participantRow
	err := s.newestOf("participants", "joined_at", "session_id", ids).Scan(ctx, &rows)
	if err != nil {
		return failed("include participants", err)
	}
	for _, row := range rows {
		session := byID[row.SessionID]
		session.Participants = append(session.Participants, row.participant(session.AccountID))
	}
	for i := range sessions {
		slices.SortFunc(sessions[i].Participants, newerParticipant)
	}
	return nil
}

func newerParticipant(a, b video.Participant) int {
	return newestFirst(a.JoinedAt, b.JoinedAt, string(a.ID), string(b.ID))
}
