package store

import (
	"context"
	"crypto/sha256"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

type participantRow struct {
	bun.BaseModel `bun:"table:participants"`

	AccountID  video.AccountID     `bun:"account_id,pk"`
	ID         video.ParticipantID `bun:"id,pk"`
	SessionID  video.SessionID     `bun:"session_id"`
	Context    []byte              `bun:"context"`
	ContextKey []byte              `bun:"context_key"`
	LeftReason video.LeftReason    `bun:"left_reason"`
	JoinedAt   int64               `bun:"joined_at"`
	UpdatedAt  int64               `bun:"updated_at"`
	LeftAt     *int64              `bun:"left_at"`
}

func (r participantRow) participant() video.Participant {
	return video.Participant{
		ID: r.ID, AccountID: r.AccountID, SessionID: r.SessionID, Context: string(r.Context), LeftReason: r.LeftReason,
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
	var row participantRow
	err := s.reads.NewSelect().Model(&row).Where("account_id = ?", account).Where("id = ?", id).Scan(ctx)
	absent := video.Errorf(video.CodeNotFound, "no participant with id %s", id)
	if err := one(err, absent, "find participant"); err != nil {
		return video.Participant{}, err
	}
	return row.participant(), nil
}

// ParticipantIDUsed reports whether the id was ever a participant's in the account. A Join can still be refused for it:
// somebody else may be faster.
func (s *Store) ParticipantIDUsed(ctx context.Context, account video.AccountID, id video.ParticipantID) (bool, error) {
	used, err := s.reads.NewSelect().Model((*participantRow)(nil)).
		Where("account_id = ?", account).Where("id = ?", id).Exists(ctx)
	if err != nil {
		return false, failed("look up participant id", err)
	}
	return used, nil
}

// Participants returns one page of the account's participants, newest first.
func (s *Store) Participants(ctx context.Context, query video.ParticipantQuery) (video.List[video.Participant], error) {
	l := listing{table: "participants", start: "joined_at", account: query.AccountID, total: "participants"}
	if query.SessionID != "" {
		l.filter("session_id = ?", query.SessionID)
	}
	if query.Context != nil {
		l.filter("context_key = ?", contextKey(*query.Context))
	}
	l.during("joined_at", query.JoinedAt)
	l.during("updated_at", query.UpdatedAt)
	l.during("left_at", query.LeftAt)
	var rows []participantRow
	total, err := s.list(ctx, l, "", query.Page, &rows)
	if err != nil {
		return video.List[video.Participant]{}, err
	}
	participants := make([]video.Participant, len(rows))
	for i, row := range rows {
		participants[i] = row.participant()
	}
	return video.List[video.Participant]{Items: participants, Total: total}, nil
}

// includeParticipants gives each session its newest participants, all sessions in one query.
func (s *Store) includeParticipants(ctx context.Context, account video.AccountID, sessions []video.Session) error {
	byID := make(map[video.SessionID]*video.Session, len(sessions))
	var all *bun.SelectQuery
	for i := range sessions {
		byID[sessions[i].ID] = &sessions[i]
		sessions[i].Participants = []video.Participant{}
		newest := s.reads.NewSelect().Table("participants").Column("id").
			Where("session_id = ?", sessions[i].ID).OrderExpr("joined_at DESC, id DESC").Limit(MaxIncluded)
		all = alsoFrom(s.reads, all, newest)
	}
	if all == nil {
		return nil
	}
	var found []participantRow
	err := s.reads.NewSelect().Model(&found).Where("account_id = ?", account).Where("id IN (?)", all).
		OrderExpr("joined_at DESC, id DESC").Scan(ctx)
	if err != nil {
		return failed("include participants", err)
	}
	for _, row := range found {
		session := byID[row.SessionID]
		session.Participants = append(session.Participants, row.participant())
	}
	return nil
}
