package record

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// lines is a log at level info.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), text)
}

// must is for what only goes wrong when the test does.
func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// What a start cannot look at is not lost: it waits until it can be looked at, however long that takes.
func TestRecoverWaitsForTheDisk(t *testing.T) {
	media, index, row := running(t, packet.CodecVP8)
	none := row
	none.ID = video.NewUUID()
	for _, c := range []struct {
		name    string
		breaks  func(t *testing.T, dir, file, index string)
		repairs func(t *testing.T, dir, file, index string)
		waiting int // recordings
	}{
		{
			"the folder has gone",
			func(t *testing.T, dir, _, _ string) { must(t, os.Rename(dir, dir+"-away")) },
			func(t *testing.T, dir, _, _ string) { must(t, os.Rename(dir+"-away", dir)) },
			2,
		},
		{
			"the folder is none",
			func(t *testing.T, dir, _, _ string) {
				must(t, os.Rename(dir, dir+"-away"), os.WriteFile(dir, []byte("x"), 0o600))
			},
			func(t *testing.T, dir, _, _ string) { must(t, os.Remove(dir), os.Rename(dir+"-away", dir)) },
			2,
		},
		{
			"the file cannot be opened",
			func(t *testing.T, _, file, _ string) {
				must(t, os.Rename(file, file+"-away"), os.Symlink(filepath.Base(file), file))
			},
			func(t *testing.T, _, file, _ string) { must(t, os.Rename(file+"-away", file)) },
			1,
		},
		{
			"the index cannot be opened",
			func(t *testing.T, _, _, index string) { must(t, os.Remove(index), os.Mkdir(index, 0o700)) },
			func(t *testing.T, _, _, index string) { must(t, os.Remove(index)) },
			1,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, rows, _ := started(t)
				log := &lines{}
				r.config.Logger = slog.New(slog.NewTextHandler(log, nil))
				file, beside := r.path(row.ID, ".webm"), r.path(row.ID, indexExtension)
				must(t, os.WriteFile(file, media, 0o600), os.WriteFile(beside, index, 0o600))
				c.breaks(t, r.config.Dir, file, beside)
				must(t, r.Recover(t.Context(), []video.Recording{row, none}))
				time.Sleep(time.Hour)
				synctest.Wait()
				if got := rows.counts(); got != [3]int{0, 0, 2 - c.waiting} || r.Unfinished() != c.waiting {
					t.Fatalf("started, ended, failed: %v, and %d wait", got, r.Unfinished())
				}
				if n := log.count("trying again"); n != 1 {
					t.Errorf("%d lines say that it waits", n)
				}

				c.repairs(t, r.config.Dir, file, beside)
				time.Sleep(longestRetry)
				synctest.Wait()
				if got := rows.counts(); got != [3]int{0, 1, 1} || r.Unfinished() != 0 {
					t.Fatalf("after the repair, started, ended, failed: %v, and %d wait", got, r.Unfinished())
				}
				ended, failed := rows.ended[0], rows.failed[0]
				if ended.ID != row.ID || ended.Duration != 3*time.Second || !ended.EndedAt.Equal(row.StartedAt.Add(3*time.Second)) {
					t.Errorf("%+v", ended)
				}
				if failed.ID != none.ID || failed.FailedReason != video.FailedNoMedia {
					t.Errorf("%+v", failed)
				}
				if n := log.count("all recordings are finished now"); n != 1 {
					t.Errorf("%d lines say that it is over", n)
				}
				must(t, r.Close(t.Context()))
			})
		})
	}
}

// A server stops although recordings wait; its next start goes on with them.
func TestCloseDoesNotWaitForTheDisk(t *testing.T) {
	_, _, row := running(t, packet.CodecOpus)
	synctest.Test(t, func(t *testing.T) {
		r, rows, _ := started(t)
		must(t, os.Remove(r.config.Dir), r.Recover(t.Context(), []video.Recording{row}))
		begun := time.Now()
		must(t, r.Close(t.Context()), r.Close(t.Context()))
		if took := time.Since(begun); took != 0 || rows.counts() != [3]int{} {
			t.Errorf("closed after %s, started, ended, failed: %v", took, rows.counts())
		}
	})
}

// refusing is a file that cannot be brought to the disk.
type refusing struct{ storage }

func (refusing) Sync() error { return &os.PathError{Op: "sync", Path: "x", Err: syscall.EIO} }

// A disk that refuses the end of a recording may take it later.
func TestDiskRefusesTheEnd(t *testing.T) {
	clip := clipOf(t, packet.CodecVP8)
	synctest.Test(t, func(t *testing.T) {
		r, rows, clock := started(t)
		r.create = func(path string) (storage, error) {
			file, err := createFile(path)
			return refusing{file}, err
		}
		s := r.Record(stream)
		s.Sink(video.Video).Source(packet.Source{})
		feed(s.Sink(video.Video), packets(clip, 1<<16, 1, clock()), clock)
		s.Stop()
		time.Sleep(lookEvery)
		synctest.Wait()
		if got := rows.counts(); got != [3]int{1, 0, 0} || r.Unfinished() != 1 {
			t.Errorf("started, ended, failed: %v, and %d wait", got, r.Unfinished())
		}
		time.Sleep(firstRetry)
		synctest.Wait()
		if got := rows.counts(); got != [3]int{1, 1, 0} || r.Unfinished() != 0 || rows.ended[0].Duration != 3*time.Second {
			t.Errorf("after another try, started, ended, failed: %v, and %d wait", got, r.Unfinished())
		}
		must(t, r.Close(t.Context()))
	})
}

// A file whose head a power cut took is not ours to delete: the rest of it can be saved by hand.
func TestBrokenHead(t *testing.T) {
	b := newBench(t)
	media, index, row := running(t, packet.CodecVP8)
	clear(media[:4096])
	must(t, os.WriteFile(b.recorder.path(row.ID, ".webm"), media, 0o600), os.WriteFile(b.recorder.path(row.ID, indexExtension), index, 0o600))
	must(t, b.recorder.Recover(t.Context(), []video.Recording{row}))
	if got := b.rows.counts(); got != [3]int{0, 0, 1} || b.rows.failed[0].FailedReason != video.FailedDisk {
		t.Fatalf("started, ended, failed: %v, %+v", got, b.rows.failed)
	}
	if left, err := os.ReadFile(b.recorder.path(row.ID, ".webm")); err != nil || !bytes.Equal(left, media) {
		t.Errorf("%d bytes of %d are left, %v", len(left), len(media), err)
	}
}

// A disk that does not say how full it is, is not low; the log says so once, not every second.
func TestDiskThatDoesNotSay(t *testing.T) {
	b := newBench(t)
	log := &lines{}
	b.recorder.config.Logger = slog.New(slog.NewTextHandler(log, nil))
	b.recorder.config.Space = func(string) (free, total uint64, err error) { return 0, 0, syscall.EIO }
	for n := range 10 * second / spaceEvery {
		if b.recorder.low(firstMoment + n*spaceEvery) {
			t.Fatal("it counts as low")
		}
	}
	if n := log.count("cannot ask"); n != 1 {
		t.Errorf("%d lines", n)
	}
}
