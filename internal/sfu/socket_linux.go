package sfu

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// reusePort says whether several sockets may share the media port, the kernel spreading clients among them.
const reusePort = true

// controlSocket prepares a media socket: shared port, "don't fragment" so that the kernel need not draw an IP identification for each datagram,
// and the time at which each came. Clients estimate their paths by that, and a server that is busy must not look like a path that is full.
func controlSocket(_, _ string, c syscall.RawConn) error {
	var failed error
	err := c.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_PROBE)
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1)
	})
	if err != nil {
		return err
	}
	return failed
}

// controlTCP prepares a listener of ICE-TCP; its connections inherit this. What the kernel has taken cannot be dropped any more, so it
// takes little.
func controlTCP(_, _ string, c syscall.RawConn) error {
	return c.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, tcpUnsent)
	})
}

// enlarge asks for large buffers: those who may (CAP_NET_ADMIN) get them whatever net.core.rmem_max and wmem_max say.
func enlarge(conn *net.UDPConn) {
	_ = conn.SetReadBuffer(socketBuffer)
	_ = conn.SetWriteBuffer(socketBuffer)
	if raw, err := conn.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) {
			_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, socketBuffer)
			_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, socketBuffer)
		})
	}
}
