package packet

import "encoding/binary"

// maxVP9Layers is how many spatial layers there can be.
const maxVP9Layers = 8

// VP9 is the payload descriptor of a VP9 packet (RFC 9628 section 4.2) and what the frame header behind it tells.
type VP9 struct {
	Start    bool // first packet of a frame of its spatial layer
	End      bool // last packet of it
	Keyframe bool // first packet of a key frame
	// Width and Height of the picture of the lowest spatial layer, known on keyframes only.
	Width, Height int

	PictureNumbers
	SpatialID, TemporalID uint8
	// SwitchUp says that no later frame of a higher temporal layer needs one before this.
	SwitchUp bool
	// Alone says that no higher spatial layer of the same picture needs this frame.
	Alone bool
	// Layers is the number of spatial layers, and Sizes are those of their pictures, where the packet tells them. 0 is unknown.
	Layers int
	Sizes  [maxVP9Layers][2]uint16

	frameAt int // offset of what belongs to the frame
}

// ParseVP9 reads the descriptor of a VP9 payload. It reports false if the payload is too short to have one.
func ParseVP9(p []byte) (VP9, bool) {
	var v VP9
	if len(p) < 1 {
		return v, false
	}
	const pictureID, predicted, layers, flexible, begin, end, structure, alone = 0x80, 0x40, 0x20, 0x10, 0x08, 0x04, 0x02, 0x01
	head, at := p[0], 1
	var ok bool
	if head&pictureID != 0 {
		if at, ok = v.readPictureID(p, at); !ok {
			return v, false
		}
	}
	if head&layers != 0 {
		if len(p) <= at {
			return v, false
		}
		b := p[at]
		at++
		v.TemporalID, v.SwitchUp, v.SpatialID = b>>5, b&0x10 != 0, b>>1&7
		if head&flexible == 0 {
			if at, ok = v.readTL0(p, at); !ok {
				return v, false
			}
		}
	}
	if head&flexible != 0 && head&predicted != 0 {
		for range 3 {
			if len(p) <= at {
				return v, false
			}
			at++
			if p[at-1]&1 == 0 {
				break
			}
		}
	}
	if head&structure != 0 {
		if at, ok = v.readStructure(p, at); !ok {
			return v, false
		}
	}
	v.frameAt = at
	v.Start, v.End, v.Alone = head&begin != 0, head&end != 0, head&alone != 0
	if v.Start && head&predicted == 0 && v.SpatialID == 0 {
		v.Keyframe, v.Width, v.Height = vp9Keyframe(p[at:])
	}
	return v, true
}

// readStructure reads the scalability structure that begins at this offset, and returns where it ends.
func (v *VP9) readStructure(p []byte, at int) (int, bool) {
	if at >= len(p) {
		return 0, false
	}
	b := p[at]
	at++
	v.Layers = int(b>>5) + 1
	if b&0x10 != 0 {
		if len(p) < at+4*v.Layers {
			return 0, false
		}
		for i := range v.Layers {
			v.Sizes[i] = [2]uint16{binary.BigEndian.Uint16(p[at:]), binary.BigEndian.Uint16(p[at+2:])}
			at += 4
		}
	}
	if b&0x08 != 0 {
		if at >= len(p) {
			return 0, false
		}
		pictures := int(p[at])
		at++
		for range pictures {
			if at >= len(p) {
				return 0, false
			}
			at += 1 + int(p[at]>>2&3)
		}
	}
	return at, at <= len(p)
}

// vp9Keyframe reads the uncompressed header of a frame (VP9 bitstream specification section 6.2).
func vp9Keyframe(frame []byte) (keyframe bool, width, height int) {
	r := bitReader{data: frame, plain: true}
	if r.bits(2) != 2 {
		return false, 0, 0
	}
	profile := r.bit() | r.bit()<<1
	if profile == 3 {
		r.bit()
	}
	// show_existing_frame and frame_type: it neither shows an earlier frame nor depends on one
	if r.bits(2) != 0 || r.failed {
		return false, 0, 0
	}
	r.bits(2) // show_frame, error_resilient_mode
	if r.bits(24) != 0x498342 {
		return false, 0, 0
	}
	if profile >= 2 {
		r.bit()
	}
	const rgb = 7
	if space := r.bits(3); space != rgb {
		r.bit()
		if profile&1 == 1 {
			r.bits(3)
		}
	} else if profile&1 == 1 {
		r.bit()
	}
	width, height = int(r.bits(16))+1, int(r.bits(16))+1
	if r.failed {
		return true, 0, 0
	}
	return true, width, height
}
