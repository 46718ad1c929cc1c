package sfu

import (
	"encoding/binary"

	"github.com/rotunda-rtc/rotunda/internal/packet"
)

const (
	// extensionSize is what the header extension with the transport-wide number adds to a header.
	extensionSize = 8
	// descriptorMargin is what a dependency descriptor takes in our header beyond what it took in the one it came with.
	descriptorMargin = 4
	// shortElement is the longest element of the one-byte form of header extensions (RFC 8285 section 4.2).
	shortElement = 16
)

// headerSize is the size of an outgoing packet's header.
func headerSize(b []byte) int {
	if b[0]&0x10 == 0 {
		return packet.HeaderSize
	}
	return packet.HeaderSize + 4 + 4*int(binary.BigEndian.Uint16(b[packet.HeaderSize+2:]))
}

// descriptor returns the dependency descriptor to send along with a packet that came with this one: nil if the client does not know
// them, and of codecs whose receivers go by the payload descriptor.
func (f *forwarder) descriptor(codec codecName, came []byte) []byte {
	if f.depends == 0 || codec != av1 && codec != h264 || len(came) < 3 {
		return nil
	}
	return came
}

// headerSize is the size of the header of a packet with this dependency descriptor.
func (f *forwarder) headerSize(descriptor []byte) int {
	if len(descriptor) == 0 {
		return f.header
	}
	head, size := 1, 0
	if len(descriptor) > shortElement {
		head = 2
	}
	if f.wide != 0 {
		size = head + 2
	}
	return packet.HeaderSize + 4 + (size+head+len(descriptor)+3)&^3
}

// putExtensions adds to a header the transport-wide number, if the client takes it, and the dependency descriptor, if there is one,
// with another number of the frame (RFC 8285, AV1 RTP payload specification section A.8.3).
func (f *forwarder) putExtensions(b []byte, wide uint16, descriptor []byte, frame uint16) {
	end := f.headerSize(descriptor)
	if end == packet.HeaderSize {
		return
	}
	long := len(descriptor) > shortElement
	profile := uint16(0xBEDE)
	if long {
		profile = 0x1000
	}
	b[0] |= 0x10
	binary.BigEndian.PutUint16(b[packet.HeaderSize:], profile)
	binary.BigEndian.PutUint16(b[packet.HeaderSize+2:], uint16((end-packet.HeaderSize-4)/4))
	at := packet.HeaderSize + 4
	element := func(id uint8, size int) {
		if long {
			b[at], b[at+1] = id, byte(size)
			at += 2
			return
		}
		b[at] = id<<4 | byte(size-1)
		at++
	}
	if f.wide != 0 {
		element(f.wide, 2)
		binary.BigEndian.PutUint16(b[at:], wide)
		at += 2
	}
	if len(descriptor) > 0 {
		element(f.depends, len(descriptor))
		copy(b[at:], descriptor)
		binary.BigEndian.PutUint16(b[at+1:], frame)
		at += len(descriptor)
	}
	clear(b[at:end])
}
