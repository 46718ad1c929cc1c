package store

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

type sessionRow struct {
	bun.BaseModel `bun:"table:sessions"`

	ID          video.SessionID   `bun:"id,pk"`
	AccountID   video.AccountID   `bun:"account_id"`
	RoomID      video.RoomID      `bun:"room_id"`
	EndedReason video.EndedReason `bun:"ended_reason"`
	CreatedAt   int64             `bun:"created_at"`
	UpdatedAt   int64             `bun:"updated_at"`
	EndedAt     *int64            `bun:"ended_at"`
}

func (r sessionRow) session() video.Session {
	return video.Session{
		ID: r.ID, AccountID: r.AccountID, RoomID: r.RoomID, EndedReason: r.EndedReason,
		CreatedAt: moment(r.CreatedAt), UpdatedAt: moment(r.UpdatedAt), EndedAt: momentOrNil(r.EndedAt),
	}
}

func sessionAbsent(id video.SessionID) *video.Error {
	return video.Errorf(video.CodeNotFound, "no session with id %s", id)
}

// Session returns a session of the account, with its newest participants (at most MaxIncluded) if asked for. Sessions of
// deleted rooms are found too.
func (s *Store) Session(
	ctx context.Context, account video.AccountID, id video.SessionID, includeParticipants bool,
) (video.Session, error) {
	var row sessionRow
	err := s.reads.NewSelect().Model(&row).Where("id = ?", id).Where("account_id = ?", account).Scan(ctx)
	if err := one(err, sessionAbsent(id), "find session"); err != nil {
		return video.Session{}, err
	}
	sessions := []video.Session{row.session()}
	if includeParticipants {
		err = s.includeParticipants(ctx, account, sessions)
	}
	return sessions[0], err
}

// Sessions returns one page of the account's sessions, newest first.
func (s *Store) Sessions(ctx context.Context, query video.SessionQuery) (video.List[video.Session], error) {
	l := listing{table: "sessions", start: "created_at", account: query.AccountID, total: "sessions"}
	if query.RoomID != "" {
		l.filter("room_id = ?", query.RoomID)
	}
	if query.Active != nil {
		if *query.Active {
			l.filter("ended_at IS NULL")
		} else {
			l.filter("ended_at IS NOT NULL")
		}
	}
	l.during("created_at", query.CreatedAt)
	l.during("updated_at", query.UpdatedAt)
	l.during("ended_at", query.EndedAt)
	var rows []sessionRow
	total, err := s.list(ctx, l, "", query.Page, &rows)
	if err != nil {
		return video.List[video.Session]{}, err
	}
	sessions := make([]video.Session, len(rows))
	for i, row := range rows {
		sessions[i] = row.session()
	}
	if query.IncludeParticipants {
		if err := s.includeParticipants(ctx, query.AccountID, sessions); err != nil {
			return video.List[video.Session]{}, err
		}
	}
	return video.List[video.Session]{Items: sessions, Total: total}, nil
}

// includeSessions gives each room its newest sessions, all rooms in one query.
func (s *Store) includeSessions(ctx context.Context, account video.AccountID, rooms []video.Room) error {
	byID := make(map[video.RoomID]*video.Room, len(rooms))
	var all *bun.SelectQuery
	for i := range rooms {
		byID[rooms[i].ID] = &rooms[i]
		rooms[i].Sessions = []video.Session{}
		newest := s.reads.NewSelect().Table("sessions").Column("id").
			Where("room_id = ?", rooms[i].ID).OrderExpr("created_at DESC, id DESC").Limit(MaxIncluded)
		all = alsoFrom(s.reads, all, newest)
	}
	if all == nil {
		return nil
	}
	var found []sessionRow
	err := s.reads.NewSelect().Model(&found).Where("account_id = ?", account).Where("id IN (?)", all).
		OrderExpr("created_at DESC, id DESC").Scan(ctx)
	if err != nil {
		return failed("include sessions", err)
	}
	for _, row := range found {
		room := byID[row.RoomID]
		room.Sessions = append(room.Sessions, row.session())
	}
	return nil
}
