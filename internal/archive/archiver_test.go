package archive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/rotunda-rtc/rotunda/internal/blob"
	"github.com/rotunda-rtc/rotunda/internal/blob/blobtest"
	"github.com/rotunda-rtc/rotunda/internal/observe"
	"github.com/rotunda-rtc/rotunda/internal/observe/observetest"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// asVictim makes this test binary an archiver that dies at a step.
const asVictim = "BE_VICTIM"

func TestMain(m *testing.M) {
	if place := os.Getenv(asVictim); place != "" {
		victim(place)
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// until polls a condition about what goroutines or other processes do.
func until(t *testing.T, what string, met func() bool) {
	t.Helper()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	over := time.After(30 * time.Second)
	for !met() {
		select {
		case <-look.C:
		case <-over:
			t.Fatalf("it took too long until %s", what)
		}
	}
}

// ledger is a record of recordings in a directory, which outlives its process: a file for each row, of the row's life.
type ledger struct {
	dir   string
	news  chan struct{}
	mutex sync.Mutex
}

type ledgerRow struct {
	video.Recording

	Next        time.Time
	Reasons     []string
	Completions int
}

func (l *ledger) path(id string) string { return filepath.Join(l.dir, id+".row") }

func (l *ledger) read(id string) (row ledgerRow) {
	text, err := os.ReadFile(l.path(id))
	if err == nil {
		err = json.Unmarshal(text, &row)
	}
	if err != nil {
		panic(err)
	}
	return row
}

func (l *ledger) write(row ledgerRow) {
	text, err := json.Marshal(row)
	if err == nil {
		err = os.WriteFile(l.path(row.ID)+".new", text, 0o600)
	}
	if err == nil {
		err = os.Rename(l.path(row.ID)+".new", l.path(row.ID))
	}
	if err != nil {
		panic(err)
	}
}

func (l *ledger) change(id string, change func(*ledgerRow)) error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	row := l.read(id)
	if row.Status != video.RecordingProcessing {
		return video.Errorf(video.CodeState, "it is %s", row.Status)
	}
	change(&row)
	l.write(row)
	return nil
}

func (l *ledger) row(id string) ledgerRow {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.read(id)
}

func (l *ledger) rows() (rows []ledgerRow) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	files, _ := filepath.Glob(filepath.Join(l.dir, "*.row"))
	for _, file := range files {
		rows = append(rows, l.read(strings.TrimSuffix(filepath.Base(file), ".row")))
	}
	return rows
}

func (l *ledger) UnarchivedRecordings(_ context.Context, n int) (waiting []video.UnarchivedRecording, err error) {
	for _, row := range l.rows() {
		if row.Status == video.RecordingProcessing {
			waiting = append(waiting, video.UnarchivedRecording{Recording: row.Recording, NextAt: row.Next})
		}
	}
	slices.SortFunc(waiting, func(a, b video.UnarchivedRecording) int { return a.NextAt.Compare(b.NextAt) })
	return waiting[:min(n, len(waiting))], nil
}

func (l *ledger) RecordingsEnded() <-chan struct{} { return l.news }

func (l *ledger) RecordingArchived(_ context.Context, id string, size int64, sum string) error {
	return l.change(id, func(r *ledgerRow) {
		r.Status, r.SizeBytes, r.SHA256, r.Completions = video.RecordingCompleted, size, sum, r.Completions+1
	})
}

func (l *ledger) RecordingArchiveFailed(_ context.Context, id, reason string, next time.Time) error {
	return l.change(id, func(r *ledgerRow) { r.Reasons, r.Next = append(r.Reasons, reason), next })
}

func (l *ledger) RecordingFailed(id, reason string) {
	_ = l.change(id, func(r *ledgerRow) { r.Status, r.FailedReason = video.RecordingFailed, reason })
}

func (l *ledger) RecordingStatuses(_ context.Context, ids []string) (map[string]video.RecordingStatus, error) {
	statuses := make(map[string]video.RecordingStatus)
	for _, row := range l.rows() {
		if slices.Contains(ids, row.ID) {
			statuses[row.ID] = row.Status
		}
	}
	return statuses, nil
}

// scene is an archiver with all around it.
type scene struct {
	t      *testing.T
	ledger *ledger
	store  *blob.Store
	config Config
}

func newScene(t *testing.T, objects blob.Config) *scene {
	t.Helper()
	root := t.TempDir()
	if objects.S3 == nil {
		objects.Dir = filepath.Join(root, "media")
	}
	store, err := blob.Open(objects)
	must(t, err)
	s := &scene{t: t, ledger: &ledger{dir: filepath.Join(root, "rows"), news: make(chan struct{}, 1)}, store: store}
	s.config = Config{
		Recordings: s.ledger, Media: store, Dir: filepath.Join(root, "recordings"),
		Retry: Retry{5 * time.Millisecond, 50 * time.Millisecond}, Log: slog.New(slog.DiscardHandler),
	}
	for _, dir := range []string{s.ledger.dir, s.config.Dir} {
		must(t, os.Mkdir(dir, 0o700))
	}
	return s
}

func (s *scene) recording(codec string, content string) video.Recording {
	s.t.Helper()
	r := video.Recording{
		ID: video.NewUUID(), AccountID: "an-account", SessionID: "a-session", Type: video.Video, Codec: codec, Status: video.RecordingProcessing,
	}
	must(s.t, os.WriteFile(filepath.Join(s.config.Dir, r.FileName()), []byte(content), 0o600))
	must(s.t, os.WriteFile(filepath.Join(s.config.Dir, r.IndexName()), []byte("index of "+content), 0o600))
	s.ledger.mutex.Lock()
	defer s.ledger.mutex.Unlock()
	s.ledger.write(ledgerRow{Recording: r})
	return r
}

// run runs an archiver until the returned function is called.
func (s *scene) run() (a *Archiver, stop func()) {
	a = New(s.config)
	ctx, cancel := context.WithCancel(s.t.Context())
	var running sync.WaitGroup
	running.Go(func() { a.Run(ctx) })
	stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	s.t.Cleanup(stop)
	return a, stop
}

func (s *scene) await(r video.Recording, status video.RecordingStatus) {
	s.t.Helper()
	until(s.t, "a recording is "+string(status), func() bool { return s.ledger.row(r.ID).Status == status })
}

func (s *scene) object(key string) string {
	s.t.Helper()
	r, err := s.store.Open(s.t.Context(), key)
	must(s.t, err)
	content, err := io.ReadAll(r)
	must(s.t, errors.Join(err, r.Close()))
	return string(content)
}

func (s *scene) local() (names []string) {
	s.t.Helper()
	entries, err := os.ReadDir(s.config.Dir)
	must(s.t, err)
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// wantArchived checks all that must hold in the end.
func (s *scene) wantArchived(r video.Recording, content string) {
	s.t.Helper()
	row := s.ledger.row(r.ID)
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte(content)))
	if row.Status != video.RecordingCompleted || row.Completions != 1 || row.SizeBytes != int64(len(content)) || row.SHA256 != sum && row.SHA256 != "" {
		s.t.Errorf("row %+v", row)
	}
	if got := s.object(r.FileKey()); got != content {
		s.t.Errorf("the file is %q, want %q", got, content)
	}
	if got := s.object(r.IndexKey()); got != "index of "+content {
		s.t.Errorf("the index is %q", got)
	}
}

func TestArchive(t *testing.T) {
	s := newScene(t, blob.Config{})
	c := observetest.NewCollector(t, http.StatusOK)
	s.config.Traces = c.Tracer(observe.TraceConfig{Ratio: 1, Version: "1"}, "")
	first, film := s.recording("vp8", "first"), s.recording("h264", "film")
	a, stop := s.run()
	s.await(first, video.RecordingCompleted)
	if s.ledger.row(first.ID).SHA256 == "" {
		t.Error("the record is not told the checksum")
	}
	s.await(film, video.RecordingCompleted)
	// News is enough: the next look without any is a minute away.
	late := s.recording("opus", "late")
	s.ledger.news <- struct{}{}
	s.await(late, video.RecordingCompleted)
	until(t, "local files are gone", func() bool { return len(s.local()) == 0 })
	stop()
	s.wantArchived(first, "first")
	s.wantArchived(film, "film")
	s.wantArchived(late, "late")
	if got, want := a.Stats(), (Stats{Files: 3, Bytes: int64(len("firstfilmlate"))}); got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
	must(t, s.config.Traces.Close(t.Context()))
	if span := c.Await("recording.archive"); len(span.GetAttributes()) != 2 || span.GetStatus().GetMessage() != "" {
		t.Errorf("traced as %v", span)
	}
}

// What a process left that died before the record had its recordings is told of, and kept.
func TestFilesWithoutRow(t *testing.T) {
	s := newScene(t, blob.Config{})
	var said bytes.Buffer
	s.config.Log = slog.New(slog.NewTextHandler(&said, nil))
	old := s.recording("vp8", "in the record")
	for name, age := range map[string]time.Duration{
		video.NewUUID() + ".webm": time.Hour, video.NewUUID() + ".index.jsonl": time.Hour, video.NewUUID() + ".mkv": -time.Hour, "notes.txt": time.Hour,
	} {
		path := filepath.Join(s.config.Dir, name)
		must(t, os.WriteFile(path, []byte(name), 0o600))
		must(t, os.Chtimes(path, time.Time{}, time.Now().Add(-age)))
	}
	_, stop := s.run()
	s.await(old, video.RecordingCompleted)
	until(t, "only the others are left", func() bool { return len(s.local()) == 4 })
	stop()
	if !strings.Contains(said.String(), "files=2 ") {
		t.Errorf("said %q, want that there are 2 files", said.String())
	}
}

// More than are in hand at once are all done, and no more than that are in hand.
func TestAtMostTwoAtOnce(t *testing.T) {
	s := newScene(t, blob.Config{})
	var now, most atomic.Int32
	s.config.Media = around{s.store, func(string, bool) {
		most.Store(max(most.Load(), now.Add(1)))
		for range 100 {
			runtime.Gosched() // lets others come in
		}
		now.Add(-1)
	}, nil}
	var all []video.Recording
	for range 20 {
		all = append(all, s.recording("vp8", "x"))
	}
	s.run()
	for _, r := range all {
		s.await(r, video.RecordingCompleted)
	}
	if most.Load() > workers {
		t.Errorf("%d at once", most.Load())
	}
}

// around is a Media that tells of each step, and may refuse.
type around struct {
	Media
	step   func(name string, after bool)
	refuse func(key string) error
}

func (a around) Put(ctx context.Context, key, path string) (blob.Content, error) {
	if a.refuse != nil {
		if err := a.refuse(key); err != nil {
			return blob.Content{}, err
		}
	}
	a.step("put", false)
	content, err := a.Media.Put(ctx, key, path)
	return content, err
}

func TestStorageDown(t *testing.T) {
	server := blobtest.New(t)
	for name, encrypt := range map[string]bool{"plain": false, "encrypted": true} {
		t.Run(name, func(t *testing.T) {
			server.Stop()
			s := newScene(t, blob.Config{
				Secret: bytes.Repeat([]byte{7}, 32), Encrypt: encrypt,
				S3: &blob.S3{
					Endpoint: &url.URL{Scheme: "http", Host: server.Address}, Region: "us-east-1", Bucket: server.Bucket(),
					AccessKey: blobtest.AccessKey, SecretKey: blobtest.SecretKey,
				},
			})
			r := s.recording("vp8", "film")
			a, stop := s.run()
			until(t, "two attempts failed", func() bool { return len(s.ledger.row(r.ID).Reasons) >= 2 })
			if row := s.ledger.row(r.ID); row.Reasons[0] != string(blob.ReasonUnavailable) || row.Status != video.RecordingProcessing || len(s.local()) != 2 {
				t.Errorf("meanwhile: %+v with %v", row, s.local())
			}
			server.Start()
			s.await(r, video.RecordingCompleted)
			until(t, "local files are gone", func() bool { return len(s.local()) == 0 })
			stop()
			s.wantArchived(r, "film")
			if a.Stats().Failures < 2 {
				t.Errorf("counted %+v", a.Stats())
			}
			must(t, s.store.Close())
		})
	}
}

// A full disk holds up what it has no room for, and nothing is lost.
func TestDiskFull(t *testing.T) {
	s := newScene(t, blob.Config{})
	large, small := s.recording("vp8", "large"), s.recording("vp8", "small")
	var full atomic.Bool
	full.Store(true)
	s.config.Media = around{s.store, func(string, bool) {}, func(key string) error {
		if full.Load() && key == large.FileKey() {
			return &os.PathError{Op: "write", Path: key, Err: syscall.ENOSPC}
		}
		return nil
	}}
	s.run()
	s.await(small, video.RecordingCompleted)
	until(t, "an attempt failed", func() bool { return len(s.ledger.row(large.ID).Reasons) > 0 })
	if row := s.ledger.row(large.ID); row.Reasons[0] != string(blob.ReasonFull) || row.Status != video.RecordingProcessing {
		t.Errorf("meanwhile: %+v", row)
	}
	full.Store(false)
	s.await(large, video.RecordingCompleted)
	s.wantArchived(large, "large")
	s.wantArchived(small, "small")
}

// A file that is nowhere fails its recording; one that is in the archive already completes it.
func TestMissingFiles(t *testing.T) {
	s := newScene(t, blob.Config{})
	lost, kept := s.recording("vp8", "lost"), s.recording("vp8", "kept")
	_, err := s.store.Put(t.Context(), kept.FileKey(), filepath.Join(s.config.Dir, kept.FileName()))
	must(t, err)
	_, err = s.store.Put(t.Context(), kept.IndexKey(), filepath.Join(s.config.Dir, kept.IndexName()))
	must(t, err)
	for _, r := range []video.Recording{lost, kept} {
		must(t, os.Remove(filepath.Join(s.config.Dir, r.FileName())))
	}
	s.run()
	s.await(lost, video.RecordingFailed)
	s.await(kept, video.RecordingCompleted)
	s.wantArchived(kept, "kept")
	if row := s.ledger.row(lost.ID); row.FailedReason != video.FailedMissing {
		t.Errorf("%+v", row)
	}
}

// Media is worth more than its index.
func TestEmptyIndex(t *testing.T) {
	s := newScene(t, blob.Config{})
	r := s.recording("vp8", "film")
	must(t, os.Truncate(filepath.Join(s.config.Dir, r.IndexName()), 0))
	s.run()
	s.await(r, video.RecordingCompleted)
	if got := s.object(r.FileKey()); got != "film" {
		t.Errorf("the file is %q", got)
	}
	if _, err := s.store.Open(t.Context(), r.IndexKey()); !errors.Is(err, blob.ErrAbsent) {
		t.Errorf("the index: %v", err)
	}
	until(t, "local files are gone", func() bool { return len(s.local()) == 0 })
}

// A directory that is not there, such as that of a disk that is not mounted, is no proof that a file is lost.
func TestMissingDirectories(t *testing.T) {
	for name, missing := range map[string]func(*scene) string{
		"of objects":     func(s *scene) string { return filepath.Join(filepath.Dir(s.config.Dir), "media") },
		"of local files": func(s *scene) string { return s.config.Dir },
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, blob.Config{})
			r := s.recording("vp8", "film")
			dir := missing(s)
			must(t, os.Rename(dir, dir+" unmounted"))
			s.run()
			until(t, "an attempt failed", func() bool { return len(s.ledger.row(r.ID).Reasons) > 0 })
			if row := s.ledger.row(r.ID); row.Status != video.RecordingProcessing {
				t.Errorf("meanwhile: %+v", row)
			}
			_ = os.RemoveAll(dir)
			must(t, os.Rename(dir+" unmounted", dir))
			s.await(r, video.RecordingCompleted)
			s.wantArchived(r, "film")
		})
	}
}

// deadly kills its process at a step.
type deadly struct {
	*ledger

	steps, at int
}

func (d *deadly) step() {
	if d.steps++; d.steps == d.at {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

func (d *deadly) RecordingArchived(ctx context.Context, id string, size int64, sum string) error {
	d.step()
	err := d.ledger.RecordingArchived(ctx, id, size, sum)
	d.step()
	return err
}

type deadlyMedia struct {
	*blob.Store

	deadly *deadly
}

func (d deadlyMedia) Put(ctx context.Context, key, path string) (blob.Content, error) {
	d.deadly.step()
	content, err := d.Store.Put(ctx, key, path)
	d.deadly.step()
	return content, err
}

// victim archives what is at a place until nothing is left, or it dies.
func victim(place string) {
	at, _ := strconv.Atoi(os.Getenv("DIE_AT"))
	d := &deadly{&ledger{dir: filepath.Join(place, "rows")}, 0, at}
	store, err := blob.Open(blob.Config{Dir: filepath.Join(place, "media")})
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	a := New(Config{Recordings: d, Media: deadlyMedia{store, d}, Dir: filepath.Join(place, "recordings"), Log: slog.New(slog.DiscardHandler)})
	go func() {
		defer cancel()
		for range time.Tick(time.Millisecond) {
			if due, _ := d.UnarchivedRecordings(ctx, 1); len(due) == 0 {
				return
			}
		}
	}()
	a.Run(ctx)
}

// Wherever a process is killed, the next one completes the recording, once, and leaves nothing behind.
func TestKilledAtEveryStep(t *testing.T) {
	const steps = 6 // before and after the index, the file and the row
	for at := 1; at <= steps+1; at++ {
		s := newScene(t, blob.Config{})
		r := s.recording("vp8", "film")
		place := filepath.Dir(s.config.Dir)
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), asVictim+"="+place, "DIE_AT="+strconv.Itoa(at))
		said, err := child.CombinedOutput()
		if died := child.ProcessState.Sys().(syscall.WaitStatus).Signaled(); died != (at <= steps) {
			t.Fatalf("step %d: %v: %s", at, err, said)
		}
		_, stop := s.run()
		s.await(r, video.RecordingCompleted)
		until(t, "local files are gone", func() bool { return len(s.local()) == 0 })
		stop()
		s.wantArchived(r, "film")
	}
}

func TestRetry(t *testing.T) {
	for failures, want := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 5: 16 * time.Second, 11: 15 * time.Minute, 1000: 15 * time.Minute} {
		for range 100 {
			if got := DefaultRetry.after(failures); got < want*8/10 || got > want*12/10 {
				t.Fatalf("after %d failures: %v, want about %v", failures, got, want)
			}
		}
	}
}
