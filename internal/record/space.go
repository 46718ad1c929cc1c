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
	mute  bool  // it did not say when it was last asked; guarded by mu
}

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
		if !r.space.mute {
			r.config.Logger.Warn("cannot ask how much space is left for recordings", "error", err)
		}
		r.space.low, r.space.mute = false, true
		return false
	}
	r.space.mute = false
	least := LeastFree(r.config.MinFree, total)
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

// LeastFree is how many bytes of a disk are to stay free: what is set, or by itself the smaller of 1 GiB and 5 %.
func LeastFree(set, total uint64) uint64 {
	if set > 0 {
		return set
	}
	return min(mostMinFree, total*minFreePercent/100)
}
