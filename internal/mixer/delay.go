package mixer

import "math"

// All times here are in samples.
const (
	millisecond = 48
	bucket      = 5 * millisecond
	buckets     = 40 // so that jitter counts up to 200 ms
	onTime      = 0.98
	forgetting  = 0.996 // per packet: what was 5 s ago has a third of its weight
	window      = 1000 * millisecond
	windows     = 4
	never       = math.MaxInt64
)

// delay finds out how much later than it was sampled the sound of a source is to be played, so that nearly all of it is there
// by then. The transit of a packet, its arrival less its timestamp, has an unknown offset, so what counts is how much later than the
// quickest of the last seconds it is; since that is only of the last seconds, it follows a clock that runs faster or slower.
type delay struct {
	heard    bool
	quickest [windows]int64
	current  int64 // number of the window of quickest[0]
	late     [buckets]float64
	weight   float64
}

// hear takes the transit of a packet that came at arrived, as if it came late samples later.
func (d *delay) hear(arrived, transit, late int64) {
	d.turn(arrived)
	d.quickest[0] = min(d.quickest[0], transit)
	n := min(max(transit+late-d.base(), 0)/bucket, buckets-1)
	for i := range d.late {
		d.late[i] *= forgetting
	}
	d.late[n]++
	d.weight = d.weight*forgetting + 1
}

// turn begins the window in which arrived is, and forgets those that are too old. If nothing came for long, the newest that there is stays,
// or the delay would change at a pause.
func (d *delay) turn(arrived int64) {
	now := arrived / window
	if !d.heard {
		*d = delay{heard: true, current: now, quickest: [windows]int64{never, never, never, never}}
	}
	for range min(max(now-d.current, 0), windows) {
		last := d.base()
		copy(d.quickest[1:], d.quickest[:windows-1])
		d.quickest[0] = never
		if d.base() == never {
			d.quickest[windows-1] = last
		}
	}
	d.current = max(now, d.current)
}

// base is the transit of the quickest packet of late.
func (d *delay) base() int64 {
	return min(d.quickest[0], d.quickest[1], d.quickest[2], d.quickest[3])
}

// jitter is by how much packets come late, save the worst.
func (d *delay) jitter() int64 {
	sum := 0.0
	for i, weight := range d.late {
		if sum += weight; sum >= onTime*d.weight {
			return int64(i+1) * bucket
		}
	}
	return buckets * bucket
}

// target is how much later than its timestamp says each sample is to be played. A frame of the mix is made at one moment, so what
// is at its end must have come at its beginning: hence the length of a frame.
func (d *delay) target() int64 { return d.base() + d.jitter() + frameSize }
