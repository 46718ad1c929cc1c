package sfu

import (
	"slices"
	"time"
)

const (
	// probeSpan is how long a probe lasts (ns), and probeInterval after which time it goes on.
	probeSpan     = 100e6
	probeInterval = 5 * time.Millisecond
	// paddingSize is how much padding a packet can have (RFC 3550 section 5.1).
	paddingSize = 255
	// probeBurst is how many packets of padding are sent at once at most.
	probeBurst = 64
)

// probe is padding sent beside the media for a moment, to find out whether the path carries more. Guarded by router.media.
type probe struct {
	id     uint8  // of the last one; 0 is none
	rate   int64  // bit/s in all, 0 while there is none
	began  int64  // ns
	first  uint64 // number of its first packet
	octets uint64 // sent before it
}

// tendProbe begins a probe if it is time. It reports whether one is under way. Called with router.media held.
func (t *Transport) tendProbe(b *batch, now int64) bool {
	d := &t.out.downlink
	if d.probe.rate == 0 {
		if !d.reported || d.next == 0 || t.paddable() == nil {
			return false
		}
		id := d.probe.id%255 + 1
		rate := d.estimator.Probe(now, d.next, d.wanted, id)
		if rate == 0 {
			return false
		}
		d.probe = probe{id: id, rate: rate, began: now, first: d.departures.next, octets: d.departures.octets}
		d.departures.cluster = id
		b.probes++
	}
	return t.pad(b, now)
}

// pad goes on with a probe. It reports whether there is more to come.
func (t *Transport) pad(b *batch, now int64) bool {
	d := &t.out.downlink
	f := t.paddable()
	passed := now - d.probe.began
	if passed >= probeSpan || f == nil || d.estimator.Draining() {
		d.estimator.ProbeSent(now, int(d.departures.next-d.probe.first))
		d.probe.rate, d.departures.cluster = 0, 0
		return false
	}
	due := uint64(float64(d.probe.rate) * float64(passed+int64(probeInterval)) / 8e9)
	for n := 0; d.departures.octets-d.probe.octets < due && n < probeBurst; n++ {
		f.pad(b, now)
	}
	return true
}

// paddable returns a forwarder that can send padding: on the source of its retransmissions, which no decoder sees.
func (t *Transport) paddable() *forwarder {
	if t.out.sealer == nil {
		return nil
	}
	for _, f := range t.out.forwarders {
		if f.wide != 0 && f.rtx != 0 {
			return f
		}
	}
	return nil
}

// pad sends one packet of padding.
func (f *forwarder) pad(batch *batch, now int64) {
	out, path := &f.transport.out, f.transport.ice.chosen.Load()
	i := slices.IndexFunc(f.formats, func(f format) bool { return f.rtx != 0 })
	if path == nil || i < 0 {
		return
	}
	b := batch.room()
	putHeader(b, f.formats[i].rtx, false, uint16(f.rtxNext), f.lastTime, f.rtx)
	b[0] |= 0x20
	header := f.headerSize(nil)
	f.putExtensions(b, out.downlink.departures.add(now, header+paddingSize+sealOverhead), nil, 0)
	padding := b[header:][:paddingSize]
	clear(padding)
	padding[paddingSize-1] = paddingSize
	f.send(batch, path, b, padding, f.rtxNext)
	f.rtxNext++
}
