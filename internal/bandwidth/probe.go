package bandwidth

const (
	// probePackets is how many packets must show how a probe fared, and probeShare which part of it must have arrived.
	probePackets = 5
	probeShare   = 0.8
	// probeSaturated: what arrives at less than this part of the rate it was sent at has found the limit.
	probeSaturated = 0.9
	// probeWait is how long after its end what became of a probe is waited for (ns).
	probeWait = 1e9

	// After a probe that found nothing more, the next one waits for twice as long.
	probeSoon   = 200e6 // ns, after one that did
	probeFirst  = 1e9
	probeLatest = 5e9

	// What a probe showed must hold for probeProven. After ones that did not the next waits for up to probeLied.
	probeProven = 3e9
	probeLied   = 30e9

	// A probe goes no further than this times the estimate: far after one that showed more, else not so far, as it may be in vain.
	probeFar  = 3
	probeNear = 1.5
	// probeSlowest is the least it goes to (bit/s).
	probeSlowest = 150e3
)

// probe is a burst at a rate above what is sent, made to learn whether it arrives.
type probe struct {
	id     uint8
	active bool
	ended  int64 // when its last packet was sent, 0 before
	sent   int   // packets

	received, lost        int
	bytes, lastBytes      int   // all, and those sent at lastSent
	firstSent, lastSent   int64 // of those received
	firstBytes            int   // those that arrived first
	firstArrival, arrival int64

	wait   int64   // until the next one (ns)
	next   int64   // when that may be
	factor float64 // how far it may go

	found   int64 // when one last showed more, 0 if it was wrong
	penalty int64 // how long the next one waits for that (ns)
}

// packet takes a packet of the probe that arrived.
func (p *probe) packet(sent, arrived int64, size int) {
	p.received++
	p.bytes += size
	if p.received == 1 {
		p.firstSent, p.lastSent, p.firstArrival, p.arrival = sent, sent, arrived, arrived
		p.firstBytes, p.lastBytes = size, size
		return
	}
	if sent > p.lastSent {
		p.lastSent, p.lastBytes = sent, 0
	}
	if sent == p.lastSent {
		p.lastBytes += size
	}
	p.arrival = max(p.arrival, arrived)
}

// rates returns at which rate the probe was sent and arrived, or zeros if too little did.
func (p *probe) rates() (sent, arrived float64) {
	spanSent, spanArrived := p.lastSent-p.firstSent, p.arrival-p.firstArrival
	if p.received < probePackets || float64(p.received) < probeShare*float64(p.sent) || spanSent <= 0 || spanArrived <= 0 {
		return 0, 0
	}
	return float64(p.bytes-p.lastBytes) * 8e9 / float64(spanSent), float64(p.bytes-p.firstBytes) * 8e9 / float64(spanArrived)
}

// done reports whether everything is known of the probe that will be.
func (p *probe) done(now int64) bool {
	return p.ended != 0 && (p.received+p.lost >= p.sent || now-p.ended > probeWait)
}

// finish ends the probe, which succeeded or not.
func (p *probe) finish(now int64, found bool) {
	p.active = false
	if found {
		if now-p.found > probeProven {
			p.penalty = 0
		}
		p.found = now
		p.wait, p.factor = probeFirst, probeFar
		p.next = now + probeSoon
		return
	}
	p.factor = probeNear
	p.next = now + p.wait
	p.wait = min(2*p.wait, probeLatest)
}

// postpone puts off the next probe, for less is sent now. If the last one showed more than there was, as on a path that lets short
// bursts through, for longer each time.
func (p *probe) postpone(now int64) {
	if p.found != 0 && now-p.found <= probeProven {
		p.penalty = min(max(2*p.penalty, probeFirst), probeLied)
		p.found = 0
	}
	p.active, p.wait, p.factor = false, max(p.wait, probeFirst), probeNear
	p.next = max(p.next, now+max(probeFirst, p.penalty))
}

// Probe says whether to probe now, and returns at which rate (bit/s) in all, or 0. next is the rate at which something more could be
// sent, wanted that of everything. After it returned a rate, ProbeSent says when the probe is over.
func (e *Estimator) Probe(now, next, wanted int64, id uint8) int64 {
	p := &e.probe
	if !e.limited || p.active || now < p.next || e.draining != 0 || e.trend.usage == over || next <= e.Target() {
		return 0
	}
	if p.factor == 0 {
		p.factor, p.wait = probeNear, probeFirst
	}
	goal := min(e.estimate*p.factor, float64(wanted)*openBy*1.05)
	*p = probe{id: id, active: true, wait: p.wait, factor: p.factor, found: p.found, penalty: p.penalty}
	return int64(max(goal, probeSlowest))
}

// ProbeSent says that the last packet of the probe was sent, of so many.
func (e *Estimator) ProbeSent(now int64, packets int) { e.probe.ended, e.probe.sent = now, packets }

// conclude takes what the probe showed.
func (e *Estimator) conclude(now int64) {
	sent, arrived := e.probe.rates()
	shown, full := min(sent, arrived), arrived < probeSaturated*sent
	if full {
		shown = arrived * lostKeeps
		e.limit.add(arrived)
		e.estimate = min(e.estimate, max(arrived, Least))
	} else if shown > 0 {
		e.limit.passed(shown)
	}
	e.probe.finish(now, !full && shown > e.estimate)
	if e.limited {
		e.estimate = min(max(e.estimate, shown), Most)
	}
}
