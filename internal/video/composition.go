package video

import "time"

// CompositionStatus says how far a composition has come.
type CompositionStatus string

const (
	CompositionEnqueued   CompositionStatus = "enqueued"
	CompositionProcessing CompositionStatus = "processing"
	CompositionCompleted  CompositionStatus = "completed"
	CompositionFailed     CompositionStatus = "failed"
)

// CompositionStatuses are all there are.
var CompositionStatuses = []CompositionStatus{CompositionEnqueued, CompositionProcessing, CompositionCompleted, CompositionFailed}

// Limits of a composition.
const (
	MinFrameSide        = 16
	MaxFrameSide        = 1280
	MaxFramePixels      = 1280 * 720
	MinRegionSide       = 16
	MaxRegionDepth      = 99 // z_pos is from minus this to this
	MaxGridSide         = 1000
	MaxRegions          = 16
	MaxRegionNameLength = 64
	MaxSources          = 1000
	DefaultFrame        = "1280x720"
	DefaultContainer    = "mp4"
	AllSources          = "*"
)

// Composition is a job that makes one file of a session's recordings, and the outcome.
type Composition struct {
	ID                      string
	AccountID               AccountID
	RoomID                  RoomID
	SessionID               SessionID
	Status                  CompositionStatus
	FailedReason            string // only when failed
	Format                  string
	Width, Height           int
	Layout                  map[string]Region
	AudioSources            []string // recording ids or AllSources; empty: silent
	SizeBytes               int64
	Duration                time.Duration
	WebhookEventURL         string
	WebhookEventFailoverURL string
	WebhookTimeoutSecs      *int
	StartedAt, EndedAt      *time.Time
	CompletedAt             *time.Time
	CreatedAt, UpdatedAt    time.Time
}

// Region is a part of the frame in which pictures are shown as a grid. Zero Width and Height reach to the frame's edge;
// zero MaxColumns and MaxRows are as many as the sources need.
type Region struct {
	X            int      `json:"x_pos"`
	Y            int      `json:"y_pos"`
	Z            int      `json:"z_pos"`
	Width        int      `json:"width,omitempty"`
	Height       int      `json:"height,omitempty"`
	MaxColumns   int      `json:"max_columns,omitempty"`
	MaxRows      int      `json:"max_rows,omitempty"`
	VideoSources []string `json:"video_sources"` // recording ids or AllSources
}

// CompositionQuery selects compositions of one account. Zero fields select everything.
type CompositionQuery struct {
	AccountID AccountID
	SessionID SessionID
	Status    CompositionStatus
	CreatedAt Span
	Page      Page
}
