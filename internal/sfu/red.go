package sfu

import (
	"github.com/rotunda-rtc/rotunda/internal/packet"
)

// Redundant audio (RFC 2198) is passed on as it comes to those who take it. All others, recordings among them, get the primary
// alone; and what a publisher's packet lost on the way is restored for everybody out of the copy in the next one.

// unwrapRED leaves the primary as the payload of a packet that came as RED. It reports false if that is broken.
func (p *onward) unwrapRED() bool {
	if p.header.PayloadType == p.format.payloadType || len(p.payload) == 0 {
		return true
	}
	red, ok := packet.ParseRED(p.payload, p.format.payloadType)
	if ok {
		p.wrapped, p.red, p.payload = p.payload, red, red.Primary
	}
	return ok
}

// restore lets the packet arrive that is missing before this one, as its copy. Called with router.media held.
func (a *arrival) restore(l *layer, f *format, raw []byte, h *packet.Header, now int64) {
	payload, ok := h.Payload(raw)
	if !ok {
		return
	}
	red, ok := packet.ParseRED(payload, f.payloadType)
	if !ok || len(red.Previous) == 0 || len(red.Previous)+packet.HeaderSize > packet.MaxSize {
		return
	}
	if cap(a.spare) < packet.MaxSize {
		a.spare = make([]byte, 0, packet.MaxSize)
	}
	whole := a.spare[:packet.HeaderSize]
	putHeader(whole, f.payloadType, false, h.Sequence-1, h.Timestamp-red.Offset, h.SSRC)
	whole = append(whole, red.Previous...)
	before, ok := packet.ParseHeader(whole)
	if !ok {
		return
	}
	p := &a.onward
	p.restored = true
	if p.take(l, f, whole, &before, now) {
		a.spare = l.history.Put(p.number, whole)
		p.batch.restored++
		p.fanOut()
	}
	p.restored = false
}

// shape returns the payload and payload type under which a client is sent a packet of the format from that came with this payload,
// and as RED with wrapped (or nil). The same packet always has the same shape for the same client.
func shape(payload, wrapped []byte, from, to *format) (as []byte, payloadType uint8) {
	if wrapped != nil && to.red != 0 && to.payloadType == from.payloadType {
		return wrapped, to.red
	}
	return payload, to.payloadType
}

// reshape is shape for a packet out of the history, which came under this payload type.
func reshape(payload []byte, payloadType uint8, from, to *format) (as []byte, sent uint8, ok bool) {
	if from.red == 0 || payloadType != from.red {
		return payload, to.payloadType, true
	}
	red, ok := packet.ParseRED(payload, from.payloadType)
	as, sent = shape(red.Primary, payload, from, to)
	return as, sent, ok
}
