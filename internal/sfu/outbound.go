package sfu

import (
	"encoding/binary"
	"time"

	"github.com/pion/rtcp"

	"github.com/rotunda-rtc/rotunda/internal/packet"
)

// reportInterval is the time between two sender reports of a forwarder (ns).
const reportInterval = 1e9

// outbound is the sending side of a connection. It is guarded by router.media.
type outbound struct {
	sealer     *sealer // nil until secured
	forwarders []*forwarder
	bySSRC     map[uint32]*forwarder // by that of their retransmissions too
	mixed      *forwarder            // that of the two-way line, or nil
	chained    [2]chained            // where its packets are in a batch: of video, and of audio
	repair     [packet.MaxSize]byte  // scratch of resend
	downlink   downlink
	pacer      pacer
	roundTrip  time.Duration // as the client's last report tells; 0 before it
}

// unusedSSRC draws an SSRC. Two sources of one connection with the same would be sealed with the same numbers under one key.
func (o *outbound) unusedSSRC() uint32 {
	for {
		if ssrc := randomSSRC(); o.bySSRC[ssrc] == nil {
			return ssrc
		}
	}
}

// putHeader writes the header of an outgoing packet.
func putHeader(b []byte, payloadType uint8, marker bool, seq uint16, timestamp, ssrc uint32) {
	b[0], b[1] = 0x80, payloadType
	if marker {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], seq)
	binary.BigEndian.PutUint32(b[4:], timestamp)
	binary.BigEndian.PutUint32(b[8:], ssrc)
}

// sendRTCP sends RTCP packets as one compound packet. Called with router.media held.
func (t *Transport) sendRTCP(packets ...rtcp.Packet) {
	p := t.ice.chosen.Load()
	if p == nil || t.out.sealer == nil {
		return
	}
	b, err := rtcp.Marshal(packets)
	if err != nil {
		return
	}
	if b, err = t.out.sealer.sealRTCP(b); err == nil {
		p.send(b)
	}
}

// resend answers a request for lost packets (RFC 4585 section 6.2.1). Called with router.media held.
func (t *Transport) resend(b *batch, p *rtcp.TransportLayerNack, now int64) {
	f := t.out.bySSRC[p.MediaSSRC]
	if f == nil || f.ssrc != p.MediaSSRC {
		return
	}
	for _, pair := range p.Nacks {
		pair.Range(func(seq uint16) bool {
			f.resend(b, seq, now)
			return true
		})
	}
}

// wantKeyframe passes a client's keyframe request (RFC 4585 section 6.3.1, RFC 5104 section 4.3.1) to the layer it is watching. One
// that is sent no picture for now would only burden the others.
// Called with router.media held.
func (t *Transport) wantKeyframe(ssrc uint32, now int64) {
	if f := t.out.bySSRC[ssrc]; f != nil && f.current != nil && !f.shed && !f.paused {
		f.current.askKeyframe(now)
	}
}

// report writes a sender report for a forwarder that is due, on the clock that all publishers were brought to. Called with
// router.media held.
func (o *outbound) report(t *Transport, f *forwarder, now int64) {
	if f.packets == 0 || now-f.lastReport < reportInterval {
		return
	}
	timestamp, known := f.timestampAt(now)
	if !known {
		return
	}
	f.lastReport = now
	sr := rtcp.SenderReport{
		SSRC: f.ssrc, NTPTime: t.engine.ntp(now), RTPTime: timestamp,
		PacketCount: f.packets, OctetCount: f.octets,
	}
	cname := rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{{
		Source: f.ssrc, Items: []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: "rotunda"}},
	}}}
	t.sendRTCP(&sr, &cname)
}

// timestampAt returns the outgoing timestamp of what happens now, if that is known.
func (f *forwarder) timestampAt(now int64) (timestamp uint32, known bool) {
	if f == f.transport.out.mixed {
		return f.lastTime + samplesIn(now-f.lastAt), true
	}
	if f.current == nil {
		return 0, false
	}
	clock := f.current.clock.Load()
	if clock == nil {
		return 0, false
	}
	return clock.timestampAt(now, now) + f.shift, true
}
