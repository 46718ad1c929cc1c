//go:build !linux

package sfu

import (
	"net"
	"syscall"
)

const reusePort = false

func controlSocket(_, _ string, _ syscall.RawConn) error { return nil }

func controlTCP(_, _ string, _ syscall.RawConn) error { return nil }

func enlarge(conn *net.UDPConn) {
	_ = conn.SetReadBuffer(socketBuffer)
	_ = conn.SetWriteBuffer(socketBuffer)
}
