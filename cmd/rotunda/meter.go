package main

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

const (
	// meterInterval is how often traffic is written down: what a server that is killed forgets of it.
	meterInterval = 10 * time.Second
	// maxMetered is how many lines of traffic wait for a database that does not take them. Further ones are lost.
	maxMetered = 50_000
)

// trafficStore keeps what was sent and downloaded.
type trafficStore interface {
	AddTraffic(ctx context.Context, traffic []video.Traffic) error
}

// meter counts what is sent to clients, by session, and what is downloaded, by room, and has it written down from time to time.
type meter struct {
	sent  func() map[video.SessionID]uint64 // bytes since it was last asked
	store trafficStore
	log   *slog.Logger
	now   func() time.Time

	mu      sync.Mutex
	waiting map[metered]video.Traffic // guarded by mu; not written yet
}

// metered is what traffic is added up by.
type metered struct {
	account video.AccountID
	room    video.RoomID
	session video.SessionID
	day     string
}

func newMeter(sent func() map[video.SessionID]uint64, store trafficStore, log *slog.Logger, now func() time.Time) *meter {
	return &meter{sent: sent, store: store, log: log, now: now, waiting: make(map[metered]video.Traffic)}
}

// run writes until ctx ends, and then what there is.
func (m *meter) run(ctx context.Context) {
	tick := time.NewTicker(meterInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			m.write(ctx)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), meterInterval)
			defer cancel()
			m.write(last)
			return
		}
	}
}

// downloaded is for download.Config.
func (m *meter) downloaded(account video.AccountID, room video.RoomID, bytes int64) {
	m.add(video.Traffic{AccountID: account, RoomID: room, At: m.now(), Downloaded: bytes})
}

func (m *meter) add(t video.Traffic) {
	key := metered{t.AccountID, t.RoomID, t.SessionID, t.At.UTC().Format(time.DateOnly)}
	m.mu.Lock()
	defer m.mu.Unlock()
	sum, known := m.waiting[key]
	if !known && len(m.waiting) >= maxMetered {
		return
	}
	t.Sent, t.Downloaded = t.Sent+sum.Sent, t.Downloaded+sum.Downloaded
	m.waiting[key] = t
}

// write writes down what was counted. What the database does not take waits for the next time.
func (m *meter) write(ctx context.Context) {
	now := m.now()
	for session, bytes := range m.sent() {
		m.add(video.Traffic{SessionID: session, At: now, Sent: int64(bytes)})
	}
	m.mu.Lock()
	all := make([]video.Traffic, 0, len(m.waiting))
	for _, t := range m.waiting {
		all = append(all, t)
	}
	clear(m.waiting)
	m.mu.Unlock()
	if err := m.store.AddTraffic(ctx, all); err != nil {
		m.log.Warn("traffic was not written down, trying again", "lines", len(all), "error", err)
		for _, t := range all {
			m.add(t)
		}
	}
}

// meterTraffic has traffic counted while the server runs.
func (h *house) meterTraffic(ctx context.Context) {
	h.meter = newMeter(h.engine.Egress, h.db, h.log, time.Now)
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var metering sync.WaitGroup
	metering.Go(func() { h.meter.run(ctx) })
	h.later(func() error { cancel(); metering.Wait(); return nil })
}

// pruneUsage removes the days that are older than the operator wants.
func (h *house) pruneUsage(ctx context.Context) error {
	if h.config.UsageRetention == 0 {
		return nil
	}
	_, err := h.db.PruneUsage(ctx, time.Now().Add(-h.config.UsageRetention))
	return err
}

// usageRetention reads how long usage is kept.
func usageRetention(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d != 0 && (d < 744*time.Hour || d > 876000*time.Hour) {
		return 0, fmt.Errorf("must be 0 for ever, or a time from 744h to 876000h, such as 26280h")
	}
	return d, nil
}
