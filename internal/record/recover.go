package record

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// How long to wait before files that cannot be finished are tried again; it doubles from the first up to the longest.
const (
	firstRetry   = time.Second
	longestRetry = time.Minute
)

// Recover finishes recordings that a process which died left behind. rows are those that did not end. It runs before
// anything is recorded, and returns early only with ctx. A recording is given up only if there surely is no media of it: what
// cannot be looked at now, as on a disk that is not mounted, is tried again until it can be, or Close.
func (r *Recorder) Recover(ctx context.Context, rows []video.Recording) error {
	for _, row := range rows {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("finish what was being recorded: %w", err)
		}
		if row.Status != video.RecordingProcessing || row.EndedAt != nil || !video.IsUUID(row.ID) {
			continue
		}
		if err := r.recover(row); err != nil {
			r.postpone(row, err)
		}
	}
	return nil
}

// Unfinished counts the recordings whose files cannot be finished at present.
func (r *Recorder) Unfinished() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.unfinished)
}

// recover finishes a recording, or gives it up. It fails if neither can be done now.
func (r *Recorder) recover(row video.Recording) error {
	media, err := r.left(row.ID)
	if errors.Is(err, errNoMedia) {
		r.failed(row, err)
		return nil
	}
	if err != nil {
		return err
	}
	index, err := os.OpenFile(r.path(row.ID, indexExtension), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return errors.Join(fmt.Errorf("open the index: %w", err), media.Close())
	}
	info, err := media.Stat()
	if err != nil {
		return errors.Join(fmt.Errorf("ask for the size of a recording: %w", err), media.Close(), index.Close())
	}
	r.config.Logger.Info("finishing a recording that was interrupted", "recording", row.ID)
	return r.end(row, media, info.Size(), index, time.Time{})
}

// left opens the file that is left of a recording. Where its folder is not, nothing can be said.
func (r *Recorder) left(id string) (*os.File, error) {
	for _, extension := range []string{".webm", ".mkv"} {
		file, err := os.OpenFile(r.path(id, extension), os.O_RDWR, 0)
		if err == nil {
			return file, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("open a recording: %w", err)
		}
	}
	if _, err := os.Stat(r.config.Dir); err != nil {
		return nil, fmt.Errorf("look into the folder of recordings: %w", err)
	}
	return nil, errNoMedia
}

// postpone has the files of a recording finished later. After Close the next start does it.
func (r *Recorder) postpone(row video.Recording, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	level := slog.LevelDebug
	if len(r.unfinished) == 0 { // one line for an outage, not one for each recording
		level = slog.LevelError
		if !r.closed {
			r.running.Go(r.retry)
		}
	}
	r.unfinished = append(r.unfinished, row)
	r.config.Logger.Log(context.Background(), level, "recordings cannot be finished, trying again", "recording", row.ID, "error", err)
}

// retry tries until nothing is unfinished.
func (r *Recorder) retry() {
	for wait := firstRetry; ; wait = min(2*wait, longestRetry) {
		timer := time.NewTimer(wait)
		select {
		case <-r.closing:
			timer.Stop()
			return
		case <-timer.C:
		}
		r.mu.Lock()
		rows := slices.Clone(r.unfinished)
		r.mu.Unlock()
		for _, row := range rows {
			if err := r.recover(row); err != nil {
				r.config.Logger.Debug("a recording cannot be finished", "recording", row.ID, "error", err)
				continue
			}
			if r.settled(row.ID) == 0 {
				r.config.Logger.Info("all recordings are finished now")
				return
			}
		}
	}
}

// settled takes a recording from those that are unfinished, and returns how many still are.
func (r *Recorder) settled(id string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unfinished = slices.DeleteFunc(r.unfinished, func(row video.Recording) bool { return row.ID == id })
	return len(r.unfinished)
}
