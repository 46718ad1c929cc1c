package packet

import "testing"

func TestUnwrap(t *testing.T) {
	const c = uint64(firstCycle)
	for _, s := range []struct {
		name    string
		in      []uint16
		want    []uint64
		highest uint64
	}{
		{"in order", []uint16{5, 6, 7}, []uint64{c + 5, c + 6, c + 7}, c + 7},
		{"wrap", []uint16{65534, 65535, 0, 1}, []uint64{c + 65534, c + 65535, 2 * c, 2*c + 1}, 2*c + 1},
		{"late over the wrap", []uint16{65534, 1, 65535, 2}, []uint64{c + 65534, 2*c + 1, c + 65535, 2*c + 2}, 2*c + 2},
		{"older than the first", []uint16{2, 0, 65535, 65000, 3}, []uint64{c + 2, c, c - 1, 65000, c + 3}, c + 3},
		{"duplicate", []uint16{9, 9}, []uint64{c + 9, c + 9}, c + 9},
		{"far ahead", []uint16{0, 32767}, []uint64{c, c + 32767}, c + 32767},
		{"half the circle is behind", []uint16{0, 32768}, []uint64{c, c - 32768}, c},
	} {
		t.Run(s.name, func(t *testing.T) {
			var u Unwrapper
			if _, ok := u.Highest(); ok {
				t.Fatal("a highest number before the first")
			}
			for i, seq := range s.in {
				if got := u.Unwrap(seq); got != s.want[i] {
					t.Fatalf("%d of %v is %d, want %d", seq, s.in, got, s.want[i])
				}
			}
			if got, ok := u.Highest(); !ok || got != s.highest {
				t.Fatalf("highest %d, want %d", got, s.highest)
			}
		})
	}
}

// TestUnwrapManyCycles holds that the extended number always ends in the sequence number it came from.
func TestUnwrapManyCycles(t *testing.T) {
	var u Unwrapper
	for want := uint64(firstCycle) + 100; want < 10*firstCycle; want += 977 {
		if got := u.Unwrap(uint16(want)); got != want {
			t.Fatalf("%d, want %d", got, want)
		}
		if late := want - 50; u.Unwrap(uint16(late)) != late {
			t.Fatalf("the late packet %d was misplaced", late)
		}
	}
}

func TestNewerTimestamp(t *testing.T) {
	for _, c := range []struct {
		a, b uint32
		want bool
	}{{2, 1, true}, {1, 2, false}, {1, 1, false}, {0, 0xffffffff, true}, {0xffffffff, 0, false}, {0x7fffffff, 0, true}, {0x80000001, 0, false}} {
		if NewerTimestamp(c.a, c.b) != c.want {
			t.Errorf("%x newer than %x: not %v", c.a, c.b, c.want)
		}
	}
}

func FuzzUnwrap(f *testing.F) {
	f.Add([]byte{0xff, 0xff, 0, 0, 0xff, 0xfe, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		var u Unwrapper
		var highest uint64
		for ; len(b) >= 2; b = b[2:] {
			seq := uint16(b[0])<<8 | uint16(b[1])
			got := u.Unwrap(seq)
			if uint16(got) != seq {
				t.Fatalf("%d became %d", seq, got)
			}
			highest = max(highest, got)
		}
		if h, ok := u.Highest(); ok && h != highest {
			t.Fatalf("highest %d, want %d", h, highest)
		}
	})
}
