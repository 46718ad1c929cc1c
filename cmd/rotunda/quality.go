package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/quality"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// qualityRetention reads how long figures of media quality are kept.
func qualityRetention(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d != 0 && (d < time.Hour || d > 87600*time.Hour) {
		return 0, fmt.Errorf("must be 0 for none, or a time from 1h to 87600h, such as 336h")
	}
	return d, nil
}

// measure has figures of media quality taken, unless the operator wants none: then there is nobody for sessions to tell.
func (h *house) measure(ctx context.Context) (live.Quality, error) {
	h.quality = quality.New(quality.Config{Store: h.db, Engine: h.engine, Logger: h.log})
	if h.config.QualityRetention == 0 {
		return nil, nil
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	var keeping sync.WaitGroup
	keeping.Go(func() { h.quality.Run(running) })
	h.later(func() error { stop(); keeping.Wait(); return nil })
	return h.quality, h.metrics.Register(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "rotunda_quality_minutes_dropped_total",
		Help: "Minutes of figures of media quality, each of one participant, that the database could not keep up with.",
	}, func() float64 { return float64(h.quality.Dropped()) }))
}

// reportInterval is how often clients are asked to report what they measure.
func (h *house) reportInterval() time.Duration {
	if h.config.QualityRetention == 0 {
		return 0
	}
	return video.QualityInterval
}
