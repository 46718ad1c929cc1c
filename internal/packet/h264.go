package packet

import "encoding/binary"

// NAL unit types of H.264 that matter here (ITU-T H.264 table 7-1, RFC 6184 section 5.4).
const (
	nalIDR   = 5
	nalSPS   = 7
	nalAUD   = 9  // access unit delimiter
	nalFill  = 12 // filler
	nalSTAPA = 24
	nalFUA   = 28
)

// H264 is what a packet of H.264 (RFC 6184) tells about the frame it belongs to.
type H264 struct {
	Keyframe bool // holds an SPS, or the first part of an IDR slice
	// Width and Height of the picture, known when the packet holds an SPS.
	Width, Height int
}

// ParseH264 reads a payload of H.264 in packetization mode 0 or 1.
func ParseH264(p []byte) H264 {
	var h H264
	if len(p) == 0 {
		return h
	}
	switch p[0] & 0x1f {
	case nalSTAPA:
		for rest := p[1:]; len(rest) > 2; {
			n := int(binary.BigEndian.Uint16(rest))
			if n == 0 || len(rest) < 2+n {
				break
			}
			h.unit(rest[2 : 2+n])
			rest = rest[2+n:]
		}
	case nalFUA:
		if len(p) > 1 && p[1]&0x80 != 0 {
			h.Keyframe = p[1]&0x1f == nalIDR || p[1]&0x1f == nalSPS
		}
	default:
		h.unit(p)
	}
	return h
}

func (h *H264) unit(nal []byte) {
	switch nal[0] & 0x1f {
	case nalIDR:
		h.Keyframe = true
	case nalSPS:
		h.Keyframe = true
		h.Width, h.Height = spsSize(nal[1:])
	}
}

// spsSize reads the picture size from a sequence parameter set (ITU-T H.264 section 7.3.2.1.1), or 0, 0.
func spsSize(sps []byte) (width, height int) {
	if len(sps) < 4 {
		return 0, 0
	}
	profile := sps[0]
	r := bitReader{data: sps[3:]}
	r.ue() // seq_parameter_set_id
	chroma := uint32(1)
	switch profile {
	case 100, 110, 122, 244, 44, 83, 86, 118, 128:
		if chroma = r.ue(); chroma == 3 {
			r.bit()
		}
		r.ue()
		r.ue()
		r.bit()
		if r.bit() == 1 { // scaling matrices: not sent by real-time encoders
			return 0, 0
		}
	}
	r.ue() // log2_max_frame_num_minus4
	switch r.ue() {
	case 0:
		r.ue()
	case 1:
		return 0, 0
	}
	r.ue() // max_num_ref_frames
	r.bit()
	w, h := r.ue()+1, r.ue()+1
	frames := r.bit()
	if frames == 0 {
		r.bit()
	}
	r.bit()
	var left, right, top, bottom uint32
	if r.bit() == 1 {
		left, right, top, bottom = r.ue(), r.ue(), r.ue(), r.ue()
	}
	if r.failed || w > 1024 || h > 1024 || left|right|top|bottom > 1<<12 {
		return 0, 0
	}
	cropX, cropY := uint32(2), uint32(2)
	if chroma == 0 || chroma == 3 {
		cropX, cropY = 1, 1
	} else if chroma == 2 {
		cropY = 1
	}
	fields := 2 - frames
	width = int(w*16) - int(cropX*(left+right))
	height = int(h*16*fields) - int(cropY*fields*(top+bottom))
	if width <= 0 || height <= 0 {
		return 0, 0
	}
	return width, height
}

// bitReader reads bits and Exp-Golomb codes (ITU-T H.264 section 9.1). Emulation prevention bytes are skipped, unless it
// is plain.
type bitReader struct {
	data   []byte
	at     int // in bits
	zeros  int
	plain  bool
	failed bool
}

func (r *bitReader) bit() uint32 {
	i := r.at >> 3
	if !r.plain && r.at&7 == 0 && i < len(r.data) {
		if r.zeros >= 2 && r.data[i] == 3 {
			r.at += 8
			i++
			r.zeros = 0
		}
		if i < len(r.data) {
			if r.data[i] == 0 {
				r.zeros++
			} else {
				r.zeros = 0
			}
		}
	}
	if i >= len(r.data) {
		r.failed = true
		return 0
	}
	b := r.data[i] >> (7 - r.at&7) & 1
	r.at++
	return uint32(b)
}

func (r *bitReader) ue() uint32 {
	zeros := 0
	for r.bit() == 0 {
		if zeros++; zeros > 31 || r.failed {
			r.failed = true
			return 0
		}
	}
	v := uint32(1)
	for range zeros {
		v = v<<1 | r.bit()
	}
	return v - 1
}

// bits reads n bits, at most 32.
func (r *bitReader) bits(n int) uint32 {
	v := uint32(0)
	for range n {
		v = v<<1 | r.bit()
	}
	return v
}

// skip passes over n bits.
func (r *bitReader) skip(n int) {
	for range n {
		r.bit()
	}
}

// h264Frames puts access units together as a file wants them: each NAL unit behind its length in four bytes. Delimiters
// and filler are left out.
type h264Frames struct {
	open       bool // a fragmented unit has begun
	unit       int  // where its length is to be written
	parameters bool // the frame holds an SPS
	bare       bool // key frames of this sender come without one
}

func (h *h264Frames) begins(p []byte) (can, certain bool) {
	switch p[0] & 0x1f {
	case nalSTAPA:
		if len(p) > 3 {
			return true, h.first(p[3:])
		}
	case nalFUA:
		if len(p) > 2 && p[1]&0x80 != 0 {
			return true, h.first(p[1:])
		}
	default:
		return true, h.first(p)
	}
	return false, false
}

// first reports whether a NAL unit can only be the first of a frame: its delimiter, the parameters of a key frame or, where
// those are sent once and for all, the first slice of an IDR picture (first_mb_in_slice is 0, which is coded as a single set
// bit).
func (h *h264Frames) first(nal []byte) bool {
	kind := nal[0] & 0x1f
	return kind == nalAUD || kind == nalSPS || h.bare && kind == nalIDR && len(nal) > 1 && nal[1]&0x80 != 0
}

func (h *h264Frames) add(p []byte, f *Frame) bool {
	kind := p[0] & 0x1f
	if h.open && kind != nalFUA {
		return false
	}
	switch {
	case kind == nalFUA:
		return h.fragment(p, f)
	case kind == nalSTAPA:
		rest := p[1:]
		for len(rest) > 0 {
			if len(rest) < 2 {
				return false
			}
			n := int(binary.BigEndian.Uint16(rest))
			if n == 0 || len(rest) < 2+n {
				return false
			}
			h.whole(rest[2:2+n], f)
			rest = rest[2+n:]
		}
		return true
	case kind == 0 || kind > nalSTAPA:
		return false // not of packetization mode 0 or 1
	}
	h.whole(p, f)
	return true
}

func (h *h264Frames) whole(nal []byte, f *Frame) {
	if kind := nal[0] & 0x1f; kind == nalAUD || kind == nalFill {
		return
	}
	f.Data = binary.BigEndian.AppendUint32(f.Data, uint32(len(nal)))
	f.Data = append(f.Data, nal...)
	h.describe(nal, f)
}

func (h *h264Frames) fragment(p []byte, f *Frame) bool {
	if len(p) < 2 {
		return false
	}
	first, last := p[1]&0x80 != 0, p[1]&0x40 != 0
	if first == h.open {
		return false
	}
	if first {
		h.open, h.unit = true, len(f.Data)
		f.Data = append(f.Data, 0, 0, 0, 0, p[0]&0xe0|p[1]&0x1f)
	}
	f.Data = append(f.Data, p[2:]...)
	if last {
		h.open = false
		nal := f.Data[h.unit+4:]
		binary.BigEndian.PutUint32(f.Data[h.unit:], uint32(len(nal)))
		h.describe(nal, f)
	}
	return true
}

func (h *h264Frames) describe(nal []byte, f *Frame) {
	switch nal[0] & 0x1f {
	case nalIDR:
		f.Keyframe = true
		h.bare = !h.parameters
	case nalSPS:
		h.parameters = true
		if w, height := spsSize(nal[1:]); w != 0 {
			f.Width, f.Height = w, height
		}
	}
}

func (h *h264Frames) end(*Frame) bool {
	open := h.open
	h.open, h.parameters = false, false
	return !open
}
