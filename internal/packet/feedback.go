package packet

import "encoding/binary"

// TransportFeedback is a transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01 section
// 3.1): which of the packets from a number on arrived, and when. It is read in place, packet by packet.
type TransportFeedback struct {
	// Reference is the receiver's clock at the beginning, in units of 64 ms. It has 24 bits and starts over.
	Reference uint32
	// Count numbers the feedbacks of a connection, modulo 256: a gap tells that some were lost.
	Count uint8
	// Base is the number of the first packet told of.
	Base uint16

	chunks, deltas []byte
	left           int    // packets still to be told of
	next           uint16 // number of the next
	run            int    // packets that the current chunk still tells of
	symbols        uint16 // of the current chunk, the next one in the highest bits
	width          int    // bits of a symbol; 0 in a chunk of equal ones
	arrived        int64  // of the last packet that arrived (µs after the reference)
}

// Arrival is what a feedback tells of one packet.
type Arrival struct {
	Number   uint16
	Received bool
	At       int64 // when it came: µs after the feedback's reference, by the receiver's clock; only if Received
}

const (
	feedbackHeader = 20 // up to the first chunk, RTCP header included
	deltaUnit      = 250
	smallDelta     = 1
	largeDelta     = 2
)

// ParseTransportFeedback reads the head of a feedback, and finds out whether all it promises is there. b is one RTCP packet
// with its header. It reports false if b is not such a feedback.
func ParseTransportFeedback(b []byte) (TransportFeedback, bool) {
	if len(b) < feedbackHeader {
		return TransportFeedback{}, false
	}
	if b[0]&0x20 != 0 { // padding; it takes the last octets away
		n := int(b[len(b)-1])
		if n == 0 || n > len(b)-feedbackHeader {
			return TransportFeedback{}, false
		}
		b = b[:len(b)-n]
	}
	f := TransportFeedback{
		Base: binary.BigEndian.Uint16(b[12:]), left: int(binary.BigEndian.Uint16(b[14:])),
		Reference: binary.BigEndian.Uint32(b[16:]) >> 8, Count: b[19],
	}
	f.next = f.Base
	at, size := feedbackHeader, 0
	for told := 0; told < f.left; at += 2 {
		if at+2 > len(b) {
			return TransportFeedback{}, false
		}
		n, s := chunkSize(binary.BigEndian.Uint16(b[at:]), f.left-told)
		told, size = told+n, size+s
	}
	if at+size > len(b) {
		return TransportFeedback{}, false
	}
	f.chunks, f.deltas = b[feedbackHeader:at], b[at:at+size]
	return f, true
}

// chunkSize returns how many packets a chunk tells of, at most so many, and how long their deltas are.
func chunkSize(chunk uint16, most int) (packets, deltas int) {
	if chunk>>15 == 0 {
		n := min(int(chunk&0x1fff), most)
		return n, n * deltaSize(chunk>>13)
	}
	if chunk>>14 == 2 {
		n := min(14, most)
		for i := range n {
			deltas += int(chunk >> (13 - i) & 1)
		}
		return n, deltas
	}
	n := min(7, most)
	for i := range n {
		deltas += deltaSize(chunk >> (12 - 2*i) & 3)
	}
	return n, deltas
}

func deltaSize(symbol uint16) int {
	switch symbol {
	case smallDelta:
		return 1
	case largeDelta:
		return 2
	}
	return 0
}

// Len returns how many packets the feedback still tells of.
func (f *TransportFeedback) Len() int { return f.left }

// Next returns what is told of the next packet. It reports false when nothing more is told.
func (f *TransportFeedback) Next() (Arrival, bool) {
	for f.run == 0 {
		if f.left == 0 || len(f.chunks) < 2 {
			return Arrival{}, false
		}
		f.begin(binary.BigEndian.Uint16(f.chunks))
		f.chunks = f.chunks[2:]
	}
	symbol := f.symbols >> 14
	switch f.width {
	case 1:
		symbol = f.symbols >> 15
		f.symbols <<= 1
	case 2:
		f.symbols <<= 2
	}
	a := Arrival{Number: f.next}
	f.next++
	f.run--
	f.left--
	switch symbol {
	case smallDelta:
		f.arrived += int64(f.deltas[0]) * deltaUnit
		f.deltas = f.deltas[1:]
	case largeDelta:
		f.arrived += int64(int16(binary.BigEndian.Uint16(f.deltas))) * deltaUnit
		f.deltas = f.deltas[2:]
	default:
		return a, true
	}
	a.Received, a.At = true, f.arrived
	return a, true
}

// begin takes the next chunk.
func (f *TransportFeedback) begin(chunk uint16) {
	switch {
	case chunk>>15 == 0:
		f.run, f.width, f.symbols = int(chunk&0x1fff), 0, chunk<<1
	case chunk>>14 == 2:
		f.run, f.width, f.symbols = 14, 1, chunk<<2
	default:
		f.run, f.width, f.symbols = 7, 2, chunk<<2
	}
	f.run = min(f.run, f.left)
}
