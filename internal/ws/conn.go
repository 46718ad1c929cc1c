package ws

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/time/rate"
)

// Frame is a text frame to be sent. The writer renders it, so that whoever queues it spends no time on that.
type Frame interface {
	Size() int // bytes it will have, about; counts against the queue
	AppendTo(buf []byte) []byte
}

// Text is a rendered frame.
type Text []byte

// Size implements Frame.
func (t Text) Size() int { return len(t) }

// AppendTo implements Frame.
func (t Text) AppendTo(buf []byte) []byte { return append(buf, t...) }

// Conn is one websocket. Read is for one goroutine; the other methods may be called concurrently.
type Conn struct {
	config   Config
	socket   *websocket.Conn
	net      net.Conn
	limiter  *rate.Limiter
	watchdog *time.Timer
	heard    atomic.Int64 // when, in nanoseconds since opened
	opened   time.Time
	wake     chan struct{} // has room for one
	shutting chan struct{} // closed when closing begins
	closed   chan struct{} // closed when nothing runs

	mu      sync.Mutex
	queue   []Frame
	bytes   int
	closing *CloseError // why it is closed; nil while it is open
}

// Accept makes a websocket of a request. On failure it has answered the request.
func Accept(w http.ResponseWriter, r *http.Request, config Config) (*Conn, error) {
	config = config.withDefaults()
	c := &Conn{
		config:   config,
		limiter:  rate.NewLimiter(config.Rate, config.Burst),
		opened:   time.Now(),
		wake:     make(chan struct{}, 1),
		shutting: make(chan struct{}),
		closed:   make(chan struct{}),
	}
	grip := &grip{ResponseWriter: w}
	socket, err := websocket.Accept(grip, r, &websocket.AcceptOptions{
		Subprotocols:       config.Subprotocols,
		InsecureSkipVerify: len(config.Origins) == 0,
		OriginPatterns:     config.Origins,
		OnPingReceived:     func(context.Context, []byte) bool { c.alive(); return true },
		OnPongReceived:     func(context.Context, []byte) { c.alive() },
	})
	if err != nil {
		return nil, fmt.Errorf("accept websocket: %w", err)
	}
	c.socket, c.net = socket, grip.conn
	socket.SetReadLimit(-1) // Read has a limit of its own, whose close has our reason
	c.watchdog = time.AfterFunc(config.Silence, c.watch)
	go c.run()
	return c, nil
}

// grip keeps hold of the connection below the websocket: closing the one is only sure to end if the other has a
// deadline.
type grip struct {
	http.ResponseWriter
	conn net.Conn
}

// Hijack implements http.Hijacker.
func (g *grip) Hijack() (c net.Conn, rw *bufio.ReadWriter, err error) {
	c, rw, err = http.NewResponseController(g.ResponseWriter).Hijack()
	g.conn = c
	return c, rw, err
}

// Unwrap lets http.ResponseController find the rest.
func (g *grip) Unwrap() http.ResponseWriter { return g.ResponseWriter }

// Subprotocol returns what was agreed on, or nothing.
func (c *Conn) Subprotocol() string { return c.socket.Subprotocol() }

// Read returns the next frame and whether it is binary. Its error is a *CloseError, from then on. It must be called until
// then: it also answers pings and takes in the peer's close frame.
func (c *Conn) Read() (frame []byte, binary bool, err error) {
	kind, reader, err := c.socket.Reader(context.Background())
	if err == nil {
		frame, err = io.ReadAll(io.LimitReader(reader, c.config.FrameBytes+1))
	}
	if err != nil {
		return nil, false, c.lost(err)
	}
	c.alive()
	switch {
	case int64(len(frame)) > c.config.FrameBytes:
		c.shut(c.config.TooLarge)
	case !c.limiter.Allow():
		c.shut(c.config.Flood)
	}
	if why := c.why(); why != nil {
		return nil, false, why
	}
	return frame, kind == websocket.MessageBinary, nil
}

// lost turns the end of reading into what it means.
func (c *Conn) lost(err error) *CloseError {
	why := &CloseError{Closing: Closing{Code: codeLost}, Peer: true, cause: err}
	if e, ok := errors.AsType[websocket.CloseError](err); ok {
		why.Closing = Closing{Code: int(e.Code), Reason: e.Reason}
	}
	c.end(why)
	return c.why()
}

// Send queues a frame and reports whether it did. It never blocks. When the queue is full the peer is too slow, and the
// connection is closed.
func (c *Conn) Send(f Frame) bool {
	c.mu.Lock()
	if c.closing != nil {
		c.mu.Unlock()
		return false
	}
	size := f.Size()
	if len(c.queue) >= c.config.QueueFrames || c.bytes+size > c.config.QueueBytes && c.bytes > 0 {
		c.queue, c.bytes = nil, 0
		c.mu.Unlock()
		c.shut(c.config.Slow)
		return false
	}
	c.queue = append(c.queue, f)
	c.bytes += size
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
	return true
}

// Waiting returns how many frames wait to be written, and how many bytes they have. What is being written just now does not count.
func (c *Conn) Waiting() (frames, bytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.queue), c.bytes
}

// Close sends what is queued, then the close frame, waits for the peer's, and returns when nothing of the connection
// runs: after Config.CloseTimeout at the latest. Only the first code and reason count; closing again waits again.
func (c *Conn) Close(code int, reason string) {
	c.shut(Closing{code, reason})
	<-c.closed
}

// Shut is Close without the waiting.
func (c *Conn) Shut(code int, reason string) { c.shut(Closing{code, reason}) }

// Shutting is closed when the connection begins to close, by whose wish ever. Read may return up to
// Config.CloseTimeout later.
func (c *Conn) Shutting() <-chan struct{} { return c.shutting }

// Closed is closed when nothing of the connection runs.
func (c *Conn) Closed() <-chan struct{} { return c.closed }

// Err returns how the connection ended, or nil while it is open.
func (c *Conn) Err() *CloseError { return c.why() }

func (c *Conn) shut(closing Closing) { c.end(&CloseError{Closing: closing}) }

func (c *Conn) end(why *CloseError) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing != nil {
		return
	}
	c.closing = why
	c.watchdog.Stop()
	// Whatever the peer does, and whatever is being written or read, it is over by then.
	_ = c.net.SetDeadline(time.Now().Add(c.config.CloseTimeout))
	close(c.shutting)
}

// why returns why the connection is closed, or nil.
func (c *Conn) why() *CloseError {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closing
}

func (c *Conn) alive() { c.heard.Store(int64(time.Since(c.opened))) }

// watch is the watchdog.
func (c *Conn) watch() {
	silence := time.Since(c.opened) - time.Duration(c.heard.Load())
	if silence >= c.config.Silence {
		c.shut(c.config.Silent)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing == nil {
		c.watchdog.Reset(c.config.Silence - silence)
	}
}
