package signal

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/auth"
	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/observe"
	"github.com/rotunda-rtc/rotunda/internal/video"
	"github.com/rotunda-rtc/rotunda/internal/ws"
)

// Subprotocol is the name of version 1 of the protocol.
const Subprotocol = "rotunda.v1"

// Tokens verifies client tokens. A token that is forged, expired or of the wrong kind is refused with unauthorized.
type Tokens interface {
	Verify(ctx context.Context, token string) (video.Grant, error)
}

// Relay makes credentials for servers of our own. subject tells one client from another: it is the family of its token.
type Relay func(subject string) (servers []video.ICEServer, expires time.Time)

// Config is what a Handler needs. Host and Tokens are required; a zero duration means the default.
type Config struct {
	Host       *live.Host
	Tokens     Tokens
	ICEServers []video.ICEServer
	Relay      Relay
	Version    string   // the server's, as told to clients
	Origins    []string // host patterns of allowed origins; none allows any
	Logger     *slog.Logger
	Traces     *observe.Tracer // nil: none
	Proxies    *auth.Proxies   // whose word on addresses counts; nil trusts those on loopback

	// QualityInterval is how often clients are asked to report what they measure of their media; 0: not at all.
	QualityInterval time.Duration

	ResumeGrace time.Duration // how long a participant is kept whose client is gone; 0: it leaves at once

	HelloTimeout       time.Duration // default 10 s
	NegotiationTimeout time.Duration // for the answer to one offer; default 10 s
	TokenAllowance     time.Duration // how long a connection outlives its token; default 5 s
	Socket             ws.Config     // limits of the websocket; codes, subprotocol and origins are set here
}

func (c Config) withDefaults() Config {
	for field, value := range map[*time.Duration]time.Duration{
		&c.HelloTimeout: 10 * time.Second, &c.NegotiationTimeout: 10 * time.Second, &c.TokenAllowance: 5 * time.Second,
	} {
		if *field == 0 {
			*field = value
		}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Relay == nil {
		c.Relay = func(string) (none []video.ICEServer, never time.Time) { return none, never }
	}
	if c.Socket.FrameBytes == 0 {
		c.Socket.FrameBytes = 512 << 10
	}
	c.Socket.Subprotocols = []string{Subprotocol}
	c.Socket.Origins = c.Origins
	c.Socket.TooLarge = closeTooLarge
	c.Socket.Slow = closeTimedOut
	c.Socket.Silent = closeTimedOut
	c.Socket.Flood = closeFlood
	return c
}

// How many sockets each address may open without a good hello. Those with one do not count once it was said.
const (
	strangersPerSecond = 10
	strangerBurst      = 500
)

// Handler serves GET /v2/signal.
type Handler struct {
	config    Config
	strangers *auth.Visitors
	stays     *stays
	end       sync.Once
	ended     chan struct{} // closed by Close
	served    ws.Served[*conn]
}

// New returns a handler. Close it when it is no longer served.
func New(config Config) *Handler {
	return &Handler{
		config: config.withDefaults(),
		stays:  newStays(config.ResumeGrace), ended: make(chan struct{}),
		strangers: auth.NewVisitors(strangersPerSecond, strangerBurst, config.Proxies, nil),
	}
}

// ServeHTTP accepts a websocket and returns when it is closed and its participant gone.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !h.served.Enter() {
		w.Header().Set("Retry-After", "1")
		http.Error(w, "the server is shutting down", http.StatusServiceUnavailable)
		return
	}
	defer h.served.Leave()
	if !h.strangers.Admit(r) {
		w.Header().Set("Retry-After", "1")
		http.Error(w, "too many sockets without a good hello were opened from this address", http.StatusTooManyRequests)
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
	c := newConn(h, socket)
	c.welcome = func() { h.strangers.Welcome(r) }
	c.client.UserAgent = described(r.UserAgent())
	if !h.served.Add(c) {
		socket.Shut(closeShutdown.Code, closeShutdown.Reason)
	}
	defer h.served.Remove(c)
	c.serve(context.WithoutCancel(r.Context()))
}

// Close ends all connections and returns when they are closed and their participants gone, or when ctx ends.
func (h *Handler) Close(ctx context.Context) error {
	h.end.Do(func() { close(h.ended) })
	return h.served.Close(ctx, func(c *conn) { c.socket.Shut(closeShutdown.Code, closeShutdown.Reason) })
}
