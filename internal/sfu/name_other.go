//go:build !linux || plain

package sfu

import "net/netip"

// sockname is of use on Linux only.
type sockname struct{}

func nameOf(netip.AddrPort) sockname { return sockname{} }
