package sfu

import (
	"encoding/binary"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/packet"
)

// tcpConn is one connection of a client over ICE-TCP. One goroutine reads it and takes what came to completion, as the readers of
// the media port do; another writes what waits in its queue.
type tcpConn struct {
	port     *tcpPort
	conn     *net.TCPConn
	remote   netip.AddrPort
	origin   netip.Prefix
	stranger bool // guarded by tcpPort.mu
	queue    tcpQueue
	gone     atomic.Bool
	shut     sync.Once

	// Of the goroutine that reads, alone.
	arrival
	transport *Transport // whose it is; nil until a check said so
	locked    bool       // its router's media
	buffer    [tcpReadBuffer]byte
}

func newTCPConn(p *tcpPort, conn *net.TCPConn, remote netip.AddrPort) *tcpConn {
	c := &tcpConn{port: p, conn: conn, remote: remote, origin: originOf(remote.Addr()), stranger: true}
	c.queue.init()
	return c
}

// close ends the connection. It may be called by anyone, and does not wait.
func (c *tcpConn) close() {
	c.shut.Do(func() {
		c.gone.Store(true)
		c.queue.close()
		_ = c.conn.Close()
	})
}

// finish ends the connection when what waits is written, or the client does not take it.
func (c *tcpConn) finish() {
	c.gone.Store(true)
	c.queue.finish()
}

// read takes what comes until the connection ends.
func (c *tcpConn) read() {
	defer c.port.remove(c)
	defer c.close()
	have := 0
	for {
		n, err := c.conn.Read(c.buffer[have:])
		if err != nil {
			return
		}
		have += n
		used, ok := c.burst(c.buffer[:have])
		if !ok {
			return
		}
		have = copy(c.buffer[:], c.buffer[used:have])
	}
}

// burst takes the whole frames there are, and returns how long they were in all. It reports false if this is no client of ours.
func (c *tcpConn) burst(b []byte) (used int, ok bool) {
	e := c.port.engine
	now := e.Now()
	c.batch = e.batches.Get().(*batch)
	_, shed := e.load()
	c.batch.shedding = c.census.shedding(int(shed*allRanks), now)
	ok = true
	for ok && len(b)-used >= 2 {
		size := int(binary.BigEndian.Uint16(b[used:]))
		if size > longestFrame {
			ok = false
			break
		}
		if len(b)-used-2 < size {
			break
		}
		frame := b[used+2 : used+2+size]
		used += 2 + size
		ok = c.take(frame, now)
	}
	c.hold(false)
	c.onward = onward{} // whose layer may end before the next packet comes
	c.batch.flush()
	c.batch.shedding = shedding{}
	e.batches.Put(c.batch)
	c.batch = nil
	return used, ok
}

// take sorts a packet by its first byte (RFC 9443). Nothing but checks is taken of a stranger.
func (c *tcpConn) take(b []byte, now int64) bool {
	if len(b) == 0 {
		return true
	}
	if c.batch.nearlyFull() {
		c.hold(false)
		c.batch.flush()
	}
	first := b[0]
	switch {
	case first <= 3:
		c.hold(false)
		return c.check(b, now)
	case c.transport == nil:
		return false
	case first >= 20 && first <= 63:
		c.hold(false)
		c.transport.dtls.receive(b)
	case first < 128 || first > 191:
	case packet.IsRTCP(b):
		c.hold(true)
		c.transport.receiveRTCP(b, &c.arrival, now)
	default:
		c.hold(true)
		c.transport.receiveRTP(b, &c.arrival, now)
	}
	return true
}

// hold locks or unlocks the media of the client's router.
func (c *tcpConn) hold(locked bool) {
	switch {
	case c.locked == locked:
		return
	case locked:
		c.transport.router.media.Lock()
	default:
		c.transport.router.media.Unlock()
	}
	c.locked = locked
}

// check answers a STUN binding request. A connection is one client's: a check for another ends it, and so does a stranger's that is
// for none.
func (c *tcpConn) check(b []byte, now int64) bool {
	t, answer := c.port.engine.checked(b, way{tcp: c}, c.remote, now)
	switch {
	case t == nil:
		return c.transport != nil
	case c.transport == nil:
		c.transport = t
		c.port.known(c)
		_ = c.conn.SetReadDeadline(time.Time{})
	case c.transport != t:
		return false
	}
	c.send(answer)
	return !t.closed.Load() // else nobody would close it
}

// send queues a packet that is not video.
func (c *tcpConn) send(b []byte) {
	if lost := c.queue.add(&c.queue.urgent, c.port.engine.Now(), b); lost > 0 {
		c.port.dropped.Add(uint64(lost))
	}
}

// sendChain queues the packets of a chain.
func (c *tcpConn) sendChain(b *batch, first int, audio bool, now int64) {
	l := &c.queue.video
	if audio {
		l = &c.queue.urgent
	}
	if lost := c.queue.addChain(l, now, b, first); lost > 0 {
		c.port.dropped.Add(uint64(lost))
	}
}

// write writes what waits until the connection ends.
func (c *tcpConn) write() {
	defer c.close()
	chunk := make([]byte, 0, tcpChunk)
	for {
		chunk = c.queue.take(chunk[:0])
		if len(chunk) == 0 {
			return
		}
		_ = c.conn.SetWriteDeadline(time.Now().Add(tcpWriteTime))
		if _, err := c.conn.Write(chunk); err != nil {
			return
		}
	}
}
