package packet

// MaxSize is the longest packet that is kept and forwarded, in bytes. Longer ones do not arise on paths with the usual
// MTU of 1,500 bytes.
const MaxSize = 1500

// History keeps the latest packets of one source, so that a lost one can be sent again to whoever asks. A packet is found by
// its extended number, which names one packet only for as long as the source lives, until as many newer ones came as the history
// has slots. It is for one goroutine at a time.
type History struct {
	slots []slot // their number is a power of two
}

type slot struct {
	data   []byte
	number uint64
}

// NewHistory makes a history of n packets; n must be a power of two.
func NewHistory(n int) *History {
	if n <= 0 || n&(n-1) != 0 {
		panic("packet: history size is not a power of two")
	}
	return &History{slots: make([]slot, n)}
}

// Put keeps the packet b, which from now on belongs to the history, and returns the buffer of the packet it replaced
// (nil while slots are free), which the caller may fill with the next one.
func (h *History) Put(number uint64, b []byte) []byte {
	s := &h.slots[number&uint64(len(h.slots)-1)]
	old := s.data
	s.data, s.number = b, number
	return old[:0]
}

// Copy copies the packet with this number to dst and returns its length, or 0 if it is not here any more.
func (h *History) Copy(number uint64, dst []byte) int {
	s := &h.slots[number&uint64(len(h.slots)-1)]
	if s.data == nil || s.number != number || len(dst) < len(s.data) {
		return 0
	}
	return copy(dst, s.data)
}
