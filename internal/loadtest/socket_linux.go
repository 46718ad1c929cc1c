package loadtest

import (
	"fmt"
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// socketBuffer is what a socket asks the kernel to hold in either direction; the kernel may grant less.
const socketBuffer = 4 << 20

// socket is a participant's UDP socket. It is not known to the Go runtime's poller: nobody ever waits at it, so the server's sends
// never pay for waking the generator.
type socket struct {
	fd     int
	family int
}

func openSocket(ipv6 bool) (*socket, error) {
	family := unix.AF_INET
	if ipv6 {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open UDP socket: %w", err)
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RXQ_OVFL, 1)
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, socketBuffer) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, socketBuffer)
	}
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, socketBuffer) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, socketBuffer)
	}
	return &socket{fd: fd, family: family}, nil
}

func (s *socket) address(a netip.AddrPort) unix.Sockaddr {
	if s.family == unix.AF_INET {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}

// sendTo sends one datagram before the socket is connected. What the kernel does not take is lost, as on a network.
func (s *socket) sendTo(b []byte, to netip.AddrPort) {
	_ = unix.Sendto(s.fd, b, unix.MSG_DONTWAIT, s.address(to))
}

// connect makes to the only address that is sent to and heard.
func (s *socket) connect(to netip.AddrPort) error {
	if err := unix.Connect(s.fd, s.address(to)); err != nil {
		return fmt.Errorf("connect UDP socket: %w", err)
	}
	return nil
}

func (s *socket) close() { _ = unix.Close(s.fd) }

const (
	batchSize    = 64
	quietSize    = 8 // most sockets hold a handful at a time
	datagramSize = 1600
)

type mmsghdr struct {
	header unix.Msghdr
	length uint32
}

// batch is the memory of a loop's reads and writes, many datagrams to a system call.
type batch struct {
	in, out     [batchSize]mmsghdr
	inV, outV   [batchSize]unix.Iovec
	inB         [batchSize][datagramSize]byte
	control     [batchSize][64]byte
	outB        [batchSize][datagramSize]byte
	outstanding int
}

func newBatch() *batch {
	b := new(batch)
	for i := range batchSize {
		b.inV[i].Base = &b.inB[i][0]
		b.inV[i].SetLen(datagramSize)
		b.in[i].header.Iov = &b.inV[i]
		b.in[i].header.SetIovlen(1)
		b.outV[i].Base = &b.outB[i][0]
		b.out[i].header.Iov = &b.outV[i]
		b.out[i].header.SetIovlen(1)
	}
	return b
}

// receive hands every datagram that waits at the socket to a function, with the moment it came (ns of the wall clock). It returns how many
// the kernel has dropped since the socket was opened because nobody fetched them, 0 if it did not say.
func (b *batch) receive(s *socket, take func(datagram []byte, at int64)) (dropped uint32) {
	size := quietSize
	for {
		for i := range size {
			b.in[i].header.Control = &b.control[i][0]
			b.in[i].header.SetControllen(len(b.control[i]))
		}
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&b.in[0])), uintptr(size), unix.MSG_DONTWAIT, 0, 0)
		if errno != 0 {
			return dropped
		}
		for i := range int(n) {
			at, lost := b.arrival(i)
			dropped = max(dropped, lost)
			take(b.inB[i][:b.in[i].length], at)
		}
		if int(n) < size {
			return dropped
		}
		size = batchSize
	}
}

// arrival reads what the kernel says of a datagram.
func (b *batch) arrival(i int) (at int64, dropped uint32) {
	control := b.control[i][:b.in[i].header.Controllen]
	for len(control) >= unix.SizeofCmsghdr {
		h := (*unix.Cmsghdr)(unsafe.Pointer(&control[0]))
		size := int(h.Len)
		if size < unix.SizeofCmsghdr || size > len(control) {
			break
		}
		data := control[unix.CmsgLen(0):size]
		switch {
		case h.Level != unix.SOL_SOCKET:
		case h.Type == unix.SCM_TIMESTAMPNS && len(data) >= int(unsafe.Sizeof(unix.Timespec{})):
			at = (*unix.Timespec)(unsafe.Pointer(&data[0])).Nano()
		case h.Type == unix.SO_RXQ_OVFL && len(data) >= 4:
			dropped = *(*uint32)(unsafe.Pointer(&data[0]))
		}
		next := unix.CmsgSpace(size - unix.CmsgLen(0))
		if next > len(control) {
			break
		}
		control = control[next:]
	}
	if at == 0 {
		at = wallClock()
	}
	return at, dropped
}

// next is the memory for the next datagram to send.
func (b *batch) next(s *socket) []byte {
	if b.outstanding == batchSize {
		b.flush(s)
	}
	return b.outB[b.outstanding][:]
}

// queue takes the first n bytes of what next returned.
func (b *batch) queue(n int) {
	b.outV[b.outstanding].SetLen(n)
	b.outstanding++
}

// flush sends what was queued, to the address the socket is connected with.
func (b *batch) flush(s *socket) {
	for from := 0; from < b.outstanding; {
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&b.out[from])), uintptr(b.outstanding-from), unix.MSG_DONTWAIT, 0, 0)
		switch {
		case errno == syscall.EINTR:
		case errno != 0:
			from++ // this one is lost
		default:
			from += int(n)
		}
	}
	b.outstanding = 0
}
