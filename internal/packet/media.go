package packet

// Codec names a payload format.
type Codec string

// The codecs that packets are read of.
const (
	CodecOpus Codec = "opus"
	CodecVP8  Codec = "vp8"
	CodecVP9  Codec = "vp9"
	CodecAV1  Codec = "av1"
	CodecH264 Codec = "h264"
)

// Media is one packet of a track, as those see it who take it beside the subscribers. Payload is only lent.
type Media struct {
	Codec     Codec
	ClockRate uint32 // of Timestamp
	Layer     int    // which of the track's encodings; numbers and timestamps of different ones have nothing to do with each other
	Number    uint64 // extended sequence number
	Timestamp uint32
	Marker    bool
	Payload   []byte

	Keyframe      bool // a decoder can start here
	Width, Height int  // of the picture, where a keyframe tells it

	Level    uint8 // of audio, where HasLevel says that it was told: how loud (-dBov)
	HasLevel bool

	Arrived  int64 // ns on the server's clock
	Sampled  int64 // ns on the server's clock: when the content was sampled, as far as is known
	Reported bool  // Sampled stands on a sender report, not on arrivals
}

// Source is the track a sink hangs on. Keyframe asks its publisher for a keyframe; asking often does no harm. Take must not call it.
type Source struct {
	Keyframe func()
}

// Sink takes the packets of one track in the order they arrive. Source is called once, before the first Take. Take runs on
// the media path, one call at a time: it copies what it keeps, never blocks and allocates nothing.
type Sink interface {
	Source(Source)
	Take(*Media)
}
