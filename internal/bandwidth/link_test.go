package bandwidth

import (
	"math/rand/v2"
	"testing"
)

const (
	ms     = 1_000_000
	second = 1000 * ms
	kbit   = 1000
	mbit   = 1000 * kbit
)

// bottleneck is a link with a queue, as the test describes it.
type bottleneck struct {
	rate   float64 // bit/s
	queue  int64   // longest wait (ns); what would wait longer is lost
	bytes  float64 // in place of that, how much may wait
	delay  int64   // one way (ns)
	jitter int64   // up to so much more, order kept (ns)
	loss   float64
	police bool // no queue: what is over the rate is lost

	random *rand.Rand
	was    float64
	free   int64 // when the queue is empty
	last   int64 // arrival
	tokens float64
	filled int64
}

// carry returns when a packet arrives, or 0 if it is lost.
func (l *bottleneck) carry(now int64, size int) int64 {
	if l.random.Float64() < l.loss {
		return 0
	}
	if l.police {
		l.tokens = min(l.tokens+float64(now-l.filled)*l.rate/8e9, 15_000)
		l.filled = now
		if l.tokens < float64(size) {
			return 0
		}
		l.tokens -= float64(size)
		return now + l.delay
	}
	if l.was != 0 && l.was != l.rate { // what waits takes another time
		l.free = max(l.free, now)
		l.free = now + int64(float64(l.free-now)*l.was/l.rate)
	}
	l.was = l.rate
	l.free = max(l.free, now)
	most := l.queue
	if l.bytes > 0 {
		most = int64(l.bytes * 8e9 / l.rate)
	}
	if l.free-now > most {
		return 0
	}
	l.free += int64(float64(size) * 8e9 / l.rate)
	at := l.free + l.delay
	if l.jitter > 0 {
		at += l.random.Int64N(l.jitter)
	}
	l.last = max(l.last, at)
	return l.last
}

// tcp is a competing Reno flow with data without end.
type tcp struct {
	window, threshold float64
	acknowledged      int
	flying            []int64 // when each acknowledgement comes
	reduced           int64
}

func (f *tcp) step(now int64, l *bottleneck) {
	kept := f.flying[:0]
	for _, at := range f.flying {
		if at > now {
			kept = append(kept, at)
			continue
		}
		f.acknowledged++
		if f.window < f.threshold {
			f.window++
		} else {
			f.window += 1 / f.window
		}
	}
	f.flying = kept
	for len(f.flying) < int(f.window) {
		at := l.carry(now, 1500)
		if at == 0 {
			if now-f.reduced > l.queue+2*l.delay {
				f.window = max(f.window/2, 2)
				f.threshold, f.reduced = f.window, now
			}
			return
		}
		f.flying = append(f.flying, at+l.delay)
	}
}

// packet is one of ours under way.
type packet struct {
	sent, arrives int64
	size          int
	probe         uint8
	sound         bool
}

// call is a sender of sound and one picture in layers, which follows the estimator over a link.
type call struct {
	t    *testing.T
	link *bottleneck
	tcp  *tcp
	e    Estimator
	now  int64

	ladder []float64 // bit/s
	rung   int       // -1: paused
	key    bool
	under  []packet
	probe  struct {
		id      uint8
		until   int64
		rate    float64
		credit  float64
		packets int
		sent    bool
	}
	log    []sample
	random *rand.Rand

	soundSent, soundLost int
	soundWorst           int64
}

// sample is the state at one moment, every 100 ms.
type sample struct {
	at               int64
	rate             float64
	estimate, target int64
	rung             int
	wait             int64
	limited          bool
}

const soundRate = 50 * (80 + 48) * 8

func newCall(t *testing.T, l bottleneck) *call {
	c := &call{t: t, link: &l, ladder: []float64{150 * kbit, 500 * kbit, 1200 * kbit, 2500 * kbit}, now: second, random: rand.New(rand.NewPCG(1, 2))}
	c.link.random = rand.New(rand.NewPCG(3, 4))
	c.rung = len(c.ladder) - 1
	c.key = true
	return c
}

func (c *call) send(size int, sound bool) {
	p := packet{sent: c.now, size: size, arrives: c.link.carry(c.now, size), sound: sound}
	if c.now < c.probe.until {
		p.probe = c.probe.id
		c.probe.packets++
		c.probe.credit -= float64(size)
	}
	if sound {
		c.soundSent++
		if p.arrives == 0 {
			c.soundLost++
		} else {
			c.soundWorst = max(c.soundWorst, p.arrives-c.now)
		}
	}
	c.under = append(c.under, p)
}

// run lets so much time pass.
func (c *call) run(span int64) {
	for end := c.now + span; c.now < end; c.now += ms {
		if c.tcp != nil {
			c.tcp.step(c.now, c.link)
		}
		at := c.now / ms
		if at%20 == 0 {
			c.send(80+48, true)
		}
		if c.rung >= 0 && at%33 == 0 {
			c.frame()
		}
		if c.now < c.probe.until && at%5 == 0 {
			c.pad()
		}
		if c.probe.id != 0 && !c.probe.sent && c.now >= c.probe.until {
			c.probe.sent = true
			c.e.ProbeSent(c.now, c.probe.packets)
		}
		if at%100 == 7 {
			c.feedback()
			c.allocate()
		}
	}
}

func (c *call) frame() {
	size := c.ladder[c.rung] / 30 / 8 * (0.8 + 0.4*c.random.Float64())
	if c.key {
		size, c.key = size*4, false
	}
	n := int(size/1200) + 1
	for range n {
		c.send(int(size)/n+48, false)
	}
}

func (c *call) pad() {
	c.probe.credit += c.probe.rate * 5 / 8000
	for c.probe.credit > 0 {
		c.send(290, false)
	}
}

// feedback tells of what arrived; a lost packet is known as such when a later one arrived.
func (c *call) feedback() {
	newest := int64(0)
	for _, p := range c.under {
		if p.arrives != 0 && p.arrives <= c.now-c.link.delay {
			newest = max(newest, p.sent)
		}
	}
	if newest == 0 {
		c.e.Silence(c.now)
		return
	}
	kept := c.under[:0]
	for _, p := range c.under {
		switch {
		case p.arrives == 0 && p.sent <= newest:
			c.e.Lost(p.sent, p.size, p.probe)
		case p.arrives != 0 && p.arrives <= c.now-c.link.delay:
			c.e.Received(p.sent, p.arrives+12345*second, p.size, p.probe)
		default:
			kept = append(kept, p)
		}
	}
	c.under = kept
	flying := 0
	for _, p := range c.under {
		flying += p.size
	}
	c.e.Decide(c.now, int64(c.wanted()), int64(flying))
}

func (c *call) wanted() float64 { return c.ladder[len(c.ladder)-1]*1.06 + soundRate }

// allocate chooses the layer.
func (c *call) allocate() {
	rung := len(c.ladder) - 1
	budget := float64(c.e.Target()) - soundRate
	next := 0.0
	if c.e.Limited() {
		for rung = -1; rung+1 < len(c.ladder); rung++ {
			cost := c.ladder[rung+1]
			if rung+1 > c.rung {
				cost *= 1.1
			} else {
				cost *= 0.95
			}
			if cost > budget {
				next = cost + soundRate
				break
			}
		}
	}
	if rung > c.rung {
		c.key = true
	} else if rung < c.rung {
		c.key = rung >= 0
	}
	c.rung = rung
	if rate := c.e.Probe(c.now, int64(next), int64(c.wanted()), c.probe.id%250+1); rate > 0 {
		c.probe.id = c.probe.id%250 + 1
		c.probe.until, c.probe.rate, c.probe.packets, c.probe.sent, c.probe.credit = c.now+100*ms, float64(rate), 0, false, 0
	}
	s := sample{c.now, c.link.rate, c.e.Estimate(), c.e.Target(), rung, max(c.link.free-c.now, 0), c.e.limited}
	c.log = append(c.log, s)
}

// until runs until the condition holds, and returns after how long; it fails when that takes longer than most.
func (c *call) until(what string, most int64, holds func() bool) int64 {
	c.t.Helper()
	from := c.now
	for !holds() {
		if c.now-from > most {
			c.t.Fatalf("after %d ms still not: %s", (c.now-from)/ms, what)
		}
		c.run(10 * ms)
	}
	return c.now - from
}

// share returns for which part of the last samples the condition holds.
func (c *call) share(last int, holds func(sample) bool) float64 {
	n := 0
	for _, s := range c.log[len(c.log)-last:] {
		if holds(s) {
			n++
		}
	}
	return float64(n) / float64(last)
}
