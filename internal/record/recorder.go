package record

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Rows keeps the record of recordings. Its methods return at once: they are called between packets. What they are told is
// written in the order they were called for one recording.
type Rows interface {
	// RecordingStarted tells of a new one; its status is processing.
	RecordingStarted(video.Recording)
	// RecordingEnded gives it its end, length, size and codec. It stays in processing until it is archived. After a crash
	// it may be told again of one that was told before.
	RecordingEnded(video.Recording)
	// RecordingFailed says that nothing will come of one that started; FailedReason says why.
	RecordingFailed(video.Recording)
}

// Config is what a Recorder needs. Everything but MinFree and Logger must be given.
type Config struct {
	Dir     string // where the files are; made if it is missing
	Rows    Rows
	Now     func() time.Time                                 // the time of records
	Clock   func() int64                                     // ns; the clock that packet.Media.Arrived and Sampled are of
	Space   func(dir string) (free, total uint64, err error) // of the disk in bytes; DiskSpace for real ones
	MinFree uint64                                           // bytes; with less no recording begins and running ones end. 0 means the smaller of 1 GiB and 5 % of the disk
	Logger  *slog.Logger
}

// Recorder keeps streams of sessions as files.
type Recorder struct {
	config Config
	create func(path string) (storage, error) // of a new file

	mu       sync.Mutex
	sessions map[video.SessionID]*session // guarded by mu
	closed   bool                         // guarded by mu
	closing  chan struct{}                // closed with it
	running  sync.WaitGroup

	unfinished []video.Recording // whose files could not be finished; guarded by mu

	space space
}

// New returns a Recorder that keeps its files in config.Dir.
func New(config Config) (*Recorder, error) {
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(config.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of recordings: %w", err)
	}
	return &Recorder{config: config, create: createFile, sessions: make(map[video.SessionID]*session), closing: make(chan struct{})}, nil
}

func createFile(path string) (storage, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
}

// Record begins to keep a stream. What it cannot keep it says in its row.
func (r *Recorder) Record(of video.RecordedStream) *Stream {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.sessions[of.SessionID]
	if s == nil {
		s = &session{recorder: r, wake: make(chan struct{}, 1)}
		if !r.closed {
			r.sessions[of.SessionID] = s
			r.running.Go(s.run)
		}
	}
	stream := &Stream{session: s, audio: newTrack(s, of, video.Audio), video: newTrack(s, of, video.Video)}
	if r.closed {
		stream.audio.queue.close()
		stream.video.queue.close()
		return stream
	}
	s.post(func() { s.tracks = append(s.tracks, stream.audio, stream.video) })
	return stream
}

// SessionEnded says that nothing more of a session is coming. Its files are finished without anyone waiting for it.
func (r *Recorder) SessionEnded(id video.SessionID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.sessions[id]; s != nil {
		delete(r.sessions, id)
		s.end()
	}
}

// Close ends all recordings and waits until their files are finished, or for ctx; then the next start finishes them.
func (r *Recorder) Close(ctx context.Context) error {
	r.mu.Lock()
	if !r.closed {
		r.closed = true
		close(r.closing)
	}
	for id, s := range r.sessions {
		delete(r.sessions, id)
		s.end()
	}
	r.mu.Unlock()
	done := make(chan struct{})
	go func() {
		r.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("finish recordings: %w", ctx.Err())
	}
}

// path is where a recording's file is, by its extension.
func (r *Recorder) path(id, extension string) string {
	return filepath.Join(r.config.Dir, id+extension)
}

const indexExtension = ".index.jsonl"

// reasonOf says why a recording fails that met this error.
func reasonOf(err error) string {
	switch {
	case errors.Is(err, errNoMedia):
		return video.FailedNoMedia
	case errors.Is(err, errLow), errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return video.FailedDiskFull
	}
	return video.FailedDisk
}
