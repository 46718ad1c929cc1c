//go:build linux

package link

import (
	"math"
	"math/rand/v2"
	"time"
)

// Counts are what became of the packets of one direction since it began.
type Counts struct {
	Came      uint64 // packets that were sent into the link
	Passed    uint64 // that came out, duplicates included
	Lost      uint64 // by Loss, Burst or Outage
	Overflown uint64 // lost because the queue was full
	Bytes     uint64 // that came out
	Late      uint64 // packets that came out more than a millisecond after their time, because the machine had none for us
}

// punctual is how late a packet may come out without being counted as late.
const punctual = int64(time.Millisecond)

// direction is one way over a link. Times are nanoseconds since the link began and must not go backwards.
//
//	arrive → lost? → queue, worked off at the rate → flying for the delay → take
type direction struct {
	conditions Conditions
	random     *rand.Rand
	bad        bool // in a bad spell of Burst

	queue   []packet // the first is being sent
	waiting int      // bytes in queue
	toSend  float64  // bits of the first that are not sent yet
	worked  int64    // until when the queue has been worked off

	flying  []packet // by due
	lastDue int64    // of packets that are not late
	counts  Counts
}

type packet struct {
	content []byte
	chance  chance
	due     int64
}

// chance is what is decided by lot for a packet. All of it is drawn for each packet, whatever the conditions are, so that
// the nth packet meets the same lot in every run of a seed.
type chance struct {
	loss, turn, burst, jitter, late, twice float64
}

func newDirection(seed uint64, which Direction, c Conditions) *direction {
	return &direction{conditions: c, random: rand.New(rand.NewPCG(seed, uint64(which)))}
}

func (d *direction) draw() chance {
	r := d.random
	return chance{r.Float64(), r.Float64(), r.Float64(), r.Float64(), r.Float64(), r.Float64()}
}

// arrive takes a packet that was sent into the link. It keeps the slice.
func (d *direction) arrive(now int64, content []byte) {
	d.work(now)
	d.counts.Came++
	p := packet{content: content, chance: d.draw()}
	switch {
	case d.loses(p.chance):
		d.counts.Lost++
	case d.conditions.Rate == 0:
		d.depart(now, p)
	case len(d.queue) > 0 && d.waiting+len(content) > d.conditions.queueLimit():
		d.counts.Overflown++
	default:
		d.enqueue(p)
	}
}

func (d *direction) loses(c chance) bool {
	burst := d.conditions.Burst
	switch {
	case d.bad && c.turn < burst.Leave, burst.Enter == 0:
		d.bad = false
	case !d.bad && c.turn < burst.Enter:
		d.bad = true
	}
	return d.conditions.Outage || c.loss < d.conditions.Loss || d.bad && c.burst < burst.Loss
}

func (d *direction) enqueue(p packet) {
	if len(d.queue) == 0 {
		d.toSend = bits(p)
	}
	d.queue = append(d.queue, p)
	d.waiting += len(p.content)
}

func bits(p packet) float64 { return float64(8 * len(p.content)) }

// work sends from the queue until now.
func (d *direction) work(now int64) {
	for len(d.queue) > 0 {
		done := d.sent()
		if done > now {
			d.toSend -= float64(now-d.worked) * float64(d.conditions.Rate) / 1e9
			break
		}
		first := d.queue[0]
		d.queue[0] = packet{}
		d.queue = d.queue[1:]
		d.waiting -= len(first.content)
		if len(d.queue) > 0 {
			d.toSend = bits(d.queue[0])
		}
		d.worked = done
		d.depart(done, first)
	}
	d.worked = now
}

// sent is when the first in the queue will have been sent.
func (d *direction) sent() int64 {
	if d.conditions.Rate == 0 {
		return d.worked
	}
	return d.worked + int64(math.Ceil(d.toSend/float64(d.conditions.Rate)*1e9))
}

// depart lets a packet fly.
func (d *direction) depart(at int64, p packet) {
	c := d.conditions
	p.due = at + int64(c.Delay) + int64(p.chance.jitter*float64(c.Jitter))
	if p.chance.late < c.Reorder {
		p.due += int64(c.late())
	} else {
		p.due = max(p.due, d.lastDue)
		d.lastDue = p.due
	}
	d.fly(p)
	if p.chance.twice < c.Duplicate {
		d.fly(p)
	}
}

func (d *direction) fly(p packet) {
	at := len(d.flying)
	for at > 0 && d.flying[at-1].due > p.due {
		at--
	}
	d.flying = append(d.flying, packet{})
	copy(d.flying[at+1:], d.flying[at:])
	d.flying[at] = p
}

// take hands over what has arrived by now.
func (d *direction) take(now int64, deliver func([]byte)) {
	d.work(now)
	n := 0
	for n < len(d.flying) && d.flying[n].due <= now {
		p := &d.flying[n]
		d.counts.Passed++
		d.counts.Bytes += uint64(len(p.content))
		if now-p.due > punctual {
			d.counts.Late++
		}
		deliver(p.content)
		*p = packet{}
		n++
	}
	d.flying = d.flying[n:]
}

// next is when take should be called again; false if nothing is under way.
func (d *direction) next() (int64, bool) {
	next := int64(math.MaxInt64)
	if len(d.flying) > 0 {
		next = d.flying[0].due
	}
	if len(d.queue) > 0 {
		next = min(next, d.sent())
	}
	return next, next != math.MaxInt64
}

// change sets conditions. What flies already keeps its time.
func (d *direction) change(now int64, c Conditions) {
	d.work(now)
	d.conditions = c
	if c.Outage {
		d.counts.Lost += uint64(len(d.queue))
		d.queue, d.waiting = nil, 0
	}
	d.work(now) // if there is no limit any more, nothing waits
}

// backlog is how long a packet that comes now would wait in the queue.
func (d *direction) backlog(now int64) time.Duration {
	d.work(now)
	if len(d.queue) == 0 || d.conditions.Rate == 0 {
		return 0
	}
	left := d.toSend + float64(8*(d.waiting-len(d.queue[0].content)))
	return time.Duration(left / float64(d.conditions.Rate) * 1e9)
}
