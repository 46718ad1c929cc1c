package packet_test

import (
	"bytes"
	"testing"

	"github.com/rotunda-rtc/rotunda/internal/packet"
)

// TestVP9SpatialLayers: of the sizes of a picture the largest is kept, with those it is predicted from.
func TestVP9SpatialLayers(t *testing.T) {
	const (
		first, last, delta, alone, structure = 0x08, 0x04, 0x40, 0x01, 0x02
	)
	part := func(timestamp uint32, flags, size byte, marker bool, body ...byte) *packet.Media {
		payload := []byte{0x20 | flags, size << 1, 0}
		if flags&structure != 0 {
			payload = append(payload, 1<<5|0x10, 1, 64, 0, 180, 2, 128, 1, 104) // 320 x 180 and 640 x 360
		}
		return &packet.Media{Codec: packet.CodecVP9, Timestamp: timestamp, Marker: marker, Payload: append(payload, body...)}
	}
	key := []byte{0x82, 0x49, 0x83, 0x42, 0x20, 0x13, 0xf0, 0x0b, 0x30}
	a := packet.NewAssembler(packet.CodecVP9)
	var frames []packet.Frame
	push := func(packets ...*packet.Media) packet.Frame {
		t.Helper()
		frames = frames[:0]
		for _, m := range packets {
			a.Push(m, false, func(f *packet.Frame) { frames = append(frames, *f) })
		}
		if len(frames) != 1 {
			t.Fatalf("%d frames", len(frames))
		}
		return frames[0]
	}
	f := push(part(1, first|structure, 0, false, key...), part(1, last, 0, false, 7), part(1, first|last|delta|alone, 1, true, 8, 9))
	want := append(append([]byte{}, key...), 7, 8, 9, 0xd9, 10, 0, 0, 0, 2, 0, 0, 0, 0xd9)
	if !f.Complete || !f.Keyframe || f.Width != 640 || f.Height != 360 || !bytes.Equal(f.Data, want) {
		t.Fatalf("the keyframe is %+v", f)
	}
	f = push(part(2, first|last|delta|alone, 0, false, 1), part(2, first|delta|alone, 1, false, 2), part(2, last|delta|alone, 1, true, 3))
	if !f.Complete || f.Keyframe || !bytes.Equal(f.Data, []byte{2, 3}) {
		t.Fatalf("the picture after it is %+v", f)
	}
	f = push(part(3, first|last|delta|alone, 0, true, 5))
	if !f.Complete || !bytes.Equal(f.Data, []byte{5}) {
		t.Fatalf("a picture of the small size alone is %+v", f)
	}
	if f = push(part(4, first|last|delta|alone, 0, false, 1), part(4, first|delta|alone, 1, true, 2)); f.Complete {
		t.Fatal("a picture whose last frame has no end is complete")
	}
}
