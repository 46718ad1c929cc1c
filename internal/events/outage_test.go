package events

import (
	"context"
	"errors"
	"maps"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// faulty is an outbox that fails a number of times at each thing first.
type faulty struct {
	Outbox
	claims, looks, settles atomic.Int32
	fault                  error
}

func (f *faulty) ClaimDeliveries(ctx context.Context, busy []string, lease time.Duration, n int) ([]video.Delivery, error) {
	if f.claims.Add(-1) >= 0 {
		return nil, f.fault
	}
	return f.Outbox.ClaimDeliveries(ctx, busy, lease, n)
}

func (f *faulty) NextDelivery(ctx context.Context, busy []string) (*time.Time, error) {
	if f.looks.Add(-1) >= 0 {
		return nil, f.fault
	}
	return f.Outbox.NextDelivery(ctx, busy)
}

func (f *faulty) SettleDeliveries(ctx context.Context, outcomes []video.DeliveryOutcome) error {
	if f.settles.Add(-1) >= 0 {
		return f.fault
	}
	return f.Outbox.SettleDeliveries(ctx, outcomes)
}

// While the database is away nothing is forgotten and nothing sent twice.
func TestOutage(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	h := newHook(t, nil)
	outbox := &faulty{Outbox: o.Store, fault: video.Errorf(video.CodeUnavailable, "away")}
	outbox.claims.Store(1)
	outbox.looks.Store(1)
	outbox.settles.Store(1)
	o.config.Outbox = outbox
	d := o.test(h.URL)
	o.deliver()
	o.settled(d.ID, video.DeliveryDelivered)
	if n := len(h.all()); n != 1 {
		t.Errorf("sent %d times", n)
	}
}

// An outcome that can never be written holds up no other.
func TestHopelessOutcome(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	outbox := &picky{Outbox: o.Store}
	o.config.Outbox = outbox
	h := newHook(t, nil)
	outbox.hates = o.test(h.URL).Seq
	fine := o.test(h.URL)
	o.deliver()
	o.settled(fine.ID, video.DeliveryDelivered)
	h.await(t, 2)
}

type picky struct {
	Outbox
	hates int64
}

func (p *picky) SettleDeliveries(ctx context.Context, outcomes []video.DeliveryOutcome) error {
	for _, o := range outcomes {
		if o.Seq == p.hates {
			return errors.New("no such column")
		}
	}
	return p.Outbox.SettleDeliveries(ctx, outcomes)
}

func TestMetrics(t *testing.T) {
	o := openOffice(t)
	registry := prometheus.NewRegistry()
	o.config.Metrics = registry
	o.config.Schedule = Schedule{Tail: []time.Duration{time.Hour}}
	good, bad := newHook(t, nil), newHook(t, answer(500))
	relay := o.deliver()
	o.settled(o.test(good.URL).ID, video.DeliveryDelivered)
	o.test(bad.URL)
	bad.await(t, 1)
	must(t, relay.Close(t.Context()))
	got := counters(t, registry)
	want := map[string]float64{
		"delivered": 1, "failed": 1, "refused": 0, "timed_out": 0, "cut": 0, "rotunda_webhook_deliveries_waiting": 1,
	}
	if !maps.Equal(got, want) {
		t.Errorf("metrics %v, want %v", got, want)
	}
	must(t, relay.Close(t.Context())) // once more changes nothing
	must(t, New(Config{}).Close(t.Context()))
}

// counters are what the metrics say, by outcome or name.
func counters(t *testing.T, registry *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	must(t, err)
	got := map[string]float64{}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			if len(metric.GetLabel()) > 0 {
				got[metric.GetLabel()[0].GetValue()] = metric.GetCounter().GetValue()
			} else if metric.GetGauge() != nil {
				got[family.GetName()] = metric.GetGauge().GetValue()
			}
		}
	}
	return got
}
