package turn

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/pion/turn/v5"
)

// relayBuffer is what each allocation's socket asks the kernel to hold in either direction, in bytes.
const relayBuffer = 1 << 20

var (
	errNoFamily = errors.New("the media port has no address of this family")
	errNoTCP    = errors.New("nothing is relayed to TCP")
)

// target is our media port, as clients call it and as it is reached from here. Behind an address translator the two differ.
type target struct{ outside, inside netip.AddrPort }

// targetsOf picks the best address of each family.
func targetsOf(media []netip.AddrPort, local []netip.Addr) (targets []target) {
	for _, is4 := range []bool{true, false} {
		for _, a := range media {
			if a.Addr().Is4() == is4 {
				targets = append(targets, target{a, netip.AddrPortFrom(inside(a.Addr(), local), a.Port())})
				break
			}
		}
	}
	return targets
}

// inside returns where this machine has what is reached at an address: there, or else at an address of its own, which
// is better not of loopback: browsers do not pair such with others.
func inside(a netip.Addr, local []netip.Addr) netip.Addr {
	found := netip.IPv6Loopback()
	if a.Is4() {
		found = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	for _, own := range local {
		switch {
		case own == a:
			return a
		case own.Is4() == a.Is4() && found.IsLoopback():
			found = own
		}
	}
	return found
}

// localAddresses returns the addresses of this machine but for those of one link.
func localAddresses() ([]netip.Addr, error) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	var own []netip.Addr
	for _, a := range all {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil && !prefix.Addr().IsLinkLocalUnicast() {
			own = append(own, prefix.Addr().Unmap())
		}
	}
	return own, nil
}

// relays makes the sockets of allocations. It is the library's RelayAddressGenerator.
type relays struct {
	targets   []target
	quota     *quota
	bandwidth int // bit/s of each allocation in each direction
	counters  *counters
}

// Validate implements turn.RelayAddressGenerator.
func (*relays) Validate() error { return nil }

// AllocatePacketConn implements turn.RelayAddressGenerator: the socket is connected to our media port, so the kernel takes packets from
// there alone.
func (r *relays) AllocatePacketConn(c turn.AllocateListenerConfig) (net.PacketConn, net.Addr, error) {
	if c.UserID == "" {
		return nil, nil, errors.New("ports are not chosen by clients")
	}
	to := r.target(strings.HasSuffix(c.Network, "4"))
	if to == nil {
		return nil, nil, errNoFamily
	}
	if err := r.quota.take(c.UserID); err != nil {
		r.counters.refused.Add(1)
		return nil, nil, err
	}
	conn, err := net.DialUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(to.inside.Addr(), 0)), net.UDPAddrFromAddrPort(to.inside))
	if err != nil {
		r.quota.give(c.UserID)
		return nil, nil, err
	}
	_ = conn.SetReadBuffer(relayBuffer)
	_ = conn.SetWriteBuffer(relayBuffer)
	now := time.Now()
	relay := &relay{
		conn: conn, outside: to.outside, peer: net.UDPAddrFromAddrPort(to.outside), counters: r.counters, begun: now,
		in: newBucket(r.bandwidth), out: newBucket(r.bandwidth),
		given: func() { r.quota.give(c.UserID) },
	}
	return relay, conn.LocalAddr(), nil
}

// AllocateListener implements turn.RelayAddressGenerator.
func (*relays) AllocateListener(turn.AllocateListenerConfig) (net.Listener, net.Addr, error) {
	return nil, nil, errNoTCP
}

// AllocateConn implements turn.RelayAddressGenerator.
func (*relays) AllocateConn(turn.AllocateConnConfig) (net.Conn, error) { return nil, errNoTCP }

func (r *relays) target(is4 bool) *target {
	for i := range r.targets {
		if r.targets[i].outside.Addr().Is4() == is4 {
			return &r.targets[i]
		}
	}
	return nil
}

// permit is the library's PermissionHandler.
func (r *relays) permit(_ net.Addr, peer net.IP) bool {
	a, _ := netip.AddrFromSlice(peer)
	for _, t := range r.targets {
		if t.outside.Addr() == a.Unmap() {
			return true
		}
	}
	r.counters.forbidden.Add(1)
	return false
}

// relay is the socket of one allocation. The library writes from one goroutine and reads from another.
type relay struct {
	conn     *net.UDPConn
	outside  netip.AddrPort
	peer     *net.UDPAddr // the same
	counters *counters
	begun    time.Time
	in, out  bucket // from the client, to the client
	closing  sync.Once
	given    func()
}

// WriteTo implements net.PacketConn. What is not for our media port, or beyond the allowance, is dropped: it is a datagram.
func (r *relay) WriteTo(b []byte, to net.Addr) (int, error) {
	udp, ok := to.(*net.UDPAddr)
	if !ok {
		return len(b), nil
	}
	if a := udp.AddrPort(); netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) != r.outside {
		r.counters.forbidden.Add(1)
		return len(b), nil
	}
	if !r.in.spend(len(b), int64(time.Since(r.begun))) {
		r.counters.dropped.Add(1)
		return len(b), nil
	}
	r.counters.in.Add(uint64(len(b)))
	if _, err := r.conn.Write(b); err != nil && errors.Is(err, net.ErrClosed) {
		return 0, err
	}
	return len(b), nil
}

// ReadFrom implements net.PacketConn.
func (r *relay) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, err := r.conn.Read(b)
		switch {
		case errors.Is(err, syscall.ECONNREFUSED): // the media port, of what was written before
			continue
		case err != nil:
			return 0, nil, err
		case !r.out.spend(n, int64(time.Since(r.begun))):
			r.counters.dropped.Add(1)
			continue
		}
		r.counters.out.Add(uint64(n))
		return n, r.peer, nil
	}
}

// Close implements net.PacketConn.
func (r *relay) Close() error {
	err := net.ErrClosed
	r.closing.Do(func() {
		r.given()
		err = r.conn.Close()
	})
	return err
}

// LocalAddr implements net.PacketConn.
func (r *relay) LocalAddr() net.Addr { return r.conn.LocalAddr() }

// SetDeadline implements net.PacketConn.
func (r *relay) SetDeadline(t time.Time) error { return r.conn.SetDeadline(t) }

// SetReadDeadline implements net.PacketConn.
func (r *relay) SetReadDeadline(t time.Time) error { return r.conn.SetReadDeadline(t) }

// SetWriteDeadline implements net.PacketConn.
func (r *relay) SetWriteDeadline(t time.Time) error { return r.conn.SetWriteDeadline(t) }
