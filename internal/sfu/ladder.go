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
	larger            int   // how many sizes of the track are larger, those that are not sent at present included
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
	if len(layers) == 1 {
		t.sizes = layers[0].sizes()
	}
	for larger, l := range slices.Backward(layers) {
		if !l.active(now) {
			continue
		}
		if len(layers) > 1 { // the spatial layers of one of several sources are not told apart
			t.climb(l, l.made.spatial, larger)
			continue
		}
		for spatial := range l.made.spatial + 1 {
			if l.made.sends(spatial) {
				t.climb(l, spatial, t.sizes-1-int(spatial))
			}
		}
	}
	return t.rungs
}

// climb adds the rungs of one size, of which so many are larger.
func (t *track) climb(l *layer, spatial int8, larger int) {
	top, lowest := l.made.highest[spatial], int8(0)
	if len(t.rungs) > 0 && top >= 2 {
		lowest = 1
	}
	width, height := l.pictureSize(spatial)
	for temporal := lowest; temporal <= top; temporal++ {
		r := rung{
			layer: l, spatial: spatial, temporal: temporal, width: width, height: height, larger: larger,
			bitrate: l.made.bitrate(spatial, temporal),
		}
		if n := len(t.rungs); n > 0 { // an encoder may spend more on a smaller picture
			r.bitrate = max(r.bitrate, t.rungs[n-1].bitrate)
		}
		t.rungs = append(t.rungs, r)
	}
}

// sizes returns how many sizes of the picture the layer has had, as far as a client would send them again.
func (l *layer) sizes() int {
	n := int(l.made.spatial) + 1
	for n < maxSpatial && l.made.width[n] != 0 {
		n++
	}
	return n
}

// pictureSize returns the size of the picture of a spatial layer.
func (l *layer) pictureSize(spatial int8) (width, height int) {
	if l.made.width[spatial] != 0 {
		return l.made.width[spatial], l.made.height[spatial]
	}
	return l.width, l.height
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
		if rungs[i].larger >= wanted {
			return i
		}
	}
	above := 0
	for above+1 < len(rungs) && rungs[above+1].larger == rungs[0].larger {
		above++
	}
	return above
}

// largest returns how many sizes of the track are larger than the client wants.
func (f *forwarder) largest() int {
	wanted := 0
	switch f.want.Quality {
	case video.QualityMedium:
		wanted = 1
	case video.QualityLow:
		wanted = maxLayers - 1
	}
	return max(min(wanted, f.source.sizes-1), f.source.covering(f.want.MaxWidth, f.want.MaxHeight))
}

// sizeTolerance is by what part a picture may be smaller than it is shown without a larger one being taken: nobody sees it.
const sizeTolerance = 0.1

// covering returns how many sizes of the track are larger than the smallest that covers these pixels; 0 pixels are any.
func (t *track) covering(width, height int) int {
	if width == 0 && height == 0 {
		return 0
	}
	covers := func(have, want int) bool { return float64(have) >= float64(want)*(1-sizeTolerance) }
	for larger := t.sizes - 1; larger > 0; larger-- {
		if w, h := t.size(larger); w != 0 && covers(w, width) && covers(h, height) {
			return larger
		}
	}
	return 0
}

// size returns the size of the picture than which so many are larger, 0 if it is not known.
func (t *track) size(larger int) (width, height int) {
	layers := *t.order.Load()
	if len(layers) != 1 {
		return layers[larger].width, layers[larger].height
	}
	if spatial := t.sizes - 1 - larger; t.sizes > 1 {
		return layers[0].made.width[spatial], layers[0].made.height[spatial]
	}
	return layers[0].width, layers[0].height
}

// aim makes the forwarder forward this rung from the next decodable point on. Called with router.media held.
func (f *forwarder) aim(r rung) {
	f.target = r.layer
	f.cut.wantedSpatial, f.cut.wantedTemporal = r.spatial, r.temporal
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

// woke is told when one of several sources is sent that was not. Those who wish it are to begin with the keyframe that it begins with: when
// the ticker comes that is past, and another would have to be asked for. Called with router.media held.
func (t *track) woke(now int64) {
	if len(*t.order.Load()) == 1 {
		return
	}
	for _, f := range *t.sinks.Load() {
		if f.target != nil { // else anything will do
			f.retarget(now)
		}
	}
}

// lacks returns the layer whose keyframe is needed to forward what was aimed at, or nil. Called with router.media held.
func (f *forwarder) lacks() *layer {
	l := f.target
	switch {
	case l == nil:
		return nil
	case f.current != l || f.fresh || f.cut.wantedSpatial > f.cut.spatial:
		return l
	case f.cut.wantedSpatial < f.cut.spatial && l.made.apart:
		return l
	}
	return nil
}
