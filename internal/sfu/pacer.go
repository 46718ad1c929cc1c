package sfu

import (
	"encoding/binary"
	"slices"
	"sync"

	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

const (
	// paceAbove is how much faster than the path carries pictures may be sent for a moment: a keyframe is there soon, and waits
	// here rather than in the path's queue, where sound would wait behind it.
	paceAbove = 1.5
	// paceBurst is how far ahead of that pace packets are sent at once (ns): what a wake-up of the ticker lets go.
	paceBurst = int64(probeInterval)
	// mostHeld is how many packets wait at most; one more, and the oldest go out at once.
	mostHeld = 128
	// Where the path seems to carry far less all of a sudden, pictures wait for suspendFor, by when the next feedback says more, but not for
	// longer than suspendMost before they have left for suspendRest (ns).
	suspendFor  = 150e6
	suspendMost = 400e6
	suspendRest = 1e9
)

// pacer spreads bursts of pictures to a client whose path carries less than it wants. Packets are held before they are sealed and
// numbered, so that what is learned from their departure is true. Sound, retransmissions and padding pass by. Guarded by router.media.
type pacer struct {
	rate  int64 // bit/s; 0: nothing is held from now on
	free  int64 // up to when the path has been given work (ns)
	until int64 // everything is held up to then (ns)
	since int64 // from then on (ns)
	ring  []heldPacket
	first int
	count int
}

// heldPacket is a packet that waits: its header and payload as they are to be sealed.
type heldPacket struct {
	f      *forwarder
	number uint64
	header int
	size   int // header and payload
	plain  [maxOutgoing]byte
}

// limit sets the pace to a path of so many bit/s; 0 ends it.
func (p *pacer) limit(rate, now int64) {
	p.rate = int64(paceAbove * float64(rate))
	switch {
	case rate > 0:
		p.open()
	case p.count == 0 && now >= p.until:
		p.ring = nil
	}
}

func (p *pacer) open() {
	if p.ring == nil {
		p.ring = make([]heldPacket, mostHeld)
	}
}

// suspend holds all pictures for a moment.
func (p *pacer) suspend(now int64) {
	if now-p.until > suspendRest {
		p.since = now
	}
	p.open()
	p.until = max(p.until, min(now+suspendFor, p.since+suspendMost))
}

// resume ends that: it is known what the path carries.
func (p *pacer) resume() { p.until = min(p.until, p.since) }

// holds reports whether a packet must wait: there is too much, or others wait already. Its time may be a little before that of the last limit,
// which may have ended all waiting.
func (p *pacer) holds(now int64) bool {
	return p.ring != nil && (p.count > 0 || now < p.until || p.rate > 0 && p.free > now+paceBurst)
}

// charge notes that so many bytes were sent.
func (p *pacer) charge(now int64, size int) {
	if p.rate > 0 {
		p.free = max(p.free, now) + int64(size)*8e9/p.rate
	}
}

// hold returns the place for a packet. If there is none, the oldest leave.
func (t *Transport) hold(b *batch, now int64) *heldPacket {
	p := &t.out.pacer
	for p.count == len(p.ring) {
		t.letGo(b, now)
	}
	if p.count == 0 {
		t.engine.ticker.hold(t)
	}
	h := &p.ring[(p.first+p.count)%len(p.ring)]
	p.count++
	return h
}

// letGo sends the packet that waits longest.
func (t *Transport) letGo(b *batch, now int64) {
	p := &t.out.pacer
	h := &p.ring[p.first]
	p.first, p.count = (p.first+1)%len(p.ring), p.count-1
	f := h.f
	h.f = nil
	path := t.ice.chosen.Load()
	if f == nil || path == nil || t.out.sealer == nil {
		return
	}
	if f.wide != 0 {
		wide := t.out.downlink.departures.add(now, h.size+sealOverhead)
		putWide(h.plain[:], wide)
		if e := f.entry(h.number); e != nil {
			e.wide = wide
		}
	}
	p.charge(now, h.size+sealOverhead)
	to := b.room()
	copy(to, h.plain[:h.header])
	f.send(b, path, to, h.plain[h.header:h.size], h.number)
}

// pump sends what waits and may leave by now, and goes on with a probe. It reports whether there is more to come.
func (t *Transport) pump(b *batch, now int64) bool {
	p := &t.out.pacer
	for p.count > 0 && now >= p.until && (p.rate == 0 || p.free <= now+paceBurst) {
		t.letGo(b, now)
	}
	probing := t.out.downlink.probe.rate != 0 && t.pad(b, now)
	return probing || p.count > 0
}

// discard drops what waits of a line whose picture is to go on with a keyframe. It is not sent when it is asked for either.
func (p *pacer) discard(f *forwarder) {
	for i := range p.count {
		h := &p.ring[(p.first+i)%len(p.ring)]
		if h.f != f {
			continue
		}
		h.f = nil
		if e := f.entry(h.number); e != nil {
			*e = sentPacket{}
		}
	}
}

// putWide writes another transport-wide number into a header that has one.
func putWide(b []byte, wide uint16) {
	at := packet.HeaderSize + 5
	if binary.BigEndian.Uint16(b[packet.HeaderSize:]) != 0xBEDE {
		at++
	}
	binary.BigEndian.PutUint16(b[at:], wide)
}

// paced is the connections that came to have packets waiting since the ticker looked last.
type paced struct {
	mu  sync.Mutex
	new []*Transport // guarded by mu
}

// hold says that packets of a connection wait. It is called once for a burst.
func (t *ticker) hold(of *Transport) {
	t.paced.mu.Lock()
	t.paced.new = append(t.paced.new, of)
	t.paced.mu.Unlock()
	t.rouse()
}

// take appends those connections, each once.
func (p *paced) take(known []*Transport) []*Transport {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range p.new {
		if !slices.Contains(known, t) {
			known = append(known, t)
		}
	}
	clear(p.new)
	p.new = p.new[:0]
	return known
}

// isPaced reports whether packets of the line are held back at all.
func (f *forwarder) isPaced(now int64) bool {
	return f.kind == video.Video && f.transport.out.pacer.holds(now)
}
