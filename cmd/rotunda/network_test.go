package main

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rotunda-rtc/rotunda/internal/observe"
	"github.com/rotunda-rtc/rotunda/internal/turn"
)

func TestPublicIPOfInterface(t *testing.T) {
	interfaces, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(interfaces, func(i net.Interface) bool { return i.Flags&net.FlagLoopback != 0 })
	if i < 0 {
		t.Fatal("no loopback interface")
	}
	c, err := load(t, []string{"--rtc-public-ip=" + interfaces[i].Name, "--rtc-public-ip=203.0.113.7"}, "")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(c.RTCPublicIP, netip.MustParseAddr("127.0.0.1")) || c.RTCPublicIP[len(c.RTCPublicIP)-1] != netip.MustParseAddr("203.0.113.7") {
		t.Errorf("addresses %v", c.RTCPublicIP)
	}
}

func TestPublicAddressByStun(t *testing.T) {
	stun, err := turn.New(turn.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stun.Close() }()
	var log strings.Builder
	logger, err := observe.NewLogger(&log, 0, "text")
	if err != nil {
		t.Fatal(err)
	}
	c := &Config{RTCStun: net.JoinHostPort("127.0.0.1", strconv.Itoa(stun.Port()))}
	if got := c.mediaAddresses(t.Context(), logger); len(got) == 0 || got[0] != netip.MustParseAddr("127.0.0.1") {
		t.Errorf("addresses %v", got)
	}
	c.RTCStun = "nowhere.invalid:3478"
	if got := c.mediaAddresses(t.Context(), logger); got != nil || !strings.Contains(log.String(), "--rtc-stun") {
		t.Errorf("addresses %v, log %s", got, &log)
	}
	if _, err := load(t, []string{"--rtc-stun=stun.example.com:3478", "--rtc-public-ip=203.0.113.7"}, ""); err == nil || !strings.Contains(err.Error(), "choose one") {
		t.Errorf("both: %v", err)
	}
}

func TestTURNHosts(t *testing.T) {
	media := []netip.AddrPort{
		netip.MustParseAddrPort("192.0.2.1:7882"), netip.MustParseAddrPort("192.0.2.2:7882"), netip.MustParseAddrPort("[2001:db8::1]:7882"),
	}
	for name, c := range map[string]struct {
		config Config
		hosts  []string
		named  bool
	}{
		"nothing":       {Config{}, []string{"192.0.2.1", "2001:db8::1"}, false},
		"a public URL":  {Config{PublicURL: &url.URL{Host: "v.example.com:8443"}}, []string{"v.example.com"}, true},
		"an address":    {Config{PublicURL: &url.URL{Host: "203.0.113.7"}}, []string{"203.0.113.7"}, false},
		"ACME":          {Config{ACMEDomains: []string{"v.example.com", "w.example.com"}}, []string{"v.example.com"}, true},
		"a host of its": {Config{PublicURL: &url.URL{Host: "v.example.com"}, TURN: turnConfig{Host: "turn.example.com"}}, []string{"turn.example.com"}, true},
	} {
		if hosts, named := c.config.turnHosts(media); !slices.Equal(hosts, c.hosts) || named != c.named {
			t.Errorf("with %s: %q, %t", name, hosts, named)
		}
	}
}
