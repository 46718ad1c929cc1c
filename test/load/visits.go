package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
	"github.com/rotunda-rtc/rotunda/test/rig"
)

// stay is how long a visit is, and maxVisitors how many there are at once; one that is due beyond that is left out.
const (
	stay        = 2 * time.Second
	maxVisitors = 2000
)

// visits are people who come to the rooms in turn, and leave.
type visits struct {
	url    string
	rooms  []room
	cancel context.CancelFunc
	going  sync.WaitGroup

	mutex  sync.Mutex
	joined []time.Duration // from the first frame to being in
	failed int
	fault  error // one of them
}

func startVisits(ctx context.Context, url string, rooms []room, perSecond float64) *visits {
	ctx, cancel := context.WithCancel(ctx)
	v := &visits{url: url, rooms: rooms, cancel: cancel}
	if perSecond > 0 {
		v.going.Go(func() { v.send(ctx, time.Duration(float64(time.Second)/perSecond)) })
	}
	return v
}

// send sends someone every so often until ctx ends.
func (v *visits) send(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	places := make(chan struct{}, maxVisitors)
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		select {
		case places <- struct{}{}:
		default:
			continue
		}
		v.going.Go(func() {
			// Whoever is in stays as long as others, so that the last events of a run are like the first.
			took, err := v.visit(context.WithoutCancel(ctx), v.rooms[i%len(v.rooms)])
			<-places
			v.mutex.Lock()
			defer v.mutex.Unlock()
			if err != nil {
				v.failed, v.fault = v.failed+1, err
				return
			}
			v.joined = append(v.joined, took)
		})
	}
}

// visit joins, stays and leaves, and returns how long joining took.
func (v *visits) visit(ctx context.Context, r room) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, stay+20*time.Second)
	defer cancel()
	socket, err := rig.Dial(ctx, v.url, func([]byte) {})
	if err != nil {
		return 0, err
	}
	defer socket.Close()
	begun := time.Now()
	if _, err := socket.Ask(ctx, "hello", rig.Object{"version": 1, "token": r.token}); err != nil {
		return 0, err
	}
	if _, err := socket.Ask(ctx, "join", rig.Object{"participant_id": video.NewUUID()}); err != nil {
		return 0, err
	}
	took := time.Since(begun)
	time.Sleep(stay) // this is what visiting is
	if _, err := socket.Ask(ctx, "leave", rig.Object{}); err != nil {
		return 0, err
	}
	return took, nil
}

// stop waits until everyone has left, and says how it went.
func (v *visits) stop() string {
	v.cancel()
	v.going.Wait()
	text := fmt.Sprintf("visits: %d joined, p50 %s, p99 %s; %d failed", len(v.joined),
		short(percentile(v.joined, 50)), short(percentile(v.joined, 99)), v.failed)
	if v.fault != nil {
		text += fmt.Sprintf(", such as: %.100v", v.fault)
	}
	return text
}
