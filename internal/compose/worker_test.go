package compose

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/store"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// office is a worker on a database with a session whose recordings a studio makes.
type office struct {
	*studio
	db      *store.Store
	account video.AccountID
	session video.SessionID
	dir     string // of what is being made
	log     *slog.Logger
}

func openOffice(t *testing.T, s *studio) *office {
	t.Helper()
	db, err := store.Open(t.Context(), store.Config{Path: filepath.Join(s.dir, "rotunda.db")})
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	account, _, err := db.DefaultAccount(t.Context())
	must(t, err)
	return &office{studio: s, db: db, account: account.ID, dir: filepath.Join(s.dir, "under way"), log: slog.New(slog.NewTextHandler(t.Output(), nil))}
}

// newOffice has a session of one short picture and sound.
func newOffice(t *testing.T) *office {
	t.Helper()
	s := newStudio(t)
	s.picture("a", 0, second, "red")
	s.tone("a", 0, second, 440)
	o := openOffice(t, s)
	room, err := o.db.CreateRoom(t.Context(), video.Room{AccountID: o.account, MaxParticipants: 2})
	must(t, err)
	o.session = video.SessionID(video.NewUUID())
	must(t, o.db.OpenSession(t.Context(), video.Session{ID: o.session, AccountID: o.account, RoomID: room.ID}))
	for _, r := range s.recordings {
		r.AccountID, r.SessionID = o.account, o.session
		must(t, o.db.AddRecording(t.Context(), r))
	}
	return o
}

// lengthen lets all recordings last, by their index, so long that ffmpeg is busy for a while.
func (o *office) lengthen(length time.Duration) {
	for _, r := range o.recordings {
		o.index(r.ID, length)
	}
}

func (o *office) worker() *Worker {
	return New(Config{Jobs: o.db, Media: o.studio, Dir: o.dir, Places: 1, Pauses: []time.Duration{time.Millisecond}, Logger: o.log})
}

// start has a worker at work until the test ends, or it is closed.
func (o *office) start() *Worker {
	o.t.Helper()
	w := o.worker()
	must(o.t, w.Start(o.t.Context()))
	o.t.Cleanup(w.Close)
	return w
}

func (o *office) ask() string {
	o.t.Helper()
	c := o.job(nil).Composition
	c.ID, c.AccountID, c.SessionID, c.Width, c.Height = "", o.account, o.session, 64, 36
	made, err := o.db.CreateComposition(o.t.Context(), c)
	must(o.t, err)
	return made.ID
}

// await looks again and again whether a condition holds.
func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for late := time.After(40 * time.Second); !is(); {
		select {
		case <-look.C:
		case <-late:
			t.Fatalf("%s: it does not come", what)
		}
	}
}

// until waits for a composition to be as said.
func (o *office) until(id string, status video.CompositionStatus) video.Composition {
	o.t.Helper()
	var c video.Composition
	await(o.t, string(status), func() bool {
		var err error
		c, err = o.db.Composition(o.t.Context(), o.account, id)
		must(o.t, err)
		return c.Status == status
	})
	return c
}

// busy are the ffmpeg processes in the directory of what is being made.
func (o *office) busy() (pids []int) {
	links, err := filepath.Glob("/proc/[0-9]*/cwd")
	must(o.t, err)
	for _, link := range links {
		if at, err := os.Readlink(link); err == nil && strings.HasPrefix(at, o.dir) {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(link)))
			must(o.t, err)
			pids = append(pids, pid)
		}
	}
	return pids
}

func (o *office) untilBusy() int {
	o.t.Helper()
	var pids []int
	await(o.t, "ffmpeg at work", func() bool { pids = o.busy(); return len(pids) > 0 })
	return pids[0]
}

func (o *office) untilIdle() {
	o.t.Helper()
	await(o.t, "no ffmpeg at work", func() bool { return len(o.busy()) == 0 })
}

func (o *office) wantKept(id string, want bool) {
	o.t.Helper()
	if _, err := os.Stat(o.kept(id)); (err == nil) != want {
		o.t.Errorf("kept %t, want %t", err == nil, want)
	}
	await(o.t, "an empty directory", func() bool { left, err := os.ReadDir(o.dir); return err == nil && len(left) == 0 })
}

func TestWorkerCompletes(t *testing.T) {
	o := newOffice(t)
	before := o.ask()
	w := o.start()
	after := o.ask()
	for _, id := range []string{before, after} {
		c := o.until(id, video.CompositionCompleted)
		if c.Progress != 100 || (c.Duration-second).Abs() > 100*time.Millisecond || c.Attempts != 1 || c.SizeBytes == 0 {
			t.Errorf("completed as %+v", c)
		}
	}
	w.Close()
	o.wantKept(before, true)
	w.Close() // again
}

func TestWorkerIsCancelledByDelete(t *testing.T) {
	o := newOffice(t)
	o.lengthen(3 * time.Hour)
	w := o.start()
	id := o.ask()
	pid := o.untilBusy()
	if nice, err := syscall.Getpriority(syscall.PRIO_PROCESS, pid); err != nil || 20-nice < niceness {
		t.Errorf("ffmpeg runs at nice level %d (%v)", 20-nice, err)
	}
	await(t, "progress", func() bool {
		c, err := o.db.Composition(t.Context(), o.account, id)
		must(t, err)
		return c.Progress > 0
	})
	must(t, o.db.DeleteComposition(t.Context(), o.account, id))
	o.untilIdle()
	w.Close()
	o.wantKept(id, false)
}

func TestWorkerGoesOnAfterAStop(t *testing.T) {
	o := newOffice(t)
	o.lengthen(3 * time.Hour)
	w := o.start()
	id := o.ask()
	o.untilBusy()
	w.Close()
	if len(o.busy()) > 0 {
		t.Error("ffmpeg outlives the worker")
	}
	if c := o.until(id, video.CompositionEnqueued); c.Attempts != 0 {
		t.Errorf("a stop counts as an attempt: %d", c.Attempts)
	}
	o.lengthen(second)
	o.start()
	o.until(id, video.CompositionCompleted)
}

func TestWorkerTriesAgain(t *testing.T) {
	o := newOffice(t)
	o.lengthen(3 * time.Hour)
	o.start()
	id := o.ask()
	pid := o.untilBusy()
	o.lengthen(second)
	must(t, syscall.Kill(pid, syscall.SIGKILL))
	if c := o.until(id, video.CompositionCompleted); c.Attempts != 2 {
		t.Errorf("it took %d attempts", c.Attempts)
	}
}

// asServer makes the test binary a worker that can be killed.
const asServer = "COMPOSE_TEST_SERVER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(asServer); dir != "" {
		db, err := store.Open(context.Background(), store.Config{Path: filepath.Join(dir, "rotunda.db")})
		if err == nil {
			err = New(Config{Jobs: db, Media: &studio{dir: dir}, Dir: filepath.Join(dir, "under way"), Places: 1}).Start(context.Background())
		}
		if err != nil {
			panic(err)
		}
		select {}
	}
	os.Exit(m.Run())
}

func TestServerKilled(t *testing.T) {
	o := newOffice(t)
	o.lengthen(3 * time.Hour)
	id := o.ask()
	server := exec.CommandContext(t.Context(), os.Args[0])
	server.Env = append(os.Environ(), asServer+"="+o.studio.dir)
	server.Stderr = t.Output()
	must(t, server.Start())
	o.untilBusy()
	must(t, server.Process.Kill())
	_ = server.Wait()
	o.untilIdle() // ffmpeg goes with it
	o.lengthen(second)
	o.start()
	if c := o.until(id, video.CompositionCompleted); c.Attempts != 2 {
		t.Errorf("it took %d attempts", c.Attempts)
	}
}

// relative are media whose paths begin at the working directory, as those of a server with --data=./data.
type relative struct{ *studio }

func (r relative) Open(ctx context.Context, recording video.Recording, dir string) (file, index string, err error) {
	file, index, err = r.studio.Open(ctx, recording, dir)
	return filepath.Base(file), filepath.Base(index), err
}

func TestRelativePaths(t *testing.T) {
	o := newOffice(t)
	t.Chdir(o.studio.dir)
	w := New(Config{Jobs: o.db, Media: relative{o.studio}, Dir: "under way", Places: 1, Logger: o.log})
	must(t, w.Start(t.Context()))
	defer w.Close()
	if c := o.until(o.ask(), video.CompositionCompleted); len(c.Warnings) > 0 {
		t.Errorf("it warns: %q", c.Warnings)
	}
}

// faulty are media that fail as said.
type faulty struct {
	*studio
	opens, keeps atomic.Int32 // failures to come
	panics       atomic.Bool
}

func (f *faulty) Open(ctx context.Context, r video.Recording, dir string) (file, index string, err error) {
	if f.panics.Load() {
		panic("on purpose")
	}
	if f.opens.Add(-1) >= 0 {
		return "", "", errors.New("the storage does not answer")
	}
	return f.studio.Open(ctx, r, dir)
}

func (f *faulty) Keep(ctx context.Context, c video.Composition, path string) error {
	if f.keeps.Add(-1) >= 0 {
		return errors.New("the storage is full")
	}
	return f.studio.Keep(ctx, c, path)
}

func TestStorageFails(t *testing.T) {
	o := newOffice(t)
	media := &faulty{studio: o.studio}
	w := New(Config{Jobs: o.db, Media: media, Dir: o.dir, Places: 1, Pauses: []time.Duration{time.Millisecond}, Logger: o.log})
	must(t, w.Start(t.Context()))
	defer w.Close()
	media.opens.Store(5)
	media.keeps.Store(5)
	if c := o.until(o.ask(), video.CompositionCompleted); c.Attempts != 1 || c.Waiting != nil {
		t.Errorf("it took %d attempts and waits for %v", c.Attempts, c.Waiting)
	}
	for during, failures := range map[video.CompositionStatus]*atomic.Int32{video.CompositionEnqueued: &media.opens, video.CompositionProcessing: &media.keeps} {
		failures.Store(1 << 30) // a storage that stays away
		id := o.ask()
		await(t, "it waits, "+string(during), func() bool {
			c, err := o.db.Composition(t.Context(), o.account, id)
			must(t, err)
			return c.Status == during && c.Waiting != nil && c.Waiting.Code == video.CompositionFailedStorage
		})
		failures.Store(0)
		o.until(id, video.CompositionCompleted)
		o.wantKept(id, true)
	}
	media.panics.Store(true)
	if c := o.until(o.ask(), video.CompositionFailed); c.FailedReason != "internal error" {
		t.Errorf("failed with %q", c.FailedReason)
	}
}

func TestWithoutFFmpeg(t *testing.T) {
	o := newOffice(t)
	old := filepath.Join(t.TempDir(), "ffmpeg")
	must(t, os.WriteFile(old, []byte("#!/bin/sh\nprintf 'ffmpeg version 4.4.2 Copyright\\nlibavfilter      7.110.100 / 7.110.100\\n'\n"), 0o700))
	must(t, os.WriteFile(filepath.Join(filepath.Dir(old), "ffprobe"), []byte("#!/bin/sh\n"), 0o700))
	for path, reason := range map[string]string{t.TempDir(): "compositions need ffmpeg 5.1 or later", filepath.Dir(old): "ffmpeg 4.4.2 is too old"} {
		t.Setenv("PATH", path)
		w := o.worker()
		must(t, w.Start(t.Context()))
		id := o.ask()
		if c := o.until(id, video.CompositionFailed); !strings.Contains(c.FailedReason, reason) || c.Attempts != 1 {
			t.Errorf("failed after %d attempts with %q, want %q", c.Attempts, c.FailedReason, reason)
		}
		w.Close()
	}
}

func TestVersions(t *testing.T) {
	for said, want := range map[string]string{
		"ffmpeg version 5.1.9-0+deb12u1 Copyright\nlibavfilter     8. 44.100 /  8. 44.100\n":      "5.1.9-0+deb12u1",
		"ffmpeg version N-117771-g07904231cb Copyright\nlibavfilter    10.  6.100 / 10.  6.100\n": "N-117771-g07904231cb",
		"ffmpeg version 5.0.3 Copyright\nlibavfilter     8. 24.100 /  8. 24.100\n":                "",
		"gstreamer\n": "",
	} {
		if got, err := versionOf(said); got != want || (err == nil) != (want != "") {
			t.Errorf("%q is %q (%v), want %q", said, got, err, want)
		}
	}
}
