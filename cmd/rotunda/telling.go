package main

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rotunda-rtc/rotunda/internal/events"
)

// tell has webhooks delivered, and old history removed.
func (h *house) tell(ctx context.Context) error {
	h.relay = events.New(events.Config{
		Outbox: h.db, Signer: h.own.authority, AllowPrivate: h.config.WebhookAllowPrivate, UserAgent: h.config.WebhookUserAgent,
		MediaURL: h.mediaURL(), Metrics: h.metrics, Logger: h.log, Traces: h.traces,
	})
	if err := h.relay.Start(ctx); err != nil {
		return err
	}
	h.later(func() error {
		at, cancel := context.WithCancel(context.Background())
		cancel() // the drain gave it time
		_ = h.relay.Close(at)
		return nil
	})
	h.later(h.prune(ctx))
	return h.metrics.Register(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "rotunda_happenings_dropped_total",
		Help: "Happenings of subscriptions, layers and pauses, and refused joins, that the database could not keep up with.",
	}, func() float64 { return float64(h.db.DroppedHappenings()) }))
}

const (
	pruneInterval = 24 * time.Hour

	// answersKept is how long answers to requests with an idempotency key can be asked for again.
	answersKept = 24 * time.Hour
)

// prune removes history that is older than the operator wants, and answers nobody can ask for again, now and every day, until
// the returned function is called.
func (h *house) prune(ctx context.Context) (stop func() error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var pruning sync.WaitGroup
	pruning.Go(func() {
		day := time.NewTicker(pruneInterval)
		defer day.Stop()
		for {
			n, err := h.db.PruneHistory(ctx, time.Now().Add(-h.config.HistoryRetention))
			if err != nil && ctx.Err() == nil {
				h.log.Warn("old history was not removed, trying again in a day", "error", err)
			} else if n > 0 {
				h.log.Info("old history was removed", "rows", n)
			}
			if _, err := h.db.PruneQuality(ctx, time.Now().Add(-h.config.QualityRetention)); err != nil && ctx.Err() == nil {
				h.log.Warn("old figures of media quality were not removed, trying again in a day", "error", err)
			}
			if err := h.pruneUsage(ctx); err != nil && ctx.Err() == nil {
				h.log.Warn("old usage was not removed, trying again in a day", "error", err)
			}
			if err := h.db.PruneIdempotency(ctx, time.Now().Add(-answersKept)); err != nil && ctx.Err() == nil {
				h.log.Warn("old answers were not removed, trying again in a day", "error", err)
			}
			select {
			case <-day.C:
			case <-ctx.Done():
				return
			}
		}
	})
	return func() error { cancel(); pruning.Wait(); return nil }
}
