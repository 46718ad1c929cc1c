package archive

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/blob"
	"github.com/rotunda-rtc/rotunda/internal/observe"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Recordings is the record of recordings.
type Recordings interface {
	// UnarchivedRecordings returns at most n recordings that ended and are still processing, the one whose attempt is due first
	// first, whether it is due or not.
	UnarchivedRecordings(ctx context.Context, n int) ([]video.UnarchivedRecording, error)
	// RecordingsEnded holds a token when there is one more.
	RecordingsEnded() <-chan struct{}
	// RecordingArchived completes a recording, with its event; doing it again changes nothing.
	RecordingArchived(ctx context.Context, id string, sizeBytes int64, sha256 string) error
	// RecordingArchiveFailed notes why a recording is not archived yet, and when it is tried again.
	RecordingArchiveFailed(ctx context.Context, id, reason string, next time.Time) error
	// RecordingFailed fails a recording for good. It returns at once.
	RecordingFailed(id, reason string)
	// RecordingStatuses are those of the recordings with these ids; what is not in the record is left out.
	RecordingStatuses(ctx context.Context, ids []string) (map[string]video.RecordingStatus, error)
}

// Media keeps objects.
type Media interface {
	Put(ctx context.Context, key, path string) (blob.Content, error)
	Open(ctx context.Context, key string) (*blob.Reader, error)
	Delete(ctx context.Context, key string) error
}

// Config is what an Archiver stands on. All fields are required unless said otherwise.
type Config struct {
	Recordings Recordings
	Media      Media
	Dir        string // where the local files of recordings are
	Retry      Retry  // zero: DefaultRetry
	Log        *slog.Logger
	Traces     *observe.Tracer // may be nil
}

// Archiver moves recordings that ended to where they stay.
type Archiver struct {
	config Config
	queue  *queue[video.Recording]
	made   time.Time

	lost                   sync.Map // ids of those that failed for good, which the record may be slow to write
	files, bytes, failures atomic.Int64
}

// New makes an archiver; Run starts it.
func New(config Config) *Archiver {
	a := &Archiver{config: config, made: time.Now()}
	a.queue = &queue[video.Recording]{
		name: "archiving recordings", due: a.due, id: func(r video.Recording) string { return r.ID },
		do: a.archive, retry: config.Retry, log: config.Log, news: config.Recordings.RecordingsEnded(),
		failed: func(ctx context.Context, r video.Recording, reason string, next time.Time) error {
			a.failures.Add(1)
			return config.Recordings.RecordingArchiveFailed(ctx, r.ID, reason, next)
		},
	}
	return a
}

// Run archives until ctx ends. What is in hand then is cut off, and done again by the next Run.
func (a *Archiver) Run(ctx context.Context) {
	if err := a.tidy(ctx); err != nil && ctx.Err() == nil {
		a.config.Log.Warn("local files of archived recordings were not deleted", "error", err)
	}
	a.queue.run(ctx)
}

func (a *Archiver) due(ctx context.Context, now time.Time, limit int) (due []video.Recording, next time.Time, err error) {
	waiting, err := a.config.Recordings.UnarchivedRecordings(ctx, limit)
	for _, r := range waiting {
		if r.NextAt.After(now) {
			return due, r.NextAt, err
		}
		if _, lost := a.lost.Load(r.ID); !lost {
			due = append(due, r.Recording)
		}
	}
	return due, time.Time{}, err
}

// Stats counts since the start.
type Stats struct{ Files, Bytes, Failures int64 }

// Stats returns how many recordings were archived, how large they were together, and how many attempts failed.
func (a *Archiver) Stats() Stats { return Stats{a.files.Load(), a.bytes.Load(), a.failures.Load()} }

func (a *Archiver) archive(ctx context.Context, r video.Recording) error {
	ctx, span := a.config.Traces.Start(ctx, "recording.archive", slog.String("recording.id", r.ID), slog.String("session.id", string(r.SessionID)))
	err := a.finish(ctx, r)
	span.End(err)
	return err
}

func (a *Archiver) finish(ctx context.Context, r video.Recording) error {
	file, index := filepath.Join(a.config.Dir, r.FileName()), filepath.Join(a.config.Dir, r.IndexName())
	here, err := stat(file)
	if err != nil {
		return err
	}
	var content blob.Content
	if here != nil {
		content, err = a.put(ctx, r, file, index)
	} else {
		// The record may be older than the archive, such as one restored from a backup.
		content.Size, err = a.kept(ctx, r.FileKey())
	}
	if here == nil && errors.Is(err, blob.ErrAbsent) {
		a.config.Log.Error("the file of a recording is missing", "recording", r.ID, "file", file)
		a.lost.Store(r.ID, nil)
		a.config.Recordings.RecordingFailed(r.ID, video.FailedMissing)
		return nil
	}
	if err != nil {
		return err
	}
	if err := a.config.Recordings.RecordingArchived(ctx, r.ID, content.Size, content.SHA256); err != nil {
		return fmt.Errorf("complete recording: %w", err)
	}
	a.files.Add(1)
	a.bytes.Add(content.Size)
	if err := errors.Join(gone(file), gone(index)); err != nil {
		a.config.Log.Warn("local files of an archived recording were not deleted, trying again at the next start", "recording", r.ID, "error", err)
	}
	return nil
}

// put puts the index first: where the file is, the index is too. One that a full disk left empty is none.
func (a *Archiver) put(ctx context.Context, r video.Recording, file, index string) (blob.Content, error) {
	info, err := stat(index)
	if err == nil && info != nil && info.Size() > 0 {
		_, err = a.config.Media.Put(ctx, r.IndexKey(), index)
	}
	if err != nil {
		return blob.Content{}, err
	}
	return a.config.Media.Put(ctx, r.FileKey(), file)
}

// stat describes a file, or is nil if there is none. Where its directory is not, a disk may be missing, and nothing can be said.
func stat(path string) (fs.FileInfo, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		_, err = os.Stat(filepath.Dir(path))
		return nil, err
	}
	return info, err
}

// kept is the size of an object.
func (a *Archiver) kept(ctx context.Context, key string) (int64, error) {
	r, err := a.config.Media.Open(ctx, key)
	if err != nil {
		return 0, err
	}
	return r.Size(), r.Close()
}

// tidy deletes local files of recordings that are archived, which a process left that died after completing the row. Of files
// that the record knows nothing of, it tells: they may be all there is of a recording.
func (a *Archiver) tidy(ctx context.Context) error {
	entries, err := os.ReadDir(a.config.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	files := make(map[string][]string)
	var ids []string
	for _, entry := range entries {
		id, _, _ := strings.Cut(entry.Name(), ".")
		info, vanished := entry.Info()
		if !video.IsUUID(id) || vanished != nil || info.ModTime().After(a.made) { // what is recorded now may not be in the record yet
			continue
		}
		if files[id] == nil {
			ids = append(ids, id)
		}
		files[id] = append(files[id], filepath.Join(a.config.Dir, entry.Name()))
	}
	if len(ids) == 0 {
		return nil
	}
	statuses, err := a.config.Recordings.RecordingStatuses(ctx, ids)
	if err != nil {
		return err
	}
	unknown := 0
	for id, of := range files {
		status, known := statuses[id]
		if !known {
			unknown += len(of)
		}
		if status != video.RecordingCompleted {
			continue
		}
		for _, file := range of {
			err = errors.Join(err, gone(file))
		}
	}
	if unknown > 0 {
		a.config.Log.Warn("there are files of recordings that are not in the record; they stay until they are deleted by hand", "files", unknown, "dir", a.config.Dir)
	}
	return err
}

// gone deletes a file, if it is there. Of a directory that is not, nothing has gone.
func gone(path string) error {
	err := os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		_, err = os.Stat(filepath.Dir(path))
	}
	return err
}
