package record

import (
	"errors"
	"sync"
	"time"
)

// errLow says that less space is left than is to be kept free.
var errLow = errors.New("too little space is left on the disk of recordings")

const (
	spaceEvery     = int64(time.Second) // how often the disk is asked
	mostMinFree    = 1 << 30
	minFreePercent = 5
)

// space remembers how much is free.
type space struct {
	mu    sync.Mutex
	asked int64 // guarded by mu
	low   bool  // guarded by mu
}

// Low reports whether the disk of recordings has less free than it should, at present.
func (r *Recorder) Low() bool { return r.low(r.config.Clock()) }

// low reports whether the disk has less free than it should. A disk that does not say is not low.
func (r *Recorder) low(now int64) bool {
	r.space.mu.Lock()
	defer r.space.mu.Unlock()
	if r.space.asked != 0 && now-r.space.asked < spaceEvery {
		return r.space.low
	}
	r.space.asked = now
	free, total, err := r.config.Space(r.config.Dir)
	if err != nil {
		r.config.Logger.Warn("cannot ask how much space is left for recordings", "error", err)
		r.space.low = false
		return false
	}
	least := r.config.MinFree
	if least == 0 {
		least = min(mostMinFree, total*minFreePercent/100)
	}
	if low := free < least; low != r.space.low {
		r.space.low = low
		if low {
			r.config.Logger.Error("recordings end: too little space is left", "free", free, "least", least)
		} else {
			r.config.Logger.Info("there is space for recordings again", "free", free)
		}
	}
	return r.space.low
}
