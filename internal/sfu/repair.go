package sfu

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
)

// repair holds how much may be sent again. Guarded by router.media.
type repair struct {
	credit float64 // bytes
	at     int64   // when that was brought up to date (ns)
	octets uint32  // sent again so far, for measuring
	meter  uint32  // of those were metered
	share  share
}

// repairs reports whether a packet of so many bytes may be sent again now, and takes it from what may. A client that tells nothing of
// its path is believed.
func (d *downlink) repairs(size int, now int64) bool {
	r := &d.repair
	r.octets += uint32(size)
	if !d.reported {
		return true
	}
	target, limited := d.limit()
	share := repairShare
	if limited {
		share = repairShareFull
	}
	rate := max(share*float64(target), repairLeast) / 8e9
	r.credit = min(r.credit+rate*float64(now-r.at), max(rate*repairSpan, repairBurst))
	r.at = now
	if r.credit < float64(size) {
		r.octets -= uint32(size)
		return false
	}
	r.credit -= float64(size)
	return true
}
