package janus

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/auth"
	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/video"
	"github.com/rotunda-rtc/rotunda/internal/ws"
)

// Subprotocol is what clients offer in the handshake.
const Subprotocol = "janus-protocol"

const pathEnd = "/janus"

// Tokens verifies client tokens. A token that is forged, expired or of the wrong kind is refused with unauthorized.
type Tokens interface {
	Verify(ctx context.Context, token string) (video.Grant, error)
}

// TextChannel is a client's connection for messages. Send never waits, and reports false when the message is not sent: there is no
// channel yet, or too much waits for the client.
type TextChannel interface {
	Offer() (string, error)
	Accept(ctx context.Context, answer string) error
	Send(message []byte) bool
	Close()
}

// TextListener takes a message of the client's, in a goroutine of the connection.
type TextListener interface{ Text(message []byte) }

// Config is what a Handler needs. Host, Tokens and OpenText are required; a zero duration means the default.
type Config struct {
	Host     *live.Host
	Tokens   Tokens
	OpenText func(TextListener) (TextChannel, error)
	Origins  []string // host patterns of allowed origins; none allows any
	Logger   *slog.Logger
	Proxies  *auth.Proxies // whose word on addresses counts; nil trusts those on loopback

	MaxHandles int // of one session at a time; default 512. Android holds one for each stream of others

	StrangerTimeout time.Duration // how long a socket without a good token is kept; default 45 s
	SessionTimeout  time.Duration // without a request; default 75 s
	TokenAllowance  time.Duration // how long a session outlives its token; default 5 s
	FarewellTime    time.Duration // for the client to close after it was refused or kicked; default 2 s
	Socket          ws.Config     // limits of the websocket; codes, subprotocol and origins are set here
}

func (c Config) withDefaults() Config {
	for field, value := range map[*time.Duration]time.Duration{
		&c.StrangerTimeout: 45 * time.Second, &c.SessionTimeout: 75 * time.Second, &c.TokenAllowance: 5 * time.Second,
		&c.FarewellTime: 2 * time.Second, &c.Socket.PingInterval: 10 * time.Second, &c.Socket.Silence: 30 * time.Second,
	} {
		if *field == 0 {
			*field = value
		}
	}
	if c.MaxHandles == 0 {
		c.MaxHandles = 512
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Socket.Subprotocols = []string{Subprotocol}
	c.Socket.Origins = c.Origins
	c.Socket.Slow, c.Socket.Silent, c.Socket.Flood = closeTimedOut, closeTimedOut, closeFlood
	return c
}

// How many sockets each address may open without a good token.
const (
	strangersPerSecond = 10
	strangerBurst      = 500
)

// Handler serves GET /{room}/janus.
type Handler struct {
	config    Config
	strangers *auth.Visitors
	served    ws.Served[*conn]
	refused   atomic.Uint64
	cut       atomic.Uint64
}

// New returns a handler. Close it when it is no longer served.
func New(config Config) *Handler {
	return &Handler{
		config:    config.withDefaults(),
		strangers: auth.NewVisitors(strangersPerSecond, strangerBurst, config.Proxies, nil),
	}
}

// IsPath reports whether a path is of the form /{room id}/janus.
func IsPath(path string) bool { return RoomOf(path) != "" }

// RoomOf returns the room a path is for, or nothing.
func RoomOf(path string) video.RoomID {
	room, ok := strings.CutSuffix(strings.TrimPrefix(path, "/"), pathEnd)
	if !ok || !video.IsUUID(room) {
		return ""
	}
	return video.RoomID(room)
}

// ServeHTTP accepts a websocket and returns when it is closed and its participant gone.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	room := RoomOf(r.URL.Path)
	if room == "" {
		http.NotFound(w, r)
		return
	}
	if !h.served.Enter() {
		w.Header().Set("Retry-After", "1")
		http.Error(w, "the server is shutting down", http.StatusServiceUnavailable)
		return
	}
	defer h.served.Leave()
	if !h.strangers.Admit(r) {
		w.Header().Set("Retry-After", "1")
		http.Error(w, "too many sockets without a good token were opened from this address", http.StatusTooManyRequests)
		return
	}
	socket, err := ws.Accept(w, r, h.config.Socket)
	if err != nil {
		h.config.Logger.Debug("websocket refused", "error", err)
		return
	}
	if socket.Subprotocol() != Subprotocol {
		socket.Close(closeVersion.Code, closeVersion.Reason)
		return
	}
	c := newConn(h, socket, room)
	c.welcome = func() { h.strangers.Welcome(r) }
	if !h.served.Add(c) {
		c.shut(closeShutdown)
	}
	defer h.served.Remove(c)
	c.serve(context.WithoutCancel(r.Context()))
	switch end := socket.Err(); {
	case end.Peer:
	case end.Closing == closeFlood, end.Closing == closeBadRequest, end.Closing == closeTimedOut:
		h.cut.Add(1)
	}
}

// Stats are what happened so far, and how many sockets there are now.
type Stats struct {
	Sockets int
	Refused uint64 // sessions ended with a status: bad or expired tokens, full rooms
	Cut     uint64 // sockets closed because their clients broke a limit, or were silent
}

// Stats may be asked for at any time.
func (h *Handler) Stats() Stats {
	return Stats{Sockets: h.served.Len(), Refused: h.refused.Load(), Cut: h.cut.Load()}
}

// Close ends all connections and returns when they are closed and their participants gone, or when ctx ends.
func (h *Handler) Close(ctx context.Context) error {
	return h.served.Close(ctx, func(c *conn) { c.shut(closeShutdown) })
}
