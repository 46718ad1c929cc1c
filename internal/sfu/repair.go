package sfu

import "github.com/rotunda-rtc/rotunda/internal/video"

const (
	// repairShare is the part of what a path carries that may be packets sent again; repairShareFull where less is sent than is
	// wanted: what was lost to a full queue is lost again if the queue stays full.
	repairShare     = 0.5
	repairShareFull = 0.2
	// repairLeast is what may be sent again on any path (bit/s).
	repairLeast = 50e3
	// repairSpan is how much of it may be saved up (ns), and repairBurst the least it comes to (bytes).
	repairSpan  = 200e6
	repairBurst = 6000
	// repairWindow is the time over which it is measured what is sent to a client of whose path nothing is known (ns), and repairGuess what
	// is taken for it in the first (bit/s).
	repairWindow = rateMemory
	repairGuess  = 1e6
)

// repair holds how much may be sent again. Guarded by router.media.
type repair struct {
	credit float64 // bytes
	at     int64   // when that was brought up to date (ns)
	octets uint32  // sent again so far, for measuring
	meter  uint32  // of those were metered
	share  share
	media  share // what is sent, where nothing is known of the path
}

// repairs reports whether a packet of so many bytes may be sent again now, and takes it from what may. While a queue is emptied no
// picture is: sound would wait behind it, and what was lost is followed by a keyframe anyway.
func (o *outbound) repairs(kind video.Kind, size int, now int64) bool {
	d := &o.downlink
	if kind == video.Video && (d.estimator.Draining() || now < o.pacer.until) {
		return false
	}
	target, limited := d.limit()
	if !d.reported && d.remb == 0 {
		target = o.mediaRate(now)
	}
	share := repairShare
	if limited {
		share = repairShareFull
	}
	r := &d.repair
	rate := max(share*float64(target), repairLeast) / 8e9
	r.credit = min(r.credit+rate*float64(now-r.at), max(rate*repairSpan, repairBurst))
	r.at = now
	if r.credit < float64(size) {
		return false
	}
	r.octets += uint32(size)
	r.credit -= float64(size)
	return true
}

// mediaRate returns what the client was sent of late (bit/s), packets sent again left out: the only measure of a path of which its
// client tells nothing. It is taken when something is asked for, so that it costs nothing otherwise.
func (o *outbound) mediaRate(now int64) int64 {
	m := &o.downlink.repair.media
	switch {
	case m.at == 0:
		m.rate = repairGuess
	case now-m.at < repairWindow:
		return m.rate
	}
	octets := uint32(0)
	for _, f := range o.forwarders {
		octets += f.octets + f.packets*packetOverhead
	}
	m.measure(octets, now)
	return m.rate
}
