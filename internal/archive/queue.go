package archive

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/blob"
)

const (
	workers = 2 // things in hand at once

	// sweep is how often the record is asked without news, for what came in a way that told nobody.
	sweep = time.Minute
	// outage is how long it is left alone when it cannot be asked.
	outage = 5 * time.Second
)

// Retry is how long to wait after the first failure; it doubles with each up to the longest.
type Retry struct{ First, Longest time.Duration }

// DefaultRetry is what a zero Retry means.
var DefaultRetry = Retry{time.Second, 15 * time.Minute}

// after is the wait after so many failures, a fifth more or less, so that what failed together does not come back together.
func (r Retry) after(failures int) time.Duration {
	wait := r.Longest
	if doubled := r.First << min(failures-1, 30); doubled > 0 && doubled < r.Longest {
		wait = doubled
	}
	return time.Duration(float64(wait) * (0.8 + 0.4*rand.Float64()))
}

// queue works through what the record says is due, a few things at once.
type queue[T any] struct {
	name   string // of the work, for the log
	due    func(ctx context.Context, now time.Time, limit int) (items []T, next time.Time, err error)
	id     func(T) string
	do     func(context.Context, T) error
	failed func(ctx context.Context, item T, reason string, next time.Time) error
	retry  Retry
	log    *slog.Logger

	news <-chan struct{} // holds a token when more is due

	failures map[string]int
	later    map[string]time.Time // no sooner, where the record could not be told
	failing  bool                 // the last attempt that ended
}

type outcome[T any] struct {
	item T
	err  error
}

// run works until ctx ends, and returns when nothing is in hand.
func (q *queue[T]) run(ctx context.Context) {
	if q.retry == (Retry{}) {
		q.retry = DefaultRetry
	}
	q.failures, q.later = make(map[string]int), make(map[string]time.Time)
	busy := make(map[string]bool)
	done := make(chan outcome[T], workers)
	var hands sync.WaitGroup
	defer hands.Wait()
	for {
		wait := sweep
		if len(busy) < workers {
			items, soon := q.look(ctx, busy)
			wait = soon
			for _, item := range items {
				busy[q.id(item)] = true
				hands.Go(func() { done <- outcome[T]{item, q.do(ctx, item)} })
			}
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-q.news:
		case <-timer.C:
		case o := <-done:
			delete(busy, q.id(o.item))
			q.settle(ctx, o)
		}
		timer.Stop()
	}
}

// look finds what to take in hand now, and how long to wait for more.
func (q *queue[T]) look(ctx context.Context, busy map[string]bool) (items []T, wait time.Duration) {
	now := time.Now()
	due, next, err := q.due(ctx, now, 2*workers+len(q.later))
	if err != nil {
		if ctx.Err() == nil {
			q.log.Warn(q.name+" cannot look for work, trying again", "error", err)
		}
		return nil, outage
	}
	wait = sweep
	if !next.IsZero() {
		wait = min(wait, max(time.Until(next), 0))
	}
	for _, item := range due {
		id := q.id(item)
		later := q.later[id]
		switch {
		case busy[id] || len(busy)+len(items) == workers:
		case later.After(now):
			wait = min(wait, later.Sub(now))
		default:
			items = append(items, item)
		}
	}
	return items, wait
}

// settle notes how an attempt ended.
func (q *queue[T]) settle(ctx context.Context, o outcome[T]) {
	id := q.id(o.item)
	if ctx.Err() != nil {
		return // it was cut off, which is nobody's fault
	}
	if o.err == nil {
		delete(q.failures, id)
		delete(q.later, id)
		if q.failing {
			q.failing = false
			q.log.Info(q.name + " works again")
		}
		return
	}
	q.failures[id]++
	reason := string(blob.ReasonOf(o.err))
	wait := q.retry.after(q.failures[id])
	next := time.Now().Add(wait)
	delete(q.later, id)
	level := slog.LevelDebug
	if !q.failing { // one line for an outage, not one for each thing that waits
		level, q.failing = slog.LevelWarn, true
	}
	q.log.Log(ctx, level, q.name+" failed, trying again", "id", id, "reason", reason, "error", o.err, "in", wait.Round(time.Millisecond))
	if err := q.failed(ctx, o.item, reason, next); err != nil && ctx.Err() == nil {
		q.later[id] = next
		q.log.Warn(q.name+" could not note a failure", "id", id, "error", err)
	}
}
