package loadtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// answerTime is how long the server may take to answer a request, on a machine that has much to do.
const answerTime = 20 * time.Second

// person is one of a crowd, in a room once. One goroutine lives the visit and makes all requests; another reads the socket and keeps what
// notices say.
type person struct {
	crowd     *crowd
	random    *rand.Rand
	room      room
	number    int
	id        string
	session   string
	secret    string // to resume with
	turnedOut bool   // the server would not have us, or have us any longer

	socket  *signalling
	reading chan struct{} // closed when the socket has ended
	ended   error         // why; to be read when reading is closed

	loop      *loop
	transport *transport
	receiver  *receiver
	opening   sync.WaitGroup
	lines     []line
	offers    int
	own       *ownStream      // nil: nothing was ever published
	taken     map[string]bool // streams subscribed to

	mu      sync.Mutex
	seq     int64           // of the last notice; guarded by mu
	streams map[string]bool // of others; guarded by mu
	others  map[string]bool // participants; guarded by mu
	wanted  int             // pairs of lines; guarded by mu
}

func (c *crowd) person(seat int, random *rand.Rand) *person {
	return &person{
		crowd: c, random: random, room: c.roomOf(seat), number: seat, id: video.NewUUID(), loop: c.run.loops[seat%len(c.run.loops)],
		taken: map[string]bool{}, streams: map[string]bool{}, others: map[string]bool{},
	}
}

// Starved is the deed that a visit ended, or was not let begin, because something took too long: the machine has too much to do. It is for the
// caller to say how many of these are too many.
const Starved = "starved"

// over is why a visit ended that was not ours to end: errors of this kind are no faults.
type over struct{ why string }

func (o *over) Error() string { return o.why }

// visit is all of it: enter, do things, go. An error is something that should not have happened.
func (p *person) visit(ctx context.Context, entered func()) error {
	living, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer func() {
		cancel()
		p.opening.Wait()
		if p.transport != nil {
			p.transport.close()
		}
		if p.socket != nil {
			p.socket.close()
			<-p.reading
		}
	}()
	err := p.enter(living)
	if err == nil {
		p.crowd.entered(p)
		entered()
		err = p.stay(ctx, living)
		p.crowd.gone(p)
	}
	if over, ok := errors.AsType[*over](err); ok {
		p.turnedOut = true
		p.crowd.did(over.why)
		return nil
	}
	return err
}

// enter joins the room with a token of one's own: a kick would revoke that of others.
func (p *person) enter(ctx context.Context) error {
	var made struct {
		Token string `json:"token"`
	}
	path := "/rooms/" + p.room.id + "/actions/generate_join_client_token"
	if err := p.crowd.api.Call(ctx, http.MethodPost, path, fields{"token_ttl_secs": tokenLife}, &made); err != nil {
		return err
	}
	p.room.token = made.Token
	if err := p.dial(ctx); err != nil {
		return err
	}
	if err := p.ask(ctx, "hello", fields{"version": 1, "token": p.room.token}, nil); err != nil {
		return err
	}
	err := p.ask(ctx, "join", fields{"participant_id": p.id, "receives_messages": p.random.IntN(4) > 0}, p.admitted)
	if refused, ok := errors.AsType[*RefusalError](err); ok {
		switch refused.Code {
		case "room_full", "overloaded":
			return &over{refused.Code}
		case "unavailable":
			return &over{Starved}
		}
	}
	if err != nil {
		return err
	}
	p.crowd.did("join")
	return nil
}

// snapshot is the state of a session.
type snapshot struct {
	Participants []struct{ ID string }
	Streams      []struct {
		ID    string
		Owner string `json:"participant_id"`
	}
}

func (p *person) admitted(reply json.RawMessage) error {
	var r struct {
		snapshot
		Session string `json:"session_id"`
		Resume  struct{ Secret string }
	}
	if err := json.Unmarshal(reply, &r); err != nil {
		return fmt.Errorf("read snapshot: %w", err)
	}
	p.session, p.secret = r.Session, r.Resume.Secret
	p.mu.Lock()
	defer p.mu.Unlock()
	p.know(r.snapshot)
	return nil
}

// know takes the state of the session in place of what was known. mu is held.
func (p *person) know(s snapshot) {
	clear(p.streams)
	clear(p.others)
	for _, o := range s.Participants {
		if o.ID != p.id {
			p.others[o.ID] = true
		}
	}
	for _, stream := range s.Streams {
		if stream.Owner != p.id {
			p.streams[stream.ID] = true
		}
	}
}

// stay does one thing after another until it is time to go.
func (p *person) stay(ctx, living context.Context) error {
	until := time.Now().Add(shortVisit + time.Duration(p.random.Int64N(int64(longVisit-shortVisit))))
	if p.random.IntN(4) == 0 {
		if err := p.publish(living); err != nil {
			return err
		}
	}
	for time.Now().Before(until) {
		if err := p.openLines(living); err != nil {
			return err
		}
		rest := time.NewTimer(time.Duration(p.random.Int64N(int64(longestRest))))
		select {
		case <-rest.C:
		case <-ctx.Done():
			rest.Stop()
			return p.leave(living)
		case <-p.reading:
			rest.Stop()
			return p.end()
		}
		if err := p.act(living); err != nil {
			return err
		}
	}
	return p.leave(living)
}

// end is why the server closed the socket.
func (p *person) end() error {
	closed, ok := errors.AsType[*closedError](p.ended)
	if !ok {
		return p.ended
	}
	switch closed.code {
	case 4000, 4001:
		return &over{closed.reason}
	case 4408:
		return &over{Starved}
	}
	return closed
}

// leave goes, as one should or in a way of those who just close the window or vanish.
func (p *person) leave(ctx context.Context) error {
	switch p.random.IntN(4) {
	case 0:
		p.crowd.did("vanish")
		return nil // the socket is cut, and the server finds out when the grace is over
	case 1:
		p.crowd.did("close")
		_ = p.socket.conn.Close(websocket.StatusGoingAway, "")
		return nil
	}
	if err := p.ask(ctx, "leave", fields{}, nil); err != nil {
		return err
	}
	p.crowd.did("leave")
	select {
	case <-p.reading:
	case <-time.After(answerTime):
		return errors.New("the server does not close the socket after leave")
	}
	if errors.Is(p.ended, errLeft) {
		return nil
	}
	return p.end()
}
