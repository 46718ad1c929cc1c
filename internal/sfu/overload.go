package sfu

import (
	"math"
	"sync/atomic"
)

// A reader that keeps up reads what came since the last time, which is less than a whole burst holds. One that does not finds whole
// bursts again and again, and what waits in the socket delays everybody. Then it gives up video, whole pictures of single
// viewers, until the bursts get smaller: audio and the pictures of the others stay whole. It does not aim at rest: large bursts
// are cheaper for each packet, so the most gets through just where they are nearly full. What is given up is decided by
// rank: each viewer's line has one, drawn when it is made.
const (
	// workBeforeShedding is how many packets, read and sent, a reader deals with in nothing but whole bursts before it looks at what
	// waits in the socket: 30 to 50 ms of a core. It looks again after workBetweenSteps, each time. If hardly less waits than
	// the time before, it sheds; after a pause of the process (another program, a quota) it catches up, and less does.
	workBeforeShedding = 16_000
	workBetweenSteps   = 4_000
	catchingUp         = 0.9 // of what waited is less
	shedStep           = 8   // ranks more
	takeBackStep       = 4   // ranks fewer, every takeBackAfter (ns), while hardly a burst is whole
	takeBackAfter      = 1e9 // long enough for a keyframe to have come and its cost to show
	// wholeToTakeBack is the share of whole bursts up to which pictures are given back.
	wholeToTakeBack = 0.1
	// A reader that is busy for less than lightLoad of its time gives lightLoadSteps steps back at once.
	lightLoad      = 0.5
	lightLoadSteps = 8
	// roomToJoin is the share from which on nobody is let in any more. It is below what those inside would suffer from.
	roomToJoin = 0.90
	// loadWindow is the time over which the share is taken (ns), and loadMemory over how long it is evened out: a burst of joins is
	// no reason to refuse the last of them.
	loadWindow = 500e6
	loadMemory = 4e9
	// loadHolds is how long the load is believed that no later one follows (ns): nothing came.
	loadHolds = 2e9
	// allRanks is one more than the highest rank.
	allRanks = math.MaxUint8 + 1
)

// load is how busy one reader is, and what it sheds. It belongs to the reader; busyShare and shedShare may be called by all.
type load struct {
	since  int64 // when the socket was last found not empty (ns), 0 while it is empty
	busy   int64 // of the window (ns)
	window int64 // when the window began (ns)
	bursts int   // of the window
	whole  int   // of them
	work   int   // packets since a burst was less than whole
	next   int   // the work at which it is looked at what waits
	waits  int   // bytes in the socket the last time, 0 before the first
	shed   int   // lines of a rank below it get no video
	turned int64 // when shed last changed (ns)

	share     atomic.Uint64 // busy part of the time, evened out, a float64
	measured  atomic.Int64  // when that was (ns)
	published atomic.Int64  // shed
}

// begin says that a burst was read.
func (l *load) begin(now int64) {
	if l.window == 0 || now-l.window > loadHolds { // nothing came for long: there is no load
		l.work, l.next, l.waits = 0, workBeforeShedding, 0
		if l.shed > 0 {
			l.turn(0, now)
		}
		l.restart(now)
	}
	if l.since == 0 {
		l.since = now
	}
}

// did says how many datagrams a burst had, how many packets it gave rise to, and when it was read. waiting tells how many bytes
// there are in the socket.
func (l *load) did(datagrams, packets int, now int64, waiting func() int) {
	l.bursts++
	if datagrams < burstPackets {
		l.work, l.next, l.waits = 0, workBeforeShedding, 0
	} else {
		l.whole++
		l.work += datagrams + packets
		if l.work >= l.next {
			l.next = l.work + workBetweenSteps
			before := l.waits
			l.waits = max(waiting(), 1)
			if before > 0 && float64(l.waits) > catchingUp*float64(before) {
				l.turn(min(l.shed+shedStep, allRanks), now)
			}
		}
	}
	l.look(now)
}

// idle says that the socket is empty.
func (l *load) idle(now int64) {
	if l.since != 0 {
		l.busy += now - l.since
		l.since = 0
		l.look(now)
	}
}

// look ends the window, if it is time.
func (l *load) look(now int64) {
	passed := now - l.window
	if passed < loadWindow {
		return
	}
	if l.since != 0 {
		l.busy += now - l.since
		l.since = now
	}
	part := min(float64(passed)/loadMemory, 1)
	share, current := l.busyShare(now), float64(l.busy)/float64(passed)
	l.share.Store(math.Float64bits(share + (current-share)*part))
	l.measured.Store(now)
	if l.shed > 0 && float64(l.whole) <= wholeToTakeBack*float64(l.bursts) && now-l.turned >= takeBackAfter {
		step := takeBackStep
		if current < lightLoad {
			step *= lightLoadSteps
		}
		l.turn(max(l.shed-step, 0), now)
	}
	l.restart(now)
}

func (l *load) restart(now int64) {
	l.window, l.busy, l.bursts, l.whole = now, 0, 0, 0
}

func (l *load) turn(shed int, now int64) {
	l.shed, l.turned = shed, now
	l.published.Store(int64(shed))
}

// busyShare returns which part of its time the reader was busy of late.
func (l *load) busyShare(now int64) float64 {
	if now-l.measured.Load() > loadHolds {
		return 0
	}
	return math.Float64frombits(l.share.Load())
}

// shedShare returns which part of the lines get no video. When those who made the load are gone, nothing comes that would end it.
func (l *load) shedShare(now int64) float64 {
	if now-l.measured.Load() > loadHolds {
		return 0
	}
	return float64(l.published.Load()) / allRanks
}

// load returns the busy share of the busiest reader, and the largest share that is shed.
func (e *Engine) load() (busy, shed float64) {
	now := e.Now()
	for _, r := range e.readers {
		busy, shed = max(busy, r.load.busyShare(now)), max(shed, r.load.shedShare(now))
	}
	return busy, shed
}
