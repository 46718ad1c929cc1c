package sfu

import (
	"encoding/binary"
	"sync"
)

const (
	// tcpChunk is how much is written at once at most, or one frame if that is longer. It is what audio waits for behind video.
	tcpChunk = 16 << 10
	// What may wait, in bytes: a keyframe for a client on a fast link is some hundred thousand.
	videoWaiting  = 512 << 10
	urgentWaiting = 64 << 10
	laneKept      = 128 << 10
	// longestQueue is how long packets may wait in a queue without a pause (ns).
	longestQueue = 1e9
)

// tcpQueue is what waits for a connection that takes less than it is sent. Audio, reports, handshakes and checks pass video. When more
// waits than a lane holds, or a lane was not empty for longestQueue, all that waits in the lane is dropped: it is late
// already, and what comes next is newer. The client asks for a keyframe then, as after a loss.
type tcpQueue struct {
	mu            sync.Mutex
	urgent, video lane          // guarded by mu
	finished      bool          // guarded by mu; nothing is taken any more, and what waits still goes out
	closed        bool          // guarded by mu; that does not either
	wake          chan struct{} // of one place: something waits, or there is nothing to wait for
}

// lane is packets in their order, each with its length before it.
type lane struct {
	bytes []byte
	taken int   // bytes at the beginning that are written already
	count int   // packets
	since int64 // when it was last empty (ns)
	limit int   // bytes
}

func (q *tcpQueue) init() {
	q.wake = make(chan struct{}, 1)
	q.urgent.limit, q.video.limit = urgentWaiting, videoWaiting
}

// add appends a packet and returns how many were dropped.
func (q *tcpQueue) add(l *lane, now int64, b []byte) (lost int) {
	q.mu.Lock()
	lost = q.append(l, now, b)
	q.mu.Unlock()
	q.rouse()
	return lost
}

// addChain appends the packets of a chain of a batch, under one lock.
func (q *tcpQueue) addChain(l *lane, now int64, b *batch, first int) (lost int) {
	q.mu.Lock()
	for i := first; i >= 0; i = b.out[i].next {
		o := &b.out[i]
		lost += q.append(l, now, b.slab[o.at:o.at+o.size])
	}
	q.mu.Unlock()
	q.rouse()
	return lost
}

// append is called with mu held.
func (q *tcpQueue) append(l *lane, now int64, b []byte) (lost int) {
	if q.finished {
		return 1
	}
	waiting := len(l.bytes) - l.taken
	if waiting+2+len(b) > l.limit || waiting > 0 && now-l.since > longestQueue {
		lost, waiting = l.count, 0
		l.clear()
	}
	if waiting == 0 {
		l.since = now
	}
	l.bytes = binary.BigEndian.AppendUint16(l.bytes, uint16(len(b)))
	l.bytes = append(l.bytes, b...)
	l.count++
	return lost
}

// clear empties the lane. The room of a large burst is given back: there may be thousands of lanes.
func (l *lane) clear() {
	l.taken, l.count = 0, 0
	if cap(l.bytes) > laneKept {
		l.bytes = nil
	}
	l.bytes = l.bytes[:0]
}

// take waits for packets and appends a chunk of them, whole ones. It returns none when the queue is closed, or finished and empty.
func (q *tcpQueue) take(into []byte) []byte {
	for {
		q.mu.Lock()
		into = q.urgent.take(into)
		into = q.video.take(into)
		finished, closed := q.finished, q.closed
		q.mu.Unlock()
		switch {
		case closed:
			return into[:0]
		case finished || len(into) > 0:
			return into
		}
		<-q.wake
	}
}

func (l *lane) take(into []byte) []byte {
	for l.count > 0 {
		size := 2 + int(binary.BigEndian.Uint16(l.bytes[l.taken:]))
		if len(into) > 0 && len(into)+size > tcpChunk {
			break
		}
		into = append(into, l.bytes[l.taken:l.taken+size]...)
		l.taken += size
		l.count--
	}
	switch {
	case l.count == 0:
		l.clear()
	case l.taken > l.limit/2: // what waits moves to the front, seldom
		l.bytes = l.bytes[:copy(l.bytes, l.bytes[l.taken:])]
		l.taken = 0
	}
	return into
}

func (q *tcpQueue) finish() {
	q.mu.Lock()
	q.finished = true
	q.mu.Unlock()
	q.rouse()
}

func (q *tcpQueue) close() {
	q.mu.Lock()
	q.finished, q.closed = true, true
	q.mu.Unlock()
	q.rouse()
}

func (q *tcpQueue) rouse() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}
