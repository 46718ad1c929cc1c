package packet

// OBU types of AV1 that matter here (AV1 bitstream specification section 6.2.2).
const (
	obuSequence  = 1
	obuDelimiter = 2
	obuHeader    = 3
	obuFrame     = 6
	obuTileList  = 8
	obuPadding   = 15
)

// Flags of an OBU header.
const (
	obuHasExtension = 0x04
	obuHasSize      = 0x02
)

// av1Frames puts temporal units together from the aggregated OBU elements of packets (AV1 RTP payload specification
// section 4.4). A file wants every OBU with its size and without delimiters.
type av1Frames struct {
	partial  []byte // an element that goes on in the next packet
	open     bool
	sequence bool // a sequence header was seen in this frame
}

func (a *av1Frames) begins(p []byte) (can, certain bool) {
	const continues, newSequence = 0x80, 0x08
	can = p[0]&continues == 0
	return can, can && p[0]&newSequence != 0
}

func (a *av1Frames) add(p []byte, f *Frame) bool {
	const continues, goesOn = 0x80, 0x40
	head, rest := p[0], p[1:]
	if (head&continues != 0) != a.open {
		return false
	}
	count := int(head >> 4 & 3)
	for i := 1; len(rest) > 0; i++ {
		element := rest
		if count == 0 || i < count {
			n, size := leb128(rest)
			if size == 0 || n > uint64(len(rest)-size) {
				return false
			}
			element = rest[size : size+int(n)]
			rest = rest[size+int(n):]
		} else {
			rest = nil
		}
		if len(a.partial)+len(element) > MaxFrame {
			return false
		}
		last := len(rest) == 0
		if last && count != 0 && i != count {
			return false
		}
		switch {
		case a.open || last && head&goesOn != 0:
			a.partial = append(a.partial, element...)
			if a.open = last && head&goesOn != 0; a.open {
				continue
			}
			if !a.whole(a.partial, f) {
				return false
			}
			a.partial = a.partial[:0]
		case !a.whole(element, f):
			return false
		}
	}
	return true
}

// whole puts a complete OBU onto the frame.
func (a *av1Frames) whole(obu []byte, f *Frame) bool {
	if len(obu) == 0 {
		return true
	}
	at := obuHeaderSize(obu[0])
	if len(obu) < at {
		return false
	}
	payload := obu[at:]
	if obu[0]&obuHasSize != 0 {
		n, size := leb128(payload)
		if size == 0 || n > uint64(len(payload)-size) {
			return false
		}
		payload = payload[size : size+int(n)]
	}
	kind := obu[0] >> 3 & 15
	switch kind {
	case obuDelimiter, obuTileList, obuPadding:
		return true
	case obuSequence:
		seq, ok := parseAV1Sequence(payload)
		if !ok {
			return false
		}
		a.sequence = true
		f.Width, f.Height = seq.Width, seq.Height
	case obuFrame, obuHeader:
		// show_existing_frame is 0 and frame_type is 0. It follows its sequence header, or no decoder could start here.
		if a.sequence && len(payload) > 0 && payload[0]&0xe0 == 0 {
			f.Keyframe = true
		}
	}
	f.Data = append(f.Data, obu[0]|obuHasSize)
	f.Data = append(f.Data, obu[1:at]...)
	f.Data = appendLEB128(f.Data, len(payload))
	f.Data = append(f.Data, payload...)
	return true
}

func (a *av1Frames) end(*Frame) bool {
	whole := !a.open
	a.open, a.sequence, a.partial = false, false, a.partial[:0]
	return whole
}

func obuHeaderSize(first byte) int {
	if first&obuHasExtension != 0 {
		return 2
	}
	return 1
}

// leb128 reads a number and how many bytes it takes, which is 0 if it is broken.
func leb128(b []byte) (n uint64, size int) {
	for i := 0; i < len(b) && i < 8; i++ {
		n |= uint64(b[i]&0x7f) << (7 * i)
		if b[i]&0x80 == 0 {
			return n, i + 1
		}
	}
	return 0, 0
}

func appendLEB128(b []byte, n int) []byte {
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}

// BeginsAV1Sequence reports whether a payload begins a coded video sequence, where a decoder can start (AV1 RTP payload specification
// section 4.4).
func BeginsAV1Sequence(p []byte) bool {
	const continues, newSequence = 0x80, 0x08
	return len(p) > 0 && p[0]&continues == 0 && p[0]&newSequence != 0
}
