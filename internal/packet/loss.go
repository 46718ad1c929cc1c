package packet

import "slices"

// Limits of repair: a packet is asked for until it is given up, and only while it is among the maxMissing newest losses. A longer
// gap is not repaired packet by packet; a keyframe mends it.
const (
	maxMissing  = 128
	askInterval = 40e6  // ns between two requests for the same packet
	giveUpAfter = 600e6 // ns until a loss is final
)

// Reception follows the packets of one incoming source: what arrived, what is missing, how evenly it came. It answers
// which packets to ask for again (RFC 4585 section 6.2.1) and what to put into receiver reports (RFC 3550 section 6.4.1).
// The zero value is ready. Times are in nanoseconds on any steady clock.
type Reception struct {
	sequence Unwrapper
	missing  []missing // by number, oldest first
	first    uint64
	received uint64
	broken   bool   // a loss became final since Wanted was last asked
	repaired uint64 // came after they were asked for
	skipped  uint64 // packets that came and were not looked at, since the last that was

	expectedPrior, receivedPrior uint64

	jitter      float64
	lastTransit float64
	hasTransit  bool

	timestamp  uint32  // of the packet before
	late, soon float64 // transit of the latest picture's first packet, and what it is without a queue
}

type missing struct {
	number  uint64
	since   int64
	nextAsk int64
	asks    int
}

// Arrived notes a packet and returns its extended number. fresh is false for a packet that was seen before or is too old.
func (r *Reception) Arrived(seq uint16, now int64) (number uint64, fresh bool) {
	highest, started := r.sequence.Highest()
	number = r.sequence.Unwrap(seq)
	switch {
	case !started:
		r.first = number
	case number > highest && r.skipped > 0:
		r.received += min(number-highest-1, r.skipped)
	case number > highest:
		r.noteGap(highest+1, number, now)
	case !r.found(number):
		return number, false
	}
	r.received++
	r.skipped = 0
	return number, true
}

// Skip notes that a packet came which nobody looks at. What is missing is not asked for any more, and what lies between the
// packets before and the next one counts as received as far as so many were skipped.
func (r *Reception) Skip() {
	r.skipped++
	r.missing = r.missing[:0]
}

func (r *Reception) noteGap(from, to uint64, now int64) {
	if to-from > maxMissing {
		r.missing, r.broken = r.missing[:0], true
		return
	}
	for n := from; n < to; n++ {
		if len(r.missing) == maxMissing {
			copy(r.missing, r.missing[1:])
			r.missing, r.broken = r.missing[:maxMissing-1], true
		}
		r.missing = append(r.missing, missing{number: n, since: now, nextAsk: now})
	}
}

func (r *Reception) found(number uint64) bool {
	for i := range r.missing {
		if r.missing[i].number == number {
			if r.missing[i].asks > 0 {
				r.repaired++
			}
			r.missing = append(r.missing[:i], r.missing[i+1:]...)
			return true
		}
	}
	return false
}

// Wanted appends to out the sequence numbers that should be asked for at this time, and forgets losses that became
// final. final reports whether any did.
func (r *Reception) Wanted(now int64, out []uint16) (wanted []uint16, final bool) {
	final, r.broken = r.broken, false
	kept := r.missing[:0]
	for _, m := range r.missing {
		if now-m.since > giveUpAfter {
			final = true
			continue
		}
		if now >= m.nextAsk {
			m.asks++
			m.nextAsk = now + askInterval
			out = append(out, uint16(m.number))
		}
		kept = append(kept, m)
	}
	r.missing = kept
	return out, final
}

// Skips reports whether a packet with this number would be the newest and the one before it is missing.
func (r *Reception) Skips(seq uint16) bool {
	highest, started := r.sequence.Highest()
	return started && int16(seq-uint16(highest)) > 1
}

// Misses reports whether Wanted will have anything to say.
func (r *Reception) Misses() bool { return len(r.missing) > 0 || r.broken }

// queueMemory is over how many pictures a delay that stays becomes usual: clocks drift, and paths change.
const queueMemory = 1024

// Transit updates the jitter estimate (RFC 3550 section 6.4.1) with a packet of this timestamp that was not sent again; clockRate is in Hz.
func (r *Reception) Transit(timestamp uint32, now int64, clockRate uint32) {
	transit := float64(now)*float64(clockRate)/1e9 - float64(timestamp)
	if !r.hasTransit || max(transit-r.soon, r.soon-transit) > float64(clockRate)*10 { // it began, or jumped
		r.soon, r.late = transit, transit
	}
	if timestamp != r.timestamp { // those behind the first are also late because the picture is large
		r.timestamp, r.late = timestamp, transit
		r.soon = min(transit, r.soon+(transit-r.soon)/queueMemory)
	}
	if r.hasTransit {
		d := transit - r.lastTransit
		if d < 0 {
			d = -d
		}
		if d < float64(clockRate)*10 { // a jump of the timestamp is no jitter
			r.jitter += (d - r.jitter) / 16
		}
	}
	r.lastTransit, r.hasTransit = transit, true
}

// Report is one block of a receiver report.
type Report struct {
	FractionLost uint8
	TotalLost    uint32 // 24 bits
	Highest      uint32 // extended highest sequence number
	Jitter       uint32
}

// Report returns the block for the time since the last one, and false before the first packet.
func (r *Reception) Report() (Report, bool) {
	highest, started := r.sequence.Highest()
	if !started {
		return Report{}, false
	}
	expected := highest - r.first + 1
	var total uint64
	if expected > r.received {
		total = min(expected-r.received, 0x7fffff)
	}
	interval, got := expected-r.expectedPrior, r.received-r.receivedPrior
	r.expectedPrior, r.receivedPrior = expected, r.received
	var fraction uint8
	if interval > 0 && got < interval {
		fraction = uint8((interval - got) * 256 / interval)
	}
	return Report{FractionLost: fraction, TotalLost: uint32(total), Highest: uint32(highest - firstCycle), Jitter: uint32(r.jitter)}, true
}

// Received returns the number of different packets that arrived.
func (r *Reception) Received() uint64 { return r.received }

// Repaired returns how many of those came after Wanted had asked for them.
func (r *Reception) Repaired() uint64 { return r.repaired }

// Lost returns how many packets did not arrive and are not waited for any more. One that comes all the same is taken off.
func (r *Reception) Lost() int64 {
	highest, started := r.sequence.Highest()
	if !started {
		return 0
	}
	return int64(highest-r.first) + 1 - int64(r.received) - int64(len(r.missing))
}

// Jitter returns the estimate of RFC 3550 section 6.4.1, in units of the timestamps' clock.
func (r *Reception) Jitter() float64 { return r.jitter }

// Queue returns for how long (ns) the latest packets waited on their way, the sender's own queue included.
func (r *Reception) Queue(clockRate uint32) int64 {
	return int64((r.late - r.soon) * 1e9 / float64(clockRate))
}

// Highest returns the highest extended number so far, and false before the first packet.
func (r *Reception) Highest() (uint64, bool) { return r.sequence.Highest() }

// Complete reports whether no packet from this number on is known to be missing.
func (r *Reception) Complete(from uint64) bool {
	return !slices.ContainsFunc(r.missing, func(m missing) bool { return m.number >= from })
}
