package packet

import (
	"encoding/binary"
	"testing"
)

// Sequence parameter sets as libx264 wrote them.
var realSPS = []struct {
	name, nal     string
	width, height int
}{
	{"baseline 640x360, cropped", "6742c016d900a02ff970110000030001000003000a0f162e48", 640, 360},
	{"baseline 1280x720, a whole number of macroblocks", "6742c01fd9005005bb0110000003001000000300a0f1832480", 1280, 720},
	{"main 320x180", "674d400ceca0a0cfcf80880000030008000003005078a14cb0", 320, 180},
	{"high 1920x1080, cropped", "67640028acd940780227e5c044000003000400000300283c60c658", 1920, 1080},
	{"high 1920x1080, interlaced", "67640028acd94078044fde022000000300200000030143e2c5b2c0", 1920, 1080},
	{"high 330x182, cropped both ways", "6764000cacd941519e49b0110000030001000003000a0f142996", 330, 182},
	{"high 4:4:4 640x360", "67f40016919b281405ff1380880000030008000003005078b16cb0", 640, 360},
	{"high 4:2:2 634x358", "677a0016bcd940a02fe48bc044000003000400000300283c58b658", 634, 358},
}

func TestSPSSize(t *testing.T) {
	for _, c := range realSPS {
		t.Run(c.name, func(t *testing.T) {
			nal := unhex(t, c.nal)
			if h := ParseH264(nal); h != (H264{true, c.width, c.height}) {
				t.Fatalf("%+v", h)
			}
			for n := 1; n < len(nal); n++ { // a cut one is either too short to tell or tells the same
				if h := ParseH264(nal[:n]); h.Width != 0 && (h.Width != c.width || h.Height != c.height) {
					t.Errorf("the first %d bytes say %dx%d", n, h.Width, h.Height)
				}
			}
		})
	}
}

// spsBits writes Exp-Golomb codes and single bits behind a header, for forms that libx264 does not make.
type spsBits struct {
	bits []byte
}

func (s *spsBits) bit(v byte) *spsBits { s.bits = append(s.bits, v); return s }

func (s *spsBits) ue(v uint32) *spsBits {
	n := 0
	for (v+1)>>(n+1) != 0 {
		n++
	}
	for range n {
		s.bit(0)
	}
	for i := n; i >= 0; i-- {
		s.bit(byte((v + 1) >> i & 1))
	}
	return s
}

func (s *spsBits) nal(profile byte) []byte {
	out := []byte{0x67, profile, 0, 30}
	for i, b := range append(s.bits, 1, 0, 0, 0, 0, 0, 0, 0) {
		if i%8 == 0 {
			out = append(out, 0)
		}
		out[len(out)-1] |= b << (7 - i%8)
	}
	return out
}

func TestSPSForms(t *testing.T) {
	size := func(s *spsBits, w, h uint32) *spsBits { // up to the cropping flag
		return s.ue(1).bit(0).ue(w/16 - 1).ue(h/16 - 1).bit(1).bit(1)
	}
	for _, c := range []struct {
		name          string
		nal           []byte
		width, height int
	}{
		{"order count type 0", size((&spsBits{}).ue(0).ue(0).ue(0).ue(4), 320, 240).bit(0).nal(66), 320, 240},
		{"order count type 1 is not read", size((&spsBits{}).ue(0).ue(0).ue(1).bit(0).ue(0).ue(0).ue(0), 320, 240).bit(0).nal(66), 0, 0},
		{"monochrome crops by one", size((&spsBits{}).ue(0).ue(0).ue(0).ue(0).bit(0).bit(0).ue(0).ue(2), 320, 240).bit(1).ue(1).ue(2).ue(3).ue(4).nal(100), 317, 233},
		{"separate planes", size((&spsBits{}).ue(0).ue(3).bit(1).ue(0).ue(0).bit(0).bit(0).ue(0).ue(2), 320, 240).bit(0).nal(244), 320, 240},
		{"scaling matrices are not read", size((&spsBits{}).ue(0).ue(1).ue(0).ue(0).bit(0).bit(1), 320, 240).bit(0).nal(100), 0, 0},
		{"cropped to nothing", size((&spsBits{}).ue(0).ue(0).ue(2), 16, 16).bit(1).ue(4).ue(4).ue(0).ue(0).nal(66), 0, 0},
		{"cropping beyond reason", size((&spsBits{}).ue(0).ue(0).ue(2), 320, 240).bit(1).ue(1 << 20).ue(0).ue(0).ue(0).nal(66), 0, 0},
		{"larger than any picture", size((&spsBits{}).ue(0).ue(0).ue(2), 16*2000, 240).bit(0).nal(66), 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			if h := ParseH264(c.nal); h != (H264{true, c.width, c.height}) {
				t.Fatalf("%+v, want %dx%d", h, c.width, c.height)
			}
		})
	}
}

func stap(nals ...[]byte) []byte {
	p := []byte{nalSTAPA}
	for _, n := range nals {
		p = binary.BigEndian.AppendUint16(p, uint16(len(n)))
		p = append(p, n...)
	}
	return p
}

func TestParseH264(t *testing.T) {
	sps, pps, idr, slice := unhex(t, realSPS[0].nal), []byte{0x68, 0xce, 0x38}, []byte{0x65, 0x88, 0x80}, []byte{0x41, 0x9a, 0x24}
	for _, c := range []struct {
		name    string
		payload []byte
		want    H264
	}{
		{"nothing", nil, H264{}},
		{"IDR slice", idr, H264{Keyframe: true}},
		{"slice", slice, H264{}},
		{"PPS", pps, H264{}},
		{"SEI", []byte{0x06, 1, 2}, H264{}},
		{"SPS with no room for a size", []byte{0x67, 66}, H264{Keyframe: true}},
		{"STAP-A of SPS, PPS and IDR", stap(sps, pps, idr), H264{true, 640, 360}},
		{"STAP-A of IDR", stap(idr), H264{Keyframe: true}},
		{"STAP-A of slices", stap(slice, slice), H264{}},
		{"STAP-A cut in the second unit", stap(pps, idr)[:8], H264{}},
		{"STAP-A with an empty unit", append(stap([]byte{}), stap(idr)[1:]...), H264{}},
		{"STAP-A of nothing", []byte{nalSTAPA}, H264{}},
		{"FU-A, first of an IDR slice", []byte{0x7c, 0x85, 1, 2}, H264{Keyframe: true}},
		{"FU-A, middle of an IDR slice", []byte{0x7c, 0x05, 1, 2}, H264{}},
		{"FU-A, last of an IDR slice", []byte{0x7c, 0x45, 1, 2}, H264{}},
		{"FU-A, first of a slice", []byte{0x5c, 0x81, 1, 2}, H264{}},
		{"FU-A without header", []byte{0x7c}, H264{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := ParseH264(c.payload); got != c.want {
				t.Fatalf("%+v, want %+v", got, c.want)
			}
		})
	}
}

func FuzzParseH264(f *testing.F) {
	for _, c := range realSPS {
		f.Add(unhex(f, c.nal))
	}
	f.Add(stap(unhex(f, realSPS[0].nal), []byte{0x68, 0xce}, []byte{0x65, 0x88}))
	f.Add([]byte{0x7c, 0x85, 1})
	f.Fuzz(func(t *testing.T, p []byte) {
		h := ParseH264(p)
		if h.Width < 0 || h.Height < 0 || h.Width > 16<<10 || h.Height > 32<<10 || (h.Width == 0) != (h.Height == 0) {
			t.Fatalf("%+v", h)
		}
		if h.Width != 0 && !h.Keyframe {
			t.Fatal("a size outside a key frame")
		}
	})
}
