package sfu

import "sync/atomic"

// senderClock ties the RTP timestamps of a layer to the server's clock, from the sender's own reports (RFC 3550 section 6.4.1)
// or, before the first, from an arrival.
type senderClock struct {
	timestamp uint32
	at        int64        // ns: on the client's clock where offset is set, else on the engine's
	offset    *clockOffset // of the client's clock; nil without a report
	rate      uint32
	reported  bool
	ntp       uint64 // middle bits go back in our receiver reports
	arrived   int64
}

// base is the moment of the clock's own timestamp, on the engine's clock as it is known now.
func (c *senderClock) base(now int64) int64 {
	if c.offset == nil {
		return c.at
	}
	return c.at + c.offset.at(now)
}

// timestampAt returns the RTP timestamp that belongs to a moment, as it is known now.
func (c *senderClock) timestampAt(moment, now int64) uint32 {
	return c.timestamp + uint32((moment-c.base(now))*int64(c.rate)/1e9)
}

// momentOf returns the moment at which the timestamp was sampled, as it is known now.
func (c *senderClock) momentOf(timestamp uint32, now int64) int64 {
	return c.base(now) + int64(int32(timestamp-c.timestamp))*1e9/int64(c.rate)
}

// farOff is how far from its arrival nothing can have been sampled, and by how much no report is late.
const farOff = 10e9 // ns

// fits reports whether the timestamp can be of this clock. Senders that begin anew, or whose reports are wrong, have others.
func (c *senderClock) fits(timestamp uint32, arrived int64) bool {
	off := arrived - c.momentOf(timestamp, arrived)
	return off < farOff && off > -farOff
}

const (
	offsetBucket = 60e9  // ns; what is known of the offset is the smallest of this bucket and the one before
	offsetRate   = 100   // the offset moves by one ns in so many: 10 ms a second
	offsetJump   = 200e6 // ns; beyond it the offset moves at once
)

// clockOffset is what is added to a client's clock to give ours, and includes the shortest delay of its path. All layers of
// a connection share it, so that delay does not pull picture and sound apart. It is the smallest seen in the last two
// minutes, and not of all time: a client's clock that runs slower than ours moves away from what was seen once. Nothing of it
// holds any more when the client's clock was set back.
type clockOffset struct {
	bucket     int64 // number of the present bucket; guarded, like the next lines but slew, by router.media
	smallest   int64 // of the present bucket
	earlier    int64 // of the one before, valid if hasEarlier
	hasEarlier bool
	slew       atomic.Pointer[slew] // nil before the first report
}

// slew is an offset on its way from one value to another.
type slew struct{ from, to, since int64 }

func (s *slew) at(now int64) int64 {
	most := max(0, now-s.since) / offsetRate
	return s.from + min(max(s.to-s.from, -most), most)
}

// at returns the offset that holds now.
func (o *clockOffset) at(now int64) int64 {
	if s := o.slew.Load(); s != nil {
		return s.at(now)
	}
	return 0
}

// seen takes the offset that a report shows, at the time it came. Called with router.media held.
func (o *clockOffset) seen(offset, now int64) {
	s := o.slew.Load()
	switch bucket := now / offsetBucket; {
	case s == nil || bucket > o.bucket+1 || offset-s.to > farOff:
		o.bucket, o.smallest, o.hasEarlier = bucket, offset, false
	case bucket > o.bucket:
		o.bucket, o.earlier, o.hasEarlier, o.smallest = bucket, o.smallest, true, offset
	default:
		o.smallest = min(o.smallest, offset)
	}
	to := o.smallest
	if o.hasEarlier {
		to = min(to, o.earlier)
	}
	if s != nil && s.to == to {
		return
	}
	next := &slew{from: to, to: to, since: now}
	if s != nil {
		if from := s.at(now); to-from <= offsetJump && from-to <= offsetJump {
			next.from = from
		}
	}
	o.slew.Store(next)
}
