package events

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func TestForbidden(t *testing.T) {
	for address, want := range map[string]struct{ usually, allowed bool }{
		// the public internet
		"8.8.8.8": {false, false}, "172.15.0.1": {false, false}, "172.32.0.1": {false, false}, "100.63.255.255": {false, false},
		"100.128.0.1": {false, false}, "2606:4700::1111": {false, false}, "64:ff9b::808:808": {false, false}, "2002:808:808::1": {false, false},
		"::ffff:8.8.8.8": {false, false},
		// private networks and this machine: open to those who allow it
		"10.0.0.1": {true, false}, "172.16.0.1": {true, false}, "172.31.255.255": {true, false}, "192.168.1.1": {true, false},
		"100.64.0.1": {true, false}, "127.0.0.1": {true, false}, "127.255.255.254": {true, false}, "::1": {true, false},
		"fc00::1": {true, false}, "fdff::1": {true, false}, "::ffff:127.0.0.1": {true, false}, "::ffff:10.1.2.3": {true, false},
		"64:ff9b::7f00:1": {true, false}, "64:ff9b::a00:1": {true, false}, "2002:7f00:1::": {true, false}, "2002:c0a8:101::1": {true, false},
		"::127.0.0.1": {true, false},
		// nothing a webhook is at
		"0.0.0.0": {true, true}, "0.1.2.3": {true, true}, "169.254.1.1": {true, true}, "169.254.169.254": {true, true},
		"::ffff:169.254.169.254": {true, true}, "64:ff9b::a9fe:a9fe": {true, true}, "2002:a9fe:a9fe::": {true, true},
		"100.100.100.200": {true, true}, "168.63.129.16": {true, true}, "fd00:ec2::254": {true, true}, "192.0.0.192": {true, true},
		"224.0.0.1": {true, true}, "239.255.255.255": {true, true}, "240.0.0.1": {true, true}, "255.255.255.255": {true, true},
		"192.0.2.1": {true, true}, "198.18.0.1": {true, true}, "198.51.100.1": {true, true}, "203.0.113.1": {true, true},
		"::": {true, true}, "fe80::1": {true, true}, "fe80::1%eth0": {true, true}, "fec0::1": {true, true}, "ff02::1": {true, true},
		"2001:db8::1": {true, true}, "2001::1": {true, true}, "100::1": {true, true}, "64:ff9b:1::7f00:1": {true, true}, "4000::1": {true, true},
	} {
		addr := netip.MustParseAddr(address)
		if got := forbidden(addr, false); got != want.usually {
			t.Errorf("%s forbidden: %t, want %t", address, got, want.usually)
		}
		if got := forbidden(addr, true); got != want.allowed {
			t.Errorf("%s forbidden although private networks are allowed: %t, want %t", address, got, want.allowed)
		}
	}
}

// However a URL spells this machine, nothing is sent to it.
func TestNothingIsDialledInside(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the request came through") }))
	defer server.Close()
	t.Setenv("HTTP_PROXY", server.URL)
	t.Setenv("ALL_PROXY", server.URL)
	_, port, _ := strings.Cut(strings.TrimPrefix(server.URL, "http://"), ":")
	transport := newTransport(false, nil)
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::1]", "0.0.0.0", "[::]"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+host+":"+port, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := transport.RoundTrip(request)
		if err == nil {
			_ = response.Body.Close()
		}
		if !errors.Is(err, errForbidden) {
			t.Errorf("%s: %v", host, err)
		}
	}
}
