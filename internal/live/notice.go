package live

import (
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Listener hears what happens around its participant or viewer, in order, from the session loop. Notify must not block
// and must not call back into the package: a connection queues the notice for its writer. Nothing follows [Removed].
type Listener interface {
	Notify(Notice)
}

// ListenerFunc is a function as a Listener.
type ListenerFunc func(Notice)

// Notify calls f.
func (f ListenerFunc) Notify(n Notice) { f(n) }

// ChoosyListener is a Listener that may refuse what need not arrive, because too much waits for its client already. What it takes comes
// in order with what it is notified of.
type ChoosyListener interface {
	Listener
	Take(Notice) bool
}

// Notice is one of the types of this file. Receivers share what it points to and must not change it.
type Notice interface{ notice() }

// Presence is what the others see of a participant. Context is the application's own opaque string.
type Presence struct {
	ID               video.ParticipantID
	Context          string
	ReceivesMessages bool
	JoinedAt         time.Time
	ConnectionLost   bool // its client is not heard of at present, and waited for
	Watcher          bool // came to watch, by a token that says so
}

// Snapshot is the state of a session at one moment: everyone in the order they came, and every stream in the order of
// publishing. The notices that follow keep it true.
type Snapshot struct {
	SessionID    video.SessionID
	Participants []Presence
	Streams      []video.Stream
	Recording    bool // of someone, or of whoever comes
	Speakers     Speakers
}

// The notices everybody in the session hears, except about what they did themselves.
type (
	ParticipantJoined struct{ Participant Presence }

	// ParticipantLeft takes all streams of the participant along.
	ParticipantLeft struct {
		ID     video.ParticipantID
		Reason video.LeftReason
	}
	StreamPublished struct{ Stream video.Stream }

	// StreamUpdated tells of changed flags.
	StreamUpdated     struct{ Stream video.Stream }
	StreamUnpublished struct{ ID video.StreamID }

	// ConnectionChanged says that a participant's client is not heard of, and may come back, or that it is back.
	ConnectionChanged struct {
		ID        video.ParticipantID
		Connected bool
	}

	// RecordingChanged says whether anyone in the session is being recorded, or whoever comes will be.
	RecordingChanged struct{ Recording bool }

	// Speakers says who is heard speaking from now on, as a whole: on which streams, in the order of publishing, and who is the
	// dominant speaker, empty until someone spoke. It is as true as at the last look, a fifth of a second ago at most. Loudness has, for each
	// stream, how loud it was then, as video.Voice has it; when that alone changes nobody is told.
	Speakers struct {
		Streams  []video.StreamID
		Loudness []int
		Dominant video.ParticipantID
	}

	// Message is a text message; its sender hears it too when it was to everyone. Body is JSON as it was sent.
	Message struct {
		From       video.ParticipantID
		Body       []byte
		Recipients []video.ParticipantID // empty: everyone
		SentAt     time.Time
	}

	// Data is bytes that someone sent, under a topic of the application's.
	Data struct {
		From       video.ParticipantID
		Topic      string
		Payload    []byte
		Recipients []video.ParticipantID // empty: everyone
		SentAt     time.Time
	}
)

// The notices about one's own media connection.
type (
	// LinesWanted asks for so many receive lines in all. The numbers never shrink.
	LinesWanted struct{ Audio, Video int }

	// Receiving says which line carries what from now on, as a whole. While an offer is being answered it waits for
	// the answer.
	Receiving struct{ Lines []video.ReceiveLine }

	// ICEServers names the servers to find a way to the media port with from now on.
	ICEServers struct{ Servers []video.ICEServer }

	// VideoPaused says that the video of a subscribed stream is not sent for now, for the path to the participant does not carry it, or
	// that it is sent again.
	VideoPaused struct {
		ID     video.StreamID
		Paused bool
	}

	// LayersWanted says how many sizes of the video of a stream of one's own somebody takes, counted from the smallest. The others
	// need not be sent.
	LayersWanted struct {
		StreamID video.StreamID
		Layers   int
	}

	// MediaConnected says that the connection is up, MediaFailed that it broke.
	MediaConnected struct{}
	MediaFailed    struct{ Err error }
)

// Removed is the last notice: the participant or viewer is out of the session, by its own wish too. Viewers hear
// video.LeftByChoice, the reason of the publisher's leaving, or, when the stream was withdrawn, StreamEnded.
type Removed struct{ Reason video.LeftReason }

// StreamEnded is why a viewer is out when its stream was unpublished.
const StreamEnded video.LeftReason = "stream_ended"

func (ParticipantJoined) notice() {}
func (ParticipantLeft) notice()   {}
func (StreamPublished) notice()   {}
func (StreamUpdated) notice()     {}
func (StreamUnpublished) notice() {}
func (ConnectionChanged) notice() {}
func (RecordingChanged) notice()  {}
func (Speakers) notice()          {}
func (Message) notice()           {}
func (Data) notice()              {}
func (LinesWanted) notice()       {}
func (Receiving) notice()         {}
func (ICEServers) notice()        {}
func (VideoPaused) notice()       {}
func (LayersWanted) notice()      {}
func (MediaConnected) notice()    {}
func (MediaFailed) notice()       {}
func (Removed) notice()           {}
