package loadtest

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
)

// path is the network that lies, as if, between a participant and the server: it loses datagrams and delays them, the same each way.
type path struct {
	loss     float64
	delay    int64 // ns
	up, down delayLine
}

func (p *path) loses(random *rand.Rand) bool { return p.loss > 0 && random.Float64() < p.loss }

// delayLine holds datagrams until they are due, in the order they came.
type delayLine struct{ held []held }

type held struct {
	datagram []byte
	due      int64
	at       int64          // when it arrives, ns of the wall clock; of datagrams from the server
	to       netip.AddrPort // of datagrams to the server, before the socket is connected
}

func (d *delayLine) push(b []byte, due, at int64) {
	d.held = append(d.held, held{datagram: bytes.Clone(b), due: due, at: at})
}

func (d *delayLine) pushTo(b []byte, due int64, to netip.AddrPort) {
	d.held = append(d.held, held{datagram: bytes.Clone(b), due: due, to: to})
}

// take removes what is due.
func (d *delayLine) take(now int64) []held {
	n := 0
	for n < len(d.held) && d.held[n].due <= now {
		n++
	}
	due := d.held[:n]
	if d.held = d.held[n:]; len(d.held) == 0 {
		d.held = nil
	}
	return due
}

// deliver passes on what is due in either direction.
func (p *path) deliver(t *transport, now int64) {
	for _, h := range p.up.take(now) {
		t.write(h.datagram, h.to)
	}
	for _, h := range p.down.take(now) {
		t.take(h.datagram, h.at, now)
	}
}
