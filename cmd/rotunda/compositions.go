package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rotunda-rtc/rotunda/internal/compose"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// compose has compositions made, unless the operator wants none made here.
func (h *house) compose(ctx context.Context) error {
	if h.config.ComposeJobs == 0 {
		return nil
	}
	kept := filepath.Join(h.config.Data, "compositions")
	worker := compose.New(compose.Config{
		Jobs: h.db, Media: shelf{filepath.Join(h.config.Data, "recordings"), kept}, Dir: filepath.Join(kept, "under-way"),
		Places: h.config.ComposeJobs, Metrics: h.metrics, Logger: h.log,
	})
	if err := worker.Start(ctx); err != nil {
		return err
	}
	h.later(func() error { worker.Close(); return nil })
	return nil
}

// shelf has the files of recordings and compositions in two directories.
type shelf struct{ recordings, compositions string }

func (s shelf) Open(_ context.Context, r video.Recording) (file, index string, release func(), err error) {
	extension := ".webm"
	if r.Codec == "h264" {
		extension = ".mkv"
	}
	file = filepath.Join(s.recordings, r.ID+extension)
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return "", "", nil, video.Errorf(video.CodeNotFound, "no file of recording %s", r.ID)
	} else if err != nil {
		return "", "", nil, err
	}
	return file, filepath.Join(s.recordings, r.ID+".index.jsonl"), func() {}, nil
}

func (s shelf) path(c video.Composition) string {
	return filepath.Join(s.compositions, c.ID+"."+string(c.Format))
}

// Keep returns when the file would survive a loss of power.
func (s shelf) Keep(_ context.Context, c video.Composition, path string) error {
	for _, step := range []func() error{
		func() error { return synced(path) },
		func() error { return os.Rename(path, s.path(c)) },
		func() error { return synced(s.compositions) },
	} {
		if err := step(); err != nil {
			return fmt.Errorf("keep composition: %w", err)
		}
	}
	return nil
}

func synced(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

func (s shelf) Remove(_ context.Context, c video.Composition) error {
	if err := os.Remove(s.path(c)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
