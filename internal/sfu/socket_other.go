//go:build !linux

package sfu

import "syscall"

const reusePort = false

func controlSocket(_, _ string, _ syscall.RawConn) error { return nil }

func controlTCP(_, _ string, _ syscall.RawConn) error { return nil }
