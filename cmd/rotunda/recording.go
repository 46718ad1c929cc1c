package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rotunda-rtc/rotunda/internal/archive"
	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/record"
	"github.com/rotunda-rtc/rotunda/internal/store"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// openRecorder makes what sessions are recorded with, and finishes what a server that died was recording.
func (h *house) openRecorder(ctx context.Context) (err error) {
	h.recorder, err = record.New(record.Config{
		Dir: recordingsDir(h.config.Data), Rows: recordingRows{h.db}, Now: time.Now, Clock: h.engine.Now,
		Space: record.DiskSpace, MinFree: h.config.RecordingMinFree, Logger: h.log,
	})
	if err != nil {
		return fmt.Errorf("%w: choose another with --data", err)
	}
	h.later(func() error {
		at, cancel := context.WithCancel(context.Background())
		cancel() // the drain gave it time; the next start finishes the rest
		_ = h.recorder.Close(at)
		return nil
	})
	unfinished, err := h.db.UnfinishedRecordings(ctx)
	if err != nil {
		return err
	}
	if err := h.recorder.Recover(ctx, unfinished); err != nil {
		return err
	}
	if n := len(unfinished) - h.recorder.Unfinished(); n > 0 {
		h.log.Warn("recordings of a server that died were finished", "recordings", n)
	}
	return h.metrics.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "rotunda_recordings_unfinished",
		Help: "Recordings whose files cannot be finished at present, to be tried again.",
	}, func() float64 { return float64(h.recorder.Unfinished()) }))
}

// archiveRecordings has recordings that ended put where they stay.
func (h *house) archiveRecordings(ctx context.Context) error {
	archiver := archive.New(archive.Config{
		Recordings: h.db, Media: h.objects, Dir: recordingsDir(h.config.Data), Log: h.log, Traces: h.traces,
	})
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var archiving sync.WaitGroup
	archiving.Go(func() { archiver.Run(ctx) })
	h.later(func() error { cancel(); archiving.Wait(); return nil })
	for _, counter := range []struct {
		name, help string
		value      func(archive.Stats) int64
	}{
		{"rotunda_recordings_archived_total", "Recordings that were put where they stay.", func(s archive.Stats) int64 { return s.Files }},
		{"rotunda_recordings_archived_bytes_total", "Bytes of recordings that were put where they stay.", func(s archive.Stats) int64 { return s.Bytes }},
		{"rotunda_recordings_archive_failures_total", "Attempts to put a recording where it stays that failed, to be made again.", func(s archive.Stats) int64 { return s.Failures }},
	} {
		if err := h.metrics.Register(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: counter.name, Help: counter.help},
			func() float64 { return float64(counter.value(archiver.Stats())) })); err != nil {
			return err
		}
	}
	return nil
}

// mediaURL makes the URL that media is downloaded from.
func (h *house) mediaURL() func(account video.AccountID, kind video.MediaKind, id string) string {
	links, base := h.links(), h.config.baseURL(h.listener.Addr().String())
	return func(account video.AccountID, kind video.MediaKind, id string) string {
		return base + links.Path(kind, account, id)
	}
}

// recordingRows is the store as record asks for it.
type recordingRows struct{ *store.Store }

func (r recordingRows) RecordingFailed(recording video.Recording) {
	r.Store.RecordingFailed(recording.ID, recording.FailedReason)
}

// recorder is record as live asks for it.
type recorder struct{ *record.Recorder }

func (r recorder) Record(of video.RecordedStream) live.StreamRecording {
	return recordedStream{r.Recorder.Record(of)}
}

type recordedStream struct{ *record.Stream }

// gapOf says in record's word why nothing comes; empty, when something may.
var gapOf = map[live.Gate]record.GapReason{live.GateDisabled: record.GapDisabled, live.GateCensored: record.GapCensored}

func (s recordedStream) Gate(kind video.Kind, gate live.Gate) { s.Stream.Gate(kind, gapOf[gate]) }
