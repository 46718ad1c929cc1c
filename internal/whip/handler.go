package whip

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Limits of a request.
const (
	MaxBodyBytes = 64 << 10 // larger offers and fragments are refused with 413
	MaxNameBytes = 128      // of UTF-8 without control characters
)

// Tokens verifies client tokens. One that is forged, expired or of the wrong kind is refused with unauthorized.
type Tokens interface {
	Verify(ctx context.Context, token string) (video.Grant, error)
}

// Config is what a Handler needs. Host and Tokens are required; a zero duration means the default.
type Config struct {
	Host      *live.Host
	Tokens    Tokens
	PublicURL string // what Location headers begin with, without a slash at the end; empty: they are paths
	Logger    *slog.Logger

	ICEServers []video.ICEServer // that clients are told to use
	// Relay makes credentials for servers of our own; nil: there are none. subject tells one client from another: it is the family of its token.
	Relay func(subject string) (servers []video.ICEServer, expires time.Time)

	ConnectTimeout     time.Duration // a resource whose media is not up by then is removed; default 30 s
	NegotiationTimeout time.Duration // for the answer to one offer; default 10 s
}

// Handler serves WHIP and WHEP.
type Handler struct {
	config  Config
	routes  *http.ServeMux
	links   []string       // the Link headers of answers
	serving sync.WaitGroup // the goroutines of resources

	mu        sync.Mutex
	closing   bool
	resources map[string]*resource // by their id
}

// New returns a handler. Close it when it is no longer served.
func New(config Config) *Handler {
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 30 * time.Second
	}
	if config.NegotiationTimeout == 0 {
		config.NegotiationTimeout = 10 * time.Second
	}
	h := &Handler{
		config: config, routes: http.NewServeMux(), links: links(config.ICEServers), resources: make(map[string]*resource),
	}
	const whip, whep = "/rooms/{room_id}/whip/{name}", "/rooms/{room_id}/whep/{name}"
	const stream = "/rooms/{room_id}/whep/{participant_id}/{key}"
	h.route(whip, "POST", h.publish)
	h.route(whip, "GET", h.showWHIP)
	h.route(whep, "POST", h.playName)
	h.route(whep, "GET", h.showWHEP)
	h.route(stream, "POST", h.playStream)
	for _, path := range []string{whip, whep, stream} {
		h.route(path+"/{resource}", "GET", h.showResource)
		h.route(path+"/{resource}", "PATCH", h.patch)
		h.route(path+"/{resource}", "DELETE", h.remove)
	}
	h.fallback(whip, sdpType, "", "GET, HEAD, POST")
	h.fallback(whip+"/{resource}", "", fragmentType, "DELETE, GET, HEAD, PATCH")
	h.fallback(whep, sdpType, "", "GET, HEAD, POST")
	h.fallback(whep+"/{resource}", sdpType, fragmentType, "DELETE, GET, HEAD, PATCH, POST") // stream looks the same
	h.fallback(stream+"/{resource}", "", fragmentType, "DELETE, GET, HEAD, PATCH")
	h.routes.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { h.refuse(w, r, errNotFound) })
	return h
}

func (h *Handler) route(path, method string, serve func(http.ResponseWriter, *http.Request) error) {
	h.routes.HandleFunc(method+" "+path, func(w http.ResponseWriter, r *http.Request) {
		if err := serve(w, r); err != nil {
			h.refuse(w, r, err)
		}
	})
}

// fallback answers preflights, and refuses methods a path does not have.
func (h *Handler) fallback(path, acceptPost, acceptPatch, methods string) {
	h.routes.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", methods+", OPTIONS")
		if r.Method != http.MethodOptions {
			h.refuse(w, r, errMethod)
			return
		}
		w.Header().Set("Access-Control-Allow-Methods", methods+", OPTIONS")
		w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match")
		w.Header().Set("Access-Control-Max-Age", "86400")
		if acceptPost != "" {
			w.Header().Set("Accept-Post", acceptPost)
		}
		if acceptPatch != "" {
			w.Header().Set("Accept-Patch", acceptPatch)
		}
		w.WriteHeader(http.StatusOK)
	})
}

// ServeHTTP serves the routes of the package.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Access-Control-Expose-Headers", "Location, ETag, Link, Accept-Post, Accept-Patch, Allow, Retry-After")
	h.routes.ServeHTTP(w, r)
}

// Close ends all resources and returns when they are gone, or when ctx ends. New ones are refused.
func (h *Handler) Close(ctx context.Context) error {
	h.mu.Lock()
	h.closing = true
	for _, res := range h.resources {
		res.end(video.LeftServerShutdown)
	}
	h.mu.Unlock()
	done := make(chan struct{})
	go func() {
		h.serving.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

const sdpType = "application/sdp"

// authorize verifies the bearer token of a request; it must be for the room of the path.
func (h *Handler) authorize(r *http.Request) (video.Grant, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return video.Grant{}, video.Errorf(video.CodeUnauthorized, "a client token is needed as bearer")
	}
	grant, err := h.config.Tokens.Verify(r.Context(), strings.TrimSpace(token))
	if err != nil {
		return video.Grant{}, err
	}
	if string(grant.RoomID) != r.PathValue("room_id") {
		return video.Grant{}, video.Errorf(video.CodeUnauthorized, "the token is for another room")
	}
	return grant, nil
}

// readOffer reads the offer a POST brings.
func readOffer(w http.ResponseWriter, r *http.Request) (*offer, error) {
	if mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mediaType != sdpType {
		return nil, errNotSDP
	}
	if !acceptsSDP(r.Header.Values("Accept")) {
		return nil, errNotAcceptable
	}
	body, err := readBody(w, r)
	if err != nil {
		return nil, err
	}
	return parseOffer(body)
}

func readBody(w http.ResponseWriter, r *http.Request) (string, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBodyBytes))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return "", video.Errorf(video.CodeTooLarge, "the body is longer than %d bytes", MaxBodyBytes)
	}
	if err != nil {
		return "", video.Errorf(video.CodeInvalid, "the body cannot be read: %w", err)
	}
	return string(body), nil
}

// acceptsSDP reports whether a client takes an SDP answer (RFC 9110, section 12.5.1; the weights do not matter here).
func acceptsSDP(accept []string) bool {
	if len(accept) == 0 {
		return true
	}
	for part := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		switch mediaRange, _, _ := mime.ParseMediaType(part); mediaRange {
		case sdpType, "application/*", "*/*":
			return true
		}
	}
	return false
}
