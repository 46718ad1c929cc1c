package sfu

import (
	"encoding/binary"
	"sync"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"github.com/rotunda-rtc/rotunda/internal/packet"
)

// reportInterval is the time between two sender reports of a forwarder (ns).
const reportInterval = 1e9

// outbound is the sending side of a connection.
type outbound struct {
	mu         sync.Mutex
	srtp       *srtp.Context // nil until secured
	forwarders []*forwarder
	bySSRC     map[uint32]*forwarder
	rtp        rtp.Header // scratch
	buffer     [packet.MaxSize + 256]byte
	repair     [packet.MaxSize]byte // scratch of resend
}

// start writes the header of an outgoing packet into the buffer.
func (o *outbound) start(payloadType uint8, marker bool, seq uint16, timestamp, ssrc uint32) []byte {
	b := o.buffer[:packet.HeaderSize]
	b[0], b[1] = 0x80, payloadType
	if marker {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], seq)
	binary.BigEndian.PutUint32(b[4:], timestamp)
	binary.BigEndian.PutUint32(b[8:], ssrc)
	return b
}

// send encrypts the packet b, which lies in the buffer, and sends it on the chosen path.
func (o *outbound) send(t *Transport, b []byte) {
	p := t.ice.chosen.Load()
	if p == nil {
		return
	}
	sealed, err := o.srtp.EncryptRTP(b, b, &o.rtp)
	if err != nil {
		return // 2^48 packets under one key: RFC 3711 section 9.2 forbids more
	}
	t.engine.counters.sent.Add(1)
	p.socket.send(sealed, p.remote)
}

// sendRTCP sends RTCP packets as one compound packet. The caller holds no outbound lock.
func (t *Transport) sendRTCP(packets ...rtcp.Packet) {
	b, err := rtcp.Marshal(packets)
	if err != nil {
		return
	}
	t.out.mu.Lock()
	defer t.out.mu.Unlock()
	t.out.sendRTCP(t, b)
}

func (o *outbound) sendRTCP(t *Transport, b []byte) {
	p := t.ice.chosen.Load()
	if p == nil || o.srtp == nil {
		return
	}
	sealed, err := o.srtp.EncryptRTCP(nil, b, nil)
	if err != nil {
		return
	}
	p.socket.send(sealed, p.remote)
}

// resend answers a request for lost packets (RFC 4585 section 6.2.1).
func (t *Transport) resend(p *rtcp.TransportLayerNack, now int64) {
	t.out.mu.Lock()
	defer t.out.mu.Unlock()
	f := t.out.bySSRC[p.MediaSSRC]
	if f == nil {
		return
	}
	for _, pair := range p.Nacks {
		pair.Range(func(seq uint16) bool {
			f.resend(&t.out, seq, now)
			return true
		})
	}
}

// wantKeyframe passes a client's keyframe request (RFC 4585 section 6.3.1, RFC 5104 section 4.3.1) to the layer it is watching.
func (t *Transport) wantKeyframe(ssrc uint32, now int64) {
	t.out.mu.Lock()
	f := t.out.bySSRC[ssrc]
	var l *layer
	if f != nil {
		l = f.current
	}
	t.out.mu.Unlock()
	if l != nil {
		l.askKeyframe(now)
	}
}

// report writes a sender report for a forwarder that is due, on the clock that all publishers were brought to. Called with
// outbound.mu held.
func (o *outbound) report(t *Transport, f *forwarder, now int64) {
	if f.packets == 0 || f.current == nil || now-f.lastReport < reportInterval {
		return
	}
	clock := f.current.clock.Load()
	if clock == nil {
		return
	}
	f.lastReport = now
	sr := rtcp.SenderReport{
		SSRC: f.ssrc, NTPTime: t.engine.ntp(now), RTPTime: clock.timestampAt(now, now) + f.shift,
		PacketCount: f.packets, OctetCount: f.octets,
	}
	cname := rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{{
		Source: f.ssrc, Items: []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: "rotunda"}},
	}}}
	if b, err := rtcp.Marshal([]rtcp.Packet{&sr, &cname}); err == nil {
		o.sendRTCP(t, b)
	}
}
