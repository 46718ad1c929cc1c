package video

// Kind is audio or video.
type Kind string

const (
	Audio Kind = "audio"
	Video Kind = "video"
)

// Limits of what a client may send. Beyond them a request is refused with CodeTooLarge or CodeInvalid.
const (
	MaxContextBytes          = 4 << 10
	MaxMessageBytes          = 256 << 10
	MaxTopicBytes            = 64
	MaxStreamKeyBytes        = 64
	MaxStreamsPerParticipant = 8
)

// ReservedStreamKey is the key the Janus dialect uses for its mixed leg. No stream may be published under it.
const ReservedStreamKey = "audiobridge"

// PresentationKey is the key that clients publish a shared screen under. When a path carries too little, its picture comes before others.
const PresentationKey = "presentation"

// Stream is the audio and video a participant publishes together under a key. Enabled is its owner's own switch;
// censored is a moderator's.
type Stream struct {
	ID            StreamID
	ParticipantID ParticipantID
	Key           string
	AudioEnabled  bool
	VideoEnabled  bool
	AudioCensored bool
	VideoCensored bool
	VideoCodec    string // that its publisher was asked to send, in lower case; empty without video, or if that is not known
}

// Quality is the simulcast layer a subscriber wants at most.
type Quality string

const (
	QualityLow    Quality = "low"
	QualityMedium Quality = "medium"
	QualityHigh   Quality = "high"
)

// Subscription is what one participant takes of one stream.
type Subscription struct {
	StreamID     StreamID
	Audio, Video bool
	Quality      Quality
	Priority     int // where a path carries too little, higher ones get their picture first

	// MaxWidth and MaxHeight are the pixels at which the picture is shown, 0 if that is not known: no larger picture is sent than
	// the smallest that covers them.
	MaxWidth, MaxHeight int
	// Hidden says that the picture is not seen at present. None is sent then.
	Hidden bool
}

// MaxPictureSide is the largest width or height, in pixels, at which a picture can be said to be shown.
const MaxPictureSide = 1<<16 - 1

// SameWish reports whether two subscriptions differ at most in how the picture is shown at present.
func (s Subscription) SameWish(other Subscription) bool {
	other.MaxWidth, other.MaxHeight, other.Hidden = s.MaxWidth, s.MaxHeight, s.Hidden
	return s == other
}

// Lines names the media lines (by mid) that carry the kinds of one published stream. An empty mid means the stream has
// no such kind.
type Lines struct{ AudioMID, VideoMID string }

// ReceiveLine says which stream and kind one line of a subscriber's connection carries at present.
type ReceiveLine struct {
	MID      string
	StreamID StreamID
	Kind     Kind
}

// Voice is what is heard on the audio of a stream at one moment. Loudness is in dB above digital silence (0 to 127), smoothed.
type Voice struct {
	StreamID StreamID
	Speaks   bool
	Loudness int
}
