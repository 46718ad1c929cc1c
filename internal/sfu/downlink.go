package sfu

import (
	"encoding/binary"

	"github.com/rotunda-rtc/rotunda/internal/bandwidth"
	"github.com/rotunda-rtc/rotunda/internal/packet"
)

// downlink is what is known of the path to a client, and what is sent there in view of it. It is guarded by router.media.
type downlink struct {
	departures departures // of numbered packets
	estimator  bandwidth.Estimator
	reported   bool  // the client tells what arrives
	remb       int64 // the client's own estimate (bit/s), of one that does not; 0 before it came

	reference uint32 // of the last feedback
	clock     int64  // when that was, by the client's clock (ns)
	told      uint16 // number of the first packet that nothing was told of
	feedbacks uint8  // count of the last feedback
	tellable  tellable

	wanted, next int64 // what everything that is wanted takes, and what more than now; 0: nothing more (bit/s)
	sound        share
	repair       repair
	bids         []bid // scratch of allocate
	probe        probe
}

// limits sums up the connections to which less is sent than is wanted.
type limits struct {
	connections, paused int
	estimate            int64 // sum of what their paths carry (bit/s)
}

// count adds a connection to the sums. Called with router.media held.
func (l *limits) count(t *Transport) {
	d := &t.out.downlink
	if _, limited := d.limit(); !limited {
		return
	}
	l.connections++
	if d.reported {
		l.estimate += d.estimator.Estimate()
	} else {
		l.estimate += d.remb
	}
	for _, f := range t.out.forwarders {
		if f.paused {
			l.paused++
		}
	}
}

// limit returns how much may be sent (bit/s), and whether that is less than is wanted.
func (d *downlink) limit() (int64, bool) {
	switch {
	case d.reported:
		return d.estimator.Target(), d.estimator.Limited()
	case d.remb != 0:
		return d.remb, d.remb < d.wanted
	}
	return 0, false
}

// tellRate is of how many packets a second a client may tell: those of 160 Mbit/s. A feedback of 24 bytes may tell of thousands, and a
// datagram hold sixty of them.
const tellRate = 4 * departuresKept

// tellable is of how many packets a client may still tell.
type tellable struct {
	left float64
	at   int64 // when that was brought up to date (ns)
}

// spend reports whether so many are left, and takes them.
func (a *tellable) spend(packets int, now int64) bool {
	a.left = min(a.left+float64(now-a.at)*tellRate/1e9, departuresKept)
	a.at = now
	if a.left < float64(packets) {
		return false
	}
	a.left -= float64(packets)
	return true
}

// suddenly: where so little is left of what the path carried, it is acted on at once.
const suddenly = 0.75

// takeFeedback takes what a client tells of numbered packets. Called with router.media held.
func (t *Transport) takeFeedback(b []byte, batch *batch, now int64) {
	d := &t.out.downlink
	f, ok := packet.ParseTransportFeedback(b)
	if !ok || d.departures.next == 0 || !d.tellable.spend(f.Len()+int(d.untold(&f)), now) {
		return
	}
	d.follow(&f)
	for {
		a, more := f.Next()
		if !more {
			break
		}
		d.take(a, now)
		d.told = a.Number + 1
	}
	d.reported = true
	if d.estimator.Leapt() {
		t.out.pacer.suspend(now)
	}
	if d.estimator.Due(now) {
		t.conclude(batch, now)
	}
}

// conclude draws the conclusions from what was told. The ticker acts on them, but for those that cannot wait for it: with a tenth of the
// path left, each 100 ms of too much are a second that sound waits in its queue.
func (t *Transport) conclude(b *batch, now int64) {
	d := &t.out.downlink
	before, was := d.limit()
	d.estimator.Decide(now, d.wanted, d.departures.flying(d.told))
	after, limited := d.limit()
	if limited && (!was || float64(after) < suddenly*float64(before)) {
		t.out.pacer.resume()
		t.start(b, now)
	}
}

// untold returns of how many packets the feedback was lost that came before this one.
func (d *downlink) untold(f *packet.TransportFeedback) uint16 {
	gap := f.Base - d.told
	if !d.reported || f.Count == d.feedbacks+1 || gap >= departuresKept {
		return 0
	}
	return gap
}

// follow brings the client's clock up to date, and makes up for feedback that was lost on its way.
func (d *downlink) follow(f *packet.TransportFeedback) {
	const unit = 64e6 // ns
	gap := d.untold(f)
	if !d.reported {
		d.clock, d.told, d.feedbacks = 1e9*3600, f.Base, f.Count-1
	} else {
		d.clock += int64(int32((f.Reference-d.reference)<<8)>>8) * unit
	}
	d.reference = f.Reference
	if gap > 0 {
		bytes := 0
		for n := range gap {
			if p := d.departures.find(d.told + n); p != nil && p.fate == underway {
				bytes += int(p.size)
				p.fate = unsent
			}
		}
		d.estimator.Untold(bytes)
	}
	d.feedbacks = f.Count
}

// take takes what is told of one packet.
func (d *downlink) take(a packet.Arrival, now int64) {
	p := d.departures.find(a.Number)
	if p == nil {
		return
	}
	sent := now - p.since(now)
	switch {
	case a.Received && p.fate == underway:
		p.fate = came
		d.estimator.Received(sent, d.clock+a.At*1000, int(p.size), p.cluster)
	case a.Received && p.fate == missing:
		p.fate = came
		d.estimator.Found(p.cluster)
	case !a.Received && p.fate == underway:
		p.fate = missing
		d.estimator.Lost(sent, int(p.size), p.cluster)
	}
}

// parseREMB returns the estimate of a client that makes its own (draft-alvestrand-rmcat-remb-03), in bit/s.
func parseREMB(b []byte) (int64, bool) {
	if len(b) < 20 || string(b[12:16]) != "REMB" {
		return 0, false
	}
	word := binary.BigEndian.Uint32(b[16:]) & 0xffffff
	exponent, mantissa := word>>18, int64(word&0x3ffff)
	if exponent > 30 {
		return bandwidth.Most, true
	}
	return max(min(mantissa<<exponent, bandwidth.Most), 1), true
}
