package rest

import (
	"context"
	"net/http"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/auth"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

const (
	// liveEvery is how often a stream looks for changes of a session. Figures change every other time.
	liveEvery = time.Second

	// watchFor is how long a token to watch by is good.
	watchFor = time.Hour
)

// liveSession answers with what a session is like now; or, to a caller that takes a stream of events, each time anew when it changed.
func (e *entrance) liveSession(r *request) (answer, error) {
	q, err := readQuery(r)
	if err != nil {
		return answer{}, err
	}
	if err := q.refuse(); err != nil {
		return answer{}, err
	}
	session, err := e.Sessions.Session(r.Context(), r.account, video.SessionID(r.id), false)
	if err != nil {
		return answer{}, err
	}
	if wantsEvents(r) {
		return e.tellChanges(r, "live", liveEvery, func() (glimpse, error) { return e.glimpseAt(r.Context(), session) }), nil
	}
	now, err := e.lookAt(r.Context(), session)
	if err != nil {
		return answer{}, err
	}
	return one(http.StatusOK, now), nil
}

// lookAt says what a session is like now; of one that has ended, that it has.
func (e *entrance) lookAt(ctx context.Context, session video.Session) (liveSessionJSON, error) {
	if !session.Active() {
		return renderLive(session, video.LiveSession{}, nil), nil
	}
	seen, err := e.Live.Look(ctx, session.RoomID, session.ID)
	if video.CodeOf(err) == video.CodeState {
		session, err = e.Sessions.Session(ctx, session.AccountID, session.ID, false)
	}
	if err != nil {
		return liveSessionJSON{}, err
	}
	return renderLive(session, seen, e.Quality.Glance(session.ID)), nil
}

// glimpseAt is what a session is like now, for a stream of it, which ends with the session.
func (e *entrance) glimpseAt(ctx context.Context, session video.Session) (glimpse, error) {
	now, err := e.lookAt(ctx, session)
	if err != nil {
		return glimpse{}, err
	}
	timeless := now
	timeless.At = timestamp{}
	found := glimpse{sent: now, mark: marked(timeless)}
	if !now.Active {
		found.end = endJSON{SessionID: session.ID}
	}
	return found, nil
}

// watchSession makes a token by which its caller is in a running session as one who watches, and seen by everyone in it.
func (e *entrance) watchSession(r *request) (answer, error) {
	session, err := e.Sessions.Session(r.Context(), r.account, video.SessionID(r.id), false)
	if err != nil {
		return answer{}, err
	}
	switch {
	case !session.Active():
		return answer{}, refuse(http.StatusUnprocessableEntity, unprocessable, "The session %s has ended.", session.ID)
	case session.E2EE:
		return answer{}, refuse(http.StatusUnprocessableEntity, unprocessable,
			"The session %s is encrypted from end to end and cannot be watched.", session.ID)
	}
	name := watcherName(r)
	tokens, err := e.Tokens.Generate(r.Context(), r.account, session.RoomID, auth.TokenRequest{
		TTL: watchFor, Grants: video.Grants{Subscribe: true}, Watcher: name,
	})
	if err != nil {
		return answer{}, err
	}
	r.note(r.id, "as "+name)
	return one(http.StatusCreated, watchJSON{
		RoomID: session.RoomID, Watcher: name, Token: tokens.Token, TokenExpiresAt: timestamp(tokens.ExpiresAt),
	}), nil
}

// watcherName is what the room is told of who watches.
func watcherName(r *request) string {
	actor, _ := video.ActorOf(r.Context())
	switch {
	case actor.MemberName != "":
		return actor.MemberName
	case actor.KeyName != "":
		return "API key " + actor.KeyName
	default:
		return "An API key"
	}
}

type watchJSON struct {
	RoomID         video.RoomID `json:"room_id"`
	Watcher        string       `json:"watcher"`
	Token          string       `json:"token"`
	TokenExpiresAt timestamp    `json:"token_expires_at"`
}
