package bandwidth

import (
	"math/rand/v2"
	"testing"
)

// film sends pictures of 7 packets, 20 a second (1.2 Mbit/s), and sound, over a link, and tells of what arrived every 50 ms. It returns
// how long after the start the estimator first leapt, -1: it did not, and how often.
func film(e *Estimator, span int64, carry func(now int64, size int) int64) (first int64, leaps int) {
	const start = 10 * second
	first = -1
	var flying []packet
	for now := int64(start); now < start+span; now += ms {
		switch at := now / ms; {
		case at%50 == 0:
			for range 7 {
				flying = append(flying, packet{sent: now, size: 1120, arrives: carry(now, 1120)})
			}
		case at%20 == 0:
			flying = append(flying, packet{sent: now, size: 130, arrives: carry(now, 130)})
		}
		if now/ms%50 != 25 {
			continue
		}
		n := 0
		for ; n < len(flying) && flying[n].arrives <= now-25*ms; n++ {
			e.Received(flying[n].sent, flying[n].arrives+777*second, flying[n].size, 0)
		}
		flying = flying[n:]
		if e.Leapt() {
			if leaps++; first < 0 {
				first = now - start
			}
		}
	}
	return first, leaps
}

// TestLeap: a path that breaks down is noticed after three packets, and what only looks like it for a moment is passed over.
func TestLeap(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(5, 6))
	link := bottleneck{rate: 3 * mbit, queue: 2 * second, delay: 25 * ms, random: random}
	last := int64(0)
	inOrder := func(at int64) int64 {
		last = max(last, at)
		return last
	}
	jitter := func(most int64) func(int64, int) int64 {
		return func(now int64, _ int) int64 { return inOrder(now + 25*ms + random.Int64N(most)) }
	}
	for name, c := range map[string]struct {
		carry func(now int64, size int) int64
		leaps int // at most in a minute
	}{
		"a path with room": {func(now int64, size int) int64 { l := &link; return l.carry(now, size) }, 0},
		"jitter of 30 ms":  {jitter(30 * ms), 0},
		"jitter of 100 ms": {jitter(100 * ms), 3},
		"stalls of 200 ms": {func(now int64, _ int) int64 { // each second nothing comes for so long, and then all at once
			return inOrder(max(now, now/second*second+200*ms) + 25*ms)
		}, 0},
		"a receiver that looks every 40 ms": {func(now int64, _ int) int64 { return inOrder((now/(40*ms) + 1) * 40 * ms) }, 0},
	} {
		last = 0
		if first, leaps := film(&Estimator{}, 60*second, c.carry); leaps > c.leaps {
			t.Errorf("%s: leapt %d times, first after %d ms", name, leaps, first/ms)
		}
	}
	var l leap // sound alone: a processor that comes later each time
	for i := range int64(10) {
		if l.packet(i*20*ms, i*60*ms, 130) {
			t.Fatal("packets of sound alone make a leap")
		}
	}
	e := Estimator{limited: true, estimate: 5e6} // a limit that is far away
	if first, leaps := film(&e, 6*second, func(now int64, size int) int64 {
		if now > 12*second {
			return inOrder(now + 25*ms + (now-12*second)/2)
		}
		return now + 25*ms
	}); leaps != 0 {
		t.Errorf("far below a known limit it leapt after %d ms", first/ms)
	}
	for name, c := range map[string]struct {
		to   float64
		soon int64
	}{"a tenth": {300 * kbit, 200 * ms}, "a fifth": {600 * kbit, 350 * ms}} {
		var e Estimator
		l := bottleneck{rate: 3 * mbit, queue: 2 * second, delay: 25 * ms, random: random}
		const drop = 10*second + 5*second
		first, _ := film(&e, 6*second, func(now int64, size int) int64 {
			if now >= drop {
				l.rate = c.to
			}
			return l.carry(now, size)
		})
		if after := first - 5*second; first < 0 || after < 0 || after > c.soon {
			t.Errorf("%s of the path: leapt %d ms after the drop", name, after/ms)
		}
	}
}
