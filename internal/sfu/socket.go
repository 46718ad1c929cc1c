package sfu

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"strconv"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/packet"
)

const (
	// socketBuffer is what each socket asks the kernel to hold in either direction, in bytes; the kernel may grant less.
	socketBuffer = 4 << 20
	// burstPackets is how many datagrams are read at once.
	burstPackets = 64
	// readSize is the longest datagram that is read: the longest packet and its seal. Longer ones are dropped.
	readSize = packet.MaxSize + 256
	// readRetry is how long a reader rests after a failed read.
	readRetry = time.Millisecond
	// longestStay is how long a packet waits in the batch at most while bursts follow one another that give rise to few more (ns).
	longestStay = 1e6
)

// socket is one UDP socket of the media port.
type socket struct {
	engine *Engine
	conn   *net.UDPConn
}

// reader is what the goroutine has that reads a socket.
type reader struct {
	socket   *socket
	incoming *receiver
	arrival
	load load

	known      map[netip.AddrPort]*Transport // part of Engine.byRemote, good for one generation
	generation uint64
	held       *router // whose media is locked
	turn       uint64  // of the batch, when a burst last began
	since      int64   // when the first burst of that turn began (ns)
}

// listen opens the sockets of the media port: on Linux one for each processor and address family, among which the
// kernel spreads clients by address. Port 0 takes any free port. IPv6 is left out where the machine has none.
func listen(e *Engine, port int) ([]*socket, error) {
	shards := runtime.GOMAXPROCS(0)
	if !reusePort {
		shards = 1
	}
	var sockets []*socket
	for _, network := range []string{"udp4", "udp6"} {
		for range shards {
			lc := net.ListenConfig{Control: controlSocket}
			pc, err := lc.ListenPacket(context.Background(), network, ":"+strconv.Itoa(port))
			if err != nil && network == "udp6" {
				break
			}
			if err != nil {
				for _, s := range sockets {
					_ = s.conn.Close()
				}
				return nil, fmt.Errorf("open media port %d: %w", port, err)
			}
			conn := pc.(*net.UDPConn)
			enlarge(conn)
			port = conn.LocalAddr().(*net.UDPAddr).Port
			sockets = append(sockets, &socket{engine: e, conn: conn})
		}
	}
	return sockets, nil
}

func newReader(s *socket) (*reader, error) {
	r := &reader{socket: s, arrival: arrival{batch: newBatch(s.engine)}, known: map[netip.AddrPort]*Transport{}}
	var err error
	r.incoming, err = newReceiver(s, r.rest)
	return r, err
}

// run takes bursts until the socket is closed. What they give rise to is sent before it waits for the next one.
func (r *reader) run() {
	for {
		n, err := r.incoming.burst()
		switch {
		case err == nil:
			r.receive(n)
		case errors.Is(err, net.ErrClosed):
			return
		default:
			r.batch.flush()
			time.Sleep(readRetry) // an error of one datagram does not end a socket; one that lasts must not spin
		}
	}
}

// receive takes the datagrams of a burst.
func (r *reader) receive(n int) {
	read, made := time.Now(), r.batch.made
	now := r.socket.engine.moment(read)
	r.settle(now)
	r.load.begin(now)
	r.batch.shedding = r.census.shedding(r.load.shed, now)
	r.refresh()
	for i := range n {
		r.waited = r.incoming.waited(i, read)
		b, from := r.incoming.datagram(i)
		r.take(b, from, now)
	}
	r.hold(nil)
	r.load.did(n, r.batch.made-made, now, r.incoming.waiting)
}

// settle sends what waits for the batch to fill if that takes long.
func (r *reader) settle(now int64) {
	if r.batch.turn == r.turn && len(r.batch.out) > 0 && now-r.since >= longestStay {
		r.batch.flush()
	}
	if r.batch.turn != r.turn || len(r.batch.out) == 0 {
		r.turn, r.since = r.batch.turn, now
	}
}

// rest sends what there is before the reader waits for more.
func (r *reader) rest() {
	r.onward = onward{} // whose layer may end before the next packet comes
	r.batch.flush()
	r.load.idle(r.socket.engine.Now())
}

// take sorts a datagram by its first byte (RFC 9443). Those of one session that come one after another are taken under one lock.
func (r *reader) take(b []byte, from netip.AddrPort, now int64) {
	if len(b) == 0 {
		return
	}
	if r.batch.nearlyFull() {
		r.hold(nil) // others may have the session while this is sent
		r.batch.flush()
	}
	if first := b[0]; first < 128 || first > 191 {
		r.hold(nil)
		r.handshake(b, from, now)
		return
	}
	t := r.transportAt(from)
	if t == nil {
		return
	}
	r.hold(t.router)
	if packet.IsRTCP(b) {
		t.receiveRTCP(b, &r.arrival, now)
	} else {
		t.receiveRTP(b, &r.arrival, now)
	}
}

// hold locks the media of a router in place of the one that is locked.
func (r *reader) hold(next *router) {
	if r.held == next {
		return
	}
	if r.held != nil {
		r.held.media.Unlock()
	}
	if r.held = next; next != nil {
		next.media.Lock()
	}
}

// handshake takes what is neither RTP nor RTCP.
func (r *reader) handshake(b []byte, from netip.AddrPort, now int64) {
	switch first := b[0]; {
	case first <= 3:
		r.socket.engine.check(r.socket, b, from, now)
	case first >= 20 && first <= 63:
		if t := r.socket.engine.transportAt(from); t != nil {
			t.dtls.receive(b)
		}
	}
}

// refresh forgets who is where if that changed.
func (r *reader) refresh() {
	if g := r.socket.engine.generation.Load(); g != r.generation {
		clear(r.known)
		r.generation = g
	}
}

func (r *reader) transportAt(from netip.AddrPort) *Transport {
	t := r.known[from]
	if t == nil {
		if t = r.socket.engine.transportAt(from); t != nil {
			r.known[from] = t
		}
	}
	return t
}
