//go:build !linux || plain

package sfu

import (
	"net"
	"net/netip"
	"time"
)

// receiver reads datagrams one by one.
type receiver struct {
	conn   *net.UDPConn
	idle   func()
	buffer [readSize]byte
	size   int
	from   netip.AddrPort
}

func newReceiver(s *socket, idle func()) (*receiver, error) {
	return &receiver{conn: s.conn, idle: idle}, nil
}

// burst waits until something is there and returns how many datagrams came.
func (r *receiver) burst() (n int, err error) {
	r.idle()
	r.size, r.from, err = r.conn.ReadFromUDPAddrPort(r.buffer[:])
	if err != nil {
		return 0, err
	}
	return 1, nil
}

// waiting returns what there is in the socket, which nobody tells here.
func (r *receiver) waiting() backlog { return backlog{} }

// waited returns how long the n-th datagram of a burst lay in the socket, which nobody tells here.
func (r *receiver) waited(int, time.Time) int64 { return 0 }

// datagram returns the n-th of a burst and whence it came. It is good until the next burst.
func (r *receiver) datagram(int) ([]byte, netip.AddrPort) {
	return r.buffer[:r.size], netip.AddrPortFrom(r.from.Addr().Unmap(), r.from.Port())
}
