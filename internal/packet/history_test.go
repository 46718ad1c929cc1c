package packet

import (
	"bytes"
	"testing"
)

func TestHistory(t *testing.T) {
	h := NewHistory(4)
	var dst [MaxSize]byte
	if n := h.Copy(0, dst[:]); n != 0 {
		t.Fatalf("%d bytes of a packet that never came", n)
	}
	buffers := map[uint64][]byte{}
	for seq := uint64(65534); seq != 65538; seq++ { // four packets over the wrap
		b := append(make([]byte, 0, 64), "packet "...)
		buffers[seq] = append(b, byte(seq))
		if old := h.Put(seq, buffers[seq]); old != nil {
			t.Fatalf("a free slot gave back %v", old)
		}
	}
	for seq, b := range buffers {
		if n := h.Copy(seq, dst[:]); !bytes.Equal(dst[:n], b) {
			t.Errorf("packet %d is %q", seq, dst[:n])
		}
	}
	old := h.Put(65538, append(make([]byte, 0, 64), "newer"...))
	if len(old) != 0 || cap(old) != 64 || &old[:1][0] != &buffers[65534][0] {
		t.Error("the buffer of the oldest packet was not given back for use")
	}
	if n := h.Copy(65534, dst[:]); n != 0 {
		t.Errorf("the replaced packet is still here: %q", dst[:n])
	}
	if n := h.Copy(65538, dst[:]); string(dst[:n]) != "newer" {
		t.Errorf("packet 65538 is %q", dst[:n])
	}
	if n := h.Copy(65538, dst[:3]); n != 0 {
		t.Error("a packet was cut to fit")
	}
	if n := h.Copy(2, dst[:]); n != 0 {
		t.Error("a packet was taken for one with the same sequence number a cycle earlier")
	}
}

func TestHistorySizes(t *testing.T) {
	for _, n := range []int{0, -1, 3, 6, 1000} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("a history of %d packets", n)
				}
			}()
			NewHistory(n)
		}()
	}
	NewHistory(1)
	NewHistory(512)
}

func BenchmarkHistoryPut(b *testing.B) {
	h := NewHistory(512)
	buffer := make([]byte, 0, MaxSize)
	var seq uint64
	for range 512 {
		h.Put(seq, make([]byte, 0, MaxSize))
		seq++
	}
	b.ReportAllocs()
	for b.Loop() {
		buffer = h.Put(seq, buffer[:1100])
		seq++
	}
}

func BenchmarkHistoryCopy(b *testing.B) {
	h := NewHistory(512)
	h.Put(7, make([]byte, 1100))
	var dst [MaxSize]byte
	b.ReportAllocs()
	for b.Loop() {
		if h.Copy(7, dst[:]) == 0 {
			b.Fatal("gone")
		}
	}
}
