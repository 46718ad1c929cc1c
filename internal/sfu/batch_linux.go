//go:build !plain

package sfu

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	maxSegments  = 64     // of one message; the limit of kernels before 6.9
	maxSegmented = 64_000 // bytes of one message
	sendAtOnce   = 32     // messages of one system call, so that none takes long
	// longestWait is how long a flush waits in all for room in socket buffers. A keyframe for a hundred viewers is more than the
	// buffer that kernels grant by default; it leaves at the pace of the link meanwhile.
	longestWait = 20 * time.Millisecond
)

// sender hands a batch to the kernel: one sendmmsg(2), in it one message for each client and run of packets of equal size, which
// the kernel cuts apart (UDP_SEGMENT, udp(7)).
type sender struct {
	outlets  [2]outlet // by address family
	messages [batchPackets]mmsghdr
	parts    [batchPackets]unix.Iovec
	controls [batchPackets][segmentControl]byte
	segments *segmentation
	filled   int       // messages
	sent     int       // of them
	unsent   int       // packets
	total    int       // messages of the batch
	giveUp   time.Time // when the flush waits no longer; zero while it did not wait
	full     [1]unix.PollFd
}

// outlet is a socket of one address family to send from. Any of the media port will do, but only one may use it at a time:
// each reader has its own.
type outlet struct {
	conn syscall.RawConn
	send func(fd uintptr) bool
}

// mmsghdr is struct mmsghdr of sendmmsg(2) and recvmmsg(2).
type mmsghdr struct {
	unix.Msghdr
	size uint32
}

// segmentControl is the room of a control message with the size of segments.
const segmentControl = unix.SizeofCmsghdr + 8

func (s *sender) init(e *Engine) {
	s.segments = &e.segments
	nth := int(e.senders.Add(1) - 1)
	var sockets [len(s.outlets)][]*socket
	for _, socket := range e.sockets {
		family := nameOf(socket.conn.LocalAddr().(*net.UDPAddr).AddrPort()).family
		sockets[family] = append(sockets[family], socket)
	}
	for family, of := range sockets {
		if len(of) == 0 {
			continue
		}
		if conn, err := of[nth%len(of)].conn.SyscallConn(); err == nil { // else it is closed, and nothing can be sent any more
			s.outlets[family] = outlet{conn, s.sendTo}
		}
	}
	for i := range s.controls {
		header := (*unix.Cmsghdr)(unsafe.Pointer(&s.controls[i]))
		header.Level, header.Type = unix.SOL_UDP, unix.UDP_SEGMENT
		header.SetLen(unix.CmsgLen(2))
	}
}

// send sends the packets of a batch and returns how many the socket did not take.
func (s *sender) send(b *batch) (unsent int) {
	s.unsent, s.total, s.giveUp = 0, 0, time.Time{}
	for family := range s.outlets {
		s.filled, s.sent = 0, 0
		parts := 0
		for _, c := range b.chains {
			if c.to.tcp == nil && int(c.to.name.family) == family {
				parts = s.fill(b, c, parts)
			}
		}
		if s.filled == 0 {
			continue
		}
		s.total += s.filled
		o := &s.outlets[family]
		if o.conn == nil || o.conn.Write(o.send) != nil {
			s.drop()
		}
	}
	return s.unsent
}

// fill makes the messages of a chain. It returns the number of the next free part.
func (s *sender) fill(b *batch, c chain, part int) int {
	whole := !s.segments.off.Load()
	for i := c.first; i >= 0; {
		m := &s.messages[s.filled]
		first, size, total := part, b.out[i].size, 0
		for {
			o := &b.out[i]
			s.parts[part].Base = &b.slab[o.at]
			s.parts[part].SetLen(o.size)
			part++
			total += o.size
			i = o.next
			if !whole || i < 0 || o.size < size || b.out[i].size > size || part-first == maxSegments || total+size > maxSegmented {
				break
			}
		}
		m.Name, m.Namelen = &c.to.name.raw[0], c.to.name.size
		m.Iov = &s.parts[first]
		m.SetIovlen(part - first)
		m.Control = nil
		m.SetControllen(0)
		if part-first > 1 {
			control := &s.controls[s.filled]
			binary.NativeEndian.PutUint16(control[unix.SizeofCmsghdr:], uint16(size))
			m.Control = &control[0]
			m.SetControllen(segmentControl)
		}
		s.filled++
	}
	return part
}

// sendTo sends all messages. What a buffer does not take that stays full is lost, as in the network. The calls themselves never wait, so the
// runtime need not be told of them, which would wake its monitor up for each burst, at the cost of some packets.
func (s *sender) sendTo(fd uintptr) bool {
	for s.sent < s.filled {
		n, _, failed := unix.RawSyscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&s.messages[s.sent])), uintptr(min(s.filled-s.sent, sendAtOnce)), unix.MSG_DONTWAIT, 0, 0)
		switch {
		case failed == 0:
			s.sent += int(n)
		case failed == unix.EINTR:
		case failed == unix.EAGAIN && s.waits(fd):
		case failed == unix.EAGAIN || failed == unix.ENOBUFS:
			s.drop()
		default:
			s.failed(fd, failed)
		}
	}
	return true
}

// waits waits until a full socket buffer has room. It reports false if that takes too long.
func (s *sender) waits(fd uintptr) bool {
	now := time.Now()
	if s.giveUp.IsZero() {
		s.giveUp = now.Add(longestWait)
	}
	left := s.giveUp.Sub(now).Milliseconds()
	if left <= 0 {
		return false
	}
	s.full[0] = unix.PollFd{Fd: int32(fd), Events: unix.POLLOUT}
	n, err := unix.Poll(s.full[:], int(left))
	return n > 0 || err == unix.EINTR
}

// failed deals with the message that was refused, and leaves it behind.
func (s *sender) failed(fd uintptr, why syscall.Errno) {
	m := &s.messages[s.sent]
	s.sent++
	switch {
	case m.Control == nil:
		s.unsent++
		return
	case why == unix.EIO || why == unix.EOPNOTSUPP: // the kernel or the network card does not cut datagrams
		s.segments.refused()
	case why == unix.EINVAL || why == unix.EMSGSIZE: // not these, or not on this route
	default:
		s.unsent += int(m.Iovlen)
		return
	}
	for _, part := range unsafe.Slice(m.Iov, m.Iovlen) {
		var failed syscall.Errno
		for again := true; again; again = failed == unix.EAGAIN && s.waits(fd) {
			_, _, failed = unix.RawSyscall6(unix.SYS_SENDTO, fd, uintptr(unsafe.Pointer(part.Base)), uintptr(part.Len), unix.MSG_DONTWAIT,
				uintptr(unsafe.Pointer(m.Name)), uintptr(m.Namelen))
		}
		if failed != 0 {
			s.unsent++
		}
	}
}

// drop counts the messages that are left as lost.
func (s *sender) drop() {
	for ; s.sent < s.filled; s.sent++ {
		s.unsent += int(s.messages[s.sent].Iovlen)
	}
}

// send sends one datagram by itself. A full socket buffer or an unreachable address loses it, as the network would.
func (s *socket) send(b []byte, to netip.AddrPort) error {
	raw, err := s.conn.SyscallConn()
	if err != nil {
		return err
	}
	name := nameOf(to)
	var failed syscall.Errno
	err = raw.Write(func(fd uintptr) bool {
		_, _, failed = unix.RawSyscall6(unix.SYS_SENDTO, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), unix.MSG_DONTWAIT,
			uintptr(unsafe.Pointer(&name.raw)), uintptr(name.size))
		return true
	})
	if err == nil && failed != 0 {
		err = failed
	}
	return err
}

// canSegment finds out whether the kernel cuts messages into datagrams.
func canSegment(conn *net.UDPConn) bool {
	raw, err := conn.SyscallConn()
	if err != nil {
		return false
	}
	var refused error
	err = raw.Control(func(fd uintptr) { refused = unix.SetsockoptInt(int(fd), unix.SOL_UDP, unix.UDP_SEGMENT, 0) })
	return errors.Join(err, refused) == nil
}
