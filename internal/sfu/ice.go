package sfu

import (
	"crypto/rand"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/pion/stun/v4"
)

// maxPaths bounds the remote addresses one connection may be reached at; the one unused longest makes room.
const maxPaths = 8

// pathSilence is how long a path may go without a check before a path of lower priority may take over (ns).
const pathSilence = 5e9

// way is what a client's packets come in by: a socket of the media port, or a connection of the client's own.
type way struct {
	socket *socket
	tcp    *tcpConn
}

// path is a way to the client: what its checks arrive at and the address they come from.
type path struct {
	socket    *socket  // nil over TCP
	tcp       *tcpConn // nil over UDP
	remote    netip.AddrPort
	name      sockname     // of remote
	priority  uint32       // guarded by iceLite.mu
	client    string       // guarded by iceLite.mu; the client's ufrag of the last check
	nominated bool         // guarded by iceLite.mu; since the last restart
	heard     atomic.Int64 // when a check last arrived (ns)
}

// iceLite is the server's end of ICE (RFC 8445, lite implementation): it answers checks and lets the client choose the
// path. It never sends a check of its own, so it needs no timers, no goroutine and no trickled candidates.
type iceLite struct {
	chosen atomic.Pointer[path] // where to send; nil until the client nominated one

	mu       sync.Mutex
	local    credentials // guarded by mu
	former   credentials // guarded by mu; before an ICE restart, until the client uses the new ones
	replaced string      // guarded by mu; the ufrag of former, even when it no longer holds
	remote   string      // guarded by mu; the client's ufrag
	paths    []*path     // guarded by mu
}

type credentials struct{ ufrag, password string }

func newCredentials() credentials {
	return credentials{ufrag: randomText(8), password: randomText(24)}
}

// randomText returns n characters of the ice-char alphabet (RFC 8839), 5 bits of randomness each.
func randomText(n int) string {
	const alphabet = "abcdefghijklmnopqrstuvwxyzABCDEF"
	b := make([]byte, n)
	_, _ = rand.Read(b)
	for i := range b {
		b[i] = alphabet[b[i]&31]
	}
	return string(b)
}

// offered notes the client's ufrag of an offer and returns our credentials for the answer. A new ufrag restarts ICE:
// the answer has new credentials, and the former ones hold until the client uses the new (RFC 8445 section 9). forgotten
// is the ufrag that those replaced, if any.
func (i *iceLite) offered(remoteUfrag string) (current credentials, forgotten string, restarted bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.remote != "" && i.remote != remoteUfrag {
		forgotten = i.replaced
		i.former, i.local = i.local, newCredentials()
		i.replaced = i.former.ufrag
		restarted = true
	}
	i.remote = remoteUfrag
	return i.local, forgotten, restarted
}

// credentials are ours at present.
func (i *iceLite) credentials() credentials {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.local
}

// check answers a binding request that named one of our ufrags and one of the client's. It returns the answer to send back, nil if the
// request is not from the client, and the path that made room for this one, if any.
func (i *iceLite) check(m *stun.Message, ufrag, client string, w way, from netip.AddrPort, now int64) (answer []byte, evicted *path) {
	i.mu.Lock()
	defer i.mu.Unlock()
	var password string
	restarting, unoffered := false, false
	switch ufrag {
	case i.local.ufrag:
		password, restarting = i.local.password, i.former.ufrag != ""
		unoffered = i.remote != "" && client != i.remote
	case i.former.ufrag:
		password = i.former.password
	default:
		return nil, evicted
	}
	integrity := stun.NewShortTermIntegrity(password)
	if integrity.Check(m) != nil {
		return nil, evicted
	}
	success, err := stun.Build(stun.NewTransactionIDSetter(m.TransactionID), stun.BindingSuccess,
		&stun.XORMappedAddress{IP: from.Addr().AsSlice(), Port: int(from.Port())}, integrity, stun.Fingerprint)
	if err != nil {
		return nil, evicted
	}
	p, evicted := i.pathTo(w, from)
	p.heard.Store(now)
	if priority, err := m.Get(stun.AttrPriority); err == nil && len(priority) == 4 {
		p.priority = uint32(priority[0])<<24 | uint32(priority[1])<<16 | uint32(priority[2])<<8 | uint32(priority[3])
	}
	if restarting {
		i.restart(p)
	}
	p.client = client
	i.choose(p, m.Contains(stun.AttrUseCandidate), unoffered, now)
	return success.Raw, evicted
}

// restart begins with p what the client offered, unless it chose a way of that before the offer came. Called with i.mu held.
func (i *iceLite) restart(p *path) {
	i.former = credentials{}
	if c := i.chosen.Load(); c != nil && c.nominated && c.client == i.remote {
		return
	}
	i.chosen.Store(p)
	for _, other := range i.paths {
		other.nominated = false
	}
}

// choose takes p as the way to the client if there is none, or it is nominated and better than a path that is alive. The first may be
// one on which our answers do not reach the client, so it yields to any that is nominated. A client whose network changed restarts ICE, and
// can use its new ways before the offer that tells of them is here: the first that it nominates is taken. Called with i.mu held.
func (i *iceLite) choose(p *path, nominated, unoffered bool, now int64) {
	c := i.chosen.Load()
	isFirst := nominated && !p.nominated
	p.nominated = p.nominated || nominated
	switch {
	case c == nil || c.gone() || unoffered && isFirst:
		i.chosen.Store(p)
	case nominated && c != p && (!c.nominated || p.priority > c.priority || now-c.heard.Load() > pathSilence):
		i.chosen.Store(p)
	}
}

func (i *iceLite) pathTo(w way, from netip.AddrPort) (p, evicted *path) {
	chosen, oldest := i.chosen.Load(), -1
	for n, p := range i.paths {
		if p.remote == from && p.socket == w.socket && p.tcp == w.tcp {
			return p, evicted
		}
		if p != chosen && (oldest < 0 || p.gone() || p.heard.Load() < i.paths[oldest].heard.Load()) {
			oldest = n
		}
	}
	p = &path{socket: w.socket, tcp: w.tcp, remote: from, name: nameOf(from)}
	if len(i.paths) < maxPaths {
		i.paths = append(i.paths, p)
		return p, evicted
	}
	evicted, i.paths[oldest] = i.paths[oldest], p
	return p, evicted
}

// gone reports whether nothing can be sent on the path any more.
func (p *path) gone() bool { return p.tcp != nil && p.tcp.gone.Load() }

// send sends one packet by itself that is not video. What cannot be sent is lost, as in the network.
func (p *path) send(b []byte) {
	if p.tcp != nil {
		p.tcp.send(b)
		return
	}
	_ = p.socket.send(b, p.remote)
}

// hangUp ends the client's connections, once what was said to it is out.
func (i *iceLite) hangUp() {
	i.mu.Lock()
	paths := slices.Clone(i.paths)
	i.mu.Unlock()
	for _, p := range paths {
		if p.tcp != nil {
			p.tcp.finish()
		}
	}
}

// candidate renders a host candidate for an answer (RFC 8839 section 5.1). Earlier addresses are preferred.
func candidate(n int, addr netip.AddrPort) string {
	priority := uint32(126)<<24 | uint32(65535-n)<<8 | 255
	return fmt.Sprintf("%d 1 udp %d %s %d typ host", n+1, priority, addr.Addr(), addr.Port())
}

// tcpCandidate renders a passive candidate for an answer (RFC 6544 section 4.5), below all of UDP. The local preference has the
// direction in its upper bits (section 4.2).
func tcpCandidate(n int, addr netip.AddrPort) string {
	const passive = 4
	priority := uint32(90)<<24 | uint32(passive<<13+8191-n)<<8 | 255
	return fmt.Sprintf("%d 1 tcp %d %s %d typ host tcptype passive", n+1, priority, addr.Addr(), addr.Port())
}

// ufrags returns the parts of a check's USERNAME: ours and the client's.
func ufrags(m *stun.Message) (ours, client string, ok bool) {
	var u stun.Username
	if u.GetFrom(m) != nil {
		return "", "", false
	}
	return strings.Cut(u.String(), ":")
}
