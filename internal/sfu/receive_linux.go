//go:build !plain

package sfu

import (
	"net/netip"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// stampSize is what the kernel's word of when a datagram came takes: a control message with a timespec.
const stampSize = unix.SizeofCmsghdr + int(unsafe.Sizeof(unix.Timespec{}))

// longestLain is how long a datagram can have lain in the socket; what seems longer is a wall clock that was set (ns).
const longestLain = 10e9

// receiver reads bursts from a socket: recvmmsg(2).
type receiver struct {
	conn     syscall.RawConn
	take     func(fd uintptr) bool
	idle     func() // called before the reader waits
	count    int
	failed   syscall.Errno
	messages [burstPackets]mmsghdr
	parts    [burstPackets]unix.Iovec
	stamps   [burstPackets][stampSize]byte
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
		r.messages[i].Control = &r.stamps[i][0]
		r.messages[i].SetControllen(stampSize)
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

// waited returns how long the n-th datagram of a burst that was read at a moment had lain in the socket by then (ns). Called before datagram.
func (r *receiver) waited(n int, read time.Time) int64 {
	m, b := &r.messages[n], &r.stamps[n]
	told := int(m.Controllen)
	m.SetControllen(stampSize) // for the next time
	if h := (*unix.Cmsghdr)(unsafe.Pointer(b)); told < stampSize || h.Level != unix.SOL_SOCKET || h.Type != unix.SCM_TIMESTAMPNS {
		return 0
	}
	came := (*unix.Timespec)(unsafe.Pointer(&b[unix.SizeofCmsghdr]))
	if wait := read.UnixNano() - came.Nano(); wait > 0 && wait < longestLain {
		return wait
	}
	return 0
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
