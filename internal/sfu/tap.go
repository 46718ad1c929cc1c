package sfu

import (
	"slices"
	"sync/atomic"

	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// tap hands the packets of a track to a sink, as a subscriber who wants the best layer would get them, but unchanged. It has
// no goroutine: take runs in that of the publisher's socket, with inbound.mu held. Hence it is enough to hold inbound.mu
// while a tap is taken off, or a gate closed, and nothing is taken afterwards.
type tap struct {
	track *track
	sink  packet.Sink

	target atomic.Pointer[layer] // the layer wanted; nil until the ticker has chosen

	// The rest is guarded by inbound.mu.
	current *layer       // what is taken
	fresh   bool         // nothing of current was taken since the last interruption
	base    uint64       // first number of the current run
	begun   uint32       // timestamp of the run's first packet
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
	in.mu.Lock()
	if old != nil {
		in.taps = slices.DeleteFunc(in.taps, func(other *tap) bool { return other == old })
	}
	var needed *layer
	if next != nil {
		in.taps = append(in.taps, next)
		needed = next.retarget(t.transport.engine.Now())
	}
	t.tap.Store(next)
	in.mu.Unlock()
	if needed != nil {
		needed.askKeyframe(t.transport.engine.Now())
	}
}

// keyframe is the Source's: the sink calls it from anywhere, from within Take too.
func (p *tap) keyframe() {
	if l := p.target.Load(); l != nil && p.track.tap.Load() == p && p.track.open.Load() {
		l.askKeyframe(p.track.transport.engine.Now())
	}
}

// follows reports whether packets of the layer are missed when they are lost.
func (p *tap) follows(l *layer) bool { return p != nil && (l == p.current || l == p.target.Load()) }

// retarget chooses the layer to take. It returns a layer whose keyframe is needed, or nil. Called with inbound.mu held.
func (p *tap) retarget(now int64) *layer {
	if p.track.kind != video.Video || !p.track.open.Load() {
		return nil
	}
	l := p.track.choose(video.QualityHigh, now)
	if l == nil {
		return nil
	}
	p.target.Store(l)
	if p.current != l || p.fresh {
		return l
	}
	return nil
}

// take hands a packet on, if it is of the layer that is taken now. Called with inbound.mu held.
func (p *tap) take(o *onward) {
	if (o.layer != p.current || p.fresh) && !p.begin(o) {
		return
	}
	if o.number < p.base && o.header.Timestamp != p.begun {
		return // older than what the run began with; other parts of its keyframe may come late
	}
	m := &p.media
	*m = packet.Media{
		Codec: o.format.codec.forMedia(), ClockRate: o.format.clockRate, Layer: o.layer.serial,
		Number: o.number, Timestamp: o.header.Timestamp, Marker: o.header.Marker, Payload: o.payload,
		Keyframe: o.keyframe, Arrived: o.now,
	}
	if o.keyframe {
		m.Width, m.Height = o.layer.width, o.layer.height
	}
	if clock := o.layer.clock.Load(); clock != nil {
		m.Sampled, m.Reported = clock.momentOf(o.header.Timestamp, o.now), clock.reported
	}
	p.sink.Take(m)
}

// begin starts a run of packets with o, if it can: anywhere in audio, at a keyframe in video. Of a simulcast track nothing
// is taken before the best layer is known: a recording should not begin small.
func (p *tap) begin(o *onward) bool {
	if len(o.payload) == 0 {
		return false
	}
	if p.track.kind == video.Video {
		target := p.target.Load()
		wanted := o.layer == target || o.layer == p.current || target == nil && len(p.track.rids) == 0
		if !o.keyframe || !wanted {
			return false
		}
	}
	p.current, p.fresh, p.base, p.begun = o.layer, false, o.number, o.header.Timestamp
	return true
}

// tendTaps lets each tap choose its layer, and asks for the keyframes they wait for.
func (t *Transport) tendTaps(scratch []*layer, now int64) []*layer {
	scratch = scratch[:0]
	t.in.mu.Lock()
	for _, p := range t.in.taps {
		if l := p.retarget(now); l != nil {
			scratch = append(scratch, l)
		}
	}
	t.in.mu.Unlock()
	for _, l := range scratch {
		l.askKeyframe(now)
	}
	return scratch
}
