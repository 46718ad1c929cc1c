package rest

import (
	"context"
	"net/http"
	"strings"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// maxSelected is how many participants one request may name, and how many it may exclude.
const maxSelected = 1000

// moderation does something to the chosen participants of a running session and returns those it changed.
type moderation func(context.Context, video.RoomID, video.SessionID, video.Selection) ([]video.ParticipantID, error)

func (e *entrance) kick(r *request) (answer, error)   { return e.moderate(r, e.Live.Kick) }
func (e *entrance) mute(r *request) (answer, error)   { return e.moderate(r, e.Live.Mute) }
func (e *entrance) unmute(r *request) (answer, error) { return e.moderate(r, e.Live.Unmute) }

func (e *entrance) startRecording(r *request) (answer, error) {
	return e.moderate(r, e.Live.StartRecording)
}

func (e *entrance) stopRecording(r *request) (answer, error) {
	return e.moderate(r, e.Live.StopRecording)
}

// end takes no body; one that is sent is not looked at.
func (e *entrance) end(r *request) (answer, error) {
	return e.moderate(r, func(
		ctx context.Context, room video.RoomID, session video.SessionID, _ video.Selection,
	) ([]video.ParticipantID, error) {
		return e.Live.EndSession(ctx, room, session)
	})
}

// moderate asks for a change and waits for it even if the caller hangs up: half of one would help nobody.
func (e *entrance) moderate(r *request, act moderation) (answer, error) {
	session, err := e.Sessions.Session(r.Context(), r.account, video.SessionID(r.id), false)
	if err != nil {
		return answer{}, err
	}
	if !session.Active() {
		return answer{}, refuse(http.StatusUnprocessableEntity, unprocessable, "The session %s has ended.", session.ID)
	}
	changed, err := act(context.WithoutCancel(r.Context()), session.RoomID, session.ID, selectionOf(r.body))
	if err != nil {
		return answer{}, err
	}
	ids := each(changed, func(id video.ParticipantID) string { return string(id) })
	r.note(r.id, strings.Join(ids, " "))
	return one(http.StatusOK, changedJSON{Result: "ok", Participants: ids}), nil
}

func selectionOf(b body) video.Selection {
	_, all := b["participants"].(string)
	return video.Selection{All: all, IDs: b.participants("participants"), Exclude: b.participants("exclude")}
}

// participants reads a list of ids, and returns them in lower case.
func (b body) participants(name string) []video.ParticipantID {
	items, _ := b[name].([]any)
	return each(items, func(item any) video.ParticipantID {
		id, _ := item.(string)
		return video.ParticipantID(strings.ToLower(id))
	})
}

type changedJSON struct {
	Result       string   `json:"result"`
	Participants []string `json:"participants"`
}
