package packet

// MaxFrame is the longest frame that is put together, in bytes. What is longer counts as incomplete.
const MaxFrame = 4 << 20

// Frame is what a decoder is given at once: a picture, or one packet of sound.
//
// Data is in the form files want: Opus, VP8 and VP9 as they are, AV1 as OBUs with sizes and without temporal delimiters,
// H264 as NAL units behind their lengths in four bytes. It is only lent.
type Frame struct {
	Data          []byte
	Keyframe      bool
	Width, Height int // of the picture, where a keyframe tells it

	Complete bool // nothing of it is missing
	Follows  bool // nothing is missing between the frame before and this one

	Timestamp uint32
	Sampled   int64 // as its first packet says
	Reported  bool
	Arrived   int64
	ClockRate uint32
}

// depacketizer knows how one codec cuts frames into packets. Payloads are never empty.
type depacketizer interface {
	// begins says whether a frame can begin with this payload, and whether it is certain that one does.
	begins(p []byte) (can, certain bool)
	// add puts a payload onto a frame. It reports false if the payload is broken or does not fit what came before.
	add(p []byte, f *Frame) bool
	// end completes the frame, and says whether it is whole.
	end(f *Frame) bool
}

// Assembler puts the packets of one layer, which come in order, together to frames.
type Assembler struct {
	depacketizer depacketizer
	marked       bool // the last packet of every frame has the marker
	frame        Frame
	single       bool // each packet is a frame, whatever its marker says
	open         bool
	lost         bool // something is missing since the last frame ended
	buffer       []byte
}

// NewAssembler returns the assembler of a codec, or nil if the codec is unknown.
func NewAssembler(codec Codec) *Assembler {
	a := &Assembler{lost: true, marked: codec == CodecVP8 || codec == CodecVP9 || codec == CodecAV1}
	switch codec {
	case CodecOpus:
		a.depacketizer, a.single = opusFrames{}, true
	case CodecVP8:
		a.depacketizer = vp8Frames{}
	case CodecVP9:
		a.depacketizer = &vp9Frames{}
	case CodecAV1:
		a.depacketizer = &av1Frames{}
	case CodecH264:
		a.depacketizer = &h264Frames{}
	default:
		return nil
	}
	return a
}

// Push takes the next packet; lost says that others are missing before it. Frames that are over are given to emit, which
// must not keep their data. Packets without payload only carry numbers: senders probe the path with them.
func (a *Assembler) Push(m *Media, lost bool, emit func(*Frame)) {
	if lost {
		a.lost = true
	}
	if len(m.Payload) == 0 {
		return
	}
	if a.open && m.Timestamp != a.frame.Timestamp {
		// Its last packet has no marker, or is missing. That need not show in the numbers: senders that give up the rest of a
		// frame number what they do send.
		a.finish(!a.lost && !a.marked, emit)
	}
	if !a.open {
		a.begin(m)
	} else if a.lost {
		a.frame.Complete = false
	}
	if a.frame.Complete {
		a.frame.Complete = a.depacketizer.add(m.Payload, &a.frame) && len(a.frame.Data) <= MaxFrame
	}
	if m.Marker || a.single {
		a.lost = false
		a.finish(true, emit)
	}
}

func (a *Assembler) begin(m *Media) {
	can, certain := a.depacketizer.begins(m.Payload)
	a.depacketizer.end(&a.frame) // what a frame that broke off left open
	a.frame = Frame{
		Data: a.buffer[:0], Complete: can && (certain || !a.lost), Follows: !a.lost,
		Timestamp: m.Timestamp, Sampled: m.Sampled, Reported: m.Reported, Arrived: m.Arrived, ClockRate: m.ClockRate,
	}
	a.open = true
	a.lost = false
}

func (a *Assembler) finish(whole bool, emit func(*Frame)) {
	whole = a.depacketizer.end(&a.frame) && whole
	a.frame.Complete = a.frame.Complete && whole
	a.open = false
	if cap(a.frame.Data) <= MaxFrame {
		a.buffer = a.frame.Data
	}
	if !a.frame.Complete || len(a.frame.Data) > 0 {
		emit(&a.frame)
	}
}

// Flush gives out the frame whose end has not been seen; it counts as incomplete. What comes next has nothing to do with
// what came before.
func (a *Assembler) Flush(emit func(*Frame)) {
	if a.open {
		a.finish(false, emit)
	}
	a.lost = true
}

type vp8Frames struct{}

func (vp8Frames) begins(p []byte) (can, certain bool) {
	v, ok := ParseVP8(p)
	return ok && v.Start, ok && v.Start
}

func (vp8Frames) add(p []byte, f *Frame) bool {
	v, ok := ParseVP8(p)
	if !ok {
		return false
	}
	if v.Keyframe {
		f.Keyframe = true
		if v.Width > 0 && v.Height > 0 {
			f.Width, f.Height = v.Width, v.Height
		}
	}
	f.Data = append(f.Data, p[v.frameAt:]...)
	return true
}

func (vp8Frames) end(*Frame) bool { return true }
