package sfu

import (
	"encoding/binary"

	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// sentHistory is how many sent packets a forwarder can send again; a power of two.
const sentHistory = 512

// resendInterval is the shortest time between two retransmissions of one packet (ns).
const resendInterval = 20e6

// forwarder feeds one line a client receives on: it rewrites the packets of whatever track the line carries at present
// into one unbroken source. It has no goroutine; forward runs in that of the publisher's socket. It is guarded by router.media.
type forwarder struct {
	transport *Transport
	kind      video.Kind
	ssrc, rtx uint32
	formats   []format
	shedRank  int // among the lines that take the same track, when video is shed

	stream  video.StreamID // whose source it is
	source  *track
	enabled bool
	quality video.Quality
	current *layer // what is flowing
	told    *layer // what of current was last told upward; the ticker tells
	target  *layer // what is wanted; a keyframe of it is waited for while it differs from current
	fresh   bool   // nothing of current was sent since the last interruption
	shed    bool   // the reader has too much to do

	sent     []sentPacket
	rtxNext  uint64
	started  bool
	last     uint64 // number of the newest outgoing packet; its lower half is the sequence number
	lastTime uint32
	lastAt   int64   // when the packet of lastTime came
	offset   uint64  // added to a packet's number to give the outgoing one
	from, to *format // packets of one are sent as the other
	base     uint64  // first number of the current run; older packets are not forwarded
	shift    uint32  // added to a packet's timestamp

	lastPicture   uint16
	lastTL0       uint8
	pictureOffset uint16
	tl0Offset     uint8

	packets, octets uint32
	lastReport      int64
}

// sentPacket remembers how a packet was rewritten, to send it again from the publisher's history. It has no pointers.
type sentPacket struct {
	number, source uint64 // ours, and that of the layer's packet
	resent         int64  // when it was last sent again (ns)
	layer          int    // its serial + 1; 0 is an empty entry
	timestamp      uint32
	picture        uint16
	tl0            uint8
}

// attach makes the forwarder carry tr, which a stream uses, from now on (nil: nothing). Called with router.media held.
func (f *forwarder) attach(stream video.StreamID, tr *track, enabled bool, quality video.Quality) {
	f.stream = stream
	if f.source != tr {
		f.source, f.current, f.target, f.told = tr, nil, nil, nil
		clear(f.sent)
	}
	if f.enabled != enabled {
		f.enabled, f.fresh = enabled, true
	}
	f.quality = quality
}

// interrupt notes that packets were held back, so that the next run continues the numbers. Called with router.media held.
func (f *forwarder) interrupt() { f.fresh = true }

// retarget chooses the layer to forward. It returns a layer whose keyframe is needed, or nil. Called with router.media held.
func (f *forwarder) retarget(now int64) *layer {
	if f.source == nil || !f.enabled || !f.source.open.Load() || f.kind != video.Video || f.shed {
		return nil
	}
	l := f.source.choose(f.quality, now)
	if l == nil {
		return nil
	}
	f.target = l
	if f.current != l || f.fresh {
		return l
	}
	return nil
}

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
	if p.layer == f.current && p.number >= f.base && p.number+f.offset > f.last+longestGap {
		f.fresh = true
	}
	if (p.layer != f.current || f.fresh) && !f.begin(p) {
		return
	}
	if p.number >= f.base && (p.format == f.from || f.decodes(p)) {
		f.write(p)
	}
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
	f.base = p.number
	f.offset = f.last + 1 - p.number
	if !f.started {
		f.offset = uint64(p.header.Sequence) - p.number
	}
	f.pictureOffset = f.lastPicture + 1 - p.vp8.PictureID
	f.tl0Offset = f.lastTL0 + 1 - p.vp8.TL0PicIdx
	if !f.started {
		f.pictureOffset, f.tl0Offset = 0, 0
	}
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

func (f *forwarder) write(p *onward) {
	number := p.number + f.offset
	entry := sentPacket{
		number: number, source: p.number, timestamp: p.header.Timestamp + f.shift, layer: p.layer.serial + 1,
		picture: p.vp8.PictureID + f.pictureOffset, tl0: p.vp8.TL0PicIdx + f.tl0Offset,
	}
	if f.sent != nil {
		f.sent[number&(sentHistory-1)] = entry
	}
	if number > f.last || f.packets == 0 {
		f.last = number
		if entry.timestamp != f.lastTime {
			f.lastTime, f.lastAt = entry.timestamp, p.now
		}
		f.lastPicture, f.lastTL0 = entry.picture, entry.tl0
	}
	f.packets++
	f.octets += uint32(len(p.payload))
	path := f.transport.ice.chosen.Load()
	if path == nil {
		return
	}
	b, payload := p.batch.room(), p.payload
	putHeader(b, f.to.payloadType, p.header.Marker, uint16(number), entry.timestamp, f.ssrc)
	if p.format.codec == vp8 && (f.pictureOffset != 0 || f.tl0Offset != 0) && len(payload) > 0 {
		payload = b[packet.HeaderSize:][:copy(b[packet.HeaderSize:], payload)]
		p.vp8.Renumber(payload, entry.picture, entry.tl0)
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

// resend sends packets the client missed again, as RTX where negotiated (RFC 4588), from the publisher's history. Called with
// router.media held.
func (f *forwarder) resend(batch *batch, seq uint16, now int64) {
	out, path := &f.transport.out, f.transport.ice.chosen.Load()
	if f.sent == nil || f.source == nil || out.sealer == nil || path == nil {
		return
	}
	e := &f.sent[seq&(sentHistory-1)]
	number := f.last - uint64(uint16(f.last)-seq) // the newest that can be meant
	if e.layer == 0 || e.number != number || now-e.resent < resendInterval && e.resent != 0 {
		return
	}
	l := f.layerOf(e)
	if l == nil {
		return
	}
	n := l.history.Copy(e.source, out.repair[:])
	if n == 0 {
		return
	}
	raw := out.repair[:n]
	h, ok := packet.ParseHeader(raw)
	if !ok {
		return
	}
	payload, ok := h.Payload(raw)
	source, _ := l.track.format(h.PayloadType)
	if !ok || source == nil {
		return
	}
	target := matchFormat(f.formats, source)
	if target == nil {
		return
	}
	e.resent = now
	if source.codec == vp8 {
		if v, ok := packet.ParseVP8(payload); ok {
			v.Renumber(payload, e.picture, e.tl0)
		}
	}
	batch.retransmitted++
	b := batch.room()
	if f.rtx == 0 || target.rtx == 0 {
		putHeader(b, target.payloadType, h.Marker, seq, e.timestamp, f.ssrc)
		f.send(batch, path, b, payload, number)
		return
	}
	putHeader(b, target.rtx, h.Marker, uint16(f.rtxNext), e.timestamp, f.rtx)
	whole := binary.BigEndian.AppendUint16(b[:packet.HeaderSize], seq)
	whole = append(whole, payload...)
	f.send(batch, path, b, whole[packet.HeaderSize:], f.rtxNext)
	f.rtxNext++
}

// layerOf returns the layer that a packet was of. It is nil if another took its place.
func (f *forwarder) layerOf(e *sentPacket) *layer {
	serial := e.layer - 1
	if f.current != nil && f.current.serial == serial {
		return f.current
	}
	for _, l := range *f.source.order.Load() {
		if l.serial == serial {
			return l
		}
	}
	return nil
}
