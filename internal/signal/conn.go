package signal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
	"github.com/rotunda-rtc/rotunda/internal/ws"
)

const (
	// What may wait to be carried out, in requests and in bytes. Beyond either the connection is closed (4420).
	requestsWaiting = 512
	bytesWaiting    = 8 << 20

	// maxBadFrames is the number of frames that are no requests at which a connection is closed.
	maxBadFrames = 10

	// drainTime is how long the requests a client sent before it closed may take. The others hear of its leaving after
	// that.
	drainTime = time.Second
)

// conn is one connection. The fields below the line belong to the performer.
type conn struct {
	config   *Config
	name     string       // tells it from others
	logger   *slog.Logger // for all of its goroutines
	socket   *ws.Conn
	welcome  func() // says that its client is no stranger
	requests chan request
	bytes    atomic.Int64  // of the requests waiting
	heard    atomic.Uint64 // the last notice its client says it has
	stays    *stays
	closing  <-chan struct{} // closed when the server shuts down
	replaced chan struct{}   // closed when another connection was put in front of its participant
	idle     chan struct{}   // closed when it carries out nothing any more

	mu      sync.Mutex
	waiting map[int64]struct{} // ids of requests without an answer
	// ────────
	log     *slog.Logger // the same, with more words
	bad     int
	hello   *time.Timer // closes a connection that does not say hello
	expiry  *time.Timer // closes it after its token expired; nil before hello
	grant   video.Grant
	client  video.Client
	stay    *stay // nil before join or resume
	others  sync.WaitGroup
	expires time.Time // when the credentials of ICE servers do; zero: never
}

func newConn(h *Handler, socket *ws.Conn) *conn {
	name := video.NewUUID()
	logger := h.config.Logger.With("connection", name[:8])
	return &conn{
		config:   &h.config,
		name:     name,
		logger:   logger,
		log:      logger,
		socket:   socket,
		requests: make(chan request, requestsWaiting),
		stays:    h.stays,
		closing:  h.ended,
		replaced: make(chan struct{}),
		idle:     make(chan struct{}),
		waiting:  make(map[int64]struct{}),
	}
}

// serve runs the connection to its end.
func (c *conn) serve(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan struct{})
	c.hello = time.AfterFunc(c.config.HelloTimeout, func() { c.shut(closeTimedOut) })
	c.others.Go(func() { c.guard(c.read) })
	c.others.Go(func() { c.cancelAtEnd(cancel, done) })
	c.guard(func() { c.perform(ctx) })
	c.hello.Stop()
	if c.expiry != nil {
		c.expiry.Stop()
	}
	close(done)
	c.shut(closeInternal) // unless it is closing already, which it is but after a panic
	close(c.idle)
	c.depart()
	<-c.socket.Closed()
	c.others.Wait()
	c.logger.Debug("connection closed", "by_peer", c.socket.Err().Peer, "code", c.socket.Err().Code, "reason", c.socket.Err().Reason)
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

// cancelAtEnd cancels what is being carried out once the connection ends. If the client closed it, what it had sent
// before is carried out first; if it may come back, what was begun is.
func (c *conn) cancelAtEnd(cancel func(), done <-chan struct{}) {
	<-c.socket.Shutting()
	end := c.socket.Err()
	if end.Peer && leftReason(end) == video.LeftByChoice || c.config.ResumeGrace > 0 && resumable(end) {
		drained := time.NewTimer(drainTime)
		defer drained.Stop()
		select {
		case <-done:
		case <-drained.C:
		}
	}
	cancel()
}

// read is the reader.
func (c *conn) read() {
	defer close(c.requests)
	greeted := false
	for {
		frame, binary, err := c.socket.Read()
		if err != nil {
			return
		}
		r := decode(frame, binary)
		if r.refusal == nil && r.Type == "ping" && greeted {
			c.pong(r)
			continue
		}
		greeted = true
		if r.refusal == nil && !c.take(r.ID) {
			r.refusal = video.Errorf(video.CodeInvalid, "a request with this id is waiting for its answer").WithField("/id")
		}
		if c.bytes.Add(int64(len(r.body))) > bytesWaiting {
			c.shut(closeFlood)
			continue // reads on until the socket is closed
		}
		select {
		case c.requests <- r:
		default:
			c.shut(closeFlood)
		}
	}
}

// pong answers a ping, however long the requests before it take: the answer tells that the server is there.
func (c *conn) pong(r request) {
	if fields, err := parse[pingFields](r); err == nil && fields.Seq > c.heard.Load() {
		c.heard.Store(fields.Seq)
	}
	c.socket.Send(reply(r.ID, emptyReply{}))
}

// take marks an id as waiting, unless it is.
func (c *conn) take(id int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, waiting := c.waiting[id]; waiting {
		return false
	}
	c.waiting[id] = struct{}{}
	return true
}

func (c *conn) free(id int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.waiting, id)
}

// perform is the performer: it carries out requests in the order they came.
func (c *conn) perform(ctx context.Context) {
	for {
		select {
		case r, open := <-c.requests:
			if !open || ctx.Err() != nil || !c.mayBegin() {
				return
			}
			c.carryOut(ctx, r)
			c.bytes.Add(-int64(len(r.body)))
		case <-ctx.Done():
			return
		}
	}
}

// mayBegin reports whether requests are still begun: while the connection is open, and when the client closed it. Those of
// a client that may come back are left for it to send again.
func (c *conn) mayBegin() bool {
	end := c.socket.Err()
	return end == nil || end.Peer && (c.config.ResumeGrace == 0 || !resumable(end))
}

// carryOut answers one request, exactly once.
func (c *conn) carryOut(ctx context.Context, r request) {
	if c.stay != nil {
		c.stay.received = max(c.stay.received, r.ID)
	}
	var err error
	if r.refusal != nil {
		err = r.refusal
	} else if err = c.dispatch(ctx, r); err == nil {
		return
	} else {
		c.free(r.ID)
	}
	e, ours := shown(err)
	c.logRefusal(r, e, err, ours)
	c.inOrder(func() { c.send(refusal(r.ID, e)) })
	if removed, ok := errors.AsType[*removedError](err); ok {
		if closing, final := removed.closing(); final {
			c.shut(closing)
			return
		}
	}
	c.closeAfter(r, e.Code)
}

// inOrder runs f, which sends, in the session loop, if there is one.
func (c *conn) inOrder(f func()) {
	if c.stay == nil || c.stay.participant.InOrder(context.Background(), f) != nil {
		f()
	}
}

// send sends an answer. If there is a session it runs in its loop.
func (c *conn) send(frame ws.Frame) {
	if c.stay == nil || c.stay.conn != c {
		c.socket.Send(frame)
		return
	}
	c.stay.answer(frame)
}

// closeAfter closes the connection after refusals that leave nothing to go on with.
func (c *conn) closeAfter(r request, code video.Code) {
	if code == codeInvalidFrame {
		c.bad++
	}
	switch {
	case code == codeNotResumable && c.stay == nil: // it may say hello and join
	case c.grant.RoomID == "": // the first frame, and no good hello
		c.shut(closeFor(code))
	case c.bad >= maxBadFrames:
		c.shut(closeBadRequest)
	case r.Type == "resume", r.Type == "join" && endsJoining[code]:
		c.shut(closeFor(code))
	}
}

// endsJoining are the refusals of join after which there is no use in trying again on the same connection.
var endsJoining = map[video.Code]bool{
	video.CodeRoomFull: true, video.CodeRoomNotFound: true, video.CodeDuplicateParticipant: true, video.CodeUnauthorized: true,
	video.CodeIdentityInUse: true,
}

// logRefusal writes the one line there is about a refusal. Those that end a connection are worth more than those a
// client may bring about a hundred times a second.
func (c *conn) logRefusal(r request, e *video.Error, err error, ours bool) {
	log := c.log.With("request", short(r.Type), "code", e.Code, "message", e.Message)
	if cause := errors.Unwrap(err); cause != nil {
		log = log.With("cause", cause)
	}
	switch {
	case ours:
		log.Error("request failed", "error", err)
	case r.Type == "hello" || r.Type == "join" || r.Type == "resume":
		log.Info("request refused", "field", e.Field)
	default:
		log.Debug("request refused", "field", e.Field)
	}
}

// short is what of a client's word goes to the log.
func short(s string) string { return s[:min(len(s), 64)] }

// succeed queues the reply to a request. It may run in the session loop.
func (c *conn) succeed(r request, data any) {
	c.free(r.ID)
	c.send(reply(r.ID, data))
}
