package live

import (
	"context"

	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Media makes the media connections of participants and viewers.
type Media interface {
	NewTransport(TransportConfig) (Transport, error)

	// Voices appends what is heard at this moment on the streams of a session whose publishers tell how loud they are. It
	// is called by the session loop, and returns at once.
	Voices(session video.SessionID, into []video.Voice) []video.Voice

	// Speaking names the streams on which somebody speaks, all of them: where a path carries too little, their pictures come before
	// those of others.
	Speaking(session video.SessionID, streams []video.StreamID)
}

// TransportConfig says for whom a transport is. Streams are shared between the transports of one session. Viewers have
// an id of their own in Participant. Updates is called from any goroutine until Close has returned.
type TransportConfig struct {
	Session     video.SessionID
	Participant video.ParticipantID
	Updates     TransportUpdates

	// TwoWayAudio says that an audio line that goes both ways is used both ways: a mix goes down on it, and what comes up is no stream.
	TwoWayAudio bool
}

// Transport is one media connection. Negotiate may take its time and is called from the goroutine of a connection, one
// at a time; Close by any goroutine, while Negotiate runs too, and returns when nothing of the transport runs. The
// others are called by the session loop and return at once.
//
// When a stream is unpublished, or its transport closed, the lines of its subscribers become free and are reported.
type Transport interface {
	Negotiate(ctx context.Context, offerSDP string) (answerSDP string, err error)

	// Offer is the other way round, for a connection that has no lines: it makes an offer of an audio and a video line that one stream
	// is sent on. Accept takes the client's answer, from the goroutine of a connection as Negotiate.
	Offer() (offerSDP string, err error)
	Accept(ctx context.Context, answerSDP string) error

	Publish(stream video.StreamID, lines video.Lines) error
	SetGate(stream video.StreamID, kind video.Kind, open bool)
	Unpublish(stream video.StreamID)
	VideoCodec(stream video.StreamID) string // see video.Stream
	Subscribe(subscription video.Subscription) error
	Unsubscribe(stream video.StreamID)
	Close()

	// SendData sends a lossy message, once and without waiting. It reports false if it was dropped here: the client has no channel
	// for it, or is too slow.
	SendData(message []byte) bool

	// Mix hangs a sink on the audio of a stream this transport publishes, beside subscribers and recording; nil takes it off. Leg gives what
	// the client sends on its two-way line to a sink, while open. What holds for the sinks of Record holds for these.
	Mix(stream video.StreamID, audio packet.Sink)
	Leg(sink packet.Sink, open bool)
	MixReceiver // sends on the two-way line

	// Record hangs sinks on a stream this transport publishes; nil takes them off. When it, or Unpublish or Close, has
	// returned, no packet is given to a sink that was taken off.
	Record(stream video.StreamID, audio, video packet.Sink)
}

// TransportUpdates is told what happens to a transport. Its methods never block and may be called from within a call
// to the transport.
type TransportUpdates interface {
	LinesWanted(audio, video int)  // so many receive lines are needed in all
	Receiving([]video.ReceiveLine) // which line carries what from now on, as a whole
	Connected()                    // ICE and DTLS are up, or up again
	Failed(error)                  // the path is lost; an ICE restart may bring it back, and Connected comes again

	// Layer says that of the video of a stream this layer is sent from now on: its rid, empty for the only one.
	Layer(stream video.StreamID, rid string)

	// Data brings a lossy message of the client, lent until the call returns.
	Data(message []byte)

	// Paused says that the path does not carry the video of a stream for now, or carries it again. A subscription begins unpaused.
	Paused(stream video.StreamID, paused bool)

	// LayersWanted says how many sizes of the video of a stream the transport publishes somebody takes, counted from the smallest.
	// Nobody misses the others; none at all may be 0.
	LayersWanted(stream video.StreamID, layers int)
}
