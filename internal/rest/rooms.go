package rest

import (
	"context"
	"net/http"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

func (e *entrance) listRooms(r *request) (answer, error) {
	q, err := readQuery(r)
	if err != nil {
		return answer{}, err
	}
	query := video.RoomQuery{
		AccountID:       r.account,
		UniqueName:      q.name("filter[unique_name]"),
		CreatedAt:       q.span("date_created_at"),
		UpdatedAt:       q.span("date_updated_at"),
		IncludeSessions: q.include("include_sessions"),
		Page:            q.page(),
	}
	if err := q.refuse(); err != nil {
		return answer{}, err
	}
	rooms, err := e.Rooms.Rooms(r.Context(), query)
	if err != nil {
		return answer{}, err
	}
	return list(rooms, query.Page, renderRoom(query.IncludeSessions)), nil
}

func (e *entrance) createRoom(r *request) (answer, error) {
	id := video.RoomID(r.newID())
	room, err := e.Rooms.CreateRoom(r.Context(), video.Room{
		ID:                      id,
		AccountID:               r.account,
		UniqueName:              r.body.text("unique_name"),
		MaxParticipants:         orDefault(r.body.integer("max_participants"), video.DefaultRoomParticipants),
		EnableRecording:         orDefault(r.body.boolean("enable_recording"), false),
		E2EE:                    orDefault(r.body.boolean("e2ee"), false),
		WebhookEventURL:         r.body.text("webhook_event_url"),
		WebhookEventFailoverURL: r.body.text("webhook_event_failover_url"),
		WebhookTimeoutSecs:      r.body.integer("webhook_timeout_secs"),
		RecordingRetentionDays:  r.body.integer("recording_retention_days"),
	})
	if r.once != nil && err != nil && video.CodeOf(err) == video.CodeDuplicate {
		if made, absent := e.Rooms.Room(r.Context(), r.account, id, false); absent == nil {
			room, err = made, nil // by this very request, before the server died over it
		}
	}
	if err != nil {
		return answer{}, err
	}
	return one(http.StatusCreated, renderRoom(false)(room)), nil
}

func (e *entrance) room(r *request) (answer, error) {
	q, err := readQuery(r)
	if err != nil {
		return answer{}, err
	}
	includeSessions := q.include("include_sessions")
	if err := q.refuse(); err != nil {
		return answer{}, err
	}
	room, err := e.Rooms.Room(r.Context(), r.account, video.RoomID(r.id), includeSessions)
	if err != nil {
		return answer{}, err
	}
	return one(http.StatusOK, renderRoom(includeSessions)(room)), nil
}

func (e *entrance) updateRoom(r *request) (answer, error) {
	room, err := e.Rooms.UpdateRoom(r.Context(), r.account, video.RoomID(r.id), video.RoomChange{
		UniqueName:              r.body.clearableText("unique_name"),
		MaxParticipants:         r.body.integer("max_participants"),
		EnableRecording:         r.body.boolean("enable_recording"),
		E2EE:                    r.body.boolean("e2ee"),
		WebhookEventURL:         r.body.clearableText("webhook_event_url"),
		WebhookEventFailoverURL: r.body.clearableText("webhook_event_failover_url"),
		WebhookTimeoutSecs:      r.body.clearableInteger("webhook_timeout_secs"),
		RecordingRetentionDays:  r.body.clearableInteger("recording_retention_days"),
	})
	if err != nil {
		return answer{}, err
	}
	return one(http.StatusOK, renderRoom(false)(room)), nil
}

// deleteRoom deletes the row first, so that nobody can come in once those inside are put out. It does both even if the caller
// hangs up in between.
func (e *entrance) deleteRoom(r *request) (answer, error) {
	ctx := context.WithoutCancel(r.Context())
	if err := e.Rooms.DeleteRoom(ctx, r.account, video.RoomID(r.id)); err != nil {
		return answer{}, err
	}
	e.Live.EndRoom(ctx, video.RoomID(r.id))
	return answer{status: http.StatusNoContent}, nil
}
