package janus

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/video"
	"github.com/rotunda-rtc/rotunda/internal/ws"
)

const (
	// What may wait to be carried out, in pieces and in bytes. Beyond either the connection is closed (4420).
	worksWaiting = 512
	bytesWaiting = 8 << 20

	// maxBadFrames is the number of frames that are no requests at which a connection is closed.
	maxBadFrames = 10

	// refusedTime is how long a client that was refused has to close by itself; Android does not.
	refusedTime = time.Second

	// talkInterval is how often it is said that somebody speaks: clients forget it after 3 or 5 s.
	talkInterval = 2 * time.Second
)

// conn is one connection. The fields below the line belong to the performer.
type conn struct {
	config   *Config
	refused  *atomic.Uint64 // sessions, of the handler
	logger   *slog.Logger
	socket   *ws.Conn
	room     video.RoomID
	welcome  func() // says that its client is no stranger
	works    chan work
	bytes    atomic.Int64 // of the works waiting
	session  atomic.Uint64
	admitted atomic.Bool // its token was good once
	life     *time.Timer // ends it if nothing comes
	view     *view       // of the session loop

	mu       sync.Mutex
	farewell *time.Timer      // closes it if its client does not
	left     video.LeftReason // why the participant leaves, if that is our doing
	// ────────
	token       string // as seen last
	grant       video.Grant
	refusal     error // why the first token is not good
	entered     bool  // admitted at the first attach
	over        bool  // refused: nothing is carried out any more
	expiry      *time.Timer
	handles     map[uint64]*handle
	lastHandle  uint64
	publishing  int
	textName    string
	participant *live.Participant // nil before the join on R
}

// work is something to be carried out.
type work struct {
	bytes int
	do    func(context.Context)
}

func newConn(h *Handler, socket *ws.Conn, room video.RoomID) *conn {
	c := &conn{
		config: &h.config, refused: &h.refused, socket: socket, room: room, works: make(chan work, worksWaiting), handles: make(map[uint64]*handle),
		logger: h.config.Logger.With("connection", video.NewUUID()[:8], "room", room),
	}
	c.view = newView(c)
	return c
}

// serve runs the connection to its end.
func (c *conn) serve(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c.life = time.AfterFunc(c.config.StrangerTimeout, func() { c.shut(closeTimedOut) })
	defer c.life.Stop()
	var others sync.WaitGroup
	others.Go(func() { c.guard(c.read) })
	others.Go(func() { <-c.socket.Shutting(); cancel() })
	c.guard(func() { c.perform(ctx) })
	c.shut(closeInternal) // unless it is closing already, which it is but after a panic
	c.depart()
	<-c.socket.Closed()
	others.Wait()
	c.logger.Debug("connection closed", "by_peer", c.socket.Err().Peer, "code", c.socket.Err().Code)
}

// guard runs f; a panic in it ends this connection alone.
func (c *conn) guard(f func()) {
	defer func() {
		if v := recover(); v != nil {
			c.logger.Error("connection crashed", "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			c.shut(closeInternal)
		}
	}()
	f()
}

func (c *conn) shut(closing ws.Closing) { c.socket.Shut(closing.Code, closing.Reason) }

// shutLater closes the connection if its client does not do so first. The first time counts.
func (c *conn) shutLater(after time.Duration, closing ws.Closing) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.farewell == nil {
		c.farewell = time.AfterFunc(after, func() { c.shut(closing) })
	}
}

// read is the reader.
func (c *conn) read() {
	bad, token := 0, ""
	for {
		raw, binary, err := c.socket.Read()
		if err != nil {
			return
		}
		if c.admitted.Load() {
			c.life.Reset(c.config.SessionTimeout)
		}
		r, err := decode(raw, binary)
		if err != nil {
			c.refuseCore(r, err)
			if bad++; bad >= maxBadFrames {
				c.shut(closeBadRequest)
			}
			continue
		}
		if quick, known := quickAnswers[r.Janus]; known {
			c.answerQuickly(r, quick)
			if r.Token == token {
				continue
			}
		}
		token = r.Token
		c.enqueue(len(raw), func(ctx context.Context) { c.carryOut(ctx, r) })
	}
}

// quickAnswers are the requests that need nobody but the reader.
var quickAnswers = map[string]string{"keepalive": "ack", "trickle": "ack", "ping": "pong", "hangup": "success", "claim": "success"}

func (c *conn) answerQuickly(r request, kind string) {
	session := c.session.Load()
	if session == 0 || r.SessionID != session {
		c.refuseCore(r, errNoSession)
		return
	}
	c.socket.Send(frame(answer{Janus: kind, SessionID: session, Transaction: r.Transaction}))
}

// enqueue has the performer carry something out. It never waits.
func (c *conn) enqueue(bytes int, do func(context.Context)) {
	if c.bytes.Add(int64(bytes)) > bytesWaiting {
		c.shut(closeFlood)
		return
	}
	select {
	case c.works <- work{bytes, do}:
	default:
		c.shut(closeFlood)
	}
}

// perform is the performer.
func (c *conn) perform(ctx context.Context) {
	ticker := time.NewTicker(talkInterval)
	defer ticker.Stop()
	for {
		select {
		case w := <-c.works:
			if ctx.Err() != nil {
				return
			}
			w.do(ctx)
			c.bytes.Add(-int64(w.bytes))
		case <-ticker.C:
			if c.view.talking.Load() {
				_ = c.participant.InOrder(ctx, c.view.repeatTalking)
			}
		case <-ctx.Done():
			return
		}
	}
}

// depart takes the participant out and ends what the connection has beside it.
func (c *conn) depart() {
	if c.expiry != nil {
		c.expiry.Stop()
	}
	c.mu.Lock()
	if c.farewell != nil {
		c.farewell.Stop()
	} else {
		c.farewell = time.NewTimer(0) // none is made any more
	}
	left := c.left
	c.mu.Unlock()
	if c.participant != nil {
		if left == "" {
			left = leftReason(c.socket.Err())
		}
		c.participant.Leave(left)
	}
	for _, h := range c.handles {
		if h.text != nil {
			h.text.Close()
		}
	}
}

// leftReason says as what a participant leaves whose connection ended so.
func leftReason(end *ws.CloseError) video.LeftReason {
	switch {
	case end.Peer && end.Lost(), !end.Peer && end.Closing != closeBye && end.Closing != closeShutdown:
		return video.LeftConnectionLost
	case !end.Peer && end.Closing == closeShutdown:
		return video.LeftServerShutdown
	}
	return video.LeftByChoice
}

// refuse ends the session with a frame that the client takes for the end, and closes if it does not.
func (c *conn) refuse(f *fatal, left video.LeftReason) {
	c.mu.Lock()
	if c.left == "" {
		c.left = left
	}
	c.mu.Unlock()
	c.refused.Add(1)
	c.logger.Info("session refused", "status", f.status, "message", f.message)
	c.socket.Send(frame(object{"status_code": f.status, "error_message": f.message}))
	c.shutLater(refusedTime, f.closing)
}

func (c *conn) refuseCore(r request, err error) {
	e, ok := err.(*coreError) //nolint:errorlint // made here, never wrapped
	if !ok {
		e = &coreError{490, "internal error"}
	}
	c.logger.Debug("request refused", "request", short(r.Janus), "error", e)
	c.socket.Send(frame(answer{Janus: "error", SessionID: r.SessionID, Transaction: r.Transaction, Error: object{"code": e.code, "reason": e.reason}}))
}

// short is what of a client's word goes to the log.
func short(s string) string { return s[:min(len(s), 64)] }
