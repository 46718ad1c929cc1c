package blob

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A file of the same file system is kept without a copy, which a nearly full disk would have no room for.
func TestPutTakesNoRoom(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, Config{Dir: filepath.Join(dir, "media")})
	path := filepath.Join(dir, "a file")
	must(t, os.WriteFile(path, random(1000), 0o600))
	_, err := s.Put(t.Context(), "a/b.webm", path)
	must(t, err)
	from, err := os.Stat(path)
	must(t, err)
	to, err := os.Stat(s.backend.(*disk).path("a/b.webm"))
	must(t, err)
	if !os.SameFile(from, to) {
		t.Error("the file was copied")
	}
}

// Nothing is left where files are made, and what a killed process left goes.
func TestNothingUnfinishedIsLeft(t *testing.T) {
	dir := t.TempDir()
	must(t, os.Mkdir(filepath.Join(dir, unfinished), 0o700))
	must(t, os.WriteFile(filepath.Join(dir, unfinished, "half"), []byte("x"), 0o600))
	s := opened(t, Config{Dir: dir, Secret: secret, Encrypt: true})
	path := file(t, random(1000))
	for range 2 {
		_, err := s.Put(t.Context(), "a/b.webm", path)
		must(t, err)
		_, err = opened(t, Config{Dir: dir}).Put(t.Context(), "a/c.webm", path)
		must(t, err)
	}
	must(t, s.Delete(t.Context(), "a/b.webm"))
	must(t, s.Delete(t.Context(), "a/c.webm"))
	for _, dir := range []string{filepath.Join(dir, unfinished), dir} {
		left, err := os.ReadDir(dir)
		must(t, err)
		for _, entry := range left {
			if entry.Name() != unfinished {
				t.Errorf("%s was left", entry.Name())
			}
		}
	}
}

// Deleting the last object of a directory takes the directory away, and does not hurt one that is being put there.
func TestPutBesideDelete(t *testing.T) {
	s := onDiskOf(t, Config{})
	path := file(t, []byte("media"))
	var both sync.WaitGroup
	for _, key := range []string{"a/b/c.webm", "a/b/d.webm"} {
		both.Go(func() {
			for range 100 {
				if _, err := s.Put(t.Context(), key, path); err != nil {
					t.Error(err)
				}
				if err := s.Delete(t.Context(), key); err != nil {
					t.Error(err)
				}
			}
		})
	}
	both.Wait()
}

func TestReasons(t *testing.T) {
	for err, want := range map[error]Reason{
		&os.PathError{Op: "write", Err: syscall.ENOSPC}: ReasonFull,
		&os.PathError{Op: "open", Err: syscall.EACCES}:  ReasonRefused,
		errors.Join(errors.New("put"), errMismatch):     ReasonMismatch,
		&os.PathError{Op: "write", Err: syscall.EIO}:    ReasonUnavailable,
		errors.New("connection refused"):                ReasonUnavailable,
	} {
		if got := ReasonOf(err); got != want {
			t.Errorf("%v: %s, want %s", err, got, want)
		}
	}
}

// Nothing is absent or deleted in a directory that has gone.
func TestDirectoryThatHasGone(t *testing.T) {
	s := onDiskOf(t, Config{})
	put(t, s, "a/b.webm", []byte("media"))
	dir := s.backend.(*disk).dir
	must(t, os.Rename(dir, dir+" unmounted"))
	must(t, os.Mkdir(dir, 0o700))
	if _, err := s.Open(t.Context(), "a/b.webm"); err == nil || errors.Is(err, ErrAbsent) {
		t.Errorf("open: %v", err)
	}
	if err := s.Delete(t.Context(), "a/b.webm"); err == nil || ReasonOf(err) != ReasonUnavailable {
		t.Errorf("delete: %v", err)
	}
}

// A directory that cannot be written to is noticed when it is checked.
func TestCheckOfADirectoryInTheWay(t *testing.T) {
	s := onDiskOf(t, Config{})
	must(t, os.RemoveAll(filepath.Join(s.backend.(*disk).dir, unfinished)))
	if s.Check(t.Context()) == nil {
		t.Error("a check of nothing went well")
	}
	in := file(t, nil)
	if _, err := Open(Config{Dir: filepath.Join(in, "media")}); err == nil {
		t.Error("opened below a file")
	}
}
