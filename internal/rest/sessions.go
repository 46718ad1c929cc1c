package rest

import (
	"net/http"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

func (e *entrance) listSessions(r *request) (answer, error) {
	q, err := readQuery(r)
	if err != nil {
		return answer{}, err
	}
	return e.findSessions(r, q, video.RoomID(q.id("filter[room_id]")))
}

func (e *entrance) listSessionsOfRoom(r *request) (answer, error) {
	q, err := readQuery(r)
	if err != nil {
		return answer{}, err
	}
	if _, err := e.Rooms.Room(r.Context(), r.account, video.RoomID(r.id), false); err != nil {
		return answer{}, err
	}
	return e.findSessions(r, q, video.RoomID(r.id))
}

func (e *entrance) findSessions(r *request, q *query, room video.RoomID) (answer, error) {
	query := video.SessionQuery{
		AccountID:           r.account,
		RoomID:              room,
		Active:              q.boolean("filter[active]", invalidFilter),
		CreatedAt:           q.span("date_created_at"),
		UpdatedAt:           q.span("date_updated_at"),
		EndedAt:             q.span("date_ended_at"),
		IncludeParticipants: q.include("include_participants"),
		Page:                q.page(),
	}
	if err := q.refuse(); err != nil {
		return answer{}, err
	}
	sessions, err := e.Sessions.Sessions(r.Context(), query)
	if err != nil {
		return answer{}, err
	}
	return list(sessions, query.Page, renderSession(query.IncludeParticipants)), nil
}

func (e *entrance) session(r *request) (answer, error) {
	q, err := readQuery(r)
	if err != nil {
		return answer{}, err
	}
	includeParticipants := q.include("include_participants")
	if err := q.refuse(); err != nil {
		return answer{}, err
	}
	session, err := e.Sessions.Session(r.Context(), r.account, video.SessionID(r.id), includeParticipants)
	if err != nil {
		return answer{}, err
	}
	return one(http.StatusOK, renderSession(includeParticipants)(session)), nil
}
