package turn

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of connections over TCP and TLS. A connection is a stranger's while it has no allocation.
const (
	maxConns          = 12_000
	maxStrangersOfOne = 64 // of one IPv4 address or IPv6 /64
	strangerTime      = 30 * time.Second
	idleTime          = 5 * time.Minute  // a client's checks and refreshes are more frequent
	writeTime         = 10 * time.Second // a client that takes nothing for so long is cut off
	acceptRetry       = 10 * time.Millisecond
)

// guests are the connections there are, over all doors.
type guests struct {
	refused atomic.Uint64

	mu        sync.Mutex
	patience  time.Duration        // guarded by mu; with strangers
	all       map[*guest]struct{}  // guarded by mu
	strangers map[netip.Prefix]int // guarded by mu
	byRemote  map[string]*guest    // guarded by mu; with an address of this end, as two doors may have the same client
}

func newGuests() *guests {
	return &guests{patience: strangerTime, all: map[*guest]struct{}{}, strangers: map[netip.Prefix]int{}, byRemote: map[string]*guest{}}
}

// guest is one connection.
type guest struct {
	net.Conn
	of      *guests
	raw     net.Conn
	origin  netip.Prefix
	until   atomic.Int64 // it has as a stranger (ns of Unix time)
	settled atomic.Bool
	gone    sync.Once
}

func nameOf(remote, local net.Addr) string { return remote.String() + " " + local.String() }

// admit returns nil if there are too many.
func (g *guests) admit(conn net.Conn) *guest {
	c := &guest{Conn: conn, raw: conn, of: g}
	if tcp, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		c.origin = originOf(tcp.AddrPort().Addr())
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	c.until.Store(time.Now().Add(g.patience).UnixNano())
	if len(g.all) >= maxConns || g.strangers[c.origin] >= maxStrangersOfOne {
		g.refused.Add(1)
		return nil
	}
	g.all[c] = struct{}{}
	g.strangers[c.origin]++
	g.byRemote[nameOf(conn.RemoteAddr(), conn.LocalAddr())] = c
	return c
}

// settle notes that a client has an allocation.
func (g *guests) settle(remote, local net.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c := g.byRemote[nameOf(remote, local)]; c != nil {
		g.known(c)
	}
}

// unsettle notes that a client gave its allocation up, and is a stranger again: else it could fill the place with such connections.
func (g *guests) unsettle(remote, local net.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	c := g.byRemote[nameOf(remote, local)]
	if c == nil || !c.settled.Load() {
		return
	}
	g.strangers[c.origin]++
	until := time.Now().Add(g.patience)
	c.until.Store(until.UnixNano())
	c.settled.Store(false)
	_ = c.raw.SetReadDeadline(until) // of the read that is under way
}

// known is called with mu held.
func (g *guests) known(c *guest) {
	if c.settled.Swap(true) {
		return
	}
	if g.strangers[c.origin]--; g.strangers[c.origin] == 0 {
		delete(g.strangers, c.origin)
	}
}

func (g *guests) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.all)
}

// close ends all connections.
func (g *guests) close() {
	g.mu.Lock()
	var all []*guest
	for c := range g.all {
		all = append(all, c)
	}
	g.mu.Unlock()
	for _, c := range all {
		_ = c.raw.Close() // TLS would wait to say goodbye
	}
}

// Read implements net.Conn.
func (c *guest) Read(b []byte) (int, error) {
	until := time.Unix(0, c.until.Load())
	if c.settled.Load() {
		until = time.Now().Add(idleTime)
	}
	_ = c.Conn.SetReadDeadline(until)
	return c.Conn.Read(b)
}

// Write implements net.Conn.
func (c *guest) Write(b []byte) (int, error) {
	_ = c.Conn.SetWriteDeadline(time.Now().Add(writeTime))
	n, err := c.Conn.Write(b)
	if err != nil {
		_ = c.raw.Close() // half a frame may be out
	}
	return n, err
}

// Close implements net.Conn.
func (c *guest) Close() error {
	c.gone.Do(func() {
		c.of.mu.Lock()
		defer c.of.mu.Unlock()
		c.of.known(c)
		delete(c.of.all, c)
		delete(c.of.byRemote, nameOf(c.raw.RemoteAddr(), c.raw.LocalAddr()))
	})
	return c.raw.Close()
}

// door is a listener that lets in only as many as there may be, and those who speak TLS once they have shaken hands.
type door struct {
	net.Listener
	guests *guests
	tls    *tls.Config // nil for TCP
	ready  chan net.Conn
	ctx    context.Context
	stop   context.CancelFunc
	busy   sync.WaitGroup
}

func newDoor(l net.Listener, g *guests, speaks *tls.Config) *door {
	d := &door{Listener: l, guests: g, tls: speaks, ready: make(chan net.Conn)}
	d.ctx, d.stop = context.WithCancel(context.Background())
	d.busy.Go(d.run)
	return d
}

func (d *door) run() {
	for {
		conn, err := d.Listener.Accept()
		switch {
		case err == nil:
			if c := d.guests.admit(conn); c != nil {
				d.busy.Go(func() { d.receive(c) })
			} else {
				_ = conn.Close()
			}
		case errors.Is(err, net.ErrClosed):
			return
		default:
			time.Sleep(acceptRetry) // such as no more file descriptors
		}
	}
}

// receive shakes hands and hands the connection on.
func (d *door) receive(c *guest) {
	if d.tls != nil {
		conn := tls.Server(c.raw, d.tls)
		handshake, cancel := context.WithTimeout(d.ctx, strangerTime)
		err := conn.HandshakeContext(handshake)
		cancel()
		if err != nil {
			_ = c.Close()
			return
		}
		c.Conn = conn
	}
	select {
	case d.ready <- c:
	case <-d.ctx.Done():
		_ = c.Close()
	}
}

// Accept implements net.Listener.
func (d *door) Accept() (net.Conn, error) {
	select {
	case c := <-d.ready:
		return c, nil
	case <-d.ctx.Done():
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener. It returns when nobody waits at the door any more.
func (d *door) Close() error {
	d.stop()
	err := d.Listener.Close()
	d.busy.Wait()
	return err
}

func originOf(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 32
	if a.Is6() {
		bits = 64
	}
	prefix, _ := a.Prefix(bits)
	return prefix
}
