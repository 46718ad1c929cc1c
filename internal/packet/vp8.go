package packet

import "encoding/binary"

// VP8 is the payload descriptor of a VP8 packet (RFC 7741 section 4.2) and what the frame header behind it tells.
type VP8 struct {
	Start    bool // first packet of a frame
	Keyframe bool // first packet of a key frame
	// Width and Height of the picture, known on keyframes only.
	Width, Height int

	HasPictureID bool
	PictureID    uint16
	HasTL0       bool
	TL0PicIdx    uint8
	TemporalID   uint8
	// Sync says that the frame needs no other than of the base layer: whoever did not get its layer may take it from here on.
	Sync bool

	pictureAt   int // offset of the picture id in the payload
	pictureWide bool
	tl0At       int
	frameAt     int // offset of what belongs to the frame
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
		if x&0x80 != 0 {
			if len(p) <= at {
				return v, false
			}
			v.HasPictureID, v.pictureAt = true, at
			if p[at]&0x80 != 0 {
				if len(p) < at+2 {
					return v, false
				}
				v.pictureWide = true
				v.PictureID = binary.BigEndian.Uint16(p[at:]) & 0x7fff
				at += 2
			} else {
				v.PictureID = uint16(p[at])
				at++
			}
		}
		if x&0x40 != 0 {
			if len(p) <= at {
				return v, false
			}
			v.HasTL0, v.TL0PicIdx, v.tl0At = true, p[at], at
			at++
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

// Renumber writes another picture id and TL0PICIDX into the payload p that v was read from, in the width it has there.
func (v *VP8) Renumber(p []byte, pictureID uint16, tl0 uint8) {
	if v.HasPictureID {
		if v.pictureWide {
			binary.BigEndian.PutUint16(p[v.pictureAt:], pictureID&0x7fff|0x8000)
		} else {
			p[v.pictureAt] = byte(pictureID & 0x7f)
		}
	}
	if v.HasTL0 {
		p[v.tl0At] = tl0
	}
}
