package loadtest

import (
	"context"
	"time"
)

// Progress is how a run stands.
type Progress struct {
	Elapsed        time.Duration
	Joined, Failed int // participants, those of churn included
	Seats          int

	// Of the time since the last progress.
	SentPerSecond, ReceivedPerSecond float64
	LostPercent                      float64
	ServerCores                      float64
	ServerMemory                     int64
}

const progressInterval = time.Second

// watch tells the progress every second until ctx ends.
func (r *run) watch(ctx context.Context, begun look, tell func(Progress)) {
	tick := time.NewTicker(progressInterval)
	defer tick.Stop()
	for before := begun; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := r.look()
		seconds := now.at.Sub(before.at).Seconds()
		n := now.tally.since(before.tally)
		p := Progress{
			Elapsed: now.at.Sub(begun.at), Joined: now.joined, Failed: now.failed, Seats: len(r.seats),
			SentPerSecond: float64(n.sent) / seconds, ReceivedPerSecond: float64(n.received) / seconds,
			ServerCores: now.server.cpuSince(before.server).Seconds() / seconds, ServerMemory: now.server.resident,
		}
		if n.lost > 0 {
			p.LostPercent = 100 * float64(n.lost) / float64(n.lost+n.received)
		}
		tell(p)
		before = now
	}
}
