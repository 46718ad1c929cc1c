package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/rotunda-rtc/rotunda/internal/blob"
	"github.com/rotunda-rtc/rotunda/internal/compose"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// An encrypted file that does not open is damaged, which passes with no attempt; an index that does not is as if there were none.
func TestShelfOfDamagedObjects(t *testing.T) {
	dir := t.TempDir()
	objects, err := blob.Open(blob.Config{Dir: dir, Secret: bytes.Repeat([]byte{7}, 32), Encrypt: true})
	if err != nil {
		t.Fatal(err)
	}
	r := video.Recording{ID: video.NewUUID(), AccountID: "a", SessionID: "s", Codec: "vp8", SizeBytes: 100_000}
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, bytes.Repeat([]byte("film"), 25_000), 0o600); err != nil {
		t.Fatal(err)
	}
	spoil := func(key string) {
		path := filepath.Join(dir, filepath.FromSlash(key))
		content, err := os.ReadFile(path)
		if err == nil {
			content[50] ^= 1
			err = os.WriteFile(path, content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{r.FileKey(), r.IndexKey()} {
		if _, err := objects.Put(t.Context(), key, plain); err != nil {
			t.Fatal(err)
		}
	}
	s := shelf{objects}
	if got := s.Room(r); got != r.SizeBytes {
		t.Errorf("a copy takes %d bytes", got)
	}
	spoil(r.IndexKey())
	file, _, err := s.Open(t.Context(), r, t.TempDir())
	if err != nil {
		t.Fatalf("without its index: %v", err)
	}
	if content, err := os.ReadFile(file); err != nil || len(content) != 100_000 {
		t.Errorf("it is %d bytes (%v)", len(content), err)
	}
	spoil(r.FileKey())
	if _, _, err := s.Open(t.Context(), r, t.TempDir()); !errors.Is(err, compose.ErrDamaged) {
		t.Errorf("damaged, the error is %v", err)
	}
}
