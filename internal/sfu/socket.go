package sfu

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"strconv"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/packet"
)

// socketBuffer is what each socket asks the kernel to hold in either direction, in bytes; the kernel may grant less.
const socketBuffer = 4 << 20

// readRetry is how long a reader rests after a failed read.
const readRetry = time.Millisecond

// socket is one UDP socket and the scratch space of the goroutine that reads it.
type socket struct {
	engine *Engine
	conn   *net.UDPConn
	rx     [packet.MaxSize + 256]byte
	arrival
}

// listen opens the sockets of the media port: on Linux one for each processor and address family, among which the
// kernel spreads clients by address. Port 0 takes any free port. IPv6 is left out where the machine has none.
func listen(e *Engine, port int) ([]*socket, error) {
	shards := runtime.GOMAXPROCS(0)
	if !reusePort {
		shards = 1
	}
	var sockets []*socket
	for _, network := range []string{"udp4", "udp6"} {
		for range shards {
			lc := net.ListenConfig{Control: controlSocket}
			pc, err := lc.ListenPacket(context.Background(), network, ":"+strconv.Itoa(port))
			if err != nil && network == "udp6" {
				break
			}
			if err != nil {
				for _, s := range sockets {
					_ = s.conn.Close()
				}
				return nil, fmt.Errorf("open media port %d: %w", port, err)
			}
			conn := pc.(*net.UDPConn)
			_ = conn.SetReadBuffer(socketBuffer)
			_ = conn.SetWriteBuffer(socketBuffer)
			port = conn.LocalAddr().(*net.UDPAddr).Port
			sockets = append(sockets, &socket{engine: e, conn: conn})
		}
	}
	return sockets, nil
}

// read takes packets until the socket is closed.
func (s *socket) read() {
	for {
		n, from, err := s.conn.ReadFromUDPAddrPort(s.rx[:])
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			time.Sleep(readRetry) // an error of one datagram does not end a socket; one that lasts must not spin
			continue
		}
		s.receive(s.rx[:n], netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), s.engine.Now())
	}
}

// receive sorts a datagram by its first byte (RFC 9443).
func (s *socket) receive(b []byte, from netip.AddrPort, now int64) {
	if len(b) == 0 {
		return
	}
	switch first := b[0]; {
	case first <= 3:
		s.engine.check(s, b, from, now)
	case first >= 20 && first <= 63:
		if t := s.engine.transportAt(from); t != nil {
			t.dtls.receive(b)
		}
	case first >= 128 && first <= 191:
		t := s.engine.transportAt(from)
		if t == nil {
			return
		}
		if packet.IsRTCP(b) {
			t.receiveRTCP(b, now)
		} else {
			t.receiveRTP(b, &s.arrival, now)
		}
	}
}

func (s *socket) send(b []byte, to netip.AddrPort) {
	// A full socket buffer or an unreachable address loses the packet, as the network would.
	_, _ = s.conn.WriteToUDPAddrPort(b, to)
}
