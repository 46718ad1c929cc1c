package loadtest

import (
	"encoding/binary"
	"net/netip"

	"github.com/pion/rtcp"
)

const (
	senderReport    = 200
	transportLayer  = 205 // RFC 4585 section 6.1
	payloadSpecific = 206

	formatNACK = 1
	formatPLI  = 1
	formatFIR  = 4
)

// takeRTCP reads what the server says: what to send again, where a keyframe is wanted, and its reports. It builds no structures, because a
// server sends each publisher feedback ten times a second.
func (t *transport) takeRTCP(b []byte, now int64) {
	plain, err := t.in.DecryptRTCP(nil, b, nil)
	if err != nil {
		t.loop.tally.unauthentic++
		return
	}
	for len(plain) >= 4 {
		size := 4 * (int(binary.BigEndian.Uint16(plain[2:])) + 1)
		if size > len(plain) {
			return
		}
		t.takeReport(plain[:size], now)
		plain = plain[size:]
	}
}

// takeReport reads one packet of a compound.
func (t *transport) takeReport(b []byte, now int64) {
	format, kind := b[0]&0x1f, b[1]
	if len(b) < 12 {
		return
	}
	about := binary.BigEndian.Uint32(b[8:])
	switch {
	case kind == senderReport && t.receiver != nil && len(b) >= 16:
		t.receiver.senderReport(binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint64(b[8:]), now)
	case t.sender == nil:
	case kind == transportLayer && format == formatNACK:
		t.sender.nack(about, b[12:], now)
	case kind == payloadSpecific && format == formatPLI:
		t.sender.askKeyframe(about)
	case kind == payloadSpecific && format == formatFIR:
		for entries := b[12:]; len(entries) >= 8; entries = entries[8:] {
			t.sender.askKeyframe(binary.BigEndian.Uint32(entries))
		}
	}
}

func (t *transport) sendRTCP(packets ...rtcp.Packet) {
	plain, err := rtcp.Marshal(packets)
	if err != nil {
		return
	}
	sealed, err := t.out.EncryptRTCP(nil, plain, nil)
	if err != nil {
		return
	}
	t.transmit(sealed, netip.AddrPort{})
}
