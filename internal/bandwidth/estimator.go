package bandwidth

import "math"

const (
	// Least is the lowest estimate: sound of one speaker.
	Least = 50e3
	// Most is the highest.
	Most = 200e6

	// decideEvery is the shortest time between two decisions (ns).
	decideEvery = 50e6
	// decreaseTo is what is kept of the rate that arrives when the queue grows.
	decreaseTo = 0.85
	// decreaseEvery is how long a decrease is given to show (ns).
	decreaseEvery = 200e6
	// queueGrown is the wait in the queue below which a growing trend is believed to be chance (ns); queueFull likewise, where no limit was
	// found yet: receivers short of processor time look alike for a moment.
	queueGrown = 20e6
	queueFull  = 60e6
	// A queue grows because of us only if more is sent than arrives, by this factor; one of queueLong (ns) may grow slowly.
	sentMore  = 1.03
	queueLong = 250e6
	// A probe may make a queue, up to probeQueue and for probeEchoes after it ended (ns).
	probeQueue  = 250e6
	probeEchoes = 500e6

	// A queue longer than growsFrom that grows by growsBy between two decisions is no chance, whatever the trend says (ns).
	growsFrom = 100e6
	growsBy   = 30e6

	// A queue longer than drainFrom is emptied by sending less for up to drainMost, so that sound does not wait in it (ns).
	drainFrom  = 100e6
	drainUntil = 40e6
	drainMost  = 5e9
	drainLeast = 0.2 // of what the path carries
	// flight is how long nothing is told of a packet on a path without a queue (ns), most of it the time between two feedbacks.
	flight = 200e6

	// increase is how much the estimate grows in a second, far from the last limit; near it by one packet a round.
	increase     = 1.08
	packetBits   = 9600
	inUse        = 0.7 // of the estimate must arrive for it to grow without a probe
	silent       = 2e9 // without feedback, although packets are sent (ns)
	silentKeeps  = 0.5
	lostLeast    = 0.5  // of the estimate is the least that losses without a queue leave
	lostKeeps    = 0.95 // of what arrives, when a queue overflows
	openBy       = 1.1  // times what is wanted the path must carry to be unlimited again
	wantedKeeps  = 0.9  // of what was wanted still counts a second later: encoders pause
	responseTime = 100e6
)

// Estimator estimates what the path to one receiver carries. Until something shows a limit, there is none: the zero Estimator is
// unlimited.
type Estimator struct {
	trend   trend
	rate    rate // that arrives
	sent    rate // at which that was sent, and what was lost
	queue   queue
	loss    loss
	probe   probe
	limit   limit
	contest contest
	leap    leap
	leapt   bool // since it was last asked for
	limited bool

	estimate float64
	decided  int64 // when that was last done
	lowered  int64 // when the estimate was last lowered
	draining int64 // since when the queue is emptied, 0 if it is not
	heard    int64 // when feedback last came
	wanted   float64
	flying   float64 // bytes
	waited   float64 // the wait in the queue at the last decision
}

// Received takes a packet that arrived: when it was sent and when it arrived, each by the clock of that end, its size in bytes and the
// probe it was part of (0: none).
func (e *Estimator) Received(sent, arrived int64, size int, probe uint8) {
	e.rate.add(arrived, size)
	e.sent.add(sent, size)
	e.trend.packet(sent, arrived)
	e.queue.add(sent, arrived)
	e.contest.packet(sent, e.queue.wait())
	if e.leap.packet(sent, arrived, size) {
		of := e.sent.over(500e6)
		e.leapt = e.leapt || e.leap.rate() < leapShort*of && (!e.limited || of > leapUses*e.estimate)
	}
	switch {
	case probe == 0 && sent >= e.loss.from:
		e.loss.received++
	case e.probe.active && probe == e.probe.id:
		e.probe.packet(sent, arrived, size)
	}
}

// Lost takes a packet that did not arrive: when it was sent, its size in bytes and the probe it was part of.
func (e *Estimator) Lost(sent int64, size int, probe uint8) {
	e.sent.add(sent, size)
	switch {
	case probe == 0 && sent >= e.loss.from:
		e.loss.lost++
	case e.probe.active && probe == e.probe.id:
		e.probe.lost++
	}
}

// Found takes a packet that Lost was told of, and that arrived after all.
func (e *Estimator) Found(probe uint8) {
	if probe == 0 && e.loss.lost > 0 {
		e.loss.lost--
		e.loss.received++
	}
}

// Untold takes what was sent, in bytes, and of which the feedback was lost: as much of it arrived as of the rest.
func (e *Estimator) Untold(bytes int) {
	if e.rate.first != 0 {
		e.rate.add(e.rate.last, int(float64(bytes)*(1-e.loss.inherent)))
	}
}

// Decide draws the conclusions, after the packets of a feedback. wanted is the rate that would be sent if there were no limit, flying
// how many bytes were sent of which nothing was told yet.
func (e *Estimator) Decide(now, wanted, flying int64) {
	if !e.Due(now) {
		return
	}
	e.heard, e.flying = now, float64(flying)
	passed := min(float64(now-e.decided)/1e9, 1)
	if e.decided == 0 {
		passed = 0
	}
	e.decided = now
	if e.probe.active && e.probe.done(now) {
		e.conclude(now)
	}
	e.contest.look(now, e.queue.wait())
	defer func() { e.waited = e.queue.wait() }()
	switch e.loss.judge(now, e.rate.over(500e6)) {
	case congested:
		e.congested(now)
	case mistaken:
		e.mistaken(now)
	}
	e.drain(now)
	switch {
	case e.overused(now):
		e.loss.cut = false // what it would show has another reason
		e.lower(now, e.arrives()*decreaseTo)
	case (e.trend.usage != under || e.contest.lasts()) && e.draining == 0:
		e.raise(now, passed)
	}
	e.wanted = max(float64(wanted), e.wanted*math.Pow(wantedKeeps, passed))
	if e.limited && e.estimate >= e.wanted*openBy && e.wanted > 0 && e.draining == 0 {
		e.limited = false
	}
}

// overused reports whether the queue grows because of us. A probe may let it grow a little.
func (e *Estimator) overused(now int64) bool {
	wait, grown := e.queue.wait(), queueFull
	if e.limited {
		grown = queueGrown
	}
	sudden := wait > growsFrom && wait > e.waited+growsBy
	more := e.sent.over(300e6) > sentMore*e.rate.over(300e6) // else it is somebody's processor that was late
	if e.trend.usage != over && !sudden || wait < grown || !more && wait < queueLong || now-e.lowered < decreaseEvery || e.contest.lasts() {
		return false
	}
	probing := e.probe.active || now-e.probe.ended < probeEchoes
	return !probing || wait > probeQueue
}

// congested sends less for the sake of losses.
func (e *Estimator) congested(now int64) {
	undo := e.estimate
	if !e.limited {
		undo = 0
	}
	arriving := max(e.rate.over(500e6), e.rate.over(300e6))
	if e.queue.wait() > queueFull {
		arriving = e.arrives()
	} else {
		arriving = max(arriving, e.estimate*min(lostLeast, 1-e.loss.was)) // a burst may have been too much, where otherwise little is sent
	}
	e.lower(now, arriving*lostKeeps)
	e.loss.tries(now, undo)
}

// mistaken takes that back: less was sent and not less lost. It stands if the queue is long all the same.
func (e *Estimator) mistaken(now int64) {
	switch {
	case e.queue.wait() > drainUntil:
		e.loss.inherent = 0
		e.congested(now)
	case e.loss.undo == 0:
		e.limited = false
	default:
		e.estimate = max(e.estimate, e.loss.undo)
	}
}

// arrives returns the rate that arrives. With a queue that is what the path carries, and the latest moment tells best.
func (e *Estimator) arrives() float64 {
	long, short := e.rate.over(300e6), e.rate.over(120e6)
	if short > 0 && (short < long || long == 0) {
		return short
	}
	return long
}

// lower lowers the estimate, if it is not below that already.
func (e *Estimator) lower(now int64, to float64) {
	if to <= 0 {
		return
	}
	e.limit.add(to / decreaseTo)
	if to = max(to, Least); !e.limited || to < e.estimate {
		e.estimate = to
	}
	e.limited, e.lowered = true, now
	if wait := e.queue.wait(); e.draining == 0 && wait > drainFrom && !e.contest.lasts() {
		e.draining = now
		e.contest.begin(now)
	}
	e.probe.postpone(now)
}

// drain ends the emptying of the queue when it is empty, or does not get shorter for someone else fills it. Meanwhile it learns more.
func (e *Estimator) drain(now int64) {
	if e.draining != 0 && (e.queue.wait() < drainUntil || now-e.draining > drainMost || e.contest.lasts()) {
		e.draining = 0
	}
	if e.draining != 0 && e.queue.wait() > drainFrom { // while packets wait, what arrives is what the path carries
		e.estimate = max(e.estimate, e.rate.over(300e6)*decreaseTo)
	}
}

// raise lets the estimate grow for as many seconds. What was not put to use did not prove itself: there only a probe tells more.
func (e *Estimator) raise(now int64, passed float64) {
	arriving := e.rate.over(500e6)
	if e.probe.active || now-e.probe.ended < 2*probeEchoes {
		return
	}
	if !e.limited {
		e.estimate = max(e.estimate, arriving)
		return
	}
	next := e.estimate
	switch {
	case e.contest.lasts() && e.estimate < 2*arriving+contestStep: // a probe shows little beside someone else's queue
		next += packetBits / (responseTime / 1e9) * passed
	case arriving < inUse*e.estimate:
	case e.limit.near(arriving) || e.contest.lasts():
		next += packetBits / (responseTime / 1e9) * passed
	default:
		next *= math.Pow(increase, passed)
	}
	e.estimate = min(max(next, arriving), Most)
}

// Silence lowers the estimate when nothing is heard of what is sent. It is told when that is so, every now and then.
func (e *Estimator) Silence(now int64) {
	if e.heard == 0 || now-e.heard < silent || now-e.lowered < silent {
		return
	}
	e.lower(now, max(e.estimate, Least)*silentKeeps)
}

// Leapt reports whether since the last time packets came so much later, one after another, that the path seems to carry far less all of a
// sudden. It is told three packets after that, before there is an estimate, and may be wrong: what can wait for a moment should.
func (e *Estimator) Leapt() bool {
	leapt := e.leapt && e.draining == 0 && !e.contest.lasts()
	e.leapt = false
	return leapt
}

// Draining reports whether a queue is emptied at present.
func (e *Estimator) Draining() bool { return e.draining != 0 }

// Due reports whether it is time for Decide, which does nothing before.
func (e *Estimator) Due(now int64) bool { return now-e.decided >= decideEvery }

// Loses returns the share of packets that the path loses however little is sent, as far as is known.
func (e *Estimator) Loses() float64 { return e.loss.inherent }

// Limited reports whether a limit was found below what is wanted.
func (e *Estimator) Limited() bool { return e.limited }

// Estimate returns what the path carries (bit/s): of an unlimited one, the most that ever arrived.
func (e *Estimator) Estimate() int64 { return int64(e.estimate) }

// Target returns what to send (bit/s): less than the estimate while a queue is emptied.
func (e *Estimator) Target() int64 {
	if e.draining == 0 {
		return int64(e.estimate)
	}
	carried := e.estimate / decreaseTo
	wait := max(e.queue.wait(), e.flying*8e9/carried-flight) // what is on its way did not meet all of the queue yet
	return int64(carried * min(max(1-wait/1e9, drainLeast), decreaseTo))
}
