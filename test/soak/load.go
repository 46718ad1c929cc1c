package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/loadtest"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// longestRound is after how long everyone leaves, and new people come to new rooms: sessions must end too.
const longestRound = 10 * time.Minute

// tally is what became of everyone.
type tally struct {
	mutex                      sync.Mutex
	joined, left, failed, lost int
	packets                    uint64 // that subscribers were sent
	recordings                 int    // that were deleted
	wrong                      []string
}

// load fills the rooms in rounds, each of which ends with everyone gone, and has a session recorded meanwhile.
func (p *plan) load(ctx context.Context, api *client, duration time.Duration, came *tally) error {
	rounds := int((duration + longestRound - 1) / longestRound)
	for range rounds {
		if err := p.round(ctx, api, duration/time.Duration(rounds), came); err != nil {
			return err
		}
	}
	return nil
}

func (p *plan) round(ctx context.Context, api *client, duration time.Duration, came *tally) error {
	recording, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- api.record(recording, turnOf(duration), came) }()
	var both sync.WaitGroup
	var faults [2]error
	for i, load := range p.kinds(api, duration) {
		both.Go(func() {
			report, err := loadtest.Run(ctx, load, "soak", func(loadtest.Progress) {})
			if report != nil {
				came.add(report)
			}
			faults[i] = err
		})
	}
	both.Wait()
	stop()
	return errors.Join(faults[0], faults[1], <-ended)
}

// kinds are the two loads that run side by side: simulcast over a bad network, and a good one.
func (p *plan) kinds(api *client, duration time.Duration) [2]loadtest.Plan {
	good := loadtest.Plan{
		URL: api.URL, APIKey: api.Key, Rooms: p.rooms, Publishers: p.publishers, Subscribers: p.subscribers,
		AudioBitRate: 32_000, VideoBitRate: p.kbps * 1000, Layers: 1, Quality: video.QualityHigh,
		Churn: p.churn, NACK: true, RampUp: 2 * time.Second, Duration: duration,
	}
	bad := good
	bad.Layers, bad.Quality, bad.Loss, bad.Delay = 3, video.QualityMedium, 0.02, 20*time.Millisecond
	return [2]loadtest.Plan{bad, good}
}

func (t *tally) add(r *loadtest.Report) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.joined, t.left = t.joined+r.Joins.Joined, t.left+r.Joins.Left
	t.failed, t.lost = t.failed+r.Joins.Failed, t.lost+r.Joins.Lost
	t.packets += r.Packets.Forwarded
	if fault := r.Fault(); fault != "" {
		t.wrong = append(t.wrong, fault)
	}
	for _, e := range r.Errors {
		t.wrong = append(t.wrong, fmt.Sprintf("%d times: %s", e.Count, e.Error))
	}
}

func (t *tally) deleted(recordings int) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.recordings += recordings
}

// faults are what went wrong with people and recordings.
func (t *tally) faults() []string {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	faults := t.wrong
	if t.recordings == 0 {
		faults = append(faults, "no recording was made")
	}
	return faults
}

func (t *tally) String() string {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return fmt.Sprintf("%d joined, %d failed, %d left and others came, %d lost; %d packets forwarded; %d recordings made and deleted",
		t.joined, t.failed, t.left, t.lost, t.packets, t.recordings)
}
