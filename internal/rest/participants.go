package rest

import (
	"net/http"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

func (e *entrance) listParticipants(r *request) (answer, error) {
	q, err := readQuery(r)
	if err != nil {
		return answer{}, err
	}
	return e.findParticipants(r, q, video.SessionID(q.id("filter[session_id]")))
}

func (e *entrance) listParticipantsOfSession(r *request) (answer, error) {
	q, err := readQuery(r)
	if err != nil {
		return answer{}, err
	}
	if _, err := e.Sessions.Session(r.Context(), r.account, video.SessionID(r.id), false); err != nil {
		return answer{}, err
	}
	return e.findParticipants(r, q, video.SessionID(r.id))
}

func (e *entrance) findParticipants(r *request, q *query, session video.SessionID) (answer, error) {
	query := video.ParticipantQuery{
		AccountID: r.account,
		SessionID: session,
		Context:   q.text("filter[context]"),
		Active:    q.boolean("filter[active]", invalidFilter),
		Reason:    video.LeftReason(q.name("filter[left_reason]")),
		JoinedAt:  q.span("date_joined_at"),
		UpdatedAt: q.span("date_updated_at"),
		LeftAt:    q.span("date_left_at"),
		Page:      q.page(),
	}
	if err := q.refuse(); err != nil {
		return answer{}, err
	}
	participants, err := e.Sessions.Participants(r.Context(), query)
	if err != nil {
		return answer{}, err
	}
	return list(participants, query.Page, renderParticipant), nil
}

func (e *entrance) participant(r *request) (answer, error) {
	participant, err := e.Sessions.Participant(r.Context(), r.account, video.ParticipantID(r.id))
	if err != nil {
		return answer{}, err
	}
	return one(http.StatusOK, renderParticipant(participant)), nil
}
