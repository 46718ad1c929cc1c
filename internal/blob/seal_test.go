package blob

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// sealed is a store that encrypts, an object of a little over two chunks in it, and the file that has it.
func sealed(t *testing.T) (s *Store, path string, content []byte) {
	t.Helper()
	s = onDiskOf(t, Config{Secret: secret, Encrypt: true})
	content = random(2*chunkSize + 100)
	put(t, s, "a/b.webm", content)
	return s, s.backend.(*disk).path("a/b.webm"), content
}

func readObject(t *testing.T, s *Store, key string) error {
	t.Helper()
	r, err := s.Open(t.Context(), key)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, r)
	return errors.Join(err, r.Close())
}

func TestNothingOfAnEncryptedObjectIsReadable(t *testing.T) {
	s, path, content := sealed(t)
	stored, err := os.ReadFile(path)
	must(t, err)
	for at := 0; at+16 <= len(content); at += 16 {
		if bytes.Contains(stored, content[at:at+16]) {
			t.Fatalf("what was at %d is in the file", at)
		}
	}
	put(t, s, "a/c.webm", content)
	again, err := os.ReadFile(s.backend.(*disk).path("a/c.webm"))
	must(t, err)
	if bytes.Equal(stored[headSize:], again[headSize:]) {
		t.Fatal("equal objects look equal")
	}
}

// Whatever is done to the file, reading fails and gives nothing wrong.
func TestTamperingIsSeen(t *testing.T) {
	s, path, content := sealed(t)
	stored, err := os.ReadFile(path)
	must(t, err)
	const chunk = chunkSize + tagSize
	cut := func(from, until int) []byte { return append(bytes.Clone(stored[:from]), stored[until:]...) }
	flipped := func(at int) []byte { b := bytes.Clone(stored); b[at] ^= 1; return b }
	swapped := bytes.Clone(stored)
	copy(swapped[headSize:], stored[headSize+chunk:headSize+2*chunk])
	copy(swapped[headSize+chunk:], stored[headSize:headSize+chunk])
	for name, damaged := range map[string][]byte{
		"cut off":                         stored[:len(stored)-1],
		"cut off at a chunk":              stored[:headSize+2*chunk],
		"cut off at the first chunk":      stored[:headSize+chunk],
		"cut off at the head":             stored[:headSize],
		"cut off within a tag":            stored[:headSize+2*chunk+5],
		"a chunk left out":                cut(headSize, headSize+chunk),
		"chunks swapped":                  swapped,
		"one bit of the salt":             flipped(20),
		"one bit of the first chunk":      flipped(headSize + 3),
		"one bit of the last tag":         flipped(len(stored) - 1),
		"something appended":              append(bytes.Clone(stored), 0),
		"a chunk appended":                append(bytes.Clone(stored), stored[headSize:headSize+chunk]...),
		"the last chunk appended":         append(bytes.Clone(stored), stored[headSize+2*chunk:]...),
		"one bit of a chunk in the midst": flipped(headSize + chunk + 77),
	} {
		must(t, os.WriteFile(path, damaged, 0o600))
		if err := readObject(t, s, "a/b.webm"); !errors.Is(err, ErrSealed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	must(t, os.WriteFile(path, stored, 0o600))
	wantObject(t, s, "a/b.webm", content)
}

func TestAnEncryptedObjectBelongsToItsKeyAndRoot(t *testing.T) {
	s, path, content := sealed(t)
	must(t, os.Rename(path, filepath.Join(filepath.Dir(path), "c.webm")))
	if err := readObject(t, s, "a/c.webm"); !errors.Is(err, ErrSealed) {
		t.Errorf("under another key: %v", err)
	}
	must(t, os.Rename(filepath.Join(filepath.Dir(path), "c.webm"), path))
	dir := s.backend.(*disk).dir
	if err := readObject(t, opened(t, Config{Dir: dir, Secret: bytes.Repeat([]byte("another "), 4)}), "a/b.webm"); !errors.Is(err, ErrSealed) {
		t.Errorf("with another secret: %v", err)
	}
	if err := readObject(t, opened(t, Config{Dir: dir}), "a/b.webm"); !errors.Is(err, errNoKey) {
		t.Errorf("without a secret: %v", err)
	}
	wantObject(t, opened(t, Config{Dir: dir, Secret: secret}), "a/b.webm", content)
	if _, err := Open(Config{Dir: dir, Encrypt: true}); err == nil {
		t.Error("it would encrypt without a secret")
	}
}

// Objects from before encryption was turned on are read as they are.
func TestEncryptionTurnedOn(t *testing.T) {
	dir := t.TempDir()
	put(t, opened(t, Config{Dir: dir, Secret: secret}), "a/b.webm", random(99))
	wantObject(t, opened(t, Config{Dir: dir, Secret: secret, Encrypt: true}), "a/b.webm", random(99))
	s := opened(t, Config{Dir: dir, Secret: secret})
	if _, err := s.Put(t.Context(), "a/c.webm", file(t, append([]byte(sealMark), random(99)...))); !errors.Is(err, errLooksSo) {
		t.Errorf("a file that looks encrypted: %v", err)
	}
}

func FuzzUnseal(f *testing.F) {
	s, err := Open(Config{Dir: f.TempDir(), Secret: secret})
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(sealMark))
	f.Add(append([]byte(sealMark), make([]byte, 100)...))
	f.Fuzz(func(t *testing.T, stored []byte) {
		path := s.backend.(*disk).path("a.webm")
		must(t, os.WriteFile(path, stored, 0o600))
		err := readObject(t, s, "a.webm")
		if bytes.HasPrefix(stored, []byte(sealMark)) && len(stored) >= headSize && !errors.Is(err, ErrSealed) {
			t.Fatalf("read what nobody encrypted: %v", err)
		}
	})
}
