package video

import "time"

// Grants are what a client token allows beyond being in the room.
type Grants struct {
	Publish      bool
	Subscribe    bool
	SendMessages bool
}

// AllGrants is what a token allows unless it says otherwise.
var AllGrants = Grants{Publish: true, Subscribe: true, SendMessages: true}

// Grant is the meaning of a verified client token. Family is shared by all tokens that come from one generate call, so
// that they can be revoked together.
type Grant struct {
	AccountID AccountID
	RoomID    RoomID
	Family    string
	Identity  string // the backend's own name for the person; may be empty
	Watcher   string // the name of one who comes to watch, which the others are told; else empty
	Grants    Grants
	ExpiresAt time.Time
}

// Limits of token lifetimes, in seconds.
const (
	MinTokenTTLSecs            = 10
	MaxTokenTTLSecs            = 3600
	DefaultTokenTTLSecs        = 600
	MinRefreshTokenTTLSecs     = 60
	MaxRefreshTokenTTLSecs     = 86400
	DefaultRefreshTokenTTLSecs = 3600
)
