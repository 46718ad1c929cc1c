package sfu

import (
	"math"
	"sync/atomic"
)

// A reader that keeps up empties its socket again and again. One that does not gives up video, whole pictures of single
// viewers, until it does: audio and the pictures of the others stay whole, and what waits in the socket, which delays
// everybody, stays short. What is given up is decided by rank: each viewer's line has one, drawn when it is made.
const (
	// workBeforeShedding is how many packets, read and sent, a reader deals with without ever finding its socket empty before it
	// sheds; 30 to 50 ms of a core. A pause of the process (another program, a quota) is caught up with in less.
	workBeforeShedding = 16_000
	// workBetweenSteps is how many more it is given to empty its socket after each step.
	workBetweenSteps = 4_000
	shedStep         = 16  // ranks more, while the socket does not empty
	takeBackStep     = 8   // ranks fewer, every takeBackAfter (ns), while there is room
	takeBackAfter    = 1e9 // long enough for a keyframe to have come and its cost to show
	// roomToTakeBack is the share of its time a reader may be busy for pictures to be given back.
	roomToTakeBack = 0.75
	// roomToJoin is the share from which on nobody is let in any more. It is below what those inside would suffer from.
	roomToJoin = 0.90
	// loadWindow is the time over which the share is taken (ns).
	loadWindow = 500e6
	// loadHolds is how long a share is believed that no later one follows (ns): nothing came.
	loadHolds = 2e9
	// allRanks is one more than the highest rank.
	allRanks = math.MaxUint8 + 1
)

// load is how busy one reader is, and what it sheds. It belongs to the reader; busyShare and shedShare may be called by all.
type load struct {
	since  int64 // when the socket was last found not empty (ns), 0 while it is empty
	work   int   // packets since then
	next   int   // the work at which more is shed
	window int64 // when the window began (ns)
	busy   int64 // of the window (ns)
	shed   int   // lines of a rank below it get no video
	turned int64 // when shed last changed (ns)

	share     atomic.Uint64 // busy part of the last window, a float64
	measured  atomic.Int64  // when that was (ns)
	published atomic.Int64  // shed
}

// begin says that a burst was read.
func (l *load) begin(now int64) {
	if l.since != 0 {
		return
	}
	if l.window == 0 || now-l.window > loadHolds {
		l.window, l.busy = now, 0
	}
	l.since, l.work, l.next = now, 0, workBeforeShedding
}

// did says how many packets were read and sent.
func (l *load) did(packets int, now int64) {
	l.work += packets
	if l.work < l.next {
		return
	}
	l.next = l.work + workBetweenSteps
	l.turn(min(l.shed+shedStep, allRanks), now)
	l.measure(1, now)
	l.window, l.busy, l.since = now, 0, now
}

// idle says that the socket is empty.
func (l *load) idle(now int64) {
	if l.since == 0 {
		return
	}
	l.busy += now - l.since
	l.since = 0
	passed := now - l.window
	if passed < loadWindow {
		return
	}
	share := float64(l.busy) / float64(passed)
	l.measure(share, now)
	l.window, l.busy = now, 0
	if l.shed > 0 && share < roomToTakeBack && now-l.turned >= takeBackAfter {
		l.turn(max(l.shed-takeBackStep, 0), now)
	}
}

func (l *load) turn(shed int, now int64) {
	l.shed, l.turned = shed, now
	l.published.Store(int64(shed))
}

func (l *load) measure(share float64, now int64) {
	l.share.Store(math.Float64bits(share))
	l.measured.Store(now)
}

// busyShare returns which part of its time the reader was busy of late.
func (l *load) busyShare(now int64) float64 {
	if now-l.measured.Load() > loadHolds {
		return 0
	}
	return math.Float64frombits(l.share.Load())
}

// shedShare returns which part of the lines get no video.
func (l *load) shedShare() float64 { return float64(l.published.Load()) / allRanks }

// load returns the busy share of the busiest reader, and the largest share that is shed.
func (e *Engine) load() (busy, shed float64) {
	now := e.Now()
	for _, r := range e.readers {
		busy, shed = max(busy, r.load.busyShare(now)), max(shed, r.load.shedShare())
	}
	return busy, shed
}
