package video

import "time"

// RecordingStatus says how far a recording or its file has come.
type RecordingStatus string

const (
	RecordingProcessing RecordingStatus = "processing"
	RecordingCompleted  RecordingStatus = "completed"
	RecordingFailed     RecordingStatus = "failed"
)

// RecordingStatuses are all there are.
var RecordingStatuses = []RecordingStatus{RecordingProcessing, RecordingCompleted, RecordingFailed}

// Recording is one kind of one stream of a participant, kept as a file.
type Recording struct {
	ID                   string
	AccountID            AccountID
	RoomID               RoomID
	SessionID            SessionID
	ParticipantID        ParticipantID
	StreamID             StreamID
	StreamKey            string
	Status               RecordingStatus
	FailedReason         string // only when failed; see FailureOf
	WaitingReason        string // why it was not archived yet, of the last attempt; see Awaited
	SHA256               string // of the file, in hex; empty until it is archived
	Type                 Kind
	Codec                string // lower case; empty until known
	SizeBytes            int64
	Duration             time.Duration
	StartedAt            time.Time
	EndedAt, CompletedAt *time.Time
	CreatedAt, UpdatedAt time.Time
}

// UnarchivedRecording is a recording that ended and waits for the archive.
type UnarchivedRecording struct {
	Recording

	Attempts    int    // made in vain
	LastFailure string // of the last one
	NextAt      time.Time
}

// RecordingFilter selects recordings of one account. Zero fields select everything.
type RecordingFilter struct {
	AccountID     AccountID
	RoomID        RoomID
	SessionID     SessionID
	ParticipantID ParticipantID
	Status        RecordingStatus
	Type          Kind
	AtLeast       time.Duration // of length
	StartedAt     Span
	EndedAt       Span
}

// RecordingQuery is a page of what a filter selects.
type RecordingQuery struct {
	RecordingFilter

	Page Page
}
