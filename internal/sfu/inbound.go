package sfu

import (
	"encoding/binary"
	"slices"

	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// maxSources bounds the SSRCs one connection may send from: two for each layer it can have and some for those that
// change their SSRC. Beyond them packets of new sources are ignored.
const maxSources = 256

// inbound is the receiving side of a connection. It is guarded by router.media.
type inbound struct {
	srtp    *srtp.Context     // nil until secured
	tracks  map[string]*track // by mid
	sources map[uint32]source // by SSRC
	layers  []*layer          // of all tracks
	mid     uint8             // extension ids, the same on all lines of a bundle
	rid     uint8
	repair  uint8
	seq     uint8
	level   uint8
	depends uint8          // dependency descriptor
	twcc    *twcc.Recorder // nil unless negotiated
	nacks   []uint16       // scratch of the ticker
	taps    []*tap
	offset  clockOffset // the client's clock to ours
}

// source says what an SSRC carries.
type source struct {
	layer  *layer
	repair bool // RTX of the layer
}

// arrival is the scratch space of a reader: the packet on its way through the server, and those that go out.
type arrival struct {
	batch  *batch
	plain  []byte // RTCP
	buffer []byte
	spare  []byte // for what RED brings back
	rtp    rtp.Header
	waited int64 // how long the packet lay in the socket before it was read (ns), 0 if that is not known
	census census
	onward onward
}

// onward is one packet as it passes to the forwarders.
type onward struct {
	batch   *batch // where it goes out
	layer   *layer
	format  *format
	number  uint64 // extended sequence number
	header  packet.Header
	payload []byte
	wrapped []byte     // the payload as it came in RED, nil if it did not
	red     packet.RED // of wrapped
	vp8     packet.VP8
	vp9     packet.VP9

	level    uint8 // of audio, where hasLevel says that it was told (-dBov)
	hasLevel bool
	restored bool // out of the copy in a later packet

	descriptor []byte // the dependency descriptor, nil without
	described  bool   // it was understood
	dependency packet.Dependency

	layered           bool // whether it is sent on depends on the layers the viewer gets
	spatial, temporal uint8
	above             bool                  // higher spatial layers need it
	starts, ends      bool                  // first and last packet of the frame of its spatial layer
	picture           packet.PictureNumbers // or the number of the frame, as its dependency descriptor has it
	keyframe          bool                  // a decoder can start here
	width             int                   // of the picture, where a keyframe tells it
	height            int
	now               int64
}

// register makes a line's track known to the receiving side.
func (in *inbound) register(tr *track, l *offeredLine) {
	media := &tr.transport.router.media
	media.Lock()
	defer media.Unlock()
	in.tracks[l.mid] = tr
	for uri, id := range map[string]*uint8{
		extMID: &in.mid, extRID: &in.rid, extRepairedRID: &in.repair, extTransportCC: &in.seq, extAudioLevel: &in.level, extDependency: &in.depends,
	} {
		if n := l.extensions[uri]; n != 0 && *id == 0 { // what came is read again when it is sent again
			*id = n
		}
	}
	if in.seq != 0 && in.twcc == nil {
		in.twcc = twcc.NewRecorder(tr.transport.ssrc)
	}
	if len(l.rids) > 0 {
		return // found by their rid
	}
	if s := l.ssrc; s.media != 0 && len(in.sources) < maxSources {
		layer := tr.addLayer("", s.media)
		in.layers = append(in.layers, layer)
		in.sources[s.media] = source{layer: layer}
		if s.rtx != 0 {
			layer.rtx = s.rtx
			in.sources[s.rtx] = source{layer: layer, repair: true}
		}
	}
}

// receiveRTP decrypts a packet, notes its arrival, and puts it into the batch for everyone who takes it. Called with
// router.media held.
func (t *Transport) receiveRTP(b []byte, a *arrival, now int64) {
	if len(b) > packet.MaxSize {
		return
	}
	in := &t.in
	if in.srtp == nil || a.batch.shedding.level > 0 && in.skip(b, a, now) {
		return
	}
	if cap(a.buffer) < packet.MaxSize {
		a.buffer = make([]byte, 0, packet.MaxSize)
	}
	raw, err := in.srtp.DecryptRTP(a.buffer[:0], b, &a.rtp)
	if err != nil {
		a.batch.undecryptable++
		return
	}
	h, ok := packet.ParseHeader(raw)
	if !ok {
		return
	}
	t.hears(now)
	a.batch.received++
	if in.twcc != nil {
		if ext := h.Extension(raw, in.seq); len(ext) >= 2 {
			in.twcc.Record(h.SSRC, binary.BigEndian.Uint16(ext), (now-a.waited)/1000)
		}
	}
	src, ok := in.sources[h.SSRC]
	if !ok {
		if src, ok = in.discover(raw, &h); !ok {
			return
		}
	}
	f, repair := src.layer.track.format(h.PayloadType)
	if f == nil {
		return
	}
	a.census.count(src.layer.track)
	if repair {
		if raw, ok = unwrapRTX(raw, &h, src.layer.ssrc, f.payloadType); !ok {
			return
		}
	}
	a.onward.batch = a.batch
	if h.PayloadType == f.red && f.red != 0 && src.layer.reception.Skips(h.Sequence) {
		a.restore(src.layer, f, raw, &h, now)
	}
	if a.onward.take(src.layer, f, raw, &h, now) {
		a.buffer = src.layer.history.Put(a.onward.number, raw)
		a.onward.fanOut()
	}
}

// take notes the arrival of a packet and reads what forwarding needs to know. It reports false for what goes no further.
func (p *onward) take(l *layer, f *format, raw []byte, h *packet.Header, now int64) bool {
	l.skipped = 0
	number, fresh := l.reception.Arrived(h.Sequence, now)
	if l.reception.Misses() {
		l.track.transport.engine.ticker.loses()
	}
	if !fresh || !p.describe(l, f, raw, h, number, now) {
		return false
	}
	wakes := !l.active(now)
	if newest, _ := l.reception.Highest(); number == newest {
		l.hear(h.Marker, now)
		if !p.restored {
			l.reception.Transit(h.Timestamp, now, f.clockRate)
		}
	}
	l.octets += uint32(len(p.payload))
	if c := l.clock.Load(); c == nil || !c.fits(h.Timestamp, now) {
		l.clock.Store(&senderClock{timestamp: h.Timestamp, at: now, rate: f.clockRate})
	}
	l.made.count(p, len(raw))
	if p.keyframe {
		l.keyframe(p)
	}
	if !l.keyEnded && (h.Marker || h.Timestamp != l.keyTime) && number >= l.keyNumber {
		l.keyEnded = true
	}
	if wakes {
		l.track.woke(now)
	}
	return true
}

// describe reads the codec's part of a packet and what goes along with it. It reports false if that is broken.
func (p *onward) describe(l *layer, f *format, raw []byte, h *packet.Header, number uint64, now int64) bool {
	payload, ok := h.Payload(raw)
	if !ok {
		return false
	}
	*p = onward{batch: p.batch, layer: l, format: f, number: number, header: *h, payload: payload, restored: p.restored, now: now}
	if len(payload) == 0 {
		return true
	}
	switch f.codec {
	case opus:
		if !p.unwrapRED() {
			return false
		}
		p.level, p.hasLevel = packet.ParseLevel(h.Extension(raw, l.track.transport.in.level))
	case vp8:
		return p.describeVP8()
	case vp9:
		return p.describeVP9()
	case h264:
		d := packet.ParseH264(payload)
		p.keyframe, p.width, p.height = d.Keyframe, d.Width, d.Height
		p.describeFrame(raw)
	case av1:
		p.keyframe = packet.BeginsAV1Sequence(payload)
		p.describeFrame(raw)
	}
	return true
}

// fanOut hands the packet to every forwarder of its track, to the mix, and then to the recording.
func (p *onward) fanOut() {
	tr := p.layer.track
	if !tr.open.Load() {
		return
	}
	if tr.kind != video.Audio || tr.mixed || tr.transport.router.floor.admits(p) {
		for _, f := range *tr.sinks.Load() {
			f.forward(p)
		}
		if mix := tr.mix.Load(); mix != nil {
			mix.take(p)
		}
	}
	if tap := tr.tap.Load(); tap != nil {
		tap.take(p)
	}
}

// discover finds out what a new SSRC carries: by the mid and rid in its header extensions (RFC 8852, RFC 9143), or, for senders
// without them, because only one line can have sent this payload type.
func (in *inbound) discover(raw []byte, h *packet.Header) (source, bool) {
	if len(in.sources) >= maxSources {
		return source{}, false
	}
	mid := h.Extension(raw, in.mid)
	tr := in.tracks[string(mid)]
	if len(mid) == 0 {
		tr = in.onlyTrack(h.PayloadType)
	}
	if tr == nil {
		return source{}, false
	}
	f, repair := tr.format(h.PayloadType)
	if f == nil {
		return source{}, false
	}
	rid := string(h.Extension(raw, in.rid))
	if repair {
		rid = string(h.Extension(raw, in.repair))
	}
	if len(tr.rids) > 0 && !slices.Contains(tr.rids, rid) {
		return source{}, false // of no layer that was offered
	}
	src := source{repair: repair}
	for _, l := range *tr.order.Load() {
		if l.rid == rid {
			src.layer = l
		}
	}
	switch {
	case repair && src.layer == nil:
		return source{}, false // its layer has not been seen yet
	case repair:
		src.layer.rtx = h.SSRC
	default:
		if old := src.layer; old != nil {
			delete(in.sources, old.ssrc)
			delete(in.sources, old.rtx)
			in.layers = slices.DeleteFunc(in.layers, func(l *layer) bool { return l == old })
		}
		if src.layer = tr.addLayer(rid, h.SSRC); src.layer == nil {
			return source{}, false
		}
		in.layers = append(in.layers, src.layer)
	}
	in.sources[h.SSRC] = src
	return src, true
}

// onlyTrack returns the one track with this payload type, or nil if there are several or none.
func (in *inbound) onlyTrack(payloadType uint8) *track {
	var found *track
	for _, tr := range in.tracks {
		if f, _ := tr.format(payloadType); f != nil {
			if found != nil {
				return nil
			}
			found = tr
		}
	}
	return found
}

// unwrapRTX turns a retransmission (RFC 4588 section 4) into the packet it repairs, in place.
func unwrapRTX(raw []byte, h *packet.Header, ssrc uint32, payloadType uint8) ([]byte, bool) {
	payload, ok := h.Payload(raw)
	if !ok || len(payload) < 2 {
		return nil, false // padding sent to probe the path
	}
	number := binary.BigEndian.Uint16(payload)
	raw = raw[:h.PayloadOffset+len(payload)]
	copy(raw[h.PayloadOffset:], raw[h.PayloadOffset+2:])
	raw = raw[:len(raw)-2]
	raw[0] &^= 0x20
	raw[1] = raw[1]&0x80 | payloadType
	binary.BigEndian.PutUint16(raw[2:], number)
	binary.BigEndian.PutUint32(raw[8:], ssrc)
	*h, ok = packet.ParseHeader(raw)
	return raw, ok
}

// receiveRTCP takes a compound RTCP packet: reports and requests of the client about either direction. Called with router.media held.
func (t *Transport) receiveRTCP(b []byte, a *arrival, now int64) {
	if t.in.srtp == nil {
		return
	}
	plain, err := t.in.srtp.DecryptRTCP(a.plain[:0], b, nil)
	if err != nil {
		a.batch.undecryptable++
		return
	}
	t.hears(now)
	a.plain = plain
	for len(plain) > 0 {
		var h rtcp.Header
		if h.Unmarshal(plain) != nil {
			return
		}
		size := 4 * (int(h.Length) + 1)
		if size > len(plain) {
			return
		}
		t.control(&h, plain[:size], a, now)
		plain = plain[size:]
	}
}

// control takes one packet of a compound. Of those we have no use for only the header is read: descriptions, goodbyes.
func (t *Transport) control(h *rtcp.Header, b []byte, a *arrival, now int64) {
	switch {
	case h.Type == rtcp.TypeTransportSpecificFeedback && h.Count == rtcp.FormatTCC:
		t.takeFeedback(b, a.batch, now)
	case h.Type == rtcp.TypePayloadSpecificFeedback && h.Count == rtcp.FormatREMB:
		if rate, ok := parseREMB(b); ok {
			t.out.downlink.remb = rate
		}
	case h.Type == rtcp.TypeSenderReport:
		var p rtcp.SenderReport
		if p.Unmarshal(b) == nil {
			t.senderReport(&p, now)
			t.takeReports(b[min(senderReportSize, len(b)):], int(h.Count), now)
		}
	case h.Type == rtcp.TypeReceiverReport:
		t.takeReports(b[min(receiverReportSize, len(b)):], int(h.Count), now)
	case h.Type == rtcp.TypeTransportSpecificFeedback && h.Count == rtcp.FormatTLN:
		var p rtcp.TransportLayerNack
		if p.Unmarshal(b) == nil {
			t.resend(a.batch, &p, now)
		}
	case h.Type == rtcp.TypePayloadSpecificFeedback && h.Count == rtcp.FormatPLI:
		var p rtcp.PictureLossIndication
		if p.Unmarshal(b) == nil {
			t.wantKeyframe(p.MediaSSRC, now)
		}
	case h.Type == rtcp.TypePayloadSpecificFeedback && h.Count == rtcp.FormatFIR:
		var p rtcp.FullIntraRequest
		if p.Unmarshal(b) == nil {
			for _, entry := range p.FIR {
				t.wantKeyframe(entry.SSRC, now)
			}
		}
	}
}

// senderReport ties a layer's timestamps to the clock.
func (t *Transport) senderReport(p *rtcp.SenderReport, now int64) {
	src, ok := t.in.sources[p.SSRC]
	if !ok || src.repair || p.NTPTime == 0 { // 0 is of senders that have no clock
		return
	}
	sent := ntpNanos(p.NTPTime)
	t.in.offset.seen(now-sent, now)
	l := src.layer
	l.clock.Store(&senderClock{
		timestamp: p.RTPTime,
		at:        sent,
		offset:    &t.in.offset,
		rate:      clockRate(l.track.kind),
		reported:  true,
		ntp:       p.NTPTime,
		arrived:   now,
	})
}

func clockRate(k video.Kind) uint32 {
	if k == video.Audio {
		return 48000
	}
	return 90000
}

// ntpNanos converts an NTP timestamp (32.32 fixed point seconds) to nanoseconds; ntpTime goes the other way.
func ntpNanos(ntp uint64) int64 {
	return int64(ntp>>32)*1e9 + int64((ntp&0xffffffff)*1e9>>32)
}

func ntpTime(nanos int64) uint64 {
	return uint64(nanos/1e9)<<32 | uint64(nanos%1e9)<<32/1e9
}
