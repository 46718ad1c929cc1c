package record

import (
	"sync"

	"github.com/rotunda-rtc/rotunda/internal/packet"
)

const (
	videoQueueBytes = 4 << 20
	audioQueueBytes = 1 << 20
)

// slot holds one packet, with its payload. Only one of them holds it at a time: the queue, the reorder buffer, or whoever
// writes it.
type slot struct {
	media  packet.Media
	source int    // which of the track's sources it is of
	buffer []byte // where its payload goes
	next   *slot
}

// queue takes packets on the media path and keeps them until the session's goroutine comes for them.
type queue struct {
	mu      sync.Mutex
	slots   []slot // made when the first source is known, so that a kind which never comes costs nothing
	buffers []byte // of all slots
	unused  int    // slots from here on were never used; the memory of their buffers has not been touched
	free    *slot
	first   *slot
	last    *slot
	closed  bool
	source  packet.Source
	sources int // how often there was another one
	dropped uint64
}

// open gives the queue its memory.
func (q *queue) open(source packet.Source, bytes int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.source = source
	q.sources++
	if q.slots == nil && !q.closed {
		q.slots = make([]slot, bytes/packet.MaxSize)
		q.buffers = make([]byte, len(q.slots)*packet.MaxSize)
	}
}

// put copies a packet into the queue, or drops it if there is no room.
func (q *queue) put(m *packet.Media) {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := q.free
	switch {
	case q.closed:
		return
	case len(m.Payload) > packet.MaxSize:
		q.dropped++
		return
	case s != nil:
		q.free = s.next
	case q.unused < len(q.slots):
		s = &q.slots[q.unused]
		s.buffer = q.buffers[q.unused*packet.MaxSize : (q.unused+1)*packet.MaxSize]
		q.unused++
	default:
		q.dropped++
		return
	}
	s.media = *m
	s.media.Payload = s.buffer[:copy(s.buffer, m.Payload)]
	s.source = q.sources
	s.next = nil
	if q.last == nil {
		q.first = s
	} else {
		q.last.next = s
	}
	q.last = s
}

// takeAll returns all packets, linked by next in the order they came, and the source of the latest.
func (q *queue) takeAll() (first *slot, source packet.Source) {
	q.mu.Lock()
	defer q.mu.Unlock()
	first = q.first
	q.first, q.last = nil, nil
	return first, q.source
}

// release gives a slot back for use.
func (q *queue) release(s *slot) {
	q.mu.Lock()
	if !q.closed {
		s.next = q.free
		q.free = s
	}
	q.mu.Unlock()
}

// close lets go of the memory; whatever comes is ignored. It returns how many packets were dropped.
func (q *queue) close() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.slots, q.buffers, q.free, q.first, q.last, q.source = nil, nil, nil, nil, nil, packet.Source{}
	return q.dropped
}
