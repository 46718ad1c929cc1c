package packet

import "encoding/binary"

// RED is a packet of redundant audio (RFC 2198): what the packet would hold by itself, and copies of what earlier ones held.
// It points into the payload it was read from.
type RED struct {
	Primary []byte

	// Previous is the last copy before the primary, of the packet before this one as browsers write it; empty if there is none.
	Previous []byte
	// Offset is how far the timestamp of Previous is behind that of the packet.
	Offset uint32
}

// maxREDBlocks bounds the copies in one packet.
const maxREDBlocks = 16

// ParseRED reads the payload of a RED packet. It reports false if that is broken, or holds a block of another payload type
// than this one.
func ParseRED(payload []byte, payloadType uint8) (RED, bool) {
	var r RED
	var last, total int // length of the newest copy, and of all
	at := 0
	for blocks := 0; ; blocks++ {
		if at >= len(payload) || blocks > maxREDBlocks || payload[at]&0x7f != payloadType {
			return RED{}, false
		}
		if payload[at]&0x80 == 0 {
			at++
			break
		}
		if at+4 > len(payload) {
			return RED{}, false
		}
		word := binary.BigEndian.Uint32(payload[at:])
		r.Offset, last = word>>10&0x3fff, int(word&0x3ff)
		total += last
		at += 4
	}
	if at+total > len(payload) {
		return RED{}, false
	}
	at += total
	r.Previous, r.Primary = payload[at-last:at], payload[at:]
	return r, true
}
