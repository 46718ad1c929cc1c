package video

import (
	"encoding/json"
	"time"
)

// EventType names what happened, to those who hear of it by webhook.
type EventType string

const (
	EventSessionStarted       EventType = "video.room.session.started"
	EventSessionEnded         EventType = "video.room.session.ended"
	EventParticipantJoined    EventType = "video.room.participant.joined"
	EventParticipantLeft      EventType = "video.room.participant.left"
	EventRecordingStarted     EventType = "video.room.recording.started"
	EventRecordingCompleted   EventType = "video.room.recording.completed"
	EventCompositionCompleted EventType = "video.room.composition.completed"
	EventCompositionFailed    EventType = "video.room.composition.failed" // only for those who want it

	// The events beyond those of the reference are told to accounts that want them.
	EventRecordingFailed EventType = "video.room.recording.failed"

	// EventTest is sent when someone asks for a test. It is none of the events consumers subscribe to.
	EventTest EventType = "rotunda.test"
)

// Event is something that happened, as webhooks tell it.
type Event struct {
	ID            string // the same over all attempts and URLs
	AccountID     AccountID
	Type          EventType
	RoomID        RoomID
	SessionID     SessionID     // may be empty
	ParticipantID ParticipantID // may be empty
	OccurredAt    time.Time
	Payload       json.RawMessage
}

// DeliveryStatus says how far the delivery of an event has come.
type DeliveryStatus string

const (
	DeliveryPending   DeliveryStatus = "pending"   // attempts are to come
	DeliveryDelivered DeliveryStatus = "delivered" // an attempt was answered 2xx
	DeliveryFailed    DeliveryStatus = "failed"    // the last attempt failed
	DeliverySkipped   DeliveryStatus = "skipped"   // there was no URL to deliver it to
)

// Delivery is the delivery of one event. Step is its place in the schedule of attempts, which package events knows.
type Delivery struct {
	Event

	Seq                   int64 // the order of events
	URL, FailoverURL      string
	TimeoutSecs           *int
	Status                DeliveryStatus
	Step                  int
	AttemptCount          int
	NextAt                *time.Time // nil: no attempt is to come
	StartedAt, FinishedAt *time.Time // of the first attempt, and of the last when no other is to come
	Attempts              []Attempt  // newest first; filled only where asked for
}

// Attempt is one request that delivered an event, or did not.
type Attempt struct {
	Number                int // from 1
	URL                   string
	Delivered             bool
	StartedAt, FinishedAt time.Time
	RequestHeader         [][2]string // name and value, without secrets
	ResponseStatus        int         // 0: there was no answer
	ResponseHeader        [][2]string
	ResponseBody          []byte // its first MaxResponseBody bytes
	Errors                []int  // codes of the published table; empty if delivered
}

// MaxResponseBody is how much of an answer to a webhook is kept, in bytes.
const MaxResponseBody = 10 << 10

// DeliveryOutcome is an attempt and what follows from it.
type DeliveryOutcome struct {
	Seq     int64
	Attempt Attempt
	Status  DeliveryStatus
	Step    int
	Target  string     // the URL of the next attempt
	NextAt  *time.Time // nil: no attempt is to come
}

// DeliveryQuery selects deliveries of one account. Zero fields select everything.
type DeliveryQuery struct {
	AccountID        AccountID
	Status           DeliveryStatus
	Types            []EventType
	EventContains    string // in the event as JSON
	AttemptsContains string // in URL, error codes or answers of the attempts
	SessionID        SessionID
	OccurredAt       Span // of the event
	StartedAt        Span
	FinishedAt       Span
	Page             Page
}

// WebhookSettings are an account's own. URL and FailoverURL serve rooms that have none. Secrets are sealed.
type WebhookSettings struct {
	URL, FailoverURL string
	TimeoutSecs      *int
	Secret           []byte // sealed; empty: no v1 signature
	OldSecret        []byte // sealed; signs beside Secret until OldSecretUntil
	OldSecretUntil   *time.Time
	ExtraEventTypes  []EventType // those beyond the reference's seven that this account wants
	UpdatedAt        time.Time
}

// EventKey is one of an account's key pairs that sign webhooks. One is active; a second, prepared, waits for its turn.
type EventKey struct {
	ID        string
	AccountID AccountID
	Public    []byte // raw Ed25519 public key, 32 bytes
	Sealed    []byte
	Active    bool
	CreatedAt time.Time
}
