package sfu

import (
	"encoding/binary"

	"github.com/rotunda-rtc/rotunda/internal/packet"
)

// sentHistory is how many sent packets a forwarder can send again; a power of two.
const sentHistory = 512

// resendInterval is the shortest time between two retransmissions of one packet (ns).
const resendInterval = 20e6

// sentPacket remembers how a packet was rewritten, to send it again from the publisher's history. It has no pointers.
type sentPacket struct {
	number, source uint64 // ours, and that of the layer's packet
	resent         int64  // when it was last sent again (ns)
	layer          int    // its serial + 1; 0 is an empty entry
	timestamp      uint32
	picture        uint16
	wide           uint16 // transport-wide number
	tl0            uint8
	empty          bool // without payload: the packet was of what is not forwarded
	marker         bool
	described      bool // with a dependency descriptor
}

// resend sends packets the client missed again, as RTX where negotiated (RFC 4588), from the publisher's history. Called with
// router.media held.
func (f *forwarder) resend(batch *batch, seq uint16, now int64) {
	out, path := &f.transport.out, f.transport.ice.chosen.Load()
	if f.sent == nil || f.source == nil || f.paused || out.sealer == nil || path == nil {
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
	if n == 0 || !out.downlink.repairs(n+f.header+sealOverhead, now) {
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
	payload, payloadType, ok := reshape(payload, h.PayloadType, source, target)
	if !ok {
		return
	}
	descriptor := f.descriptor(source.codec, h.Extension(raw, l.track.transport.in.depends))
	if e.empty {
		payload = nil
	}
	if !e.described {
		descriptor = nil
	}
	e.resent = now
	renumber(source.codec, payload, e)
	batch.retransmitted++
	b := batch.room()
	if f.rtx == 0 || target.rtx == 0 || payloadType != target.payloadType {
		putHeader(b, payloadType, e.marker, seq, e.timestamp, f.ssrc)
		if f.wide != 0 { // it must be the same packet, with the number it had
			out.downlink.departures.forget(e.wide)
		}
		f.putExtensions(b, e.wide, descriptor, e.picture)
		f.send(batch, path, b, payload, number)
		return
	}
	putHeader(b, target.rtx, e.marker, uint16(f.rtxNext), e.timestamp, f.rtx)
	header := f.headerSize(descriptor)
	wide := uint16(0)
	if f.wide != 0 {
		wide = out.downlink.departures.add(now, header+2+len(payload)+sealOverhead)
	}
	f.putExtensions(b, wide, descriptor, e.picture)
	whole := binary.BigEndian.AppendUint16(b[:header], seq)
	whole = append(whole, payload...)
	f.send(batch, path, b, whole[header:], f.rtxNext)
	f.rtxNext++
}

// renumber writes the picture's numbers as they were sent.
func renumber(codec codecName, payload []byte, e *sentPacket) {
	if len(payload) == 0 {
		return
	}
	switch codec {
	case vp8:
		if v, ok := packet.ParseVP8(payload); ok {
			v.Renumber(payload, e.picture, e.tl0)
		}
	case vp9:
		if v, ok := packet.ParseVP9(payload); ok {
			v.Renumber(payload, e.picture, e.tl0)
		}
	}
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
