package packet

// firstCycle is where extended numbers begin, so that packets a little older than the first have a number too.
const firstCycle = 1 << 16

// Unwrapper turns 16 bit sequence numbers into numbers that never wrap. The zero value is ready.
type Unwrapper struct {
	highest uint64
	started bool
}

// Unwrap returns the extended number of seq: the one nearest to the highest seen so far.
func (u *Unwrapper) Unwrap(seq uint16) uint64 {
	if !u.started {
		u.started = true
		u.highest = firstCycle | uint64(seq)
		return u.highest
	}
	ext := u.highest + uint64(int64(int16(seq-uint16(u.highest))))
	if ext > u.highest {
		u.highest = ext
	}
	return ext
}

// Highest returns the highest number so far, and false before the first.
func (u *Unwrapper) Highest() (uint64, bool) { return u.highest, u.started }

// NewerTimestamp reports whether a is later than b on the 32 bit circle of RTP timestamps.
func NewerTimestamp(a, b uint32) bool { return int32(a-b) > 0 }
