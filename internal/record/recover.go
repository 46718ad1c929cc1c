package record

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Recover finishes recordings that a process which died left behind. rows are those that did not end. It runs before
// anything is recorded, and returns early only with ctx.
func (r *Recorder) Recover(ctx context.Context, rows []video.Recording) error {
	for _, row := range rows {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("finish what was being recorded: %w", err)
		}
		if row.Status != video.RecordingProcessing || row.EndedAt != nil || !video.IsUUID(row.ID) {
			continue
		}
		r.recover(row)
	}
	return nil
}

func (r *Recorder) recover(row video.Recording) {
	media, err := r.left(row.ID)
	if err != nil {
		r.failed(row, err)
		return
	}
	index, err := os.OpenFile(r.path(row.ID, indexExtension), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		r.failed(row, errors.Join(fmt.Errorf("open the index: %w", err), media.Close()))
		return
	}
	info, err := media.Stat()
	if err != nil {
		r.failed(row, errors.Join(fmt.Errorf("ask for the size of a recording: %w", err), media.Close(), index.Close()))
		return
	}
	r.config.Logger.Info("finishing a recording that was interrupted", "recording", row.ID)
	r.end(row, media, info.Size(), index, time.Time{})
}

// left opens the file that is left of a recording.
func (r *Recorder) left(id string) (*os.File, error) {
	for _, extension := range []string{".webm", ".mkv"} {
		file, err := os.OpenFile(r.path(id, extension), os.O_RDWR, 0)
		if err == nil {
			return file, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("open a recording: %w", err)
		}
	}
	return nil, errNoMedia
}
