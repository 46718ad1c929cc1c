package store

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
)

// What a proxy does when a client says COMMIT.
type commitFate int

const (
	commitPasses  commitFate = iota
	commitLost               // the connection breaks before it reached the server
	commitUnheard            // the server carries it out, and the connection breaks before its answer is back
	commitLast               // the same, and nobody reaches the server again
	commitLate               // the client is cut off at once, and the server hears of it only when the test says so
)

// proxy stands between the store and PostgreSQL as a bad network would.
type proxy struct {
	t        *testing.T
	server   string // path of the socket
	listener net.Listener
	late     chan struct{} // closed to let a late commit through
	running  sync.WaitGroup

	mu    sync.Mutex
	fates []commitFate  // of the commits to come; after them all pass
	spent chan struct{} // closed when fates are used up
	open  map[net.Conn]struct{}
}

// between starts a proxy before the database that a URL leads to, and returns the URL through the proxy.
func between(t *testing.T, database string) (*proxy, string) {
	t.Helper()
	u, err := url.Parse(database)
	must(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	p := &proxy{
		t: t, server: u.Query().Get("host") + "/.s.PGSQL.5432", listener: listener,
		late: make(chan struct{}), open: map[net.Conn]struct{}{},
	}
	p.running.Go(p.accept)
	t.Cleanup(p.close)
	return p, fmt.Sprintf("postgres://test@%s%s?sslmode=disable", listener.Addr(), u.Path)
}

// next sets what becomes of the commits to come, and returns what is closed when they came.
func (p *proxy) next(fates ...commitFate) (spent <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fates, p.spent = fates, make(chan struct{})
	return p.spent
}

func (p *proxy) fate() commitFate {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.fates) == 0 {
		return commitPasses
	}
	fate := p.fates[0]
	if p.fates = p.fates[1:]; len(p.fates) == 0 {
		close(p.spent)
	}
	return fate
}

func (p *proxy) close() {
	p.cut()
	p.running.Wait()
}

// cut ends all connections and takes no more.
func (p *proxy) cut() {
	_ = p.listener.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.open {
		_ = conn.Close()
	}
}

func (p *proxy) track(conn net.Conn) (forget func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open[conn] = struct{}{}
	return func() {
		_ = conn.Close()
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.open, conn)
	}
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.running.Go(func() { p.serve(client) })
	}
}

func (p *proxy) serve(client net.Conn) {
	defer p.track(client)()
	server, err := net.Dial("unix", p.server)
	if err != nil {
		return
	}
	defer p.track(server)()
	var answers sync.WaitGroup
	answers.Go(func() { _, _ = io.Copy(client, server); _ = client.Close() })
	defer answers.Wait()
	defer server.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		fate := commitPasses
		if bytes.HasPrefix(bytes.ToLower(buffer[:n]), []byte("q\x00\x00\x00\x0bcommit\x00")) { // a simple query
			fate = p.fate()
		}
		switch fate {
		case commitPasses:
		case commitLost:
			return
		case commitLast:
			p.cut()
			return
		case commitUnheard, commitLate:
			_ = client.Close()
			if fate == commitLate {
				<-p.late
			}
			_, _ = server.Write(buffer[:n])
			answers.Wait() // the server answers, the answer goes nowhere
			return
		}
		if _, err := server.Write(buffer[:n]); err != nil {
			return
		}
	}
}
