package video

import "time"

// Limits of a room. MaxParticipants beyond MaxRoomParticipants is refused.
const (
	MinRoomParticipants     = 2
	MaxRoomParticipants     = 50
	DefaultRoomParticipants = 10
	MaxUniqueNameLength     = 255
	MaxURLLength            = 2000
	MaxWebhookTimeoutSecs   = 30
)

// Room is the place people meet. It is made once and lives until it is deleted.
type Room struct {
	ID                      RoomID
	AccountID               AccountID
	UniqueName              string // unique within the account; empty when none was given
	MaxParticipants         int
	EnableRecording         bool
	E2EE                    bool // what is published is encrypted from end to end: nothing of it can be recorded
	WebhookEventURL         string
	WebhookEventFailoverURL string
	WebhookTimeoutSecs      *int
	RecordingRetentionDays  *int      // nil: as the account says; 0: for ever
	ActiveSessionID         SessionID // empty unless a session is active
	Sessions                []Session // filled only where asked for
	CreatedAt, UpdatedAt    time.Time
}

// RoomChange holds what an update sets. A nil field keeps its value; a Clearable field can also be cleared.
type RoomChange struct {
	UniqueName              Clearable[string]
	MaxParticipants         *int
	EnableRecording         *bool
	E2EE                    *bool
	WebhookEventURL         Clearable[string]
	WebhookEventFailoverURL Clearable[string]
	WebhookTimeoutSecs      Clearable[int]
	RecordingRetentionDays  Clearable[int]
}

// Clearable is a value in an update: absent (keep), null (clear) or given (set).
type Clearable[T any] struct {
	Present bool
	Value   *T // nil clears
}
