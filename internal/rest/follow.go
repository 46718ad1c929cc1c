package rest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

const (
	eventStream = "text/event-stream"

	// maxFollowers is how many streams of events one account may have open. One more is refused with 429.
	maxFollowers = 200

	// heartbeat is how often a stream on which nothing happens says that it is alive.
	heartbeat = 15 * time.Second

	// sendTimeout is how long a caller may take to take what it is sent, before it is left.
	sendTimeout = 10 * time.Second

	// followedAtOnce is how many events are read and sent together.
	followedAtOnce = video.MaxPageSize
)

// followers counts the open streams of events by account.
type followers struct {
	mu     sync.Mutex
	counts map[video.AccountID]int // guarded by mu
}

// admit counts one more, until leave is called.
func (f *followers) admit(account video.AccountID) (leave func(), err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.counts[account] >= maxFollowers {
		return nil, refuse(http.StatusTooManyRequests, tooManyRequests,
			"The account follows %d sessions already, which is as many as it may.", maxFollowers)
	}
	if f.counts == nil {
		f.counts = make(map[video.AccountID]int)
	}
	f.counts[account]++
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.counts[account]--; f.counts[account] == 0 {
			delete(f.counts, account)
		}
	}, nil
}

// follow sends the events of a session as they are recorded, as server-sent events (HTML Living Standard, section 9.2). It
// returns after the last one of the session, when the caller goes, or when the server drains; with an error only before
// anything was sent.
func (e *entrance) follow(w http.ResponseWriter, r *request, session video.Session, after int64) error {
	leave, err := e.followers.admit(r.account)
	if err != nil {
		return err
	}
	defer leave()
	news, stop := e.Sessions.Follow(session.ID)
	defer stop()
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	f := &follower{entrance: e, request: r, session: session, ended: !session.Active(), after: after, stream: push{ctx: r.Context(), out: w}}
	for !f.over {
		more, err := f.advance()
		if err != nil && f.stream.begun {
			return nil // the caller comes back with the cursor it has seen last
		}
		if err != nil {
			return err
		}
		if !more && !f.over {
			f.pause(news, beat.C)
		}
	}
	return nil
}

// follower is one caller on its way through a session's events.
type follower struct {
	*entrance
	*request
	session video.Session
	after   int64
	stream  push
	ended   bool // the session has, as far as is known
	over    bool // nothing more is to be sent
}

// advance sends the next events, if there are any, and reports whether there may be more. After the last one of a session
// that has ended it says so.
func (f *follower) advance() (more bool, err error) {
	happenings, err := f.Sessions.Happenings(f.Context(), video.HappeningQuery{
		AccountID: f.account, SessionID: f.session.ID, After: f.after, Limit: followedAtOnce,
	})
	if err != nil {
		f.lament(err)
		return false, err
	}
	more = len(happenings) == followedAtOnce
	var batch bytes.Buffer
	for _, h := range happenings {
		writeEvent(&batch, cursorOf(h), string(h.Type), renderHappening(h))
		f.after = h.Seq
		f.ended = f.ended || h.Type == video.HappenedSessionEnded
	}
	if f.ended && !more {
		writeEvent(&batch, "", "end", endJSON{SessionID: f.session.ID})
	}
	f.over = !f.stream.send(batch.Bytes()) || f.ended && !more || f.draining()
	return more, nil
}

func (f *follower) draining() bool {
	select {
	case <-f.Draining:
		return true
	default:
		return false
	}
}

// pause waits until there may be something to send.
func (f *follower) pause(news <-chan struct{}, beat <-chan time.Time) {
	select {
	case <-news:
	case <-f.Draining:
		f.over = true
	case <-f.Context().Done():
		f.over = true
	case <-beat:
		// Whatever became of the news of its end: a session that has ended is not followed for ever.
		if session, err := f.Sessions.Session(f.Context(), f.account, f.session.ID, false); err == nil {
			f.ended = !session.Active()
		}
		f.over = !f.stream.send([]byte(": still there\n\n"))
	}
}

// lament logs what broke off a stream. A failure before it began is answered, and logged there.
func (f *follower) lament(err error) {
	if f.stream.begun && f.Context().Err() == nil {
		f.Log.LogAttrs(f.Context(), slog.LevelWarn, "stream of session events broken off",
			slog.String("request", f.stream.out.Header().Get("X-Request-Id")), slog.String("path", f.URL.Path), slog.Any("error", withCause(err)))
	}
}

type endJSON struct {
	SessionID video.SessionID `json:"session_id"`
}

// writeEvent writes one server-sent event. JSON has no line breaks, so its data is one line.
func writeEvent(to *bytes.Buffer, id, name string, data any) {
	if id != "" {
		fmt.Fprintf(to, "id: %s\n", id)
	}
	fmt.Fprintf(to, "event: %s\ndata: ", name)
	_ = json.NewEncoder(to).Encode(data) // cannot fail: a buffer, and types of ours; it ends the line
	to.WriteByte('\n')
}
