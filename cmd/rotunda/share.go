package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// shareTimeout is how long a client may take over its handshake, and then until it says something.
	shareTimeout = 10 * time.Second
	acceptRetry  = 10 * time.Millisecond
)

// sharedPort is the web port where the relay is on it too. Both speak TLS with the same certificate; browsers name HTTP in the
// handshake (ALPN), so only of those who name nothing the first byte has to be looked at: STUN begins with two zero bits, which
// HTTP never does. It is the listener of the web; relay() is that of the relay.
type sharedPort struct {
	net.Listener
	speaks     *tls.Config
	log        *slog.Logger
	web, turns chan net.Conn
	ctx        context.Context
	stop       context.CancelFunc
	busy       sync.WaitGroup
	closing    sync.Once
	closed     error
}

func sharePort(l net.Listener, speaks *tls.Config, log *slog.Logger) *sharedPort {
	s := &sharedPort{Listener: l, speaks: speaks, log: log, web: make(chan net.Conn), turns: make(chan net.Conn)}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.busy.Go(s.run)
	return s
}

func (s *sharedPort) run() {
	for {
		conn, err := s.Listener.Accept()
		switch {
		case err == nil:
			s.busy.Go(func() { s.receive(conn) })
		case errors.Is(err, net.ErrClosed):
			return
		default:
			time.Sleep(acceptRetry) // such as no more file descriptors
		}
	}
}

// receive finds out whose a connection is.
func (s *sharedPort) receive(raw net.Conn) {
	ctx, cancel := context.WithTimeout(s.ctx, shareTimeout)
	defer cancel()
	conn := tls.Server(raw, s.speaks)
	if err := conn.HandshakeContext(ctx); err != nil {
		s.log.Debug("http: TLS handshake error", "remote", raw.RemoteAddr().String(), "error", err)
		_ = raw.Close()
		return
	}
	if conn.ConnectionState().NegotiatedProtocol != "" {
		s.give(s.web, conn)
		return
	}
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	first := &begun{Conn: conn}
	n, err := conn.Read(first.byte[:])
	if !stop() || err != nil || n != 1 {
		_ = raw.Close()
		return
	}
	if first.byte[0] < 0x40 {
		s.give(s.turns, first)
	} else {
		s.give(s.web, first)
	}
}

func (s *sharedPort) give(to chan net.Conn, conn net.Conn) {
	select {
	case to <- conn:
	case <-s.ctx.Done():
		_ = conn.Close()
	}
}

func (s *sharedPort) take(from chan net.Conn) (net.Conn, error) {
	select {
	case conn := <-from:
		return conn, nil
	case <-s.ctx.Done():
		return nil, net.ErrClosed
	}
}

// Accept takes a connection of the web.
func (s *sharedPort) Accept() (net.Conn, error) { return s.take(s.web) }

// Close closes the port for both.
func (s *sharedPort) Close() error {
	s.closing.Do(func() {
		s.stop()
		s.closed = s.Listener.Close()
		s.busy.Wait()
	})
	return s.closed
}

// relay is the listener of the relay.
func (s *sharedPort) relay() net.Listener { return turnShare{s} }

// turnShare takes what is the relay's. It is closed with the port.
type turnShare struct{ *sharedPort }

// Accept takes a connection of the relay.
func (t turnShare) Accept() (net.Conn, error) { return t.take(t.turns) }

// begun is a connection whose first byte was looked at.
type begun struct {
	net.Conn
	byte  [1]byte
	taken bool
}

// Read gives the first byte first.
func (b *begun) Read(p []byte) (int, error) {
	if b.taken || len(p) == 0 {
		return b.Conn.Read(p)
	}
	b.taken = true
	p[0] = b.byte[0]
	return 1, nil
}

// overTLS tells handlers that requests come over TLS, which the server does not see of a connection whose first byte was looked at.
func overTLS(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS == nil {
			r.TLS = new(tls.ConnectionState)
		}
		next.ServeHTTP(w, r)
	})
}

// checkShare finds out whether the relay can be on the web port.
func (c *Config) checkShare() error {
	if c.TURN.TLSPort == portWeb && !c.servesTLS() {
		return fmt.Errorf("--turn-tls-port web needs a certificate of the server's own: --tls-cert or --acme-domains")
	}
	return nil
}
