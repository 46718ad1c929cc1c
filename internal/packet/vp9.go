package packet

// VP9 is the payload descriptor of a VP9 packet (RFC 9628 section 4.2) and what the frame header behind it tells.
type VP9 struct {
	Start     bool // first packet of a frame of its spatial layer
	Keyframe  bool // first packet of a key frame
	SpatialID uint8
	// Width and Height of the picture, known on keyframes only.
	Width, Height int

	frameAt int // offset of what belongs to the frame
}

// ParseVP9 reads the descriptor of a VP9 payload. It reports false if the payload is too short to have one.
func ParseVP9(p []byte) (VP9, bool) {
	var v VP9
	at := 0
	next := func() (byte, bool) {
		if at >= len(p) {
			return 0, false
		}
		at++
		return p[at-1], true
	}
	head, ok := next()
	if !ok {
		return v, false
	}
	const pictureID, predicted, layers, flexible, begin, structure = 0x80, 0x40, 0x20, 0x10, 0x08, 0x02
	if head&pictureID != 0 {
		b, ok := next()
		if ok && b&0x80 != 0 {
			_, ok = next()
		}
		if !ok {
			return v, false
		}
	}
	if head&layers != 0 {
		b, ok := next()
		if ok && head&flexible == 0 {
			_, ok = next() // TL0PICIDX
		}
		if !ok {
			return v, false
		}
		v.SpatialID = b >> 1 & 7
	}
	if head&flexible != 0 && head&predicted != 0 {
		for range 3 {
			b, ok := next()
			if !ok {
				return v, false
			}
			if b&1 == 0 {
				break
			}
		}
	}
	if head&structure != 0 {
		if at, ok = skipVP9Structure(p, at); !ok {
			return v, false
		}
	}
	v.frameAt = at
	v.Start = head&begin != 0
	if v.Start && head&predicted == 0 && v.SpatialID == 0 {
		v.Keyframe, v.Width, v.Height = vp9Keyframe(p[at:])
	}
	return v, true
}

// skipVP9Structure returns where the scalability structure that begins at this offset ends.
func skipVP9Structure(p []byte, at int) (int, bool) {
	if at >= len(p) {
		return 0, false
	}
	b := p[at]
	at++
	if b&0x10 != 0 {
		at += 4 * (int(b>>5) + 1) // the sizes of the layers
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

// vp9Frames keeps the lowest spatial layer, which stands by itself. Browsers send VP9 of a single one unless told otherwise.
type vp9Frames struct{}

func (vp9Frames) begins(p []byte) (can, certain bool) {
	v, ok := ParseVP9(p)
	can = ok && v.Start && v.SpatialID == 0
	return can, can
}

func (vp9Frames) add(p []byte, f *Frame) bool {
	v, ok := ParseVP9(p)
	switch {
	case !ok:
		return false
	case v.SpatialID > 0:
		return true
	case v.Keyframe:
		f.Keyframe, f.Width, f.Height = true, v.Width, v.Height
	}
	f.Data = append(f.Data, p[v.frameAt:]...)
	return true
}

func (vp9Frames) end() bool { return true }
