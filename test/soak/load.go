package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/loadtest"
)

// longestRound is after how long everyone leaves, and new people come to new rooms: sessions must end too.
const longestRound = 10 * time.Minute

// tally is what became of everyone.
type tally struct {
	mutex        sync.Mutex
	participants []string
	ended        []string // sessions, over REST
	deeds        map[string]int
	recordings   int // that were deleted
	wrong        []string
}

// load fills the rooms in rounds, each of which ends with everyone gone, and has a session recorded meanwhile. full is called when all are in.
func (p *plan) load(ctx context.Context, api *client, duration time.Duration, came *tally, full func(bool)) error {
	rounds := int((duration + longestRound - 1) / longestRound)
	for i := range rounds {
		if err := p.round(ctx, api, p.seed+uint64(i), duration/time.Duration(rounds), came, full); err != nil {
			return err
		}
	}
	return nil
}

func (p *plan) round(ctx context.Context, api *client, seed uint64, duration time.Duration, came *tally, full func(bool)) error {
	recording, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- api.record(recording, turnOf(duration), came) }()
	report, err := loadtest.Crowd{
		URL: api.URL, APIKey: api.Key, Seed: seed, Rooms: p.rooms, People: p.people, Duration: duration, Grace: grace,
		Loss: 0.02, Delay: 20 * time.Millisecond,
	}.Run(ctx, full)
	if report != nil {
		came.add(report)
	}
	stop()
	return errors.Join(err, <-ended)
}

func (t *tally) add(r *loadtest.CrowdReport) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.participants = append(t.participants, r.Participants...)
	t.ended = append(t.ended, r.Ended...)
	if t.deeds == nil {
		t.deeds = map[string]int{}
	}
	for deed, n := range r.Deeds {
		t.deeds[deed] += n
	}
	for _, fault := range slices.Sorted(maps.Keys(r.Faults)) {
		t.wrong = append(t.wrong, fmt.Sprintf("%d times: %s", r.Faults[fault], fault))
	}
}

func (t *tally) deleted(recordings int) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.recordings += recordings
}

// expected are what a run does often enough that it not being there says that the run is no good.
var expected = []string{
	"join", "leave", "close", "vanish", "publish", "unpublish", "subscribe", "change subscription", "unsubscribe", "message", "mute",
	"offer", "restart ICE", "change address", "replace media", "resume", "resume too late",
	"REST mute", "REST unmute", "REST kick", "REST end", "kicked", "session_ended",
}

// faults are what went wrong with people and recordings.
func (t *tally) faults() []string {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	faults := t.wrong
	if t.recordings == 0 {
		faults = append(faults, "no recording was made")
	}
	if starved := t.deeds[loadtest.Starved]; starved > t.deeds["join"]/20 {
		faults = append(faults, fmt.Sprintf("%d visits were cut short by slowness, and %d people joined", starved, t.deeds["join"]))
	}
	for _, deed := range expected {
		if t.deeds[deed] == 0 {
			faults = append(faults, "never happened: "+deed)
		}
	}
	return faults
}

func (t *tally) String() string {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	var done []string
	for _, deed := range slices.Sorted(maps.Keys(t.deeds)) {
		done = append(done, fmt.Sprintf("%s %d", deed, t.deeds[deed]))
	}
	return fmt.Sprintf("%s; %d recordings made and deleted", strings.Join(done, ", "), t.recordings)
}
