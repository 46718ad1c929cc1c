package sfu

import "github.com/rotunda-rtc/rotunda/internal/packet"

// replayPackets is how many packets may lie between the last keyframe and now for a forwarder to begin with what the
// history holds. At 2.5 Mbit/s that is about half a second. More would be a burst that a slow path feels longer than
// the wait for a new keyframe.
const replayPackets = 128

// start lets a forwarder begin with this layer: at once from the layer's history if its last keyframe is recent, else with
// the keyframe it asks for. So a picture appears without a round trip to the publisher, and many who join at once
// cost the publisher one keyframe. Called with router.media held.
func (f *forwarder) start(b *batch, l *layer, now int64) {
	if !l.replay(b, f, now) {
		l.askKeyframe(now)
	}
}

// replay forwards the packets since the last keyframe to one forwarder. It reports false, having sent nothing, unless all of
// them are at hand.
func (l *layer) replay(b *batch, f *forwarder, now int64) bool {
	if !l.hasKeyframe(replayPackets) || !f.waitsFor(l, l.keyAt) {
		return false
	}
	l.repeat(b, f.forward, now)
	return true
}

// hasKeyframe reports whether all packets since the last keyframe are at hand, and not too many. Called with router.media held.
func (l *layer) hasKeyframe(most uint64) bool {
	highest, _ := l.reception.Highest()
	return l.keyNumber != 0 && highest-l.keyNumber < most && l.reception.Complete(l.keyNumber)
}

// repeat hands on all packets since the last keyframe. Called with router.media held.
func (l *layer) repeat(b *batch, forward func(*onward), now int64) {
	var raw [packet.MaxSize]byte
	p := onward{batch: b}
	highest, _ := l.reception.Highest()
	for number := l.keyNumber; number <= highest; number++ {
		n := l.history.Copy(number, raw[:])
		h, ok := packet.ParseHeader(raw[:n])
		if !ok {
			continue
		}
		format, _ := l.track.format(h.PayloadType)
		if format != nil && p.describe(l, format, raw[:n], &h, number, now) {
			forward(&p)
		}
	}
}

// waitsFor reports whether the forwarder still wants to begin with this layer.
func (f *forwarder) waitsFor(l *layer, keyAt int64) bool {
	if f.source != l.track || f.target != l || !f.source.open.Load() || f.current == l && !f.fresh {
		return false
	}
	return f.current == nil || keyAt > f.lastAt // a viewer is not taken back to what it saw
}
