package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
)

// contract is what every place of objects must do, encrypted or not.
func contract(t *testing.T, open func(*testing.T, Config) *Store) {
	for name, config := range map[string]Config{"plain": {Secret: secret}, "encrypted": {Secret: secret, Encrypt: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for name, test := range map[string]func(*testing.T, *Store){
				"sizes": testSizes, "places": testPlaces, "absent": testAbsent, "again": testAgain, "keys": testKeys, "fetch": testFetch,
				"check": func(t *testing.T, s *Store) { must(t, s.Check(t.Context())) },
			} {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					test(t, open(t, config))
				})
			}
		})
	}
}

var secret = bytes.Repeat([]byte("rotunda "), 4)

func TestOnDisk(t *testing.T) { contract(t, onDiskOf) }

func onDiskOf(t *testing.T, config Config) *Store {
	t.Helper()
	config.Dir = filepath.Join(t.TempDir(), "new", "media")
	return opened(t, config)
}

func opened(t *testing.T, config Config) *Store {
	t.Helper()
	s, err := Open(config)
	must(t, err)
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// random is the same content for the same size.
func random(size int) []byte {
	content := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{byte(size)}).Read(content)
	return content
}

// file is a new file with this content.
func file(t *testing.T, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a file")
	must(t, os.WriteFile(path, content, 0o600))
	return path
}

func put(t *testing.T, s *Store, key string, content []byte) {
	t.Helper()
	kept, err := s.Put(t.Context(), key, file(t, content))
	must(t, err)
	if want := (Content{int64(len(content)), fmt.Sprintf("%x", sha256.Sum256(content))}); kept != want {
		t.Fatalf("put %+v, want %+v", kept, want)
	}
}

func wantObject(t *testing.T, s *Store, key string, want []byte) {
	t.Helper()
	r, err := s.Open(t.Context(), key)
	must(t, err)
	defer func() { must(t, r.Close()) }()
	got, err := io.ReadAll(r)
	must(t, err)
	if r.Size() != int64(len(want)) || !bytes.Equal(got, want) {
		t.Fatalf("%s: %d bytes of %d came back, or others", key, len(got), len(want))
	}
}

// Sizes at the edges of chunks, heads and windows, and one that goes to a bucket in parts.
func testSizes(t *testing.T, s *Store) {
	for _, size := range []int{
		1, 31, 32, 33, chunkSize - 1, chunkSize, chunkSize + 1, 3 * chunkSize, firstWindow + 1, partSize + 3*chunkSize + 5,
	} {
		content := random(size)
		put(t, s, "a/b.webm", content)
		wantObject(t, s, "a/b.webm", content)
	}
}

// Every place can be read from, in any order.
func testPlaces(t *testing.T, s *Store) {
	content := random(2*firstWindow + 12345)
	put(t, s, "a/b.webm", content)
	r, err := s.Open(t.Context(), "a/b.webm")
	must(t, err)
	defer func() { must(t, r.Close()) }()
	order := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		from := order.IntN(len(content))
		n := min(1+order.IntN(100_000), len(content)-from)
		at, err := r.Seek(int64(from), io.SeekStart)
		must(t, err)
		got := make([]byte, n)
		_, err = io.ReadFull(r, got)
		if err != nil || at != int64(from) || !bytes.Equal(got, content[from:from+n]) {
			t.Fatalf("%d bytes from %d on: %v, or others", n, from, err)
		}
	}
	if at, err := r.Seek(-1, io.SeekEnd); err != nil || at != int64(len(content))-1 {
		t.Fatalf("at %d, %v", at, err)
	}
	if _, err := r.Seek(-2, io.SeekStart); err == nil {
		t.Fatal("it went before the beginning")
	}
	at, err := r.Seek(7, io.SeekEnd)
	must(t, err)
	if n, err := r.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Fatalf("%d bytes and %v beyond the end, at %d", n, err, at)
	}
	_, err = r.Seek(0, io.SeekStart)
	must(t, err)
	must(t, iotest.TestReader(struct{ io.Reader }{r}, content))
}

func testAbsent(t *testing.T, s *Store) {
	_, err := s.Open(t.Context(), "a/none.webm")
	if !errors.Is(err, ErrAbsent) {
		t.Fatalf("got %v", err)
	}
	must(t, s.Delete(t.Context(), "a/none.webm"))
	put(t, s, "a/b.webm", []byte("media"))
	put(t, s, "a/c.webm", []byte("media"))
	must(t, s.Delete(t.Context(), "a/b.webm"))
	if _, err := s.Open(t.Context(), "a/b.webm"); !errors.Is(err, ErrAbsent) {
		t.Fatalf("after its deletion: %v", err)
	}
	wantObject(t, s, "a/c.webm", []byte("media"))
	if _, err := s.Put(t.Context(), "a/d.webm", filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("put nothing: %v", err)
	}
	if _, err := s.Put(t.Context(), "a/d.webm", file(t, nil)); err == nil || !strings.Contains(err.Error(), "empty") {
		t.Fatalf("put an empty file: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Put(ended, "a/d.webm", file(t, random(100))); err == nil && s.encrypt {
		t.Fatal("put after its context")
	}
}

// Putting again replaces, and the same file once more changes nothing.
func testAgain(t *testing.T, s *Store) {
	path := file(t, random(100_000))
	for range 3 {
		_, err := s.Put(t.Context(), "a/b.webm", path)
		must(t, err)
		wantObject(t, s, "a/b.webm", random(100_000))
	}
	must(t, os.Remove(path))
	wantObject(t, s, "a/b.webm", random(100_000))
	put(t, s, "a/b.webm", []byte("another"))
	wantObject(t, s, "a/b.webm", []byte("another"))
}

func testKeys(t *testing.T, s *Store) {
	for _, key := range []string{"", "/a", "../a", "a/../../b", "a//b", "a/", ".", ".unfinished/a", "a/.b", "a\\b", "c:a", "a\x00b", strings.Repeat("a", 600)} {
		_, put := s.Put(t.Context(), key, file(t, []byte("x")))
		_, open := s.Open(t.Context(), key)
		if put == nil || open == nil || s.Delete(t.Context(), key) == nil {
			t.Errorf("%q was taken for a key: %v, %v", key, put, open)
		}
	}
}

func testFetch(t *testing.T, s *Store) {
	put(t, s, "a/b.webm", random(firstWindow*2))
	path := filepath.Join(t.TempDir(), "fetched")
	must(t, s.Fetch(t.Context(), "a/b.webm", path))
	got, err := os.ReadFile(path)
	must(t, err)
	if !bytes.Equal(got, random(firstWindow*2)) {
		t.Fatal("other bytes were fetched")
	}
	_, onDisk := s.backend.(*disk)
	wantLinks := onDisk && !s.encrypt
	linked := false
	if onDisk {
		kept, err := os.Stat(s.backend.(*disk).path("a/b.webm"))
		must(t, err)
		fetched, err := os.Stat(path)
		must(t, err)
		linked = os.SameFile(kept, fetched)
	}
	if linked != wantLinks || s.Links() != wantLinks {
		t.Fatalf("linked %t, links %t, want %t", linked, s.Links(), wantLinks)
	}
	if err := s.Fetch(t.Context(), "a/b.webm", path); !errors.Is(err, os.ErrExist) {
		t.Fatalf("fetched over a file: %v", err)
	}
	if err := s.Fetch(t.Context(), "a/c.webm", path+"2"); !errors.Is(err, ErrAbsent) {
		t.Fatalf("got %v", err)
	}
	if _, err := os.Stat(path + "2"); err == nil {
		t.Fatal("a file was left")
	}
}
