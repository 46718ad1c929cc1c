package packet

import "encoding/binary"

// VP8 is the payload descriptor of a VP8 packet (RFC 7741 section 4.2) and what the frame header behind it tells.
type VP8 struct {
	Start    bool // first packet of a frame
	Keyframe bool // first packet of a key frame
	// Width and Height of the picture, known on keyframes only.
	Width, Height int

	PictureNumbers
	TemporalID uint8
	// Sync says that the frame needs no other than of the base layer: whoever did not get its layer may take it from here on.
	Sync bool

	frameAt int // offset of what belongs to the frame
}

// ParseVP8 reads the descriptor of a VP8 payload. It reports false if the payload is too short to have one.
func ParseVP8(p []byte) (VP8, bool) {
	var v VP8
	if len(p) < 1 {
		return v, false
	}
	v.Start = p[0]&0x10 != 0 && p[0]&0x07 == 0
	at := 1
	if p[0]&0x80 != 0 {
		if len(p) < 2 {
			return v, false
		}
		x := p[1]
		at = 2
		var ok bool
		if x&0x80 != 0 {
			if at, ok = v.readPictureID(p, at); !ok {
				return v, false
			}
		}
		if x&0x40 != 0 {
			if at, ok = v.readTL0(p, at); !ok {
				return v, false
			}
		}
		if x&0x30 != 0 {
			if len(p) <= at {
				return v, false
			}
			if x&0x20 != 0 {
				v.TemporalID, v.Sync = p[at]>>6, p[at]&0x20 != 0
			}
			at++
		}
	}
	v.frameAt = at
	frame := p[at:]
	v.Keyframe = v.Start && len(frame) > 0 && frame[0]&0x01 == 0
	// RFC 6386 section 9.1: a key frame has a start code and the dimensions behind the 3 byte frame tag.
	if v.Keyframe && len(frame) >= 10 && frame[3] == 0x9d && frame[4] == 0x01 && frame[5] == 0x2a {
		v.Width = int(binary.LittleEndian.Uint16(frame[6:]) & 0x3fff)
		v.Height = int(binary.LittleEndian.Uint16(frame[8:]) & 0x3fff)
	}
	return v, true
}
