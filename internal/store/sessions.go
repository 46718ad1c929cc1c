package store

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

type sessionRow struct {
	bun.BaseModel `bun:"table:sessions"`

	ID          video.SessionID   `bun:"id,pk"`
	Account     account           `bun:"account"`
	RoomID      video.RoomID      `bun:"room_id"`
	E2EE        bool              `bun:"e2ee"`
	EndedReason video.EndedReason `bun:"ended_reason"`
	CreatedAt   int64             `bun:"created_at"`
	UpdatedAt   int64             `bun:"updated_at"`
	EndedAt     *int64            `bun:"ended_at"`
}

func (r sessionRow) session(of video.AccountID) video.Session {
	return video.Session{
		ID: r.ID, AccountID: of, RoomID: r.RoomID, E2EE: r.E2EE, EndedReason: r.EndedReason,
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
	number, err := s.number(ctx, account)
	if err != nil {
		return video.Session{}, err
	}
	var row sessionRow
	err = s.reads.NewSelect().Model(&row).Where("id = ?", id).Where("account = ?", number).Scan(ctx)
	if err := one(err, sessionAbsent(id), "find session"); err != nil {
		return video.Session{}, err
	}
	sessions := []video.Session{row.session(account)}
	if includeParticipants {
		err = s.includeParticipants(ctx, sessions)
	}
	return sessions[0], err
}

// Sessions returns one page of the account's sessions, newest first.
func (s *Store) Sessions(ctx context.Context, query video.SessionQuery) (video.List[video.Session], error) {
	number, err := s.number(ctx, query.AccountID)
	if err != nil {
		return video.List[video.Session]{}, err
	}
	l := listing{table: "sessions", start: "created_at", account: number, total: "sessions"}
	if query.RoomID != "" {
		l.is("room_id", "= ?", query.RoomID)
		l.ownIndex = true
	}
	if query.Active != nil && *query.Active {
		l.is("ended_at", "IS NULL")
	}
	if query.Active != nil && !*query.Active {
		l.ranges = append(l.ranges, condition{column: "ended_at", test: "IS NOT NULL"})
	}
	l.during("created_at", query.CreatedAt)
	l.during("updated_at", query.UpdatedAt)
	l.during("ended_at", query.EndedAt)
	var rows []sessionRow
	total, err := s.list(ctx, l, query.Page, &rows)
	if err != nil {
		return video.List[video.Session]{}, err
	}
	sessions := make([]video.Session, len(rows))
	for i, row := range rows {
		sessions[i] = row.session(query.AccountID)
	}
	slices.SortFunc(sessions, newerSession)
	if query.IncludeParticipants {
		if err := s.includeParticipants(ctx, sessions); err != nil {
			return video.List[video.Session]{}, err
		}
	}
	return video.List[video.Session]{Items: sessions, Total: total}, nil
}

// includeSessions gives each room its newest sessions, all rooms in one query.
func (s *Store) includeSessions(ctx context.Context, rooms []video.Room) error {
	if len(rooms) == 0 {
		return nil
	}
	ids := make([]string, len(rooms))
	byID := make(map[video.RoomID]*video.Room, len(rooms))
	for i := range rooms {
		ids[i], byID[rooms[i].ID] = string(rooms[i].ID), &rooms[i]
		rooms[i].Sessions = []video.Session{}
	}
	var rows []sessionRow
	err := s.newestOf("sessions", "created_at", "room_id", ids).Scan(ctx, &rows)
	if err != nil {
		return failed("include sessions", err)
	}
	for _, row := range rows {
		room := byID[row.RoomID]
		room.Sessions = append(room.Sessions, row.session(room.AccountID))
	}
	for i := range rooms {
		slices.SortFunc(rooms[i].Sessions, newerSession)
	}
	return nil
}

func newerSession(a, b video.Session) int {
	return newestFirst(a.CreatedAt, b.CreatedAt, string(a.ID), string(b.ID))
}
