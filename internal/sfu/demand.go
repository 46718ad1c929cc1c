package sfu

import "github.com/rotunda-rtc/rotunda/internal/video"

// demandLinger is how long fewer sizes must have been wanted until that is told (ns): people scroll, and come back.
const demandLinger = 1500e6

// demand is what the publisher of a track was told of how many sizes of it are wanted.
type demand struct {
	known bool  // something was told; before, the client sends all it has
	told  int   // sizes, counted from the smallest
	less  int64 // since when fewer are wanted (ns), 0 while they are not
	most  int   // sizes there were
}

// total returns how many sizes of the track there may be. Those not wanted are not sent, and come again when they are.
func (t *track) total() int {
	t.demand.most = max(t.demand.most, t.sizes, len(t.rids), 1)
	return t.demand.most
}

// wanted returns how many of the track's sizes, counted from the smallest, somebody takes. Called with router.media held.
func (t *track) wanted(now int64) int {
	t.ladder(now)
	if t.tap.Load() != nil {
		return t.total()
	}
	most := 0
	for _, f := range *t.sinks.Load() {
		if !f.enabled {
			continue
		}
		if larger := f.largest(); larger > 0 {
			most = max(most, t.sizes-larger)
		} else {
			return t.total()
		}
	}
	return most
}

// tellDemand tells the publisher how many sizes are wanted, if that changed: more at once, fewer when it has been so for a while. Called
// with router.media held, on nil too.
func (t *track) tellDemand(now int64) {
	if t == nil || t.kind != video.Video || t.stream == "" || !t.open.Load() {
		return
	}
	d, wanted := &t.demand, t.wanted(now)
	told := d.told
	if !d.known {
		told = t.total()
	}
	switch {
	case wanted == told:
		d.less = 0
		return
	case wanted < told && d.less == 0:
		d.less = now
		return
	case wanted < told && now-d.less < demandLinger:
		return
	}
	d.known, d.told, d.less = true, wanted, 0
	t.transport.tellDemand(t.stream, wanted)
}
