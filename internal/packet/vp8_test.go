package packet

import (
	"bytes"
	"encoding/hex"
	"testing"
)

const keyTag = "000000" + "9d012a" + "8002" + "6801" // 640 x 360

func TestParseVP8(t *testing.T) {
	for _, c := range []struct {
		name, payload string
		want          VP8
	}{
		{"no extension, start of an inter frame", "10" + "010000", VP8{Start: true}},
		{"no extension, middle", "00" + "00", VP8{}},
		{"no extension, key frame", "10" + keyTag, VP8{Start: true, Keyframe: true, Width: 640, Height: 360}},
		{"second partition starts no frame", "11" + "00", VP8{}},
		{"a key frame cut before its size", "10" + "0000009d01", VP8{Start: true, Keyframe: true}},
		{"a key frame without start code", "10" + "000000" + "9d012b" + "80026801", VP8{Start: true, Keyframe: true}},
		{"scaling bits are not size", "10" + "000000" + "9d012a" + "8042" + "6881", VP8{Start: true, Keyframe: true, Width: 640, Height: 360}},
		{"extension without fields", "9000" + "01", VP8{Start: true}},
		{"short picture id", "908045" + "01", VP8{Start: true, PictureNumbers: PictureNumbers{HasPictureID: true, PictureID: 0x45}}},
		{"long picture id", "9080d234" + keyTag, VP8{Start: true, Keyframe: true, Width: 640, Height: 360, PictureNumbers: PictureNumbers{HasPictureID: true, PictureID: 0x5234}}},
		{"layer sync", "9020a0" + "01", VP8{Start: true, TemporalID: 2, Sync: true}},
		{"TL0PICIDX and TID", "90607780" + "01", VP8{Start: true, PictureNumbers: PictureNumbers{HasTL0: true, TL0PicIdx: 0x77}, TemporalID: 2}},
		{"TID alone", "902040" + "01", VP8{Start: true, TemporalID: 1}},
		{"KEYIDX alone", "90101f" + "01", VP8{Start: true}},
		{"everything", "90f0812377c5" + "01", VP8{Start: true, PictureNumbers: PictureNumbers{HasPictureID: true, PictureID: 0x123, HasTL0: true, TL0PicIdx: 0x77}, TemporalID: 3}},
		{"descriptor only", "10", VP8{Start: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, ok := ParseVP8(unhex(t, c.payload))
			if !ok {
				t.Fatal("refused")
			}
			got.pictureAt, got.pictureWide, got.tl0At, got.frameAt = 0, false, 0, 0
			if got != c.want {
				t.Fatalf("%+v, want %+v", got, c.want)
			}
		})
	}
}

func TestParseVP8Short(t *testing.T) {
	for _, s := range []string{"", "90", "9080", "908081", "9040", "904000"[:4], "9020", "90c045", "90f0812377", "90b081237"[:8]} {
		if v, ok := ParseVP8(unhex(t, s)); ok {
			t.Errorf("%q gave %+v", s, v)
		}
	}
}

func TestRenumber(t *testing.T) {
	for _, c := range []struct {
		name, in string
		picture  uint16
		tl0      uint8
		want     string
	}{
		{"nothing to write", "10" + "01", 5, 6, "10" + "01"},
		{"a short id stays short", "908045" + "01", 0x1ff, 6, "90807f" + "01"},
		{"a long id stays long", "9080d234" + "01", 1, 6, "90808001" + "01"},
		{"a long id wraps at 15 bits", "90808000" + "01", 0x8003, 6, "90808003" + "01"},
		{"TL0PICIDX", "90607780" + "01", 5, 0xfe, "9060fe80" + "01"},
		{"both", "90f0812377c5" + "01", 0x4567, 0x88, "90f0c56788c5" + "01"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := unhex(t, c.in)
			v, ok := ParseVP8(p)
			if !ok {
				t.Fatal("refused")
			}
			v.Renumber(p, c.picture, c.tl0)
			if got := hex.EncodeToString(p); got != c.want {
				t.Fatalf("%s, want %s", got, c.want)
			}
		})
	}
}

func FuzzParseVP8(f *testing.F) {
	for _, s := range []string{"10" + keyTag, "90f0812377c5" + keyTag, "908045" + "01", "90607780"} {
		f.Add(unhex(f, s), uint16(0x1234), uint8(9))
	}
	f.Fuzz(func(t *testing.T, p []byte, picture uint16, tl0 uint8) {
		before := bytes.Clone(p)
		v, ok := ParseVP8(p)
		if !ok {
			return
		}
		v.Renumber(p, picture, tl0)
		again, ok := ParseVP8(p)
		if !ok || again.pictureWide != v.pictureWide || again.HasPictureID != v.HasPictureID || again.HasTL0 != v.HasTL0 ||
			again.Keyframe != v.Keyframe || again.TemporalID != v.TemporalID {
			t.Fatalf("%x became %x", before, p)
		}
		if v.pictureWide && again.PictureID != picture&0x7fff || v.HasTL0 && again.TL0PicIdx != tl0 {
			t.Fatalf("picture %d, index %d in %x", again.PictureID, again.TL0PicIdx, p)
		}
	})
}

func BenchmarkParseVP8(b *testing.B) {
	p := append(unhex(b, "90f0812377c5"+keyTag), make([]byte, 1000)...)
	b.ReportAllocs()
	for b.Loop() {
		if v, ok := ParseVP8(p); !ok || v.Width != 640 {
			b.Fatal("not parsed")
		}
	}
}
