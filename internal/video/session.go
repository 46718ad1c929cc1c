package video

import "time"

// EndedReason says why a session ended. It is free text to API clients; these are the values the server gives.
type EndedReason string

const (
	EndedEmpty          EndedReason = "empty"
	EndedFromAPI        EndedReason = "Ended from API"
	EndedRoomDeleted    EndedReason = "room_deleted"
	EndedServerShutdown EndedReason = "server_shutdown"
	EndedServerCrashed  EndedReason = "server_crashed"
	EndedStale          EndedReason = "stale"
)

// LeftReason says why a participant is no longer in a session.
type LeftReason string

const (
	LeftByChoice       LeftReason = "left"
	LeftKicked         LeftReason = "kicked"
	LeftConnectionLost LeftReason = "connection_lost"
	LeftSessionEnded   LeftReason = "session_ended"
	LeftRoomDeleted    LeftReason = "room_deleted"
	LeftTokenExpired   LeftReason = "token_expired"
	LeftDuplicate      LeftReason = "duplicate"
	LeftServerShutdown LeftReason = "server_shutdown"
	LeftServerCrashed  LeftReason = "server_crashed"
)

// Session is the record of one span of people being in a room. It is active while EndedAt is nil.
type Session struct {
	ID                   SessionID
	AccountID            AccountID
	RoomID               RoomID
	E2EE                 bool // as the room said when it began
	EndedReason          EndedReason
	Participants         []Participant // filled only where asked for
	CreatedAt, UpdatedAt time.Time
	EndedAt              *time.Time
}

// Active reports whether the session is still going on.
func (s Session) Active() bool { return s.EndedAt == nil }

// Participant is the record of someone's stay in a session. Context is the application's own opaque string, kept byte
// for byte.
type Participant struct {
	ID                  ParticipantID
	AccountID           AccountID
	SessionID           SessionID
	Context             string
	LeftReason          LeftReason
	JoinedAt, UpdatedAt time.Time
	LeftAt              *time.Time
}
