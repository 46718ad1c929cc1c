package video

import "time"

// Limits of a page of a list.
const (
	DefaultPageSize = 20
	MaxPageSize     = 250
)

// Page is the part of a list that is wanted: Number counts from 1, Size is 1 to MaxPageSize.
type Page struct{ Number, Size int }

// List is one page of results and the number of all of them.
type List[T any] struct {
	Items []T
	Total int
}

// Span is a range of times, From inclusive and Until exclusive; a zero bound is open. A request for one UTC day is the
// span from its midnight to the next.
type Span struct{ From, Until time.Time }

// RoomQuery selects rooms of one account. Zero fields select everything.
type RoomQuery struct {
	AccountID       AccountID
	UniqueName      string
	Search          string // in the name, or how the id begins; letters of ASCII match in either case
	CreatedAt       Span
	UpdatedAt       Span
	IncludeSessions bool
	Page            Page
}

// SessionQuery selects sessions of one account. Zero fields select everything.
type SessionQuery struct {
	AccountID           AccountID
	RoomID              RoomID
	Active              *bool
	CreatedAt           Span
	UpdatedAt           Span
	EndedAt             Span
	IncludeParticipants bool
	Page                Page
}

// ParticipantQuery selects participants of one account. Zero fields select everything.
type ParticipantQuery struct {
	AccountID AccountID
	SessionID SessionID
	Context   *string
	Active    *bool      // in a session now, or not any more
	Reason    LeftReason // why they are not there any more
	JoinedAt  Span
	UpdatedAt Span
	LeftAt    Span
	Page      Page
}

// Found is what a search found, of each kind the first few.
type Found struct {
	Rooms        []Room
	Sessions     []Session
	Participants []Participant
	Recordings   []Recording
	Compositions []Composition
}
