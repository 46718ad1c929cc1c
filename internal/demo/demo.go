package demo

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/auth"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// RoomName is the unique name of the demo room.
const RoomName = "demo"

const (
	tokenTTL        = 10 * time.Minute
	refreshTokenTTL = 24 * time.Hour
	maxBodyBytes    = 4 << 10

	tokensPerSecond = 2  // of one address, in the long run
	tokenBurst      = 50 // a classroom behind one address
)

// Rooms keeps the records of rooms. RoomByName returns video.CodeRoomNotFound or CodeNotFound where there is none.
type Rooms interface {
	CreateRoom(ctx context.Context, room video.Room) (video.Room, error)
	RoomByName(ctx context.Context, account video.AccountID, uniqueName string) (video.Room, error)
}

// Tokens makes client tokens.
type Tokens interface {
	Generate(ctx context.Context, account video.AccountID, room video.RoomID, request auth.TokenRequest) (auth.Tokens, error)
}

// Config is what the entrance stands on. All fields are required unless said otherwise.
type Config struct {
	Account video.AccountID
	Secret  string // of the link
	Rooms   Rooms
	Tokens  Tokens
	Log     *slog.Logger
	Proxies *auth.Proxies    // for the rate limit; nil trusts those on loopback
	Now     func() time.Time // for the rate limit; nil is time.Now
}

// Entrance answers POST /demo/token.
type Entrance struct {
	Config
	visitors *auth.Visitors
}

// New makes the entrance.
func New(config Config) (*Entrance, error) {
	switch {
	case config.Account == "", config.Secret == "", config.Rooms == nil, config.Tokens == nil, config.Log == nil:
		return nil, errors.New("demo: Account, Secret, Rooms, Tokens and Log are required")
	}
	return &Entrance{Config: config, visitors: auth.NewVisitors(tokensPerSecond, tokenBurst, config.Proxies, config.Now)}, nil
}

// Room returns the demo room, having made it if there is none.
func (e *Entrance) Room(ctx context.Context) (video.Room, error) {
	for range 2 { // once more if someone else made it in between
		room, err := e.Rooms.RoomByName(ctx, e.Account, RoomName)
		if err == nil {
			return room, nil
		}
		if code := video.CodeOf(err); code != video.CodeRoomNotFound && code != video.CodeNotFound {
			return video.Room{}, fmt.Errorf("find demo room: %w", err)
		}
		room, err = e.Rooms.CreateRoom(ctx, video.Room{
			AccountID: e.Account, UniqueName: RoomName, MaxParticipants: video.MaxRoomParticipants,
		})
		if err == nil {
			return room, nil
		}
		if video.CodeOf(err) != video.CodeDuplicate {
			return video.Room{}, fmt.Errorf("make demo room: %w", err)
		}
	}
	return video.Room{}, errors.New("make demo room: its name is taken and yet nobody has it")
}

// ServeHTTP takes {"secret": "…"} and answers with tokens for the demo room.
func (e *Entrance) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if refused := e.admit(w, r); refused != nil {
		refused.write(w)
		return
	}
	room, err := e.Room(r.Context())
	if err == nil {
		var tokens auth.Tokens
		tokens, err = e.Tokens.Generate(r.Context(), e.Account, room.ID, auth.TokenRequest{
			TTL: tokenTTL, RefreshTTL: refreshTokenTTL, Grants: video.AllGrants,
		})
		if err == nil {
			answer(w, http.StatusCreated, map[string]any{"data": map[string]any{
				"room_id":                  room.ID,
				"token":                    tokens.Token,
				"token_expires_at":         tokens.ExpiresAt.UTC().Format(timestamp),
				"refresh_token":            tokens.RefreshToken,
				"refresh_token_expires_at": tokens.RefreshExpiresAt.UTC().Format(timestamp),
			}})
			return
		}
	}
	if r.Context().Err() == nil {
		e.Log.Error("demo token failed", "error", err)
	}
	unavailable.write(w)
}

const timestamp = "2006-01-02T15:04:05.000000Z"

// admit checks everything about the request and returns what is wrong with it.
func (e *Entrance) admit(w http.ResponseWriter, r *http.Request) *refusal {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return &refusal{http.StatusMethodNotAllowed, "10030", "Method not allowed", "Only POST is possible here."}
	}
	if !e.visitors.Admit(r) {
		w.Header().Set("Retry-After", "1")
		return &refusal{http.StatusTooManyRequests, "10011", "Too many requests", "Too many demo tokens were asked for from this address. Wait a second."}
	}
	// A form posted by a foreign page cannot have this type without asking the server first.
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return &refusal{http.StatusUnsupportedMediaType, "10029", "JSON expected", "The body must be JSON, with Content-Type: application/json."}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBodyBytes))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return &refusal{http.StatusRequestEntityTooLarge, "10015", "Bad Request", fmt.Sprintf("The body is larger than %d bytes.", maxBodyBytes)}
	}
	var ask struct {
		Secret string `json:"secret"`
	}
	if err != nil || json.Unmarshal(body, &ask) != nil {
		return &refusal{http.StatusBadRequest, "10023", "Invalid JSON", `The body must be {"secret": "…"}.`}
	}
	if subtle.ConstantTimeCompare([]byte(ask.Secret), []byte(e.Secret)) != 1 {
		return &refusal{http.StatusForbidden, "10010", "Authorization failed", "The secret is not that of this server's demo link."}
	}
	return nil
}

// refusal is an error answer, in the form of the REST API.
type refusal struct {
	status              int
	code, title, detail string
}

var unavailable = &refusal{http.StatusServiceUnavailable, "10037", "Service unavailable", "No token can be made at present, try again."}

func (r *refusal) write(w http.ResponseWriter) {
	answer(w, r.status, map[string]any{"errors": []map[string]string{
		{"code": r.code, "title": r.title, "detail": r.detail},
	}})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // whoever is gone does not read it
}
