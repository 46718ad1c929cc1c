package auth

import (
	"crypto/tls"
	"net/http"
	"net/netip"
	"testing"
)

func TestClientsOfProxies(t *testing.T) {
	two := TrustProxies(netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:1::/48"))
	for _, c := range []struct {
		what    string
		proxies *Proxies
		request *http.Request
		client  string
	}{
		{"direct", nil, knock("192.0.2.1:1"), "192.0.2.1"},
		{"proxy here", nil, knock("127.0.0.1:1", "192.0.2.1"), "192.0.2.1"},
		{"proxy elsewhere that nobody named", nil, knock("10.1.2.3:1", "192.0.2.1"), "10.1.2.3"},
		{"proxy elsewhere", two, knock("10.1.2.3:1", "192.0.2.1"), "192.0.2.1"},
		{"proxy here, others named", two, knock("127.0.0.1:1", "192.0.2.1"), "127.0.0.1"},
		{"an invented beginning", two, knock("10.1.2.3:1", "203.0.113.9, 192.0.2.1"), "192.0.2.1"},
		{"proxy behind proxy", two, knock("10.1.2.3:1", "192.0.2.1, 10.9.9.9"), "192.0.2.1"},
		{"proxies in several headers", two, knock("[2001:db8:1::7]:1", "192.0.2.1", "10.9.9.9"), "192.0.2.1"},
		{"proxies all the way", two, knock("10.1.2.3:1", "10.0.0.1, 10.9.9.9"), "10.0.0.1"},
		{"nonsense", two, knock("10.1.2.3:1", "192.0.2.1, unknown"), "10.1.2.3"},
		{"nonsense behind a proxy", two, knock("10.1.2.3:1", "x, 10.9.9.9"), "10.9.9.9"},
		{"IPv4 in IPv6", two, knock("[::ffff:10.1.2.3]:1", "::ffff:192.0.2.1"), "192.0.2.1"},
		{"a zone", nil, knock("[::1]:1", "fe80::1%eth0"), "fe80::1"},
		{"nobody", TrustProxies(), knock("127.0.0.1:1", "192.0.2.1"), "127.0.0.1"},
		{"no socket", nil, knock("@", "192.0.2.1"), "invalid IP"},
	} {
		if got := c.proxies.Client(c.request).String(); got != c.client {
			t.Errorf("%s: the client is %s, want %s", c.what, got, c.client)
		}
	}
}

func TestSchemeBehindProxies(t *testing.T) {
	forwarded := func(remote string, words ...string) *http.Request {
		r := knock(remote)
		r.Header["X-Forwarded-Proto"] = words
		return r
	}
	encrypted := knock("192.0.2.1:1")
	encrypted.TLS = &tls.ConnectionState{}
	for _, c := range []struct {
		what    string
		request *http.Request
		scheme  string
	}{
		{"plain", knock("192.0.2.1:1"), "http"},
		{"our own TLS", encrypted, "https"},
		{"a proxy's word", forwarded("127.0.0.1:1", "https"), "https"},
		{"a proxy's word after a client's", forwarded("127.0.0.1:1", "http, HTTPS"), "https"},
		{"a client's word before a proxy's", forwarded("127.0.0.1:1", "https", "http"), "http"},
		{"words from afar", forwarded("192.0.2.1:1", "https"), "http"},
		{"nonsense", forwarded("127.0.0.1:1", "javascript"), "http"},
	} {
		var p *Proxies
		if got := p.Scheme(c.request); got != c.scheme {
			t.Errorf("%s: %s, want %s", c.what, got, c.scheme)
		}
	}
}
