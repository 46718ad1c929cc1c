//go:build !linux

package loadtest

import (
	"fmt"
	"net"
	"net/netip"
	"sync"
)

const (
	datagramSize = 1600
	maxWaiting   = 4096 // datagrams that wait at a socket; more are dropped
)

// socket is a participant's UDP socket. Without recvmmsg a goroutine reads it.
type socket struct {
	conn *net.UDPConn

	mu      sync.Mutex
	remote  netip.AddrPort // guarded by mu
	waiting []arrived      // guarded by mu
	dropped uint32         // guarded by mu
}

type arrived struct {
	datagram []byte
	at       int64
}

func openSocket(ipv6 bool) (*socket, error) {
	network := "udp4"
	if ipv6 {
		network = "udp6"
	}
	conn, err := net.ListenUDP(network, nil)
	if err != nil {
		return nil, fmt.Errorf("open UDP socket: %w", err)
	}
	s := &socket{conn: conn}
	go s.read()
	return s, nil
}

// read ends when the socket is closed.
func (s *socket) read() {
	var b [datagramSize]byte
	for {
		n, from, err := s.conn.ReadFromUDPAddrPort(b[:])
		if err != nil {
			return
		}
		s.mu.Lock()
		switch {
		case s.remote.IsValid() && s.remote != netip.AddrPortFrom(from.Addr().Unmap(), from.Port()):
		case len(s.waiting) == maxWaiting:
			s.dropped++
		default:
			s.waiting = append(s.waiting, arrived{append([]byte(nil), b[:n]...), wallClock()})
		}
		s.mu.Unlock()
	}
}

func (s *socket) sendTo(b []byte, to netip.AddrPort) { _, _ = s.conn.WriteToUDPAddrPort(b, to) }

// connect makes to the only address that is sent to and heard.
func (s *socket) connect(to netip.AddrPort) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remote = to
	return nil
}

func (s *socket) close() { _ = s.conn.Close() }

// batch is the memory of a loop's writes.
type batch struct {
	out    [datagramSize]byte
	queued [][]byte
}

func newBatch() *batch { return new(batch) }

// receive hands every datagram that waits at the socket to a function, with the moment it came. It returns how many were dropped
// since the socket was opened because nobody fetched them.
func (b *batch) receive(s *socket, take func(datagram []byte, at int64)) (dropped uint32) {
	s.mu.Lock()
	all := s.waiting
	s.waiting, dropped = nil, s.dropped
	s.mu.Unlock()
	for _, a := range all {
		take(a.datagram, a.at)
	}
	return dropped
}

func (b *batch) next(*socket) []byte { return b.out[:] }

func (b *batch) queue(n int) { b.queued = append(b.queued, append([]byte(nil), b.out[:n]...)) }

func (b *batch) flush(s *socket) {
	s.mu.Lock()
	to := s.remote
	s.mu.Unlock()
	for _, d := range b.queued {
		s.sendTo(d, to)
	}
	b.queued = b.queued[:0]
}
