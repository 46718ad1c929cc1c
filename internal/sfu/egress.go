package sfu

import (
	"sync"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// wireOverhead is what leaves the machine beside the payload of a packet: our header and seal, and the headers of UDP and IPv4 (bytes).
const wireOverhead = packetOverhead + 28

// metered is what was sent on a line and is accounted for. Guarded by router.media.
type metered struct{ packets, octets uint32 }

// egress is what sessions were sent by connections that are gone, until it is taken.
type egress struct {
	mu    sync.Mutex
	bytes map[video.SessionID]uint64 // guarded by mu
}

func (e *egress) add(session video.SessionID, bytes uint64) {
	if bytes == 0 {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.bytes == nil {
		e.bytes = make(map[video.SessionID]uint64)
	}
	e.bytes[session] += bytes
}

func (e *egress) take() map[video.SessionID]uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	taken := e.bytes
	e.bytes = nil
	if taken == nil {
		taken = make(map[video.SessionID]uint64)
	}
	return taken
}

// Egress returns how many bytes of media the clients of each session were sent since it was last asked, packets sent again among them, with
// the headers of RTP, UDP and IPv4. What was sent over connections that are gone is in it. Ask at least every half an hour: counters of lines
// start over after 4 GiB.
func (e *Engine) Egress() map[video.SessionID]uint64 {
	transports := e.transports(nil) // before those that are gone: who goes meanwhile is among one of them
	sums := e.gone.take()
	for _, t := range transports {
		if n := t.takeEgress(); n > 0 {
			sums[t.session] += n
		}
	}
	return sums
}

func (t *Transport) takeEgress() uint64 {
	t.router.mu.Lock()
	defer t.router.mu.Unlock()
	t.router.media.Lock()
	defer t.router.media.Unlock()
	return t.unmetered()
}

// unmetered returns what was sent since it was last asked. Called with router.mu and router.media held.
func (t *Transport) unmetered() (bytes uint64) {
	for _, l := range t.all {
		if f := l.forwarder; f != nil {
			bytes += uint64(f.octets-f.metered.octets) + uint64(f.packets-f.metered.packets)*wireOverhead
			f.metered = metered{f.packets, f.octets}
		}
	}
	r := &t.out.downlink.repair
	bytes += uint64(r.octets - r.meter)
	r.meter = r.octets
	return bytes
}
