package events

import (
	"context"
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics count attempts. URLs and ids are no labels: there may be any number of them.
type metrics struct {
	attempts *prometheus.CounterVec
	seconds  prometheus.Histogram
}

// countTimeout bounds what a scrape asks of the outbox.
const countTimeout = 2 * time.Second

func newMetrics(registry prometheus.Registerer, outbox Outbox) *metrics {
	m := &metrics{
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rotunda_webhook_attempts_total",
			Help: "Requests to webhooks, by outcome: delivered, refused (another 4xx than 408 and 429), failed, timed_out, cut (by a stop).",
		}, []string{"outcome"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "rotunda_webhook_attempt_seconds",
			Help:    "How long requests to webhooks took.",
			Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2, 5, 10, 30},
		}),
	}
	for _, outcome := range []string{"delivered", "refused", "failed", "timed_out", "cut"} {
		m.attempts.WithLabelValues(outcome)
	}
	if registry != nil {
		registry.MustRegister(m.attempts, m.seconds, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "rotunda_webhook_deliveries_waiting",
			Help: "Webhook deliveries with an attempt to come or under way.",
		}, func() float64 { return waiting(outbox) }))
	}
	return m
}

func waiting(outbox Outbox) float64 {
	ctx, cancel := context.WithTimeout(context.Background(), countTimeout)
	defer cancel()
	n, err := outbox.WaitingDeliveries(ctx)
	if err != nil {
		return math.NaN() // the database does not answer, which others report
	}
	return float64(n)
}

func (m *metrics) count(r report) {
	outcome := "failed"
	switch {
	case r.cut:
		outcome = "cut"
	case r.result.verdict == delivered:
		outcome = "delivered"
	case r.result.verdict == refused:
		outcome = "refused"
	case r.result.slow:
		outcome = "timed_out"
	}
	m.attempts.WithLabelValues(outcome).Inc()
	if !r.cut {
		m.seconds.Observe(r.result.attempt.FinishedAt.Sub(r.result.attempt.StartedAt).Seconds())
	}
}
