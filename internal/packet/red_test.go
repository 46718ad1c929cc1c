package packet

import (
	"bytes"
	"testing"
)

func TestParseRED(t *testing.T) {
	const pt = 111
	block := func(offset, size int) []byte {
		word := uint32(0x80|pt)<<24 | uint32(offset)<<10 | uint32(size)
		return []byte{byte(word >> 24), byte(word >> 16), byte(word >> 8), byte(word)}
	}
	for _, c := range []struct {
		name              string
		payload           []byte
		primary, previous string
		offset            uint32
	}{
		{"primary only", append([]byte{pt}, "now"...), "now", "", 0},
		{"one copy", bytes.Join([][]byte{block(960, 6), {pt}, []byte("before"), []byte("now")}, nil), "now", "before", 960},
		{"two copies", bytes.Join([][]byte{block(1920, 3), block(960, 6), {pt}, []byte("old"), []byte("before"), []byte("now")}, nil), "now", "before", 960},
		{"an empty copy", bytes.Join([][]byte{block(960, 0), {pt}, []byte("now")}, nil), "now", "", 960},
		{"the longest", bytes.Join([][]byte{block(16383, 1023), {pt}, bytes.Repeat([]byte{7}, 1023)}, nil), "", string(bytes.Repeat([]byte{7}, 1023)), 16383},
	} {
		r, ok := ParseRED(c.payload, pt)
		if !ok || string(r.Primary) != c.primary || string(r.Previous) != c.previous || r.Offset != c.offset {
			t.Errorf("%s: %q, %q, %d, %v", c.name, r.Primary, r.Previous, r.Offset, ok)
		}
	}
	for name, payload := range map[string][]byte{
		"nothing":         {},
		"a header cut":    block(960, 6)[:3],
		"no primary":      block(960, 0),
		"a copy too long": append(block(960, 9), pt, 1, 2, 3),
		"another type":    {96, 1, 2},
		"a mixed packet":  append(block(960, 1), 96, 1, 2),
		"endless":         bytes.Repeat(block(0, 0), 200),
	} {
		if r, ok := ParseRED(payload, pt); ok {
			t.Errorf("%s was taken: %+v", name, r)
		}
	}
}

func FuzzParseRED(f *testing.F) {
	f.Add([]byte{0xef, 0x0f, 0, 3, 111, 1, 2, 3, 4}, uint8(111))
	f.Fuzz(func(t *testing.T, payload []byte, pt uint8) {
		if r, ok := ParseRED(payload, pt&0x7f); ok && len(r.Primary)+len(r.Previous) > len(payload) {
			t.Error("more than there was")
		}
	})
}
