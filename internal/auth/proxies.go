package auth

import (
	"net/http"
	"net/netip"
	"strings"
)

// Proxies are the reverse proxies that are believed when they say for whom they ask, by the headers X-Forwarded-For and
// X-Forwarded-Proto. From anywhere else these headers could be anyone's invention. A nil *Proxies believes those on this
// machine's loopback. It is safe for concurrent use.
type Proxies struct{ trusted []netip.Prefix }

// TrustProxies believes proxies at these addresses and at no other, loopback included.
func TrustProxies(trusted ...netip.Prefix) *Proxies { return &Proxies{trusted} }

func (p *Proxies) trust(ip netip.Addr) bool {
	if p == nil {
		return ip.IsLoopback()
	}
	for _, prefix := range p.trusted {
		if prefix.Contains(ip) {
			return true
		}
	}
	return false
}

// Client is the address a request comes from: the nearest one that is no trusted proxy. It is the zero Addr if the request
// did not come by a socket of ours.
func (p *Proxies) Client(r *http.Request) netip.Addr {
	ip := peer(r)
	chain := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(chain) - 1; i >= 0 && p.trust(ip); i-- { // each proxy's own word comes after what it was told
		client, err := netip.ParseAddr(strings.TrimSpace(chain[i]))
		if err != nil {
			break
		}
		ip = plain(client)
	}
	return ip
}

// Scheme is "https" if the client's connection is encrypted, as far as we or a trusted proxy can say, else "http".
func (p *Proxies) Scheme(r *http.Request) string {
	if r.TLS != nil {
		return "https"
	}
	if words := r.Header.Values("X-Forwarded-Proto"); len(words) > 0 && p.trust(peer(r)) {
		last := words[len(words)-1]
		if strings.EqualFold(strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:]), "https") {
			return "https"
		}
	}
	return "http"
}

// peer is who is at the other end of the connection.
func peer(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return plain(at.Addr())
}

func plain(ip netip.Addr) netip.Addr { return ip.Unmap().WithZone("") }

// household is what counts as one address: an IPv4 address by itself, IPv6 by the /64 that one customer has. What is no
// address at all is one household.
func household(ip netip.Addr) netip.Prefix {
	bits := 64
	if ip.Is4() {
		bits = 32
	}
	prefix, _ := ip.Prefix(bits) // fails only for the invalid address
	return prefix
}
