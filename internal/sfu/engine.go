package sfu

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/stun/v4"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Config is what an Engine needs to know.
type Config struct {
	// UDPPort is the one port all media uses; 0 takes any free one.
	UDPPort int
	// TCPPort is where clients connect that reach no UDP port. 0 takes the number of the UDP port, or any free one where another
	// program has that; less than 0 listens nowhere.
	TCPPort int
	// Addresses are offered to clients as places to send media to, best first. Empty means every address of the
	// machine's interfaces, loopback only if there is no other or Loopback is set.
	Addresses []netip.Addr
	// Loopback adds the loopback addresses to the discovered ones.
	Loopback bool
	// LoudestVoices is how many audio streams of a session are forwarded at a time, once it has more than LargeRoom of them; 0
	// forwards all.
	LoudestVoices, LargeRoom int
	Logger                   *slog.Logger
}

// Engine holds the media port and everything that uses it. Its methods may be called from any goroutine.
type Engine struct {
	log         *slog.Logger
	certificate certificate
	candidates  []string
	addresses   []netip.Addr
	port        int
	tcp         *tcpPort
	started     time.Time
	floor       floor // of new sessions
	counters    counters
	limits      atomic.Pointer[limits] // of the ticker's last round
	full        atomic.Bool            // nobody was let in the last time someone asked

	sockets []*socket
	readers []*reader
	running sync.WaitGroup
	stop    context.CancelFunc
	ctx     context.Context

	ticker     ticker
	segments   segmentation
	turns      atomic.Uint64 // of batches
	senders    atomic.Uint64 // made so far
	batches    sync.Pool     // of *batch, for those who send outside of the readers
	generation atomic.Uint64 // counts changes of byRemote

	mu       sync.RWMutex
	all      map[*Transport]struct{}       // guarded by mu
	byUfrag  map[string]*Transport         // guarded by mu; those of an ICE restart beside the former ones
	byRemote map[netip.AddrPort]*Transport // guarded by mu
	routers  map[video.SessionID]*router   // guarded by mu
	closed   bool                          // guarded by mu

	gone egress
}

// counters are totals since the start.
type counters struct {
	received, sent, unsent, shed, refused, undecryptable, unsupported, retransmitted, restored, keyframeRequests, dataSent, dataDropped, probes atomic.Uint64
}

func (c *counters) add(t *tally) {
	c.received.Add(t.received)
	c.sent.Add(t.sent)
	c.unsent.Add(t.unsent)
	c.shed.Add(t.shed)
	c.undecryptable.Add(t.undecryptable)
	c.unsupported.Add(t.unsupported)
	c.retransmitted.Add(t.retransmitted)
	c.restored.Add(t.restored)
	c.probes.Add(t.probes)
}

// Stats are totals since the engine started, and what is there now.
type Stats struct {
	PacketsReceived, PacketsSent, PacketsRetransmitted uint64
	PacketsUnsent                                      uint64 // of those sent: a full or failing socket did not take them
	PacketsShed                                        uint64 // kept back because there was too much to do
	PacketsUndecryptable, PacketsUnsupported           uint64
	PacketsRestored                                    uint64 // lost on the way here, and put in from the copy in a later one (RED)
	KeyframeRequests                                   uint64
	DataSent, DataDropped                              uint64 // lossy messages: sent to receivers, and not sent to those who are too slow
	Probes                                             uint64 // of paths to clients
	TransportsLimited                                  int    // whose path carries less than is wanted, as of 100 ms ago at most
	BandwidthEstimated                                 int64  // sum of what those paths carry (bit/s)
	SubscriptionsPaused                                int    // pictures that find no room on those paths
	ConnectionsRefused                                 uint64 // because there was too much to do
	Transports, Routers                                int
	TCPConnections                                     int     // over which clients are reached by ICE-TCP, and those of strangers
	TCPConnectionsRefused                              uint64  // because there were too many
	TCPPacketsDropped                                  uint64  // of those sent: the connection took less than that
	Busy                                               float64 // part of its time the busiest reader needs, 0 to 1
	Shedding                                           float64 // part of the lines that get no video, 0 to 1
}

// New opens the media port and starts reading from it.
func New(cfg Config) (*Engine, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	now := time.Now()
	cert, err := newCertificate(now)
	if err != nil {
		return nil, fmt.Errorf("make DTLS certificate: %w", err)
	}
	e := &Engine{
		log: cfg.Logger, certificate: cert, started: now, floor: floor{places: cfg.LoudestVoices, large: cfg.LargeRoom}, ticker: newTicker(), segments: segmentation{log: cfg.Logger},
		all: map[*Transport]struct{}{}, byUfrag: map[string]*Transport{}, byRemote: map[netip.AddrPort]*Transport{}, routers: map[video.SessionID]*router{},
	}
	e.limits.Store(&limits{})
	if err := portFree(cfg.UDPPort); err != nil {
		return nil, err
	}
	if e.sockets, err = listen(e, cfg.UDPPort); err != nil {
		return nil, err
	}
	e.port = e.sockets[0].conn.LocalAddr().(*net.UDPAddr).Port
	if e.tcp, err = listenTCP(e, cfg.TCPPort); err != nil {
		e.closeSockets()
		return nil, err
	}
	if err = e.gather(cfg); err != nil {
		e.closeSockets()
		return nil, err
	}
	if !canSegment(e.sockets[0].conn) {
		e.segments.refused()
	}
	e.batches.New = func() any { return newBatch(e) }
	for _, s := range e.sockets {
		r, err := newReader(s)
		if err != nil {
			e.closeSockets()
			return nil, fmt.Errorf("read the media port: %w", err)
		}
		e.readers = append(e.readers, r)
	}
	e.ctx, e.stop = context.WithCancel(context.Background())
	for _, r := range e.readers {
		e.running.Go(r.run)
	}
	for _, l := range e.tcp.listeners {
		e.running.Go(func() { e.tcp.accept(l) })
	}
	e.running.Go(e.tick)
	return e, nil
}

// portFree finds out whether another program has the port. The shared sockets themselves would not notice.
func portFree(port int) error {
	if port == 0 {
		return nil
	}
	var lc net.ListenConfig
	c, err := lc.ListenPacket(context.Background(), "udp4", ":"+strconv.Itoa(port))
	if err != nil {
		return fmt.Errorf("media port %d: %w", port, err)
	}
	return c.Close()
}

// gather lists the candidates of every answer.
func (e *Engine) gather(cfg Config) error {
	addrs := cfg.Addresses
	if len(addrs) == 0 {
		var err error
		if addrs, err = interfaceAddresses(cfg.Loopback); err != nil {
			return fmt.Errorf("find the machine's addresses: %w", err)
		}
	}
	if len(addrs) == 0 {
		return errors.New("no address to offer for media: the machine has no network interface that is up")
	}
	e.addresses = addrs
	for i, a := range addrs {
		e.candidates = append(e.candidates, candidate(i, netip.AddrPortFrom(a, uint16(e.port))))
	}
	if e.tcp.port == 0 {
		return nil
	}
	for i, a := range addrs {
		e.candidates = append(e.candidates, tcpCandidate(len(addrs)+i, netip.AddrPortFrom(a, uint16(e.tcp.port))))
	}
	return nil
}

func interfaceAddresses(loopback bool) ([]netip.Addr, error) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	var outer, inner []netip.Addr
	for _, a := range all {
		prefix, err := netip.ParsePrefix(a.String())
		if err != nil {
			continue
		}
		switch ip := prefix.Addr().Unmap(); {
		case ip.IsLoopback():
			inner = append(inner, ip)
		case ip.IsLinkLocalUnicast():
		default:
			outer = append(outer, ip)
		}
	}
	if loopback || len(outer) == 0 {
		outer = append(outer, inner...)
	}
	return outer, nil
}

// Port returns the media port.
func (e *Engine) Port() int { return e.port }

// TCPPort returns the port of ICE-TCP, 0 if there is none.
func (e *Engine) TCPPort() int { return e.tcp.port }

// Addresses returns what clients are told to send media to, best first, with the media port.
func (e *Engine) Addresses() []netip.AddrPort {
	out := make([]netip.AddrPort, 0, len(e.addresses))
	for _, a := range e.addresses {
		out = append(out, netip.AddrPortFrom(a, uint16(e.port)))
	}
	return out
}

// Stats returns totals and present numbers.
func (e *Engine) Stats() Stats {
	e.mu.RLock()
	defer e.mu.RUnlock()
	c := &e.counters
	busy, shed := e.load()
	limited := e.limits.Load()
	return Stats{
		Probes: c.probes.Load(), TransportsLimited: limited.connections, BandwidthEstimated: limited.estimate, SubscriptionsPaused: limited.paused,
		Busy: busy, Shedding: shed, ConnectionsRefused: c.refused.Load(),
		PacketsReceived: c.received.Load(), PacketsSent: c.sent.Load(), PacketsUnsent: c.unsent.Load(), PacketsShed: c.shed.Load(), PacketsUndecryptable: c.undecryptable.Load(),
		PacketsUnsupported: c.unsupported.Load(), PacketsRetransmitted: c.retransmitted.Load(), PacketsRestored: c.restored.Load(), DataSent: c.dataSent.Load(), DataDropped: c.dataDropped.Load(),
		TCPConnections: e.tcp.count(), TCPConnectionsRefused: e.tcp.refused.Load(), TCPPacketsDropped: e.tcp.dropped.Load(),
		KeyframeRequests: c.keyframeRequests.Load(), Transports: len(e.all), Routers: len(e.routers),
	}
}

// Now is the engine's clock in nanoseconds, which packet.Media is timed by. It is steady, and far enough from 0 that 0 means never.
func (e *Engine) Now() int64 { return e.moment(time.Now()) }

func (e *Engine) moment(t time.Time) int64 { return int64(t.Sub(e.started)) + clockStart }

const clockStart = 3600e9

// ntp converts a moment of the engine's clock to an NTP timestamp (RFC 3550 section 4).
func (e *Engine) ntp(now int64) uint64 {
	const unixEpoch = 2208988800 // seconds from 1900 to 1970
	return ntpTime(e.started.UnixNano() + now - clockStart + unixEpoch*1e9)
}

// NewTransport makes a connection of a session. It has no lines until the client's first offer. While the media path is nearly as
// busy as it can be, the error is overloaded.
func (e *Engine) NewTransport(cfg TransportConfig) (*Transport, error) {
	busy, shed := e.load()
	full := busy > roomToJoin || shed > 0
	if e.full.Swap(full) != full {
		e.log.Warn("there is too much media for more connections, or no longer", "refused", full, "busy", busy, "shedding", shed)
	}
	if full {
		e.counters.refused.Add(1)
		return nil, video.Errorf(video.CodeOverloaded, "the server carries as much media as it can at present")
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, video.Errorf(video.CodeUnavailable, "the media engine is closed")
	}
	r := e.routers[cfg.Session]
	if r == nil {
		r = newRouter(e.floor)
		e.routers[cfg.Session] = r
	}
	r.users++
	t := newTransport(e, r, cfg)
	e.all[t] = struct{}{}
	e.byUfrag[t.ice.local.ufrag] = t
	e.ticker.rouse()
	return t, nil
}

// Close closes every transport, then the media port, and returns when nothing runs any more.
func (e *Engine) Close() {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	for _, t := range e.transports(nil) {
		t.Close()
	}
	e.stop()
	e.closeSockets()
	e.running.Wait()
}

func (e *Engine) closeSockets() {
	for _, s := range e.sockets {
		_ = s.conn.Close()
	}
	if e.tcp != nil {
		e.tcp.close()
	}
}

// check answers a STUN binding request, if it is one of ours.
func (e *Engine) check(s *socket, b []byte, from netip.AddrPort, now int64) {
	if t, answer := e.checked(b, way{socket: s}, from, now); t != nil {
		e.learn(from, t)
		_ = s.send(answer, from)
	}
}

// checked returns whose binding request this is, if it is one of ours, and the answer to it.
func (e *Engine) checked(b []byte, w way, from netip.AddrPort, now int64) (*Transport, []byte) {
	if !stun.IsMessage(b) {
		return nil, nil
	}
	m := &stun.Message{Raw: append([]byte(nil), b...)}
	if m.Decode() != nil || m.Type != stun.BindingRequest {
		return nil, nil
	}
	ufrag, client, ok := ufrags(m)
	if !ok {
		return nil, nil
	}
	e.mu.RLock()
	t := e.byUfrag[ufrag]
	e.mu.RUnlock()
	if t == nil {
		return nil, nil
	}
	answer, evicted := t.ice.check(m, ufrag, client, w, from, now)
	if answer == nil {
		return nil, nil
	}
	t.lastHeard.Store(now)
	switch {
	case evicted == nil:
	case evicted.tcp != nil:
		evicted.tcp.close()
	case w.socket == nil || evicted.remote != from:
		e.forget(evicted.remote, t)
	}
	return t, answer
}

// forget notes that packets from an address are no longer t's.
func (e *Engine) forget(remote netip.AddrPort, t *Transport) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.byRemote[remote] == t {
		e.generation.Add(1)
		delete(e.byRemote, remote)
	}
}

// learn notes that packets from this address belong to t.
func (e *Engine) learn(from netip.AddrPort, t *Transport) {
	e.mu.RLock()
	known := e.byRemote[from] == t
	e.mu.RUnlock()
	if known {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.generation.Add(1)
	if !t.closed.Load() {
		e.byRemote[from] = t
	}
}

func (e *Engine) transportAt(from netip.AddrPort) *Transport {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.byRemote[from]
}

// batched lends a batch for what is sent outside of the readers, and sends it.
func (e *Engine) batched(fill func(*batch)) {
	b := e.batches.Get().(*batch)
	fill(b)
	b.flush()
	e.batches.Put(b)
}

// restarted makes a transport known under the credentials of an ICE restart, and forgets those of two restarts ago.
func (e *Engine) restarted(t *Transport, ufrag, forgotten string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.byUfrag, forgotten)
	if !t.closed.Load() {
		e.byUfrag[ufrag] = t
	}
}

// drop forgets a transport, and its router with the last one.
func (e *Engine) drop(t *Transport, session video.SessionID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.all, t)
	e.generation.Add(1)
	for ufrag, other := range e.byUfrag {
		if other == t {
			delete(e.byUfrag, ufrag)
		}
	}
	for addr, other := range e.byRemote {
		if other == t {
			delete(e.byRemote, addr)
		}
	}
	if t.router.users--; t.router.users == 0 {
		delete(e.routers, session)
	}
}

// transports returns the transports there are now.
func (e *Engine) transports(into []*Transport) []*Transport {
	e.mu.RLock()
	defer e.mu.RUnlock()
	into = into[:0]
	for t := range e.all {
		into = append(into, t)
	}
	return into
}
