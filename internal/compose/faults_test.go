package compose

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// waits polls until a composition waits for a reason of that code.
func (o *office) waits(id, code string) video.Failure {
	o.t.Helper()
	var why video.Failure
	await(o.t, code, func() bool {
		c, err := o.db.Composition(o.t.Context(), o.account, id)
		must(o.t, err)
		if c.Waiting != nil {
			why = *c.Waiting
		}
		return why.Code == code && c.Status == video.CompositionEnqueued && c.Attempts == 0
	})
	return why
}

func TestNotMadeHere(t *testing.T) {
	o := newOffice(t)
	before := o.ask()
	w := New(Config{Jobs: o.db, Media: o.studio, Dir: o.dir, Logger: o.log})
	must(t, w.Start(t.Context()))
	after := o.ask()
	for _, id := range []string{before, after} {
		if why := o.waits(id, "not_made_here"); !strings.Contains(why.Detail, "--compose-jobs") {
			t.Errorf("it waits because of %+v", why)
		}
	}
	w.Close()
	must(t, o.db.ReleaseCompositions(t.Context())) // the next start
	if c := o.until(after, video.CompositionEnqueued); c.Waiting != nil {
		t.Errorf("where compositions are made, it waits because of %+v", c.Waiting)
	}
}

// What would take the room that is to stay free is not begun, and does not count as an attempt.
func TestTooLittleSpaceToBegin(t *testing.T) {
	o := newOffice(t)
	var free atomic.Uint64
	free.Store(1 << 20)
	w := New(Config{
		Jobs: o.db, Media: o.studio, Dir: o.dir, Places: 1, Pauses: []time.Duration{200 * time.Millisecond}, Logger: o.log,
		Space: func(string) (uint64, uint64, error) { return free.Load(), 800_000, nil },
	})
	must(t, w.Start(t.Context()))
	defer w.Close()
	id := o.ask()
	why := o.waits(id, "disk_full")
	if want := "the disk has too little room: 1.0 MB are free, it takes about 0.2 MB, and 1.0 MB are to stay free"; why.Detail != want {
		t.Errorf("it waits because %q, want %q", why.Detail, want)
	}
	free.Store(1 << 30)
	if c := o.until(id, video.CompositionCompleted); c.Attempts != 1 || c.Waiting != nil {
		t.Errorf("completed as %+v", c)
	}
}

// What takes the room that is to stay free while it is made ends, and its room is given back.
func TestTooLittleSpaceMeanwhile(t *testing.T) {
	o := newOffice(t)
	o.lengthen(3 * time.Hour)
	var least atomic.Uint64
	w := New(Config{
		Jobs: o.db, Media: o.studio, Dir: o.dir, Places: 1, Pauses: []time.Duration{time.Hour}, Logger: o.log,
		Space: func(string) (uint64, uint64, error) { return 1 << 40, least.Load(), nil },
	})
	must(t, w.Start(t.Context()))
	defer w.Close()
	id := o.ask()
	o.untilBusy()
	least.Store(1 << 41)
	o.untilIdle()
	c := o.until(id, video.CompositionEnqueued)
	if c.Attempts != 1 || c.Waiting == nil || c.Waiting.Code != "disk_full" {
		t.Errorf("put off as %+v", c)
	}
	o.wantKept(id, false)
}

// crowded are media whose disk is full for one of the files that are made.
type crowded struct {
	*studio
	full string
	left atomic.Int32 // attempts at which it is
}

func (c *crowded) Open(ctx context.Context, r video.Recording, dir string) (file, index string, err error) {
	if r.ID == c.recordings[0].ID && c.left.Add(-1) >= 0 {
		if err := os.Symlink("/dev/full", filepath.Join(dir, c.full)); err != nil {
			return "", "", err
		}
	}
	return c.studio.Open(ctx, r, dir)
}

// A full disk passes, or is the reason in the end; what was made until then is gone.
func TestDiskFull(t *testing.T) {
	o := newOffice(t)
	for full, attempts := range map[string]int32{"slice.pcm": 1, "composition.mp4": video.CompositionAttempts} {
		media := &crowded{studio: o.studio, full: full}
		media.left.Store(attempts)
		w := New(Config{Jobs: o.db, Media: media, Dir: o.dir, Places: 1, Pauses: []time.Duration{time.Millisecond}, Logger: o.log})
		must(t, w.Start(t.Context()))
		id := o.ask()
		if attempts == 1 {
			if c := o.until(id, video.CompositionCompleted); c.Attempts != 2 {
				t.Errorf("with no room for %s, it took %d attempts", full, c.Attempts)
			}
		} else if c := o.until(id, video.CompositionFailed); c.FailedCode != "disk_full" || c.FailedReason != "the disk has too little room" {
			t.Errorf("with no room for %s, it failed with %s, %q", full, c.FailedCode, c.FailedReason)
		}
		o.wantKept(id, attempts == 1)
		w.Close()
	}
}

// stubborn is a record that takes no completion, but answers.
type stubborn struct {
	Jobs
	err error
}

func (s stubborn) CompleteComposition(context.Context, video.Composition) error { return s.err }

func TestCompletionRefused(t *testing.T) {
	o := newOffice(t)
	for _, refusal := range []error{errors.New("it breaks a rule"), video.Errorf(video.CodeState, "it is something else")} {
		w := New(Config{Jobs: stubborn{o.db, refusal}, Media: o.studio, Dir: o.dir, Places: 1, Logger: o.log})
		must(t, w.Start(t.Context()))
		id := o.ask()
		if c := o.until(id, video.CompositionFailed); c.FailedCode != "internal_error" || c.FailedReason != "the file was made, and the record does not take it: "+refusal.Error() {
			t.Errorf("failed with %s, %q", c.FailedCode, c.FailedReason)
		}
		o.wantKept(id, false)
		w.Close()
	}
}

// sealed are media of which one recording does not open.
type sealed struct {
	*studio
	id string
}

func (s sealed) Open(ctx context.Context, r video.Recording, dir string) (file, index string, err error) {
	if r.ID == s.id {
		return "", "", fmt.Errorf("%w: it does not open", ErrDamaged)
	}
	return s.studio.Open(ctx, r, dir)
}

func (s *studio) rendering(media Media, change func(*video.CompositionJob, *Tools)) *rendering {
	s.t.Helper()
	tools, err := FindTools(s.t.Context())
	must(s.t, err)
	job := s.job(nil)
	change(&job, &tools)
	return &rendering{tools: tools, media: media, job: job, dir: s.t.TempDir(), progress: func(int) {}}
}

func TestSealedElsewhere(t *testing.T) {
	s := newStudio(t)
	s.picture("a", 0, second, "red")
	s.picture("b", 0, second, "lime")
	r := s.rendering(sealed{s, s.recordings[1].ID}, func(j *video.CompositionJob, _ *Tools) { j.AudioSources = nil })
	done, path, err := r.render(t.Context())
	must(t, err)
	newFilm(t, path, done).sees(second/2, 10, 180, red)
	if want := "recording " + s.recordings[1].ID + " was left out: its file is damaged: it does not open"; len(done.Warnings) != 1 || done.Warnings[0] != want {
		t.Errorf("warnings are %q, want %q", done.Warnings, want)
	}
}

// A program that hangs at a file costs that file; one that cannot be started is nobody's fault but the server's.
func TestHangsAtARecording(t *testing.T) {
	s := newStudio(t)
	s.picture("a", 0, second, "red")
	script := filepath.Join(t.TempDir(), "ffmpeg")
	must(t, os.WriteFile(script, []byte("#!/bin/sh\nexec sleep 60\n"), 0o700))
	input := s.inputs(t)[0]
	err := Tools{FFmpeg: script, patience: 200 * time.Millisecond}.readable(t.Context(), input)
	if damage, damaged := errors.AsType[unreadable](err); !damaged || damage.Error() != "ffmpeg hangs at it" {
		t.Errorf("where it hangs, the error is %v", err)
	}
	must(t, os.WriteFile(script, []byte("#!/bin/sh\nkill -SEGV $$\n"), 0o700))
	if _, damaged := errors.AsType[unreadable](Tools{FFmpeg: script, patience: time.Minute}.readable(t.Context(), input)); !damaged {
		t.Error("where it dies, the recording is not unreadable")
	}
	err = Tools{FFmpeg: script + "x", patience: time.Minute}.readable(t.Context(), input)
	if _, damaged := errors.AsType[unreadable](err); damaged || failureOf(err).Code != "ffmpeg_unusable" {
		t.Errorf("where there is none, the error is %v", err)
	}
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(errClosing)
	if err := (Tools{FFmpeg: script, patience: time.Minute}).readable(ended, input); !errors.Is(err, errClosing) {
		t.Errorf("at a stop, the error is %v", err)
	}
}

// Damage in the midst of a file is said; what can be used of it is used, and nothing else suffers. The last attempt does without it.
func TestDamagedInTheMidst(t *testing.T) {
	s := newStudio(t)
	s.record(take{who: "a", kind: video.Video, length: 3 * second, source: "testsrc=s=320x180:r=25"})
	s.record(take{who: "b", kind: video.Video, length: 3 * second, source: "testsrc=s=320x180:r=25", codec: "h264"})
	s.tone("a", 0, 3*second, 440)
	s.picture("c", 0, 3*second, "lime")
	s.tone("c", 0, 3*second, 1000)
	file := func(r video.Recording) string { return filepath.Join(s.dir, r.ID+".webm") }
	whole := make(map[string][]byte)
	for i := range s.recordings {
		r := &s.recordings[i]
		content, err := os.ReadFile(file(*r))
		must(t, err)
		whole[r.ID], r.SizeBytes, r.SHA256 = content, int64(len(content)), fmt.Sprintf("%x", sha256.Sum256(content))
	}
	const damage = "is damaged: its file is not as it was kept"
	for name, fill := range map[string]func(i int) byte{"zeros": func(int) byte { return 0 }, "noise": func(i int) byte { return byte(i * i * 31) }} {
		for _, r := range s.recordings[:3] {
			content := slices.Clone(whole[r.ID])
			for j := len(content) / 3; j < len(content)*2/3; j++ {
				content[j] = fill(j)
			}
			must(t, os.WriteFile(file(r), content, 0o600))
		}
		f := s.compose(nil)
		if got := f.done.Duration; math.Abs(got.Seconds()-3) > 0.1 || len(f.done.Warnings) != 3 {
			t.Errorf("with %s, it is %v long, with warnings %q", name, got, f.done.Warnings)
		}
		for i, warning := range f.done.Warnings {
			if want := "recording " + s.recordings[i].ID + " " + damage; warning != want {
				t.Errorf("with %s, a warning is %q, want %q", name, warning, want)
			}
		}
		for at := second / 2; at < 3*second; at += second / 2 {
			f.sees(at, 320, 270, lime) // the last of three
			f.hears(at, map[int]bool{1000: true})
		}
		f.hears(second/2, map[int]bool{440: true}) // what is before the damage is there
	}
	r := s.rendering(s, func(j *video.CompositionJob, _ *Tools) { j.Attempts = video.CompositionAttempts })
	_, err := r.open(t.Context(), s.recordings[0])
	if left, out := errors.AsType[unreadable](err); !out || "it "+damage != left.Error() {
		t.Errorf("at the last attempt, the error is %v", err)
	}
	if _, err := r.open(t.Context(), s.recordings[3]); err != nil {
		t.Errorf("one that is not damaged: %v", err)
	}
}

// One of which hardly anything can be decoded is used as far as it goes, though ffmpeg would have everything fail then.
func TestHardlyAnythingDecodes(t *testing.T) {
	s := newStudio(t)
	file := filepath.Join(s.dir, s.picture("a", 0, 6*second, "red")+".webm")
	s.ffmpeg("-i", file, "-c", "copy", "-bsf", `noise=amount='if(lt(n\,20)\,0\,1)'`, "-f", "webm", file+".noise")
	must(t, os.Rename(file+".noise", file))
	f := s.compose(func(c *video.Composition) { c.AudioSources = nil })
	f.sees(second/2, 320, 180, red)
	if got := f.done.Duration; math.Abs(got.Seconds()-6) > 0.1 {
		t.Errorf("it is %v long", got)
	}
}
