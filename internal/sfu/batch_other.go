//go:build !linux || plain

package sfu

import (
	"net"
	"net/netip"
)

// sender sends each packet by itself.
type sender struct{}

func (*sender) init(*Engine) {}

// send sends the packets of a batch and returns how many the socket did not take.
func (*sender) send(b *batch) (unsent int) {
	for _, c := range b.chains {
		if c.to.tcp != nil {
			continue
		}
		for i := c.first; i >= 0; i = b.out[i].next {
			if o := b.out[i]; c.to.socket.send(b.slab[o.at:o.at+o.size], c.to.remote) != nil {
				unsent++
			}
		}
	}
	return unsent
}

// send sends one datagram by itself. An unreachable address loses it, as the network would.
func (s *socket) send(b []byte, to netip.AddrPort) error {
	_, err := s.conn.WriteToUDPAddrPort(b, to)
	return err
}

func canSegment(*net.UDPConn) bool { return false }
