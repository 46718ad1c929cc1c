package main

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// ledger is a store of traffic that fails while it is told to.
type ledger struct {
	fault error
	all   []video.Traffic
}

func (l *ledger) AddTraffic(_ context.Context, traffic []video.Traffic) error {
	if l.fault == nil {
		l.all = append(l.all, traffic...)
	}
	return l.fault
}

func (l *ledger) sums() (sent, downloaded int64) {
	for _, t := range l.all {
		sent, downloaded = sent+t.Sent, downloaded+t.Downloaded
	}
	return sent, downloaded
}

// What the database does not take is written the next time, under the day it was sent on, and nothing is written twice.
func TestMeter(t *testing.T) {
	now := time.Date(2026, 11, 28, 23, 59, 55, 0, time.UTC)
	books, counted := &ledger{fault: errors.New("no database")}, map[video.SessionID]uint64{"s": 5}
	m := newMeter(func() map[video.SessionID]uint64 {
		taken := counted
		counted = nil
		return taken
	}, books, slog.New(slog.DiscardHandler), func() time.Time { return now })
	m.downloaded("a", "r", 3)
	m.downloaded("a", "r", 4)
	m.write(t.Context())
	if len(books.all) != 0 {
		t.Fatalf("written: %v", books.all)
	}
	now = now.Add(10 * time.Second)
	counted = map[video.SessionID]uint64{"s": 7}
	books.fault = nil
	m.write(t.Context())
	m.write(t.Context())
	if sent, downloaded := books.sums(); sent != 12 || downloaded != 7 || len(books.all) != 3 {
		t.Fatalf("%d sent and %d downloaded in %v", sent, downloaded, books.all)
	}
	for _, line := range books.all {
		if late := line.At.Day() == 29; line.Sent > 0 && late != (line.Sent == 7) {
			t.Errorf("%d bytes are of %v", line.Sent, line.At)
		}
	}
}

// A server that stops writes what it has counted.
func TestMeterStops(t *testing.T) {
	books := &ledger{}
	m := newMeter(func() map[video.SessionID]uint64 { return map[video.SessionID]uint64{"s": 9} }, books, slog.New(slog.DiscardHandler), time.Now)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m.run(ctx)
	if sent, _ := books.sums(); sent != 9 {
		t.Errorf("%d bytes were written", sent)
	}
}
