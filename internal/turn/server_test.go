package turn

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pion/stun/v4"
	"github.com/pion/turn/v5"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo answers every datagram with itself: a media port.
func echo(t *testing.T, at string) netip.AddrPort {
	t.Helper()
	conn, err := net.ListenPacket("udp", at)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		var b [1500]byte
		for {
			n, from, err := conn.ReadFrom(b[:])
			if err != nil {
				return
			}
			_, _ = conn.WriteTo(b[:n], from)
		}
	}()
	t.Cleanup(func() { _ = conn.Close(); <-done })
	return conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

func newServer(t *testing.T, c Config) *Server {
	t.Helper()
	if c.Lifetime == 0 {
		c.Lifetime = time.Hour
	}
	if c.Allocations == 0 {
		c.Allocations = 100
	}
	if c.AllocationsEach == 0 {
		c.AllocationsEach = 10
	}
	c.Logger = slog.New(slog.DiscardHandler)
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// client is a TURN client of the server, connected in one of the ways there are.
func client(t *testing.T, s *Server, way, username, password string) *turn.Client {
	t.Helper()
	host, port := "127.0.0.1", s.Port()
	if strings.HasSuffix(way, "6") {
		host = "::1"
	}
	if way == "tls" {
		port = s.TLSPort()
	}
	at := net.JoinHostPort(host, strconv.Itoa(port))
	var conn net.PacketConn
	var err error
	switch way {
	case "udp4", "udp6":
		conn, err = net.ListenPacket(way, net.JoinHostPort(host, "0"))
	case "tls":
		var c net.Conn
		if c, err = tls.Dial("tcp", at, &tls.Config{InsecureSkipVerify: true}); err == nil {
			conn = turn.NewSTUNConn(c)
		}
	default:
		var c net.Conn
		if c, err = net.Dial(way, at); err == nil {
			conn = turn.NewSTUNConn(c)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	c, err := turn.NewClient(&turn.ClientConfig{
		STUNServerAddr: at, TURNServerAddr: at, Conn: conn, Username: username, Password: password, Realm: realm,
		LoggerFactory: quiet{slog.New(slog.DiscardHandler)},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Listen(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); _ = conn.Close() })
	return c
}

func allocated(t *testing.T, c *turn.Client) net.PacketConn {
	t.Helper()
	relayed, err := c.Allocate()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = relayed.Close() })
	return relayed
}

// wantEcho sends over a relay to an address and wants the same back from there.
func wantEcho(t *testing.T, relayed net.PacketConn, at netip.AddrPort) {
	t.Helper()
	to := net.UDPAddrFromAddrPort(at)
	var b [1500]byte
	for try := range 5 { // it is UDP
		said := "hello " + strconv.Itoa(try)
		if _, err := relayed.WriteTo([]byte(said), to); err != nil {
			t.Fatal(err)
		}
		_ = relayed.SetReadDeadline(time.Now().Add(2 * time.Second))
		n, from, err := relayed.ReadFrom(b[:])
		if err == nil && string(b[:n]) == said && from.String() == to.String() {
			return
		}
	}
	t.Fatalf("nothing comes back from %s", at)
}

func selfSigned(t *testing.T) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

func TestRelay(t *testing.T) {
	v4, v6 := echo(t, "127.0.0.1:0"), echo(t, "[::1]:0")
	s := newServer(t, Config{Media: []netip.AddrPort{v4, v6}, TLS: selfSigned(t)})
	for _, way := range []string{"udp4", "udp6", "tcp4", "tcp6", "tls"} {
		t.Run(way, func(t *testing.T) {
			username, password, _ := s.Credentials("alice")
			relayed := allocated(t, client(t, s, way, username, password))
			to := v4
			if strings.HasSuffix(way, "6") {
				to = v6
			}
			wantEcho(t, relayed, to)
		})
	}
	if n := s.Stats(); n.BytesIn == 0 || n.BytesOut == 0 || n.Forbidden != 0 {
		t.Errorf("%+v", n)
	}
	eventually(t, "the end of all allocations", func() bool { return s.Stats().Allocations == 0 })
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !condition(); {
		if time.Now().After(deadline) {
			t.Fatalf("timed out waiting for %s", what)
		}
		<-time.After(2 * time.Millisecond)
	}
}

// Behind an address translator clients use an address that this machine does not have.
func TestRelayToPublicAddress(t *testing.T) {
	inner := echo(t, "0.0.0.0:0")
	public := netip.AddrPortFrom(netip.MustParseAddr("203.0.113.7"), inner.Port())
	s := newServer(t, Config{Media: []netip.AddrPort{public}})
	username, password, _ := s.Credentials("alice")
	wantEcho(t, allocated(t, client(t, s, "udp4", username, password)), public)
}

func TestRelaysNowhereElse(t *testing.T) {
	media, other := echo(t, "127.0.0.1:0"), echo(t, "127.0.0.1:0")
	s := newServer(t, Config{Media: []netip.AddrPort{media}})
	username, password, _ := s.Credentials("alice")
	c := client(t, s, "udp4", username, password)
	relayed := allocated(t, c)
	for _, at := range []string{"127.0.0.2", "10.0.0.1", "169.254.169.254", "8.8.8.8"} {
		if err := c.CreatePermission(&net.UDPAddr{IP: net.ParseIP(at), Port: int(media.Port())}); err == nil {
			t.Errorf("permission for %s is given", at)
		}
	}
	if _, err := relayed.WriteTo([]byte("x"), net.UDPAddrFromAddrPort(other)); err != nil {
		t.Fatal(err)
	}
	wantEcho(t, relayed, media) // so the one before came as well, if it ever does
	eventually(t, "the packet to another port to be dropped", func() bool { return s.Stats().Forbidden == 5 })
	// Nobody but the media port reaches the client at its relayed address.
	stranger, err := net.Dial("udp", relayed.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stranger.Close() }()
	if _, err := stranger.Write([]byte("from outside")); err != nil {
		t.Fatal(err)
	}
	wantEcho(t, relayed, media)
	if _, err := c.AllocateTCP(); err == nil {
		t.Error("TCP is relayed")
	}
}

func TestCredentials(t *testing.T) {
	now := time.Now()
	s := newServer(t, Config{Media: []netip.AddrPort{echo(t, "127.0.0.1:0")}, now: func() time.Time { return now }})
	username, password, expires := s.Credentials("alice")
	if want := now.Add(time.Hour).Truncate(time.Second); !expires.Equal(want) || username != strconv.FormatInt(want.Unix(), 10)+":alice" {
		t.Errorf("credentials %q until %v", username, expires)
	}
	later := strconv.FormatInt(expires.Unix()+1, 10) + ":alice"
	for name, c := range map[string][2]string{
		"a longer life":    {later, password},
		"another subject":  {strings.Replace(username, "alice", "mallory", 1), password},
		"a wrong password": {username, password + "x"},
		"no expiry":        {"alice", password},
		"no subject":       {strings.TrimSuffix(username, "alice"), password},
	} {
		if _, err := client(t, s, "udp4", c[0], c[1]).Allocate(); err == nil {
			t.Errorf("credentials with %s are good", name)
		}
	}
	if n := s.Stats().Unauthorized; n != 5 {
		t.Errorf("%d requests were not authorized", n)
	}
	// What there is can be kept when they have expired, and nothing new is given.
	old := &turn.RequestAttributes{Username: username, Method: stun.MethodAllocate}
	now = expires.Add(2 * time.Second)
	if _, _, ok := s.issuer.authenticate(old); ok {
		t.Error("expired credentials allocate")
	}
	old.Method = stun.MethodRefresh
	if user, _, ok := s.issuer.authenticate(old); !ok || user != "alice" {
		t.Error("expired credentials do not keep what there is")
	}
}

func TestQuotas(t *testing.T) {
	s := newServer(t, Config{Media: []netip.AddrPort{echo(t, "127.0.0.1:0")}, Allocations: 3, AllocationsEach: 2})
	try := func(subject string) (net.PacketConn, error) {
		username, password, _ := s.Credentials(subject)
		return client(t, s, "udp4", username, password).Allocate()
	}
	var held []net.PacketConn
	for _, step := range []struct {
		subject string
		good    bool
	}{{"alice", true}, {"alice", true}, {"alice", false}, {"bob", true}, {"bob", false}} {
		relayed, err := try(step.subject)
		if (err == nil) != step.good {
			t.Fatalf("%s: %v", step.subject, err)
		}
		if err == nil {
			held = append(held, relayed)
		} else if !strings.Contains(err.Error(), "486") && !strings.Contains(err.Error(), "Quota") {
			t.Errorf("%s is refused with %v", step.subject, err)
		}
	}
	if n := s.Stats(); n.Allocations != 3 || n.AllocationsRefused != 2 {
		t.Errorf("%+v", n)
	}
	_ = held[0].Close()
	eventually(t, "room", func() bool { return s.Stats().Allocations == 2 })
	again, err := try("alice")
	if err != nil {
		t.Fatal(err)
	}
	for _, relayed := range append(held[1:], again) {
		_ = relayed.Close()
	}
}

func TestBandwidth(t *testing.T) {
	b := newBucket(8_000_000)
	sent := 0
	for now := int64(0); now <= 2e9; now += 1e6 {
		for b.spend(1000, now) {
			sent += 1000
		}
	}
	if rest := sent - 2_000_000 - int(b.size); rest < -2000 || rest > 2000 {
		t.Errorf("%d bytes went in 2 s at 8 Mbit/s beyond a burst of %v", sent, b.size)
	}
	unlimited := newBucket(0)
	if !unlimited.spend(1<<30, 1) {
		t.Error("no limit is a limit")
	}
	media := echo(t, "127.0.0.1:0")
	s := newServer(t, Config{Media: []netip.AddrPort{media}, Bandwidth: 1000})
	username, password, _ := s.Credentials("alice")
	relayed := allocated(t, client(t, s, "udp4", username, password))
	wantEcho(t, relayed, media)
	for range 2 * smallestBurst / 1000 {
		_, _ = relayed.WriteTo(make([]byte, 1000), net.UDPAddrFromAddrPort(media))
	}
	eventually(t, "packets beyond the limit to be dropped", func() bool { return s.Stats().PacketsDropped > 0 })
	if n := s.Stats().BytesIn; n > smallestBurst+2000 {
		t.Errorf("%d bytes were relayed", n)
	}
}

func TestStrangersAreBounded(t *testing.T) {
	s := newServer(t, Config{Media: []netip.AddrPort{echo(t, "127.0.0.1:0")}, TLS: selfSigned(t)})
	at := net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port()))
	dial := func(at string) net.Conn {
		conn, err := net.Dial("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	for range maxStrangersOfOne + 3 {
		dial(at)
	}
	eventually(t, "strangers to be refused", func() bool { n := s.Stats(); return n.ConnectionsRefused == 3 && n.Connections == maxStrangersOfOne })
	s.guests.close()
	eventually(t, "the strangers to go", func() bool { return s.Stats().Connections == 0 })
	s.guests.mu.Lock()
	s.guests.patience = 50 * time.Millisecond // no time to wait for
	s.guests.mu.Unlock()
	for _, at := range []string{at, net.JoinHostPort("127.0.0.1", strconv.Itoa(s.TLSPort()))} {
		conn := dial(at)
		if _, err := conn.Write([]byte("GET / HTTP/1.1\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		_, err := io.Copy(io.Discard, conn)
		if n, ok := errors.AsType[net.Error](err); ok && n.Timeout() {
			t.Errorf("nonsense keeps a connection open at %s", at)
		}
	}
	eventually(t, "nonsense to end", func() bool { return s.Stats().Connections == 0 })
	// Whoever has an allocation is no stranger.
	username, password, _ := s.Credentials("alice")
	relayed := allocated(t, client(t, s, "tcp4", username, password))
	s.guests.mu.Lock()
	strangers := len(s.guests.strangers)
	s.guests.mu.Unlock()
	if strangers != 0 {
		t.Errorf("%d addresses have strangers", strangers)
	}
	if err := relayed.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "whoever gave the allocation up to go", func() bool { return s.Stats().Connections == 0 })
}

func TestPorts(t *testing.T) {
	first := newServer(t, Config{})
	if _, err := New(Config{Port: first.Port(), Lifetime: time.Hour}); err == nil {
		t.Error("a port that another has is no error")
	}
	if second := newServer(t, Config{Port: first.Port(), Yield: true}); second.Port() == first.Port() || second.Port() == 0 {
		t.Errorf("the port is %d", second.Port())
	}
	if first.TLSPort() != 0 {
		t.Error("TLS without a certificate")
	}
}

func TestDiscover(t *testing.T) {
	s := newServer(t, Config{})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	a, err := Discover(ctx, net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port())))
	if err != nil || a.String() != "127.0.0.1" {
		t.Errorf("%v, %v", a, err)
	}
	none, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = none.Close() }()
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Discover(short, none.LocalAddr().String()); err == nil || !strings.Contains(err.Error(), "no answer") {
		t.Errorf("who says nothing tells %v", err)
	}
}

func TestInside(t *testing.T) {
	local := []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("192.168.1.5"), netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("::1")}
	for outside, want := range map[string]string{"10.0.0.1": "10.0.0.1", "203.0.113.7": "192.168.1.5", "127.0.0.1": "127.0.0.1", "2001:db8::1": "::1"} {
		if got := inside(netip.MustParseAddr(outside), local); got.String() != want {
			t.Errorf("%s is reached at %s, want %s", outside, got, want)
		}
	}
}
