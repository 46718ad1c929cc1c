package sfu

import (
	"slices"
	"sync/atomic"

	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// bestWait is how long a tap that takes nothing holds out for the best layer, from the first packet on (ns). A recording
// should not begin small; but what a client stops sending before a keyframe of it came is not worth missing more.
const bestWait = 500e6

// tap hands the packets of a track to a sink, as a subscriber who wants the best layer would get them, but unchanged, and
// without the wait for a keyframe that a subscriber sees: a layer is begun, out of its history, when a keyframe of it is
// complete, and what was taken before goes on until then. A client short of bandwidth may break off a large keyframe.
//
// A tap has no goroutine: take runs in that of the publisher's socket, with router.media held. Hence it is enough to hold
// router.media while a tap is taken off, or a gate closed, and nothing is taken afterwards.
type tap struct {
	track *track
	sink  packet.Sink

	target atomic.Pointer[layer] // the layer wanted; nil until the ticker has chosen

	// The rest is guarded by router.media.
	current *layer       // what is taken
	fresh   bool         // nothing of current was taken since the last interruption
	waits   int64        // since when packets come of which none is taken (ns), 0 before the first
	base    uint64       // first number of the current run
	media   packet.Media // scratch
}

// Record hangs sinks on the audio and video of a stream this transport publishes, beside its subscribers, or takes them
// off (nil). A sink gets what passes the gate: the best layer that is sent, changing at keyframes. When Record has taken
// a sink off, no Take of it runs, and none will; the same holds after Unpublish and Close, and for a gate that SetGate closed.
func (t *Transport) Record(id video.StreamID, audio, picture packet.Sink) {
	r := t.router
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.streams[id]
	if s == nil || s.owner != t {
		return
	}
	s.audio.record(audio)
	s.video.record(picture)
}

// record is called with router.mu held.
func (t *track) record(sink packet.Sink) {
	if t == nil {
		return
	}
	in, old := &t.transport.in, t.tap.Load()
	if old == nil && sink == nil {
		return
	}
	var next *tap
	if sink != nil {
		next = &tap{track: t, sink: sink}
		sink.Source(packet.Source{Keyframe: next.keyframe})
	}
	media := &t.transport.router.media
	media.Lock()
	defer media.Unlock()
	if old != nil {
		in.taps = slices.DeleteFunc(in.taps, func(other *tap) bool { return other == old })
	}
	var needed *layer
	if next != nil {
		in.taps = append(in.taps, next)
		needed = next.retarget(t.transport.engine.Now())
	}
	t.tap.Store(next)
	if needed != nil {
		needed.askKeyframe(t.transport.engine.Now())
	}
}

// keyframe is the Source's. Take must not call it: it takes the lock that Take runs under.
func (p *tap) keyframe() {
	media := &p.track.transport.router.media
	media.Lock()
	defer media.Unlock()
	if l := p.target.Load(); l != nil && p.track.tap.Load() == p && p.track.open.Load() {
		l.askKeyframe(p.track.transport.engine.Now())
	}
}

// follows reports whether packets of the layer are missed when they are lost.
func (p *tap) follows(l *layer) bool { return p != nil && (l == p.current || l == p.target.Load()) }

// retarget chooses the layer to take. It returns a layer whose keyframe is needed, or nil. Called with router.media held.
func (p *tap) retarget(now int64) *layer {
	if p.track.kind != video.Video || !p.track.open.Load() {
		return nil
	}
	l := p.track.best(now)
	if l == nil {
		return nil
	}
	if p.target.Swap(l) != l && p.runs() {
		p.waits = now // an older keyframe would lead back
	}
	if p.current != l || p.fresh {
		return l
	}
	return nil
}

// take hands a packet on, if it is of the layer that is taken now. Called with router.media held.
func (p *tap) take(o *onward) {
	if p.waits == 0 {
		p.waits = o.now
	}
	if p.runs() && o.layer == p.current {
		if o.number >= p.base {
			p.hand(o)
		}
		return
	}
	if len(o.payload) == 0 {
		return
	}
	switch {
	case p.track.kind == video.Audio:
		p.begin(o.layer, o.number)
		p.hand(o)
	case p.wants(o.layer, o.now):
		p.start(o.batch, o.layer, o.now)
	}
}

// runs reports whether packets are taken now.
func (p *tap) runs() bool { return p.current != nil && !p.fresh }

// wants reports whether video is taken of this layer as soon as a keyframe of it is there.
func (p *tap) wants(l *layer, now int64) bool {
	switch {
	case p.runs():
		return l != p.current && l == p.target.Load()
	case l == p.target.Load() || len(p.track.rids) == 0:
		return true
	}
	return now-p.waits >= bestWait
}

// start begins a layer of video with its last keyframe, if that is complete and came since the tap waits.
func (p *tap) start(b *batch, l *layer, now int64) bool {
	if !l.keyEnded || l.keyAt < p.waits || !l.hasKeyframe(videoHistory) {
		return false
	}
	p.begin(l, l.keyNumber)
	l.repeat(b, p.hand, now)
	return true
}

func (p *tap) begin(l *layer, number uint64) { p.current, p.fresh, p.base = l, false, number }

// interrupt makes what comes next the beginning of a run. Called with router.media held.
func (p *tap) interrupt() { p.fresh, p.waits = true, 0 }

func (p *tap) hand(o *onward) {
	m := &p.media
	*m = packet.Media{
		Codec: o.format.codec.forMedia(), ClockRate: o.format.clockRate, Layer: o.layer.serial,
		Number: o.number, Timestamp: o.header.Timestamp, Marker: o.header.Marker, Payload: o.payload,
		Keyframe: o.keyframe, Level: o.level, HasLevel: o.hasLevel, Arrived: o.now,
	}
	if o.keyframe {
		m.Width, m.Height = o.layer.width, o.layer.height
	}
	if clock := o.layer.clock.Load(); clock != nil {
		m.Sampled, m.Reported = clock.momentOf(o.header.Timestamp, o.now), clock.reported
	}
	p.sink.Take(m)
}

// tend starts a layer whose keyframe is there already. It returns the layer whose keyframe is needed, or nil.
func (p *tap) tend(b *batch, now int64) *layer {
	needed := p.retarget(now)
	if needed == nil || p.waits == 0 {
		return needed
	}
	for _, l := range *p.track.order.Load() {
		if p.wants(l, now) && p.start(b, l, now) {
			break
		}
	}
	if p.runs() && p.current == needed {
		return nil
	}
	return needed
}

// tendTaps lets each tap choose its layer, and asks for the keyframes they wait for. Called with router.media held.
func (t *Transport) tendTaps(b *batch, now int64) {
	for _, p := range t.in.taps {
		if l := p.tend(b, now); l != nil {
			l.askKeyframe(now)
		}
	}
}
