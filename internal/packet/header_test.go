package packet

import (
	"bytes"
	"encoding/hex"
	"testing"
)

// fixed is an RTP header without its first byte: marker, type 96, sequence 0x1234, timestamp 0x01020304, SSRC 0xdecafbad.
const fixed = "e0" + "1234" + "01020304" + "decafbad"

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestParseHeader(t *testing.T) {
	for _, c := range []struct {
		name, packet string
		ok           bool
		payload      string
		payloadOK    bool
	}{
		{"empty", "", false, "", false},
		{"one byte short", "80" + fixed[:20], false, "", false},
		{"version 1", "40" + fixed, false, "", false},
		{"no payload", "80" + fixed, true, "", true},
		{"payload", "80" + fixed + "aabb", true, "aabb", true},
		{"two contributing sources", "82" + fixed + "0000000100000002" + "aa", true, "aa", true},
		{"contributing sources cut off", "82" + fixed + "00000001000000", false, "", false},
		{"extension", "90" + fixed + "bede0001" + "10aa0000" + "cc", true, "cc", true},
		{"empty extension", "90" + fixed + "bede0000" + "cc", true, "cc", true},
		{"extension without length", "90" + fixed + "bede", false, "", false},
		{"extension cut off", "90" + fixed + "bede0002" + "10aa0000", false, "", false},
		{"sources and extension", "91" + fixed + "00000001" + "bede0001" + "10aa0000" + "cc", true, "cc", true},
		{"padding", "a0" + fixed + "aabb" + "000003", true, "aabb", true},
		{"padding only", "a0" + fixed + "00000004", true, "", true},
		{"padding of no bytes", "a0" + fixed + "aa00", true, "", false},
		{"padding longer than the payload", "a0" + fixed + "aa03", true, "", false},
		{"padding without payload", "a0" + fixed, true, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := unhex(t, c.packet)
			h, ok := ParseHeader(b)
			if ok != c.ok {
				t.Fatalf("ok = %v", ok)
			}
			if !ok {
				return
			}
			if !h.Marker || h.PayloadType != 96 || h.Sequence != 0x1234 || h.Timestamp != 0x01020304 || h.SSRC != 0xdecafbad {
				t.Fatalf("header %+v", h)
			}
			p, ok := h.Payload(b)
			if ok != c.payloadOK || hex.EncodeToString(p) != c.payload {
				t.Fatalf("payload %x, %v", p, ok)
			}
		})
	}
}

func TestMarkerAndTypeAreApart(t *testing.T) {
	h, ok := ParseHeader(unhex(t, "80"+"6f"+fixed[2:]))
	if !ok || h.Marker || h.PayloadType != 111 {
		t.Fatalf("%+v, %v", h, ok)
	}
}

func TestExtension(t *testing.T) {
	const nothing = ""
	for _, c := range []struct {
		name, block string // profile, length in words, elements
		want        map[uint8]string
	}{
		{"one-byte", "bede0003" + "10aa" + "21bbcc" + "00" + "32ddeeff" + "0000", map[uint8]string{0: nothing, 1: "aa", 2: "bbcc", 3: "ddeeff", 4: nothing}},
		{"one-byte, sixteen bytes long", "bede0005" + "1f000102030405060708090a0b0c0d0e0f" + "000000", map[uint8]string{1: "000102030405060708090a0b0c0d0e0f"}},
		{"one-byte, padding first", "bede0001" + "000010aa", map[uint8]string{1: "aa"}},
		{"one-byte, id 15 ends the list", "bede0002" + "10aa" + "f0bb" + "20cc" + "0000", map[uint8]string{1: "aa", 2: nothing, 15: nothing}},
		{"one-byte, element beyond the block", "bede0001" + "13aabbcc", map[uint8]string{1: nothing}},
		{"one-byte, id 0 with a length is skipped", "bede0001" + "01aabb00", map[uint8]string{1: nothing, 0: nothing}},
		{"two-byte", "10000003" + "0101aa" + "0200" + "00" + "1502bbcc" + "0000", map[uint8]string{1: "aa", 2: nothing, 21: "bbcc", 3: nothing}},
		{"two-byte with application bits", "100f0001" + "0101aa00", map[uint8]string{1: "aa"}},
		{"two-byte, id in the last byte", "10000001" + "00000001", map[uint8]string{1: nothing}},
		{"two-byte, element beyond the block", "10000001" + "0103aabb", map[uint8]string{1: nothing}},
		{"another profile", "12340001" + "10aa0000", map[uint8]string{1: nothing}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := unhex(t, "90"+fixed+c.block+"99999999")
			h, ok := ParseHeader(b)
			if !ok {
				t.Fatal("not parsed")
			}
			for id, want := range c.want {
				if got := hex.EncodeToString(h.Extension(b, id)); got != want {
					t.Errorf("element %d is %q, want %q", id, got, want)
				}
			}
		})
	}
	b := unhex(t, "80"+fixed)
	if h, _ := ParseHeader(b); h.Extension(b, 1) != nil {
		t.Error("an element in a packet without extensions")
	}
}

func TestEmptyTwoByteElementIsPresent(t *testing.T) {
	b := unhex(t, "90"+fixed+"10000001"+"02000000")
	if h, _ := ParseHeader(b); h.Extension(b, 2) == nil {
		t.Error("an element of no bytes counts as absent")
	}
}

func TestIsRTCP(t *testing.T) {
	for b, want := range map[string]bool{"": false, "80": false, "80c8": true, "81cd": true, "80c0": true, "80df": true, "80e0": false, "80bf": false, "8060": false, "80ef": false} {
		if IsRTCP(unhex(t, b)) != want {
			t.Errorf("%s: not %v", b, want)
		}
	}
}

func FuzzParseHeader(f *testing.F) {
	for _, s := range []string{
		"80" + fixed, "90" + fixed + "bede0001" + "10aa0000" + "cc", "b1" + fixed + "00000001" + "10000002" + "0101aa0202bbcc00" + "dddd02",
	} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		h, ok := ParseHeader(b)
		if !ok {
			return
		}
		if h.PayloadOffset < HeaderSize || h.PayloadOffset > len(b) {
			t.Fatalf("payload at %d of %d", h.PayloadOffset, len(b))
		}
		if p, ok := h.Payload(b); ok && len(p) > len(b)-h.PayloadOffset {
			t.Fatalf("payload of %d bytes", len(p))
		}
		for id := range 256 {
			if e := h.Extension(b, uint8(id)); len(e) > h.PayloadOffset-HeaderSize {
				t.Fatalf("element %d of %d bytes", id, len(e))
			}
		}
		if !bytes.Equal(b, before) {
			t.Fatal("reading changed the packet")
		}
	})
}

func BenchmarkParseHeader(b *testing.B) {
	raw := unhex(b, "90"+fixed+"bede0003"+"1130"+"00"+"22aabbcc"+"31ddee"+"0000"+"cc")
	var sum int
	b.ReportAllocs()
	for b.Loop() {
		h, _ := ParseHeader(raw)
		sum += len(h.Extension(raw, 3))
	}
	if sum == 0 {
		b.Fatal("element not found")
	}
}
