package loadtest

import (
	"encoding/binary"
	"math/rand/v2"
)

// A stamp ends every payload. Servers rewrite RTP headers, drop extensions they do not need and renumber VP8 descriptors, which are in
// front: the tail is the one place that arrives as it was sent.
const (
	stampSize  = 24
	stampMagic = 0x524f5455
)

// stamp says what a packet is and when it left.
type stamp struct {
	source uint32 // of this run
	sent   int64  // ns of the wall clock, which the kernel's arrival times are of
	count  uint64 // packets of the source before this one
}

func (s stamp) put(payload []byte) {
	b := payload[len(payload)-stampSize:]
	binary.BigEndian.PutUint32(b, stampMagic)
	binary.BigEndian.PutUint32(b[4:], s.source)
	binary.BigEndian.PutUint64(b[8:], uint64(s.sent))
	binary.BigEndian.PutUint64(b[16:], s.count)
}

func readStamp(payload []byte) (stamp, bool) {
	if len(payload) < stampSize {
		return stamp{}, false
	}
	b := payload[len(payload)-stampSize:]
	if binary.BigEndian.Uint32(b) != stampMagic {
		return stamp{}, false
	}
	return stamp{binary.BigEndian.Uint32(b[4:]), int64(binary.BigEndian.Uint64(b[8:])), binary.BigEndian.Uint64(b[16:])}, true
}

// filler is what payloads are made of: like coded media it does not compress.
var filler = func() (b [maxPayload]byte) {
	random := rand.New(rand.NewPCG(1, 2))
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	return b
}()

const (
	videoPayload    = 1100 // bytes of a video packet, as encoders split frames
	maxPayload      = 1400
	minAudioBitRate = (stampSize + 1) * 8 * audioRate
	audioRate       = 50 // packets a second
	frameRate       = 30
)

// picture is where a packet is in a VP8 frame.
type picture struct {
	id            uint16
	first, key    bool
	width, height uint16
}

// putVP8 writes a payload as a VP8 encoder's look: a descriptor with a 15 bit picture id (RFC 7741 section 4.2), and in the first packet
// the frame tag, on keyframes with start code and size (RFC 6386 section 9.1).
func putVP8(b []byte, p picture) {
	copy(b, filler[:])
	b[0], b[1] = 0x80, 0x80
	binary.BigEndian.PutUint16(b[2:], p.id|0x8000)
	if !p.first {
		return
	}
	b[0] |= 0x10
	b[4] = 0x10 // show_frame, and a zero bit for a keyframe
	if !p.key {
		b[4] |= 1
		return
	}
	b[7], b[8], b[9] = 0x9d, 0x01, 0x2a
	binary.LittleEndian.PutUint16(b[10:], p.width)
	binary.LittleEndian.PutUint16(b[12:], p.height)
}

// putOpus writes a payload whose first byte says 20 ms of full band in one frame (RFC 6716 section 3.1).
func putOpus(b []byte) {
	copy(b, filler[:])
	b[0] = 0x78
}
