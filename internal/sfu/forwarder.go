package sfu

import (
	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// forwarder feeds one line a client receives on: it rewrites the packets of whatever track the line carries at present
// into one unbroken source. It has no goroutine; forward runs in that of the publisher's socket. It is guarded by router.media.
type forwarder struct {
	transport *Transport
	kind      video.Kind
	ssrc, rtx uint32
	formats   []format
	wide      uint8 // id of the header extension with the transport-wide number, 0 without
	depends   uint8 // id of that with the dependency descriptor
	header    int   // size of its packets' header
	priority  int   // what has a higher one gets a picture first
	shedRank  int   // among the lines that take the same track, when video is shed

	stream  video.StreamID // whose source it is
	source  *track
	enabled bool
	want    video.Subscription // how large a picture
	current *layer             // what is flowing
	told    *layer             // what of current was last told upward; the ticker tells
	target  *layer             // what is wanted; a keyframe of it is waited for while it differs from current
	fresh   bool               // nothing of current was sent since the last interruption
	shed    bool               // the reader has too much to do
	granted int                // rung up to which the path carries it
	paused  bool               // the path carries no picture of it

	toldPaused bool // what was last told upward of that

	sent     []sentPacket
	rtxNext  uint64
	started  bool
	last     uint64 // number of the newest outgoing packet; its lower half is the sequence number
	lastTime uint32
	lastAt   int64   // when the packet of lastTime came
	from, to *format // packets of one are sent as the other
	shift    uint32  // added to a packet's timestamp
	numbers  numbering
	cut      cut

	lastPicture uint16
	lastTL0     uint8
	tl0Offset   uint8

	packets, octets uint32
	reported        reported // what the client tells of it
	lastReport      int64
}

// attach makes the forwarder carry tr, which a stream uses, from now on (nil: nothing). Called with router.media held.
func (f *forwarder) attach(stream video.StreamID, tr *track, enabled bool, want video.Subscription) {
	f.stream = stream
	if f.source != tr {
		f.source, f.current, f.target, f.told, f.toldPaused = tr, nil, nil, nil, false
		clear(f.sent)
	}
	if f.enabled != enabled {
		f.enabled, f.fresh = enabled, true
	}
	f.want = want
}

// interrupt notes that packets were held back, so that the next run continues the numbers. Called with router.media held.
func (f *forwarder) interrupt() { f.fresh = true }

// longestGap is how many numbers may be missing from what one viewer gets. After more it goes on as if nothing was missing: a client
// that in addition loses what follows would no longer guess the rollover counter, and never decrypt the source again.
const longestGap = 1 << 13

// forward sends a packet on, if this forwarder takes it now. Called with router.media held.
func (f *forwarder) forward(p *onward) {
	if f.shed = f.kind == video.Video && p.batch.shedding.line(p.layer.track.shedRank, f.shedRank); f.shed {
		if p.layer == f.current {
			f.fresh = true
			p.batch.shed++
		}
		return
	}
	if f.paused {
		if p.layer == f.current {
			f.fresh = true
		}
		return
	}
	if p.layer == f.current && p.number >= f.numbers.next && p.number+f.numbers.offset > f.last+longestGap {
		f.fresh = true
	}
	if (p.layer != f.current || f.fresh) && !f.begin(p) {
		return
	}
	offset, picture, ok := f.numbers.place(p.number)
	if !ok || p.format != f.from && !f.decodes(p) {
		return
	}
	newest := p.number >= f.numbers.next
	passes := !p.layered || f.cut.passes(p, newest)
	switch {
	case newest && !passes:
		f.numbers.skip(p.number, p.picture.PictureID, p.header.Timestamp, p.format.codec == vp8)
		return
	case newest:
		f.numbers.next = p.number + 1
	}
	f.write(p, p.number+offset, picture, !passes)
}

// decodes finds the format to send this one as, and reports whether the client has it.
func (f *forwarder) decodes(p *onward) bool {
	f.from, f.to = p.format, matchFormat(f.formats, p.format)
	if f.to == nil {
		f.from = nil
		p.batch.unsupported++
	}
	return f.to != nil
}

// begin starts a run of packets with p, if it can: anywhere in audio, at a keyframe in video.
func (f *forwarder) begin(p *onward) bool {
	if f.source != p.layer.track || !f.enabled || f.transport.out.sealer == nil || len(p.payload) == 0 || !f.decodes(p) {
		return false
	}
	if f.kind == video.Video && !p.keyframe {
		return false
	}
	if f.kind == video.Video && (f.target != nil || f.current != nil) && p.layer != f.target && p.layer != f.current {
		return false // nothing was chosen yet, and anything will do, or this layer was not
	}
	shift := f.shift
	switch {
	case !f.started:
		shift = 0
	case f.current == p.layer: // same source after a pause: its clock went on
	default:
		shift = f.nextTimestamp(p) - p.header.Timestamp
	}
	f.shift = shift
	if f.started {
		f.numbers.restart(p.number, f.last+1-p.number, f.lastPicture+1-p.picture.PictureID)
		f.tl0Offset = f.lastTL0 + 1 - p.picture.TL0PicIdx
	} else {
		f.numbers.restart(p.number, uint64(p.header.Sequence)-p.number, 0)
	}
	if f.target == nil {
		f.cut.wantedSpatial, f.cut.wantedTemporal = maxSpatial-1, maxTemporal-1
	}
	f.cut.restart()
	f.started, f.fresh, f.current = true, false, p.layer
	return true
}

// nextTimestamp returns the outgoing timestamp of the first packet of another source: exact where both sources have
// reported their clocks (two layers of one camera), else by the time that passed. It always moves forward.
func (f *forwarder) nextTimestamp(p *onward) uint32 {
	rate := int64(p.format.clockRate)
	next := f.lastTime + uint32(max((p.now-f.lastAt)*rate/1e9, 1))
	if f.current != nil && f.current.track == p.layer.track {
		from, to := f.current.clock.Load(), p.layer.clock.Load()
		if from != nil && to != nil && from.reported && to.reported {
			next = from.timestampAt(to.momentOf(p.header.Timestamp, p.now), p.now) + f.shift
		}
	}
	if !packet.NewerTimestamp(next, f.lastTime) {
		next = f.lastTime + 1
	}
	return next
}

// write sends a packet on under this number. An empty one keeps the place of a packet that is not forwarded: it came after others
// behind it had been sent.
func (f *forwarder) write(p *onward, number uint64, pictureOffset uint16, empty bool) {
	entry := sentPacket{
		number: number, source: p.number, timestamp: p.header.Timestamp + f.shift, layer: p.layer.serial + 1,
		picture: p.picture.PictureID + pictureOffset, tl0: p.picture.TL0PicIdx + f.tl0Offset,
		empty: empty, marker: !empty && f.cut.ends(p),
	}
	payload, payloadType := shape(p.payload, p.wrapped, p.format, f.to)
	descriptor := f.descriptor(p.format.codec, p.descriptor)
	if empty {
		payload, descriptor = nil, nil
	}
	entry.described = len(descriptor) > 0
	header := f.headerSize(descriptor)
	held := f.isPaced(p.now)
	if f.wide != 0 && !held {
		entry.wide = f.transport.out.downlink.departures.add(p.now, header+len(payload)+sealOverhead)
	}
	if f.sent != nil {
		f.sent[number&(sentHistory-1)] = entry
	}
	if number > f.last || f.packets == 0 {
		f.last = number
		if entry.timestamp != f.lastTime {
			f.lastTime, f.lastAt = entry.timestamp, p.now
		}
		if p.picture.HasPictureID {
			f.lastPicture, f.lastTL0 = entry.picture, entry.tl0
		}
	}
	f.packets++
	f.octets += uint32(len(payload))
	path := f.transport.ice.chosen.Load()
	if path == nil {
		return
	}
	if held {
		h := f.transport.hold(p.batch, p.now)
		h.f, h.number, h.header = f, number, header
		b := h.plain[:]
		putHeader(b, payloadType, entry.marker, uint16(number), entry.timestamp, f.ssrc)
		f.putExtensions(b, 0, descriptor, entry.picture)
		h.size = header + copy(b[header:], payload)
		if (pictureOffset != 0 || f.tl0Offset != 0) && len(payload) > 0 && p.format.codec.numbersPictures() {
			p.picture.Renumber(b[header:h.size], entry.picture, entry.tl0)
		}
		return
	}
	b := p.batch.room()
	putHeader(b, payloadType, entry.marker, uint16(number), entry.timestamp, f.ssrc)
	f.putExtensions(b, entry.wide, descriptor, entry.picture)
	if (pictureOffset != 0 || f.tl0Offset != 0) && len(payload) > 0 && p.format.codec.numbersPictures() {
		payload = b[header:][:copy(b[header:], payload)]
		p.picture.Renumber(payload, entry.picture, entry.tl0)
	}
	if f.kind == video.Video {
		f.transport.out.pacer.charge(p.now, header+len(payload)+sealOverhead)
	}
	f.send(p.batch, path, b, payload, number)
}

// send seals a packet whose header is written and adds it to the batch.
func (f *forwarder) send(b *batch, path *path, to, payload []byte, number uint64) {
	out := &f.transport.out
	n, err := out.sealer.seal(to, payload, number)
	if err != nil {
		return
	}
	kind := &out.chained[0]
	if f.kind == video.Audio {
		kind = &out.chained[1]
	}
	b.add(kind, path, n)
}
