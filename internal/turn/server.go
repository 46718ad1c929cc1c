package turn

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/pion/turn/v5"
)

// Config is what a Server needs to know.
type Config struct {
	// Port is listened on over UDP and TCP; 0 takes any that is free in both.
	Port int
	// Yield takes any free port where another program has Port.
	Yield bool
	// TLS is spoken on TLSPort, which 0 leaves to chance. Without it, or with TLSPort below 0, there is no TLS.
	TLS     *tls.Config
	TLSPort int
	// TLSYield takes any free port where another program has TLSPort.
	TLSYield bool
	// Ready are connections that have shaken hands already, such as those of a port shared with others; nil: there are none.
	Ready net.Listener
	// Media are the addresses clients send media to, best first. The best of each family is all that is relayed to.
	Media []netip.AddrPort
	// Lifetime is how long credentials hold.
	Lifetime time.Duration
	// Allocations is how many there may be in all, AllocationsEach with the credentials of one subject.
	Allocations, AllocationsEach int
	// Bandwidth is what each allocation may carry in each direction, in bit/s; 0 is no limit.
	Bandwidth int
	Logger    *slog.Logger

	now func() time.Time
}

// Server is a STUN and TURN server. Its methods may be called from any goroutine.
type Server struct {
	issuer   *issuer
	quota    *quota
	guests   *guests
	counters counters
	server   *turn.Server
	port     int
	tlsPort  int
}

type counters struct{ in, out, dropped, refused, forbidden, unauthorized atomic.Uint64 }

// Stats are totals since the start, and what is there now.
type Stats struct {
	Allocations, Connections int    // connections over TCP and TLS, strangers' too
	BytesIn, BytesOut        uint64 // relayed from clients and to them
	PacketsDropped           uint64 // beyond the bandwidth of an allocation
	AllocationsRefused       uint64 // beyond a quota
	ConnectionsRefused       uint64 // too many at once
	Forbidden                uint64 // permissions and packets for other addresses than ours
	Unauthorized             uint64 // requests with credentials that are not good
}

// places is where a server listens.
type places struct {
	packets   []net.PacketConn
	listeners []net.Listener
}

func (p *places) close() {
	for _, c := range p.packets {
		_ = c.Close()
	}
	for _, l := range p.listeners {
		_ = l.Close()
	}
	p.packets, p.listeners = nil, nil
}

// New listens and begins to serve.
func New(c Config) (*Server, error) {
	if c.now == nil {
		c.now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	local, err := localAddresses()
	if err != nil {
		return nil, fmt.Errorf("find the machine's addresses: %w", err)
	}
	s := &Server{issuer: newIssuer(c.Lifetime, c.now), quota: newQuota(c.Allocations, c.AllocationsEach), guests: newGuests()}
	relays := &relays{targets: targetsOf(c.Media, local), quota: s.quota, bandwidth: c.Bandwidth, counters: &s.counters}
	config := turn.ServerConfig{
		Realm: realm, AuthHandler: s.authenticate, LoggerFactory: quiet{c.Logger},
		QuotaHandler: func(user, _ string, _ net.Addr) bool {
			if s.quota.has(user) {
				return true
			}
			s.counters.refused.Add(1)
			return false
		},
		EventHandler: turn.EventHandler{
			OnAllocationCreated: func(remote, local net.Addr, _, _, _ string, _ net.Addr, _ int) { s.guests.settle(remote, local) },
			OnAllocationDeleted: func(remote, local net.Addr, _, _, _ string) { s.guests.unsettle(remote, local) },
			OnAuth: func(_, _ net.Addr, _, _, _, _ string, good bool) {
				if !good {
					s.counters.unauthorized.Add(1)
				}
			},
		},
	}
	plain, err := s.listen(c)
	if err != nil {
		return nil, err
	}
	for _, conn := range plain.packets {
		config.PacketConnConfigs = append(config.PacketConnConfigs, turn.PacketConnConfig{
			PacketConn: conn, RelayAddressGenerator: relays, PermissionHandler: relays.permit,
		})
	}
	add := func(l net.Listener, speaks *tls.Config) {
		config.ListenerConfigs = append(config.ListenerConfigs, turn.ListenerConfig{
			Listener: newDoor(l, s.guests, speaks), RelayAddressGenerator: relays, PermissionHandler: relays.permit,
		})
	}
	for _, l := range plain.listeners {
		add(l, nil)
	}
	if c.Ready != nil {
		add(c.Ready, nil)
	}
	if c.TLS != nil && c.TLSPort >= 0 {
		secure := &places{}
		err := secure.listenTCP(c.TLSPort, &s.tlsPort)
		if c.TLSYield && errors.Is(err, syscall.EADDRINUSE) {
			err = secure.listenTCP(0, &s.tlsPort)
		}
		if err != nil {
			closeAll(config)
			return nil, fmt.Errorf("listen for TURN over TLS: %w", err)
		}
		for _, l := range secure.listeners {
			add(l, c.TLS)
		}
	}
	if s.server, err = turn.NewServer(config); err != nil {
		closeAll(config)
		return nil, fmt.Errorf("start TURN: %w", err)
	}
	return s, nil
}

func closeAll(c turn.ServerConfig) {
	for _, p := range c.PacketConnConfigs {
		_ = p.PacketConn.Close()
	}
	for _, l := range c.ListenerConfigs {
		_ = l.Listener.Close()
	}
}

// listen opens UDP and TCP on one port number.
func (s *Server) listen(c Config) (*places, error) {
	p, err := listenAt(c.Port, &s.port)
	if c.Port != 0 && c.Yield && errors.Is(err, syscall.EADDRINUSE) {
		c.Port = 0
	}
	for range 10 { // a number that is free in UDP may not be in TCP
		if c.Port != 0 || err == nil {
			break
		}
		p, err = listenAt(0, &s.port)
	}
	if err != nil {
		return nil, fmt.Errorf("listen for TURN: %w", err)
	}
	return p, nil
}

func listenAt(port int, got *int) (*places, error) {
	p := &places{}
	var lc net.ListenConfig
	for _, network := range []string{"udp4", "udp6"} {
		conn, err := lc.ListenPacket(context.Background(), network, ":"+strconv.Itoa(port))
		if err != nil && network == "udp6" && !errors.Is(err, syscall.EADDRINUSE) {
			break // the machine has no IPv6
		}
		if err != nil {
			p.close()
			return nil, err
		}
		udp := conn.(*net.UDPConn)
		_ = udp.SetReadBuffer(relayBuffer)
		_ = udp.SetWriteBuffer(relayBuffer)
		p.packets = append(p.packets, udp)
		port = udp.LocalAddr().(*net.UDPAddr).Port
	}
	if err := p.listenTCP(port, got); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *places) listenTCP(port int, got *int) error {
	var lc net.ListenConfig
	for _, network := range []string{"tcp4", "tcp6"} {
		l, err := lc.Listen(context.Background(), network, ":"+strconv.Itoa(port))
		if err != nil && network == "tcp6" && !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
		if err != nil {
			p.close()
			return err
		}
		p.listeners = append(p.listeners, l)
		port = l.Addr().(*net.TCPAddr).Port
	}
	*got = port
	return nil
}

func (s *Server) authenticate(request *turn.RequestAttributes) (string, []byte, bool) {
	user, key, ok := s.issuer.authenticate(request)
	if !ok {
		s.counters.unauthorized.Add(1)
	}
	return user, key, ok
}

// Port returns the port of UDP and TCP.
func (s *Server) Port() int { return s.port }

// TLSPort returns the port of TLS, 0 if there is none.
func (s *Server) TLSPort() int { return s.tlsPort }

// Credentials makes credentials for a subject, such as a participant; it must not be empty. Nothing can be allocated with them after
// they expired; what was allocated before may be kept.
func (s *Server) Credentials(subject string) (username, password string, expires time.Time) {
	return s.issuer.issue(subject)
}

// Stats returns totals and present numbers.
func (s *Server) Stats() Stats {
	c := &s.counters
	return Stats{
		Allocations: s.quota.count(), Connections: s.guests.count(),
		BytesIn: c.in.Load(), BytesOut: c.out.Load(), PacketsDropped: c.dropped.Load(),
		AllocationsRefused: c.refused.Load(), ConnectionsRefused: s.guests.refused.Load(),
		Forbidden: c.forbidden.Load(), Unauthorized: c.unauthorized.Load(),
	}
}

// Close ends everything that is relayed.
func (s *Server) Close() error {
	err := s.server.Close()
	s.guests.close()
	return err
}
