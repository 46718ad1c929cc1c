package sfu

import (
	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// A mix of a session's sound is made elsewhere. What it is made of leaves here: the audio of streams, beside their subscribers, and what clients
// send on lines that go both ways. It comes back as packets for those lines.

// leg is the two-way line of a connection. It is guarded by router.mu.
type leg struct {
	sink  packet.Sink
	open  bool
	track *track // nil before the client's offer
}

// Mix hangs a sink on the audio of a stream that this transport publishes, or takes it off (nil). It gets what subscribers of the audio get.
// When Mix, Unpublish, Close, or a SetGate that closed the gate has returned, no Take of it runs, and none will.
func (t *Transport) Mix(id video.StreamID, sink packet.Sink) {
	r := t.router
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.streams[id]; s != nil && s.owner == t {
		s.audio.mixInto(sink)
	}
}

// Leg hands what the client sends on its two-way line to a sink (nil: to nobody), as long as it is open. The line need not be there yet.
// When Leg has returned, nothing is handed to another sink than this, or to this if it is not open.
func (t *Transport) Leg(sink packet.Sink, open bool) {
	r := t.router
	r.mu.Lock()
	defer r.mu.Unlock()
	t.leg.sink, t.leg.open = sink, open
	t.leg.connect()
}

// exchange makes a line that goes both ways the connection's leg, unless it has one. Called with router.mu held.
func (t *Transport) exchange(l *line) {
	if t.leg.track != nil {
		return
	}
	l.track.mixed = true
	t.leg.track = l.track
	t.router.media.Lock()
	t.out.mixed = l.forwarder
	t.router.media.Unlock()
	t.leg.connect()
}

// connect is called with router.mu held.
func (l *leg) connect() {
	if l.track == nil {
		return
	}
	l.track.mixInto(l.sink)
	media := &l.track.transport.router.media
	media.Lock()
	defer media.Unlock()
	l.track.open.Store(l.open)
}

// mixInto is called with router.mu held, on nil too.
func (t *track) mixInto(sink packet.Sink) {
	if t == nil {
		return
	}
	media := &t.transport.router.media
	media.Lock()
	defer media.Unlock()
	switch before := t.mix.Load(); {
	case sink == nil:
		t.mix.Store(nil)
	case before == nil || before.sink != sink:
		sink.Source(packet.Source{Keyframe: func() {}})
		t.mix.Store(&tap{track: t, sink: sink})
	}
}

// SendMixed sends a packet of a mix on the two-way line, as soon as there is one and a path: those before are lost. The numbers of a mix have no
// gaps, and 0 is its first, whatever was sent before; timestamps are in samples at 48 kHz. payload is Opus, and only lent.
func (t *Transport) SendMixed(number uint64, timestamp uint32, marker bool, payload []byte) {
	t.engine.batched(func(b *batch) {
		t.router.media.Lock()
		defer t.router.media.Unlock()
		if f := t.out.mixed; f != nil && len(payload) <= packet.MaxSize-packet.HeaderSize {
			f.sendMixed(b, number == 0, timestamp, marker, payload)
		}
	})
}

// sendMixed is called with router.media held.
func (f *forwarder) sendMixed(b *batch, begins bool, timestamp uint32, marker bool, payload []byte) {
	out, path, now := &f.transport.out, f.transport.ice.chosen.Load(), f.transport.engine.Now()
	if begins && f.packets > 0 { // one SSRC has one course of time
		f.shift = f.lastTime + samplesIn(now-f.lastAt) - timestamp
	}
	if out.sealer == nil || path == nil {
		return
	}
	if f.packets == 0 {
		f.last = uint64(f.ssrc & 0x7fff)
	}
	// The number is ours: under one key none is used twice, whoever mixes.
	f.last++
	f.lastTime, f.lastAt = timestamp+f.shift, now
	f.packets++
	f.octets += uint32(len(payload))
	var wide uint16
	if f.wide != 0 {
		wide = out.downlink.departures.add(now, f.header+len(payload)+sealOverhead)
	}
	to := b.room()
	putHeader(to, f.formats[0].payloadType, marker, uint16(f.last), f.lastTime, f.ssrc)
	f.putExtensions(to, wide, nil, 0)
	f.send(b, path, to, payload, f.last)
}

// samplesIn is how many samples of sound a time (ns) has.
func samplesIn(time int64) uint32 { return uint32(time * 6 / 125_000) }
