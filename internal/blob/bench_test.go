package blob

import (
	"io"
	"os"
	"path/filepath"
	"testing"
)

// What it costs to keep a file and to read it, as it is and encrypted.
func BenchmarkObjects(b *testing.B) {
	const size = 64 << 20
	for name, encrypt := range map[string]bool{"plain": false, "encrypted": true} {
		s, err := Open(Config{Dir: filepath.Join(b.TempDir(), "media"), Secret: secret, Encrypt: encrypt})
		if err != nil {
			b.Fatal(err)
		}
		path := filepath.Join(b.TempDir(), "file")
		if err := os.WriteFile(path, random(size), 0o600); err != nil {
			b.Fatal(err)
		}
		b.Run("put "+name, func(b *testing.B) {
			b.SetBytes(size)
			for b.Loop() {
				if _, err := s.Put(b.Context(), "a.webm", path); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("read "+name, func(b *testing.B) {
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				r, err := s.Open(b.Context(), "a.webm")
				if err != nil {
					b.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, r); err != nil {
					b.Fatal(err)
				}
				if err := r.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
