package mixer

import (
	"sync"

	"github.com/rotunda-rtc/rotunda/internal/opus"
	"github.com/rotunda-rtc/rotunda/internal/packet"
)

const (
	// slots is how many packets of a source are kept at most, in its queue and its jitter buffer together: 960 ms of usual ones.
	slots = 48
	// spare are those that the jitter buffer leaves to the queue.
	spare = 16
)

// slot holds one packet. Either the queue or the jitter buffer has it.
type slot struct {
	next *slot

	number    int64
	timestamp uint32
	arrived   int64 // ns
	source    int   // which of the source's tracks it is of
	level     uint8
	hasLevel  bool
	size      int
	data      [opus.MaxPacket]byte

	// Set by the jitter buffer, in samples.
	from     int64 // extended timestamp
	duration int64
	audible  bool
}

func (s *slot) payload() []byte { return s.data[:s.size] }
func (s *slot) until() int64    { return s.from + s.duration }

// queue takes packets on the media path and keeps them until the mix loop comes for them. When it is full it drops the oldest.
type queue struct {
	mu      sync.Mutex
	memory  [slots]slot
	free    *slot
	first   *slot
	last    *slot
	sources int
	dropped uint64
}

func newQueue() *queue {
	q := &queue{}
	for i := range q.memory {
		q.memory[i].next, q.free = q.free, &q.memory[i]
	}
	return q
}

// restart says that what comes next is of another track.
func (q *queue) restart() {
	q.mu.Lock()
	q.sources++
	q.mu.Unlock()
}

func (q *queue) put(m *packet.Media) {
	if m.Codec != packet.CodecOpus || m.ClockRate != opus.SampleRate || len(m.Payload) == 0 || len(m.Payload) > opus.MaxPacket {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	s := q.room()
	if s == nil {
		q.dropped++
		return
	}
	s.number, s.timestamp, s.arrived, s.source = int64(m.Number), m.Timestamp, m.Arrived, q.sources
	s.level, s.hasLevel = m.Level, m.HasLevel
	s.size = copy(s.data[:], m.Payload)
	s.next = nil
	if q.last == nil {
		q.first = s
	} else {
		q.last.next = s
	}
	q.last = s
}

// room takes a free slot, or else that of the oldest packet.
func (q *queue) room() *slot {
	s := q.free
	if s != nil {
		q.free = s.next
		return s
	}
	if s = q.first; s != nil {
		q.dropped++
		if q.first = s.next; q.first == nil {
			q.last = nil
		}
	}
	return s
}

// takeAll returns all packets, linked in the order they came, and how many were dropped since it was last asked.
func (q *queue) takeAll() (first *slot, dropped uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	first, dropped = q.first, q.dropped
	q.first, q.last, q.dropped = nil, nil, 0
	return first, dropped
}

func (q *queue) release(s *slot) {
	q.mu.Lock()
	s.next, q.free = q.free, s
	q.mu.Unlock()
}
