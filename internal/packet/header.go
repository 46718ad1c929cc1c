package packet

import "encoding/binary"

// HeaderSize is the length of an RTP header without contributing sources and extensions (RFC 3550 section 5.1).
const HeaderSize = 12

const (
	oneByteProfile = 0xBEDE // RFC 8285 section 4.2
	twoByteProfile = 0x1000 // RFC 8285 section 4.3; the low four bits are free
)

// Header is what forwarding needs to know of an RTP packet. It holds offsets into the packet, not parts of it.
type Header struct {
	Marker        bool
	PayloadType   uint8
	Sequence      uint16
	Timestamp     uint32
	SSRC          uint32
	PayloadOffset int

	hasPadding bool
	profile    uint16
	extensions int // offset of the first extension element
	extEnd     int
}

// ParseHeader reads the header of an RTP packet (RFC 3550 section 5.1). It reports false if b is not one.
func ParseHeader(b []byte) (Header, bool) {
	if len(b) < HeaderSize || b[0]>>6 != 2 {
		return Header{}, false
	}
	h := Header{
		Marker:      b[1]&0x80 != 0,
		PayloadType: b[1] & 0x7f,
		Sequence:    binary.BigEndian.Uint16(b[2:]),
		Timestamp:   binary.BigEndian.Uint32(b[4:]),
		SSRC:        binary.BigEndian.Uint32(b[8:]),
		hasPadding:  b[0]&0x20 != 0,
	}
	at := HeaderSize + 4*int(b[0]&0x0f)
	if b[0]&0x10 != 0 {
		if len(b) < at+4 {
			return Header{}, false
		}
		h.profile = binary.BigEndian.Uint16(b[at:])
		h.extensions = at + 4
		h.extEnd = h.extensions + 4*int(binary.BigEndian.Uint16(b[at+2:]))
		at = h.extEnd
	}
	if len(b) < at {
		return Header{}, false
	}
	h.PayloadOffset = at
	return h, true
}

// Payload returns the payload of the packet b this header was read from, without padding. It is empty for packets that
// are padding only, and false is returned when the padding length is wrong. The packet must be decrypted.
func (h *Header) Payload(b []byte) ([]byte, bool) {
	p := b[h.PayloadOffset:]
	if !h.hasPadding {
		return p, true
	}
	if len(p) == 0 {
		return nil, false
	}
	n := int(p[len(p)-1])
	if n == 0 || n > len(p) {
		return nil, false
	}
	return p[:len(p)-n], true
}

// Extension returns the element with this id (RFC 8285) in the packet b this header was read from, or nil.
func (h *Header) Extension(b []byte, id uint8) []byte {
	if id == 0 || h.extensions == 0 {
		return nil
	}
	two := h.profile&0xfff0 == twoByteProfile
	if !two && h.profile != oneByteProfile {
		return nil
	}
	for at := h.extensions; at < h.extEnd; {
		if b[at] == 0 {
			at++
			continue
		}
		var elem uint8
		var size int
		if two {
			if at+2 > h.extEnd {
				return nil
			}
			elem, size = b[at], int(b[at+1])
			at += 2
		} else {
			elem, size = b[at]>>4, int(b[at]&0x0f)+1
			at++
			if elem == 15 {
				return nil
			}
		}
		if at+size > h.extEnd {
			return nil
		}
		if elem == id {
			return b[at : at+size]
		}
		at += size
	}
	return nil
}

// IsRTCP reports whether a packet on a port that RTP and RTCP share is RTCP (RFC 5761 section 4).
func IsRTCP(b []byte) bool { return len(b) >= 2 && b[1] >= 192 && b[1] <= 223 }
