//go:build !plain

package sfu

import (
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// receiver reads bursts from a socket: recvmmsg(2).
type receiver struct {
	conn     syscall.RawConn
	take     func(fd uintptr) bool
	idle     func() // called before the reader waits
	count    int
	failed   syscall.Errno
	messages [burstPackets]mmsghdr
	parts    [burstPackets]unix.Iovec
	names    [burstPackets][unix.SizeofSockaddrInet6]byte
	buffers  [burstPackets][readSize]byte
}

func newReceiver(s *socket, idle func()) (*receiver, error) {
	conn, err := s.conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	r := &receiver{conn: conn, idle: idle}
	r.take = r.takeFrom
	for i := range r.messages {
		r.parts[i].Base = &r.buffers[i][0]
		r.parts[i].SetLen(readSize)
		r.messages[i].Name = &r.names[i][0]
		r.messages[i].Namelen = unix.SizeofSockaddrInet6
		r.messages[i].Iov = &r.parts[i]
		r.messages[i].SetIovlen(1)
	}
	return r, nil
}

// burst waits until something is there and returns how many datagrams came.
func (r *receiver) burst() (int, error) {
	r.count, r.failed = 0, 0
	if err := r.conn.Read(r.take); err != nil {
		return 0, err
	}
	if r.failed != 0 {
		return 0, r.failed
	}
	return r.count, nil
}

func (r *receiver) takeFrom(fd uintptr) bool {
	n, _, failed := unix.RawSyscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&r.messages[0])), burstPackets, unix.MSG_DONTWAIT, 0, 0)
	switch failed {
	case 0:
		r.count = int(n)
	case unix.EAGAIN:
		r.idle()
		return false
	case unix.EINTR:
	default:
		r.failed = failed
	}
	return true
}

// waiting returns what there is in the socket.
func (r *receiver) waiting() backlog {
	var info [unix.SK_MEMINFO_VARS]uint32
	size := uint32(unsafe.Sizeof(info))
	_ = r.conn.Control(func(fd uintptr) {
		_, _, _ = unix.RawSyscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_MEMINFO, uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	})
	return backlog{bytes: int(info[unix.SK_MEMINFO_RMEM_ALLOC]), dropped: info[unix.SK_MEMINFO_DROPS]}
}

// datagram returns the n-th of a burst and whence it came. It is good until the next burst.
func (r *receiver) datagram(n int) ([]byte, netip.AddrPort) {
	m := &r.messages[n]
	m.Namelen = unix.SizeofSockaddrInet6 // for the next time
	if m.Flags&unix.MSG_TRUNC != 0 {
		return nil, netip.AddrPort{}
	}
	return r.buffers[n][:m.size], addressOf(&r.names[n])
}
