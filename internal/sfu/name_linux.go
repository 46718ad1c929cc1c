//go:build !plain

package sfu

import (
	"encoding/binary"
	"net"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"
)

// The address families of sockets.
const (
	ipv4 = iota
	ipv6
)

// sockname is an address in the form the kernel takes.
type sockname struct {
	raw    [unix.SizeofSockaddrInet6]byte
	size   uint32
	family uint8
}

func nameOf(a netip.AddrPort) sockname {
	var n sockname
	addr := a.Addr().Unmap()
	binary.BigEndian.PutUint16(n.raw[2:], a.Port())
	if addr.Is4() {
		binary.NativeEndian.PutUint16(n.raw[:], unix.AF_INET)
		ip := addr.As4()
		copy(n.raw[4:], ip[:])
		n.size, n.family = unix.SizeofSockaddrInet4, ipv4
		return n
	}
	binary.NativeEndian.PutUint16(n.raw[:], unix.AF_INET6)
	ip := addr.As16()
	copy(n.raw[8:], ip[:])
	if zone := addr.Zone(); zone != "" {
		binary.NativeEndian.PutUint32(n.raw[24:], scopeOf(zone))
	}
	n.size, n.family = unix.SizeofSockaddrInet6, ipv6
	return n
}

// addressOf reads a name that the kernel gave.
func addressOf(raw *[unix.SizeofSockaddrInet6]byte) netip.AddrPort {
	port := binary.BigEndian.Uint16(raw[2:])
	switch binary.NativeEndian.Uint16(raw[:]) {
	case unix.AF_INET:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(raw[4:8])), port)
	case unix.AF_INET6:
		ip := netip.AddrFrom16([16]byte(raw[8:24])).Unmap()
		if scope := binary.NativeEndian.Uint32(raw[24:]); scope != 0 {
			ip = ip.WithZone(strconv.Itoa(int(scope)))
		}
		return netip.AddrPortFrom(ip, port)
	}
	return netip.AddrPort{}
}

// scopeOf returns the number of a zone, which is one or the name of an interface.
func scopeOf(zone string) uint32 {
	if n, err := strconv.ParseUint(zone, 10, 32); err == nil {
		return uint32(n)
	}
	if i, err := net.InterfaceByName(zone); err == nil {
		return uint32(i.Index)
	}
	return 0
}
