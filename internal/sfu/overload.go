package sfu

import (
	"math"
	"sync/atomic"
)

// A reader that keeps up reads what came since the last time, which is less than a whole burst holds. One that does not finds whole
// bursts again and again, and what waits in the socket delays everybody. Then it gives up video, whole pictures of single
// publishers or viewers (shed.go): audio and the pictures of the others stay whole. It does not aim at an empty socket: whole
// bursts are cheapest for each packet, so the most gets through while a little always waits. How much more or less is given up
// follows from how that grows or shrinks.
const (
	// workBeforeShedding is how many packets, read and sent, a reader deals with in nothing but whole bursts before it looks at what
	// waits in the socket: 30 to 50 ms of a core. It looks again after as much, and watchAtLeast (ns). If by then hardly less waits it
	// sheds; after a pause of the process (another program, a quota) it catches up, and less does.
	workBeforeShedding = 16_000
	watchAtLeast       = 50e6
	catchingUp         = 0.9 // of what waited is less
	// While it sheds, it decides every adjustEvery (ns), by the mean of what waited.
	adjustEvery = 300e6
	// standing is how long what waits should wait (ns), beside the longest pause that was made, but not more datagrams than
	// mostStanding. It is left alone within half of it, and brought there in settling (ns) otherwise.
	standing     = 60e6
	mostStanding = socketBuffer / datagramCost / 2
	settling     = 2e9
	// newEstimate is the weight of what was seen last in what is thought to be the level that keeps what waits as it is.
	newEstimate = 0.2
	// nearlyAll is the share of what is read that comes in whole bursts where something always waits, and hardlyAny the part of the time for
	// which the socket is empty then. Pictures that come all at once make whole bursts too, with rests between them.
	nearlyAll = 0.9
	hardlyAny = 0.1
	// Levels are given back after takeBackAfter (ns): by then a keyframe has come and its cost shows. If next to nothing waits then,
	// leastTakeBack more are, and twice as many each time.
	takeBackAfter = 900e6
	leastTakeBack = 2
	mostTakeBack  = 64
	// roomToJoin is the share from which on nobody is let in any more. It is below what those inside would suffer from.
	roomToJoin = 0.90
	// loadWindow is the time over which the share is taken (ns), and loadMemory over how long it is evened out: a burst of joins is
	// no reason to refuse the last of them.
	loadWindow = 500e6
	loadMemory = 4e9
	// loadHolds is how long the load is believed that no later one follows (ns): nothing came.
	loadHolds = 2e9
	// datagramCost is what the kernel counts for a datagram of usual size, in bytes.
	datagramCost = 2304
)

// load is how busy one reader is, and what it sheds. It belongs to the reader; busyShare and shedShare may be called by all.
type load struct {
	since  int64 // when the socket was last found not empty (ns), 0 while it is empty
	empty  int64 // when it was last found empty (ns)
	busy   int64 // of the window (ns)
	window int64 // when the window began (ns)
	work   int   // packets since a burst was less than whole, while nothing is shed
	watch  watch
	shed   int     // the level, up to allRanks
	turned int64   // when shed last changed (ns)
	keeps  float64 // levels that are thought to be the most that can be kept
	stride float64 // of them that were added the last time for nothing waited, 0 if something waited since

	share     atomic.Uint64 // busy part of the time, evened out, a float64
	measured  atomic.Int64  // when that was (ns)
	published atomic.Int64  // shed
}

// backlog is what waits in a socket.
type backlog struct {
	bytes   int    // as the kernel counts them, which is more than what they hold
	dropped uint32 // datagrams since the socket is open
}

func (b backlog) datagrams() float64 { return float64(b.bytes) / datagramCost }

// watch follows what waits over some time.
type watch struct {
	since   int64   // when it began (ns), 0: it did not
	before  float64 // datagrams that waited then
	dropped uint32  // until then
	last    int64   // when the last burst was read (ns)
	sum     float64 // datagrams that waited, times ns
	read    int     // datagrams
	whole   int     // of them in whole bursts
	pause   int64   // the longest between two bursts (ns)
	rest    int64   // how long the socket was empty (ns)
}

func (w *watch) begin(before float64, dropped uint32, now int64) {
	*w = watch{since: now, last: now, before: before, dropped: dropped}
}

func (w *watch) see(datagrams int, waits backlog, now int64) {
	w.sum += waits.datagrams() * float64(now-w.last)
	w.pause = max(w.pause, now-w.last)
	w.last = now
	w.read += datagrams
	if datagrams == burstPackets {
		w.whole += datagrams
	}
}

// begin says that a burst was read.
func (l *load) begin(now int64) {
	if l.window == 0 || now-l.window > loadHolds { // nothing came for long: there is no load
		l.work, l.watch.since = 0, 0
		if l.shed > 0 {
			l.turn(0, now)
		}
		l.restart(now)
	}
	if l.since == 0 {
		l.since = now
		l.watch.rest += now - max(l.empty, l.watch.since)
	}
}

// did says how many datagrams a burst had, how many packets it gave rise to, and when it was read. waiting tells what there is in
// the socket.
func (l *load) did(datagrams, packets int, now int64, waiting func() backlog) {
	switch {
	case l.shed > 0:
		l.adjust(datagrams, waiting(), now)
	case datagrams < burstPackets:
		l.work, l.watch.since = 0, 0
	default:
		l.work += datagrams + packets
		l.watch.read += datagrams
		if l.work >= workBeforeShedding {
			l.suspect(waiting, now)
		}
	}
	l.look(now)
}

// suspect looks whether whole bursts are a load that is too much. Twice, to see what waits grow.
func (l *load) suspect(waiting func() backlog, now int64) {
	w := &l.watch
	if w.since != 0 && now-w.since < watchAtLeast {
		return
	}
	l.work = 0
	waits := waiting()
	if w.since != 0 && waits.datagrams() > catchingUp*w.before {
		l.steer(waits.datagrams(), waits.dropped, now)
	}
	w.begin(waits.datagrams(), waits.dropped, now)
}

// adjust gives up more or less, from time to time.
func (l *load) adjust(datagrams int, waits backlog, now int64) {
	w := &l.watch
	if datagrams < burstPackets {
		waits.bytes = 0
	}
	w.see(datagrams, waits, now)
	if now-w.since < adjustEvery {
		return
	}
	mean := w.sum / float64(now-w.since)
	l.steer(mean, waits.dropped, now)
	w.begin(mean, waits.dropped, now)
}

// steer sets the level by what waits now, and what waited when the watch began.
func (l *load) steer(waits float64, dropped uint32, now int64) {
	w := &l.watch
	passed := float64(now - w.since)
	grew := waits - w.before + float64(dropped-w.dropped)
	came := max(float64(w.read)+grew, 1)
	target := min(came*(standing+float64(w.pause))/passed, mostStanding)
	kept := float64(allRanks - l.shed)
	switch enough := kept * (1 - grew/came); {
	case l.shed == 0:
		l.keeps, l.stride = enough, 0
	case float64(w.rest) < hardlyAny*passed && (grew > 0 && waits > target || float64(w.whole) >= nearlyAll*float64(w.read)):
		weight := newEstimate
		if dropped != w.dropped {
			weight = 1
		}
		l.keeps += weight * (enough - l.keeps)
		l.stride = 0
	case now-l.turned >= takeBackAfter:
		l.stride = min(max(2*l.stride, leastTakeBack), mostTakeBack)
		l.keeps = max(l.keeps, kept+l.stride)
	}
	wanted := l.keeps
	if math.Abs(waits-target) > target/2 {
		wanted *= 1 + (target-waits)*passed/settling/came
	}
	level := allRanks - int(min(max(wanted, 0), allRanks))
	if level > l.shed || level < l.shed && now-l.turned >= takeBackAfter {
		l.turn(level, now)
	}
}

// idle says that the socket is empty.
func (l *load) idle(now int64) {
	if l.since != 0 {
		l.busy += now - l.since
		l.since, l.empty = 0, now
		if l.shed == 0 {
			l.work, l.watch.since = 0, 0
		}
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
	l.restart(now)
}

func (l *load) restart(now int64) {
	l.window, l.busy = now, 0
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
