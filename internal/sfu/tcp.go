package sfu

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Bounds of ICE-TCP. A connection is a stranger until a check that only a client of ours can make came over it.
const (
	maxTCPConns       = 4096
	maxTCPStrangers   = 512
	maxStrangersOfOne = 32 // of one IPv4 address or IPv6 /64
	strangerTime      = 10 * time.Second
	acceptRetry       = 10 * time.Millisecond
	tcpWriteTime      = 10 * time.Second // a client that takes nothing for so long is cut off
	tcpUnsent         = 32 << 10         // what the kernel holds unsent of a connection, in bytes; the rest waits where it can be dropped
	longestFrame      = readSize         // a longer frame ends the connection
	tcpReadBuffer     = 16 << 10
)

// tcpPort accepts the connections of clients whose networks let no UDP through: passive candidates of ICE-TCP (RFC 6544), on which each
// packet has its length before it (RFC 4571).
type tcpPort struct {
	engine    *Engine
	listeners []net.Listener
	port      int // 0: there is none

	refused, dropped atomic.Uint64 // connections; packets

	mu        sync.Mutex
	conns     map[*tcpConn]struct{} // guarded by mu
	strangers map[netip.Prefix]int  // guarded by mu; by where they come from
	unknown   int                   // guarded by mu; strangers in all
	closed    bool                  // guarded by mu
}

// listenTCP opens the port of ICE-TCP. See Config.TCPPort for wanted.
func listenTCP(e *Engine, wanted int) (*tcpPort, error) {
	p := &tcpPort{engine: e, conns: map[*tcpConn]struct{}{}, strangers: map[netip.Prefix]int{}}
	var err error
	switch {
	case wanted < 0:
		return p, nil
	case wanted == 0:
		if err = p.open(e.port); errors.Is(err, syscall.EADDRINUSE) {
			err = p.open(0)
		}
	default:
		err = p.open(wanted)
	}
	if err != nil {
		return nil, fmt.Errorf("open TCP media port: %w", err)
	}
	return p, nil
}

// open listens on all addresses of both families. IPv6 is left out where the machine has none.
func (p *tcpPort) open(port int) error {
	for _, network := range []string{"tcp4", "tcp6"} {
		lc := net.ListenConfig{Control: controlTCP}
		l, err := lc.Listen(context.Background(), network, ":"+strconv.Itoa(port))
		if err != nil && network == "tcp6" && !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
		if err != nil {
			p.closeListeners()
			return err
		}
		p.listeners = append(p.listeners, l)
		port = l.Addr().(*net.TCPAddr).Port
	}
	p.port = port
	return nil
}

func (p *tcpPort) closeListeners() {
	for _, l := range p.listeners {
		_ = l.Close()
	}
	p.listeners = nil
}

// accept lets connections in until the listener is closed.
func (p *tcpPort) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
			p.admit(conn.(*net.TCPConn))
		case errors.Is(err, net.ErrClosed):
			return
		default:
			time.Sleep(acceptRetry) // such as no more file descriptors
		}
	}
}

// admit starts a connection, or closes it if there are too many.
func (p *tcpPort) admit(conn *net.TCPConn) {
	remote := conn.RemoteAddr().(*net.TCPAddr).AddrPort()
	remote = netip.AddrPortFrom(remote.Addr().Unmap(), remote.Port())
	c := newTCPConn(p, conn, remote)
	_ = conn.SetReadDeadline(time.Now().Add(strangerTime))
	if !p.add(c) {
		p.refused.Add(1)
		_ = conn.Close()
		return
	}
	p.engine.running.Go(c.read)
	p.engine.running.Go(c.write)
}

func (p *tcpPort) add(c *tcpConn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.conns) >= maxTCPConns || p.unknown >= maxTCPStrangers || p.strangers[c.origin] >= maxStrangersOfOne {
		return false
	}
	p.conns[c] = struct{}{}
	p.strangers[c.origin]++
	p.unknown++
	return true
}

// welcome notes that a connection is no stranger's, or is gone.
func (p *tcpPort) welcome(c *tcpConn) {
	if c.stranger {
		c.stranger = false
		p.unknown--
		if p.strangers[c.origin]--; p.strangers[c.origin] == 0 {
			delete(p.strangers, c.origin)
		}
	}
}

func (p *tcpPort) known(c *tcpConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.welcome(c)
}

func (p *tcpPort) remove(c *tcpConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.welcome(c)
	delete(p.conns, c)
}

func (p *tcpPort) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.conns)
}

// close closes the listeners and all connections. It does not wait for their goroutines.
func (p *tcpPort) close() {
	p.closeListeners()
	p.mu.Lock()
	p.closed = true
	all := make([]*tcpConn, 0, len(p.conns))
	for c := range p.conns {
		all = append(all, c)
	}
	p.mu.Unlock()
	for _, c := range all {
		c.close()
	}
}

// originOf is what bounds of strangers go by.
func originOf(a netip.Addr) netip.Prefix {
	bits := 32
	if a.Is6() {
		bits = 64
	}
	prefix, _ := a.WithZone("").Prefix(bits)
	return prefix
}
