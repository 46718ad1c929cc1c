package doctor

import (
	"net/netip"
	"testing"
)

func TestPublicFamilies(t *testing.T) {
	for address, want := range map[string][2]bool{
		"203.0.113.7": {true, false}, "2001:db8::1": {false, true}, "10.0.0.1": {}, "100.64.3.4": {}, "127.0.0.1": {}, "fd00::1": {}, "fe80::1": {}, "169.254.1.1": {},
	} {
		if v4, v6 := PublicFamilies([]netip.Addr{netip.MustParseAddr(address)}); v4 != want[0] || v6 != want[1] {
			t.Errorf("%s: %t, %t", address, v4, v6)
		}
	}
}

func TestRelaysOfLinks(t *testing.T) {
	var i invitation
	const secret = `; rel="ice-server"; username="1:a"; credential="c"; credential-type="password"`
	i.readLinks([]string{
		`<stun:v.example>; rel="ice-server"`, "<turn:192.0.2.1:3478?transport=udp>" + secret, "<turn:v.example?transport=tcp>" + secret,
		"<turn:[2001:db8::1]>" + secret, "<turns:v.example?transport=tcp>" + secret, "<turn:nonsense" + secret,
	})
	want := []relay{
		{transport: "udp", address: "192.0.2.1:3478", username: "1:a", password: "c"},
		{transport: "tcp", address: "v.example:3478", username: "1:a", password: "c"},
		{transport: "udp", address: "[2001:db8::1]:3478", username: "1:a", password: "c"},
		{transport: "tls", address: "v.example:5349", username: "1:a", password: "c"},
	}
	if len(i.relays) != len(want) {
		t.Fatalf("%+v", i.relays)
	}
	for n, r := range i.relays {
		if r != want[n] {
			t.Errorf("%+v, want %+v", r, want[n])
		}
	}
}

func TestAnswerIsRead(t *testing.T) {
	var i invitation
	i.read("v=0\r\na=ice-ufrag:uuuu\r\na=ice-pwd:pppp\r\na=candidate:1 1 udp 5 192.0.2.1 7882 typ host\r\n" +
		"a=candidate:2 1 tcp 4 2001:db8::1 7882 typ host tcptype passive\r\na=candidate:3 1 udp 4 name.local 1 typ host\r\na=candidate:4\r\n")
	if i.ufrag != "uuuu" || i.password != "pppp" || len(i.udp) != 1 || i.udp[0].String() != "192.0.2.1:7882" || len(i.tcp) != 1 || i.tcp[0].String() != "[2001:db8::1]:7882" {
		t.Errorf("%+v", i)
	}
}
