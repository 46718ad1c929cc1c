package live

import "testing"

func FuzzParseDatagram(f *testing.F) {
	f.Add([]byte{1, 1, 'a', 1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 'x'})
	f.Fuzz(func(t *testing.T, b []byte) {
		d, ok := parseDatagram(b)
		if !ok {
			return
		}
		if n := 3 + len(d.topic) + 16*len(d.recipients) + len(d.payload); n != len(b) {
			t.Errorf("%d bytes of %d", n, len(b))
		}
		for _, id := range d.recipients {
			if participantOf(bytesOf(id)) != id {
				t.Errorf("%s is not read as it is written", id)
			}
		}
	})
}
