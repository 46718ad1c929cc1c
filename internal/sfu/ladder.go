package sfu

import (
	"slices"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// rung is one way to forward a video track: one of its layers, in it up to these spatial and temporal layers.
type rung struct {
	layer             *layer
	spatial, temporal int8
	width, height     int   // of the picture, 0 if unknown
	bitrate           int64 // bit/s measured, of everything that must be sent for it; 0 before the first measurement
	size              int   // how many sizes of the track are larger, those that are not sent at present included
}

// ladder returns what can be forwarded of a video track at present, cheapest first. It is good until the ticker's next run. Called with
// router.media held.
//
// A larger picture is above a smaller one, and of one size more pictures a second above fewer. The lowest of three
// temporal layers is a step of the smallest size only: a larger picture is not worth a quarter of the pictures.
func (t *track) ladder(now int64) []rung {
	t.rungs = t.rungs[:0]
	layers := *t.order.Load()
	t.sizes = len(layers)
	for size, l := range slices.Backward(layers) {
		if !l.active(now) {
			continue
		}
		top := l.made.highest[0]
		lowest := int8(0)
		if len(t.rungs) > 0 && top >= 2 {
			lowest = 1
		}
		for temporal := lowest; temporal <= top; temporal++ {
			r := rung{
				layer: l, temporal: temporal, width: l.width, height: l.height, size: size, bitrate: l.made.bitrate(0, temporal),
			}
			if n := len(t.rungs); n > 0 { // an encoder may spend more on a smaller picture
				r.bitrate = max(r.bitrate, t.rungs[n-1].bitrate)
			}
			t.rungs = append(t.rungs, r)
		}
	}
	return t.rungs
}

// best returns the layer with the largest picture of those that are sent, or nil. Called with router.media held.
func (t *track) best(now int64) *layer {
	if rungs := t.ladder(now); len(rungs) > 0 {
		return rungs[len(rungs)-1].layer
	}
	return nil
}

// wish returns the index in the track's last ladder of the best rung that the client's wish allows, and -1 if it wants no
// picture now or nothing is sent. While the wanted size is not sent it is the next smaller, else the next larger. Called with router.media held.
func (f *forwarder) wish() int {
	if f.kind != video.Video || f.source == nil || !f.enabled || !f.source.open.Load() || len(f.source.rungs) == 0 {
		return -1
	}
	rungs, wanted := f.source.rungs, f.largest()
	for i := len(rungs) - 1; i >= 0; i-- {
		if rungs[i].size >= wanted {
			return i
		}
	}
	above := 0
	for above+1 < len(rungs) && rungs[above+1].size == rungs[0].size {
		above++
	}
	return above
}

// largest returns how many sizes of the track are larger than the client wants.
func (f *forwarder) largest() int {
	wanted := 0
	switch f.quality {
	case video.QualityMedium:
		wanted = 1
	case video.QualityLow:
		wanted = maxLayers - 1
	}
	return min(wanted, f.source.sizes-1)
}

// aim makes the forwarder forward this rung from the next decodable point on. Called with router.media held.
func (f *forwarder) aim(r rung) {
	f.target = r.layer
	f.cut.wanted = r.temporal
}

// retarget aims at what the client wishes and was granted. It returns a layer whose keyframe is needed for that, or nil. Called with
// router.media held.
func (f *forwarder) retarget(now int64) *layer {
	if f.source == nil || f.kind != video.Video || f.shed || f.paused {
		return nil
	}
	rungs := f.source.ladder(now)
	i := min(f.wish(), f.granted)
	if i < 0 {
		return nil
	}
	f.aim(rungs[i])
	return f.lacks()
}

// lacks returns the layer whose keyframe is needed to forward what was aimed at, or nil. Called with router.media held.
func (f *forwarder) lacks() *layer {
	if f.target != nil && (f.current != f.target || f.fresh) {
		return f.target
	}
	return nil
}
