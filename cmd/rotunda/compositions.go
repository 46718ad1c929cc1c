package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/rotunda-rtc/rotunda/internal/blob"
	"github.com/rotunda-rtc/rotunda/internal/compose"
	"github.com/rotunda-rtc/rotunda/internal/record"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// compositionsDir is where compositions are while they are made.
func compositionsDir(data string) string { return filepath.Join(data, "compositions") }

// compose has compositions made; if the operator wants none made here, they are told so.
func (h *house) compose(ctx context.Context) error {
	worker := compose.New(compose.Config{
		Jobs: h.db, Media: shelf{h.objects}, Dir: compositionsDir(h.config.Data),
		Places: h.config.ComposeJobs, Metrics: h.metrics, Logger: h.log, Traces: h.traces,
		Space: func(dir string) (free, least uint64, err error) {
			free, total, err := record.DiskSpace(dir)
			return free, record.LeastFree(h.config.RecordingMinFree, total), err
		},
	})
	if err := worker.Start(ctx); err != nil {
		return err
	}
	h.later(func() error { worker.Close(); return nil })
	return nil
}

// shelf is blob as compose asks for it.
type shelf struct{ objects *blob.Store }

func (s shelf) Room(r video.Recording) int64 {
	if s.objects.Links() {
		return 0
	}
	return r.SizeBytes
}

func (s shelf) Open(ctx context.Context, r video.Recording, dir string) (file, index string, err error) {
	file, index = filepath.Join(dir, r.FileName()), filepath.Join(dir, r.IndexName())
	switch err := s.objects.Fetch(ctx, r.FileKey(), file); {
	case errors.Is(err, blob.ErrAbsent):
		return "", "", video.Errorf(video.CodeNotFound, "there is no file of recording %s", r.ID)
	case errors.Is(err, blob.ErrSealed):
		return "", "", fmt.Errorf("%w: %w", compose.ErrDamaged, err)
	case err != nil:
		return "", "", err
	}
	// Without an index the recording can be used all the same.
	err = s.objects.Fetch(ctx, r.IndexKey(), index)
	if err != nil && !errors.Is(err, blob.ErrAbsent) && !errors.Is(err, blob.ErrSealed) {
		return "", "", err
	}
	return file, index, nil
}

func (s shelf) Keep(ctx context.Context, c video.Composition, path string) error {
	_, err := s.objects.Put(ctx, c.FileKey(), path)
	return err
}

func (s shelf) Remove(ctx context.Context, c video.Composition) error {
	return s.objects.Delete(ctx, c.FileKey())
}
