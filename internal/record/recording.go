package record

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

const (
	shortestGap = 500 * time.Millisecond // that is in the index
	wallEvery   = 10 * time.Second
)

// recording is one being written: its file, its index and its row.
type recording struct {
	recorder *Recorder
	row      video.Recording
	base     int64 // the moment of container time 0
	writer   *writer
	index    *index

	last   time.Duration // when the last frame was
	lasts  time.Duration // how long it lasts, as far as is known
	walled time.Duration // when the index last had the wall clock
	width  int
	height int
}

// now is the time for rows: UTC, in the microseconds a database keeps.
func (r *Recorder) now() time.Time { return r.config.Now().UTC().Truncate(time.Microsecond) }

// wall is the wall clock at a moment, in µs since 1970.
func (r *Recorder) wall(moment int64) int64 {
	return r.config.Now().Add(time.Duration(moment - r.config.Clock())).UnixMicro()
}

// begin makes the files of a recording.
func (r *Recorder) begin(row video.Recording, private []byte, f *packet.Frame, at int64) (*recording, error) {
	codec := packet.Codec(row.Codec)
	file, err := r.create(r.path(row.ID, indexExtension))
	if err != nil {
		return nil, fmt.Errorf("make the index: %w", err)
	}
	rec := &recording{recorder: r, row: row, base: at, index: &index{file: file}, width: f.Width, height: f.Height}
	rec.index.begin(row)
	rec.index.wall(0, row.StartedAt.UnixMicro())
	if f.Width > 0 {
		rec.index.picture(0, f.Width, f.Height)
	}
	if err = rec.index.flush(); err == nil {
		var media storage
		if media, err = r.create(r.path(row.ID, formats[codec].extension)); err == nil {
			if rec.writer, err = newWriter(media, fileHead(codec, private, f.Width, f.Height, row.StartedAt)); err == nil {
				return rec, nil
			}
			err = errors.Join(err, media.Close(), os.Remove(r.path(row.ID, formats[codec].extension)))
		}
	}
	return nil, errors.Join(err, file.Close(), os.Remove(r.path(row.ID, indexExtension)))
}

// add writes a frame that was sampled at this moment; gap is why none came before it, should that have been long.
func (r *recording) add(f *packet.Frame, moment int64, gap GapReason) error {
	pictures := r.row.Type == video.Video
	first := r.writer.last < 0
	written := r.writer.size
	at, err := r.writer.add(time.Duration(moment-r.base), f.Data, f.Keyframe, pictures && f.Keyframe, r.recorder.config.Clock())
	if err == nil && r.writer.size != written {
		err = r.index.flush() // all of it is about what was written now
	}
	if err != nil {
		return err
	}
	if !first {
		over := r.last + r.lasts
		switch {
		case at-over >= shortestGap:
			r.index.gap(over, at, gap)
			r.index.wall(at, r.recorder.wall(r.base+int64(at)))
			r.walled = at
		case at-r.walled >= wallEvery:
			r.index.wall(at, r.recorder.wall(r.base+int64(at)))
			r.walled = at
		}
	}
	if f.Width > 0 && (f.Width != r.width || f.Height != r.height) {
		r.width, r.height = f.Width, f.Height
		r.index.picture(at, f.Width, f.Height)
	}
	switch {
	case !pictures:
		r.lasts = packet.OpusDuration(f.Data)
	case !first && at-r.last < shortestGap:
		r.lasts = at - r.last
	default:
		r.lasts = lastPicture
	}
	r.last = at
	return nil
}

// flush writes what is in memory.
func (r *recording) flush() error {
	if err := r.writer.flush(); err != nil {
		return err
	}
	return r.index.flush()
}

// finish ends a recording and tells its row.
func (r *Recorder) finish(rec *recording) {
	logger := r.config.Logger.With("recording", rec.row.ID)
	if err := rec.flush(); err != nil {
		logger.Error("the last second of a recording is lost", "error", err)
	}
	if err := r.end(rec.row, rec.writer.file, rec.writer.size, rec.index.file, r.now()); err != nil {
		r.postpone(rec.row, err)
	}
}

// end finishes the files of a recording and tells its row that it ended then, or, if the time is zero, when its media does.
// If that cannot be done now, it is an error, and the row is not told.
func (r *Recorder) end(row video.Recording, media storage, size int64, index storage, when time.Time) error {
	done, err := finish(media, size, row.Type)
	if err == nil {
		if err := finishIndex(index, row, done.length); err != nil { // media is worth more than where it ends
			r.config.Logger.Error("the index of a recording has no end", "recording", row.ID, "error", err)
		}
	}
	err = errors.Join(err, media.Close())
	_ = index.Close()
	switch {
	case errors.Is(err, errNoMedia), errors.Is(err, errHeadless):
		r.failed(row, err)
		return nil
	case err != nil:
		return err
	}
	if when.IsZero() {
		when = row.StartedAt.Add(done.length)
	}
	row.Duration, row.SizeBytes, row.EndedAt, row.UpdatedAt = done.length, done.size, &when, r.now()
	r.config.Rows.RecordingEnded(row)
	return nil
}

// failed tells the row of a recording that nothing will come of it. Files without any media are removed.
func (r *Recorder) failed(row video.Recording, err error) {
	r.config.Logger.Error("a recording failed", "recording", row.ID, "error", err)
	if errors.Is(err, errNoMedia) {
		r.remove(row.ID)
	}
	now := r.now()
	row.Status, row.FailedReason, row.EndedAt, row.UpdatedAt = video.RecordingFailed, reasonOf(err), &now, now
	r.config.Rows.RecordingFailed(row)
}

// remove deletes the files of a recording.
func (r *Recorder) remove(id string) {
	for _, extension := range []string{".webm", ".mkv", indexExtension} {
		_ = os.Remove(r.path(id, extension))
	}
}
