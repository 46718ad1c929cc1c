package events

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
)

// errForbidden is the cause of a connection that was not made because of where it would lead.
var errForbidden = errors.New("the address is not one of the public internet")

const maxResponseHeader = 32 << 10

// newTransport makes what sends requests. A URL comes from whoever may change a room, so its host must not lead into the
// operator's own network: each address is checked after its name was resolved and right before it is dialled, and that for
// each request, because connections are not kept. There is no proxy, which would resolve by itself.
func newTransport(allowPrivate bool, roots *x509.CertPool) *http.Transport {
	dialer := &net.Dialer{Control: func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%w: %s", errForbidden, address)
		}
		if forbidden(to.Addr(), allowPrivate) {
			return fmt.Errorf("%w: %s", errForbidden, to.Addr())
		}
		return nil
	}}
	return &http.Transport{
		DialContext:            dialer.DialContext,
		DisableKeepAlives:      true,
		DisableCompression:     true, // the answer is kept as it came
		MaxResponseHeaderBytes: maxResponseHeader,
		TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
	}
}

func prefixes(texts ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		all[i] = netip.MustParsePrefix(text)
	}
	return all
}

// The special ranges are those of the registries of IANA (RFC 6890 and its successors).
var (
	private = prefixes(
		"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", // RFC 1918
		"100.64.0.0/10", // shared with a carrier
		"127.0.0.0/8", "::1/128",
		"fc00::/7", // unique local
	)
	never = prefixes(
		"0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4",
		"192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
		// Where clouds tell machines their secrets, besides the link-local address: Alibaba, Azure, AWS over IPv6.
		"100.100.100.200/32", "168.63.129.16/32", "fd00:ec2::/32",
		// Within the global unicast range of IPv6: Teredo, benchmarks, ORCHID, documentation.
		"2001::/32", "2001:2::/48", "2001:10::/28", "2001:20::/28", "2001:db8::/32", "3fff::/20",
	)
	globalUnicast = netip.MustParsePrefix("2000::/3")
	nat64         = netip.MustParsePrefix("64:ff9b::/96")
	sixToFour     = netip.MustParsePrefix("2002::/16")
	compatible    = netip.MustParsePrefix("::/96")
)

// forbidden reports whether no request may go to the address. An IPv4 address is judged the same however it is wrapped.
// allowPrivate opens private networks and this machine, and nothing else.
func forbidden(addr netip.Addr, allowPrivate bool) bool {
	addr = addr.Unmap().WithZone("")
	if within(never, addr) {
		return true
	}
	if within(private, addr) {
		return !allowPrivate
	}
	if addr.Is4() {
		return false
	}
	if embedded, ok := embeddedIPv4(addr); ok {
		return forbidden(embedded, allowPrivate)
	}
	return !globalUnicast.Contains(addr)
}

func within(ranges []netip.Prefix, addr netip.Addr) bool {
	for _, r := range ranges {
		if r.Contains(addr) {
			return true
		}
	}
	return false
}

// embeddedIPv4 is the address a translator or relay would send to in the end.
func embeddedIPv4(addr netip.Addr) (netip.Addr, bool) {
	b := addr.As16()
	switch {
	case nat64.Contains(addr), compatible.Contains(addr):
		return netip.AddrFrom4([4]byte(b[12:])), true
	case sixToFour.Contains(addr):
		return netip.AddrFrom4([4]byte(b[2:6])), true
	}
	return netip.Addr{}, false
}
