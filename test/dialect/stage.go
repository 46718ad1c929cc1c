package main

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/rotunda-rtc/rotunda/internal/opus"
)

const (
	pictureRate  = 30
	pictureParts = 5    // packets of a picture
	partSize     = 1000 // bytes: 1.2 Mbit/s
	keyParts     = 20   // packets of a keyframe
	keyRest      = 500 * time.Millisecond
	soundTime    = 20 * time.Millisecond
	frameSize    = 960
)

// stage has what all people are made of, whatever they speak: connections, pictures and sound.
type stage struct {
	people         int
	api            *webrtc.API
	voice, silence [][]byte     // Opus, of two seconds
	arrived        atomic.Int64 // packets of video
	twice          bool         // on the dialect, subscriptions take the sound as well, which is in the mix too
}

func newStage(ctx context.Context, people int) (*stage, error) {
	s := &stage{people: people}
	var err error
	if s.api, err = newAPI(); err != nil {
		return nil, err
	}
	library, err := opus.Compile(ctx)
	if err != nil {
		return nil, err
	}
	if s.voice, err = encode(library, voice); err != nil {
		return nil, err
	}
	if s.silence, err = encode(library, func(int) float64 { return 0 }); err != nil {
		return nil, err
	}
	return s, library.Close()
}

// enough is the part of the video that is to arrive: keyframes and clocks make for some.
const enough = 0.95

// everything is how many packets of video a second arrive when everybody gets all pictures of everybody else.
func (s *stage) everything() float64 {
	return float64(s.people * (s.people - 1) * pictureRate * pictureParts)
}

// awaitMedia waits until all of them arrive, or no longer: what is measured then tells how many did.
func (s *stage) awaitMedia(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	last := s.arrived.Load()
	for end := time.Now().Add(setUp); time.Now().Before(end); {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		now := s.arrived.Load()
		if float64(now-last) >= enough*s.everything() {
			return nil
		}
		last = now
	}
	return nil
}
