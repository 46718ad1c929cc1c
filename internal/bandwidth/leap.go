package bandwidth

const (
	// leapRise is by how much the delay must rise within a run (ns), and leapNoise by how many times what it usually strays.
	leapRise  = 50e6
	leapNoise = 6
	// leapSteps is how many packets of the run must each come leapStep (ns) later than any before: a single stall is one step.
	leapSteps = 3
	leapStep  = 4e6
	// leapShort: during the run less than this part of what was sent of late arrives.
	leapShort = 0.7
	// leapBytes is how much must arrive in the run: packets of sound alone tell of the receiver's processor rather than of the path.
	leapBytes = 2000
	// leapUses is which part of a known limit must be sent: a path that is far from full is left to what is surer.
	leapUses = 0.8
	// leapForgets is how long a run may go on without a step (ns).
	leapForgets = 150e6
	// leapMemory is the number of packets over which it is learned how far delays stray.
	leapMemory = 64
)

// leap notices at once when a path carries far less than before, such as a tenth: packets then come late one by one, each later than
// the one before. A line through many of them (trend.go) would be surer and take three times as long, and meanwhile the queue grows
// by several times the time that passes. A receiver that was held up looks different: one packet is late, and those behind it are less so.
type leap struct {
	last        int64 // when the last packet arrived, 0: none did
	least, most int64 // delay of the run's first packet, and the longest
	began       int64 // when its first packet arrived
	stepped     int64 // when the latest step was
	bytes       int   // that arrived since its first packet
	steps       int

	usual, strays float64 // delay of late, and how far packets are from it (ns)
}

// packet takes a packet that arrived. It reports whether it is one more of a run that is long enough to mean something.
func (l *leap) packet(sent, arrived int64, size int) bool {
	delay := arrived - sent
	gap := arrived - l.last
	step := delay-l.most >= leapStep && gap >= leapStep
	first := l.last == 0 || gap > trendForgets || gap < -trendForgets
	l.last = max(l.last, arrived)
	if first {
		l.last, l.usual, l.strays = arrived, float64(delay), 0
	}
	off := float64(delay) - l.usual
	l.usual += off / leapMemory
	l.strays += (max(off, -off) - l.strays) / leapMemory
	fell := delay < l.least+(l.most-l.least)/2
	if first || !step && (l.steps == 0 || fell || arrived-l.stepped > leapForgets) {
		l.least, l.most, l.began, l.stepped, l.bytes, l.steps = delay, delay, arrived, arrived, 0, 0
		return false
	}
	l.bytes += size
	if !step {
		return false
	}
	l.most, l.stepped = delay, arrived
	l.steps++
	return l.steps >= leapSteps && l.bytes >= leapBytes && float64(l.most-l.least) >= max(leapRise, leapNoise*l.strays)
}

// rate returns at which rate the run arrived (bit/s).
func (l *leap) rate() float64 { return float64(l.bytes) * 8e9 / float64(max(l.last-l.began, 1)) }
