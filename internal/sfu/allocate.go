package sfu

import (
	"cmp"
	"math"
	"slices"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

const (
	// everything is granted to a forwarder that nothing limits.
	everything = math.MaxInt
	// guessedRate is taken for a rung that was not measured yet (bit/s).
	guessedRate = 150e3
	// A rung is kept while there is keepAt of its rate, and taken only where there is raiseAt of it, so that rates that vary do
	// not make the picture change back and forth.
	keepAt  = 0.9
	raiseAt = 1.1
	// flood is how far above the budget what is sent may be while the keyframe of less is waited for. Beyond that nothing is sent
	// until it comes.
	flood = 1.5
	// packetOverhead is what our header and seal add to the payload of a packet of sound (bytes).
	packetOverhead = 12 + extensionSize + sealOverhead
)

// bid is one forwarder that wants a part of what the path carries.
type bid struct {
	f       *forwarder
	rungs   []rung
	wish    int // the best it wants
	flowing int // what it is sent at present, -1: nothing
	got     int // what it gets
}

// share measures how much of the path something takes that comes before the pictures.
type share struct {
	octets uint32
	at     int64
	rate   int64 // bit/s
}

// measure is told the octets that were sent so far.
func (s *share) measure(octets uint32, now int64) {
	if passed := now - s.at; s.at != 0 && passed > 0 {
		weight := min(float64(passed)/rateMemory, 1)
		current := float64(octets-s.octets) * 8e9 / float64(passed)
		s.rate += int64((current - float64(s.rate)) * weight)
	}
	s.octets, s.at = octets, now
}

// cost returns what a rung takes of the path (bit/s), -1 being none.
func (b *bid) cost(rung int) int64 {
	if rung < 0 {
		return 0
	}
	if rate := b.rungs[rung].bitrate; rate > 0 {
		return rate
	}
	return guessedRate
}

// price is the cost in view of what is sent already.
func (b *bid) price(rung int) int64 {
	if rung <= b.flowing {
		return int64(float64(b.cost(rung)) * keepAt)
	}
	return int64(float64(b.cost(rung)) * raiseAt)
}

// allocate spreads what the path carries over the pictures a client wants: the lowest rung for each, in order of their importance as
// far as it goes, then one more for each, round by round. Sound comes before everything. Called with router.media held.
func (t *Transport) allocate(now int64) {
	d := &t.out.downlink
	if !d.reported && d.remb == 0 {
		return
	}
	if uint16(d.departures.next) != d.told {
		d.estimator.Silence(now)
	}
	t.collect(now)
	defer clear(d.bids) // layers end
	budget, limited := d.limit()
	if !limited {
		t.out.pacer.limit(0)
		for i := range d.bids {
			d.bids[i].f.grant(everything)
		}
		d.next = 0
		return
	}
	slices.SortStableFunc(d.bids, compareBids)
	t.out.pacer.limit(budget)
	first := d.sound.rate + d.repair.share.rate
	left := budget - first
	d.next = d.spread(&left)
	if d.next != 0 {
		d.next += budget - left
	}
	for i := range d.bids {
		b := &d.bids[i]
		if b.got < b.flowing && float64(b.cost(b.flowing)) > flood*float64(max(budget-first, 0)) {
			b.f.interrupt()
		}
		b.f.grant(b.got)
	}
}

// compareBids puts what is more important first: shared screens, then those who speak, then the larger wanted picture.
func compareBids(a, b bid) int {
	speaks := func(b bid) int {
		if b.f.source.speaks {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(b.f.priority, a.f.priority), speaks(b)-speaks(a), cmp.Compare(b.rungs[b.wish].height, a.rungs[a.wish].height))
}

// Speaking names the streams of a session on which somebody speaks: where a path carries too little, viewers get their pictures before
// those of others. It replaces what was named before.
func (e *Engine) Speaking(session video.SessionID, streams []video.StreamID) {
	e.mu.RLock()
	r := e.routers[session]
	e.mu.RUnlock()
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.media.Lock()
	defer r.media.Unlock()
	r.speaking = slices.Clone(streams)
	for _, s := range r.streams {
		if s.video != nil {
			s.video.speaks = slices.Contains(streams, s.id)
		}
	}
}

// spread gives rungs to the bids, in their order. It returns the price of the first that was too dear, 0 if none was.
func (d *downlink) spread(left *int64) (next int64) {
	for round := 0; ; round++ {
		raised := false
		for i := range d.bids {
			b := &d.bids[i]
			if b.got != round-1 || b.got == b.wish {
				continue
			}
			more := b.price(b.got+1) - b.price(b.got)
			if more > *left {
				if next == 0 {
					next = more
				}
				continue
			}
			*left -= more
			b.got++
			raised = true
		}
		if !raised {
			return next
		}
	}
}

// collect finds out who wants what, and measures sound.
func (t *Transport) collect(now int64) {
	d := &t.out.downlink
	d.bids = d.bids[:0]
	octets, wanted := uint32(0), int64(0)
	for _, f := range t.out.forwarders {
		if f.kind == video.Audio {
			if f.wide != 0 {
				octets += f.octets + f.packets*packetOverhead
			}
			continue
		}
		if f.source == nil {
			f.grant(everything)
			continue
		}
		rungs := f.source.ladder(now)
		wish := f.wish()
		if wish < 0 {
			f.grant(everything)
			continue
		}
		b := bid{f: f, rungs: rungs, wish: wish, flowing: f.flows(rungs), got: -1}
		wanted += b.cost(wish)
		d.bids = append(d.bids, b)
	}
	d.sound.measure(octets, now)
	d.repair.share.measure(d.repair.octets, now)
	d.wanted = wanted + d.sound.rate
}

// flows returns which rung the forwarder sends at present, -1 if none.
func (f *forwarder) flows(rungs []rung) int {
	if f.paused || f.current == nil {
		return -1
	}
	for i := len(rungs) - 1; i >= 0; i-- {
		if rungs[i].layer == f.current && rungs[i].spatial <= f.cut.spatial && rungs[i].temporal <= f.cut.temporal {
			return i
		}
	}
	return -1
}

// grant says up to which rung the forwarder may go, -1 being none.
func (f *forwarder) grant(rung int) {
	f.granted = rung
	if paused := rung < 0; paused != f.paused {
		f.paused, f.fresh = paused, true
	}
}
