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
	DefaultContainer    = FormatMP4
	AllSources          = "*"
)

// CompositionFormats are the files that can be made.
var CompositionFormats = []CompositionFormat{FormatMP4, FormatWebM, FormatM4A, FormatOgg}

// CompositionFormat is a container with its codecs.
type CompositionFormat string

const (
	FormatMP4  CompositionFormat = "mp4"  // H.264 and AAC
	FormatWebM CompositionFormat = "webm" // VP9 and Opus
	FormatM4A  CompositionFormat = "m4a"  // AAC, no picture
	FormatOgg  CompositionFormat = "ogg"  // Opus, no picture
)

// Pictured reports whether the format has a picture.
func (f CompositionFormat) Pictured() bool { return f == FormatMP4 || f == FormatWebM }

// CompositionAttempts is how often a composition is begun before it fails.
const CompositionAttempts = 3

// CompositionSettings are how pictures stand in their regions.
type CompositionSettings struct {
	Grid   GridMode `json:"grid"`
	Fit    Fit      `json:"fit"`
	Labels bool     `json:"labels"` // names, and a mark on whoever is muted
}

// GridMode says whether a grid changes as people come and go.
type GridMode string

const (
	GridReflow GridMode = "reflow" // it always has as many cells as there are pictures
	GridFixed  GridMode = "fixed"  // it has cells for the most there at once, and nobody moves
)

// GridModes are all there are.
var GridModes = []GridMode{GridReflow, GridFixed}

// Fit says how a picture of another shape fills its cell.
type Fit string

const (
	FitLetterbox Fit = "letterbox" // all of it, with bars
	FitCrop      Fit = "crop"      // the middle of it, without bars
)

// Fits are all there are.
var Fits = []Fit{FitLetterbox, FitCrop}

// Composition is a job that makes one file of a session's recordings, and the outcome.
type Composition struct {
	ID                      string
	AccountID               AccountID
	RoomID                  RoomID
	SessionID               SessionID
	Status                  CompositionStatus
	FailedReason            string   // only when failed
	FailedCode              string   // the same as one of the words CompositionFailure knows
	Waiting                 *Failure // why it is not made yet, if there is a reason beside its turn
	Progress                int      // percent
	Format                  CompositionFormat
	Width, Height           int
	Layout                  map[string]Region
	Settings                CompositionSettings
	AudioSources            []string      // recording ids or AllSources; empty: silent
	Attempts                int           // how often it was begun
	Warnings                []string      // what is not as it was asked for, such as a recording that could not be read
	Offset                  time.Duration // the largest distance between sound and picture of one stream
	Speed                   float64       // seconds of the file made in a second; 0 until completed
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

// CompositionJob is a composition that was begun, and what it is made of.
type CompositionJob struct {
	Composition

	Recordings []Recording              // in the order they began; those that are no more are left out
	Missing    []string                 // ids of those
	Contexts   map[ParticipantID]string // of the participants in them
}

// CompositionQuery selects compositions of one account. Zero fields select everything.
type CompositionQuery struct {
	AccountID AccountID
	SessionID SessionID
	Status    CompositionStatus
	CreatedAt Span
	Page      Page
}
