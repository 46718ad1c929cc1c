package bandwidth

import (
	"testing"
)

func TestAFastPathHasNoLimit(t *testing.T) {
	c := newCall(t, bottleneck{rate: 20 * mbit, queue: 300 * ms, delay: 20 * ms})
	c.run(30 * second)
	if c.e.Limited() || c.rung != 3 {
		t.Fatalf("limited to %d", c.e.Estimate())
	}
}

func TestDropAndReturn(t *testing.T) {
	for _, queue := range []int64{100 * ms, 300 * ms, 1000 * ms, 60_000} {
		c := newCall(t, bottleneck{rate: 3 * mbit, queue: queue, delay: 25 * ms})
		if queue < ms {
			c.link.bytes = float64(queue)
			c.ladder = []float64{100 * kbit, 340 * kbit, 1200 * kbit}
			c.rung = 2
			c.trace = testing.Verbose()
		}
		c.run(20 * second)
		c.link.rate = 300 * kbit
		took := c.until("no more is sent than the link carries", second, func() bool { return c.e.Target() < 300*kbit })
		t.Logf("queue of %d ms: down after %d ms", queue/ms, took/ms)
		c.run(20 * second)
		c.link.rate = 3 * mbit
		took = c.until("the best layer is back", 10*second, func() bool { return c.rung == len(c.ladder)-1 })
		t.Logf("queue of %d ms: up after %d ms", queue/ms, took/ms)
	}
}

func TestScan(t *testing.T) {
	for _, x := range []struct {
		name string
		l    bottleneck
		tcp  bool
	}{
		{"10% loss", bottleneck{rate: 20 * mbit, queue: 300 * ms, delay: 50 * ms, loss: .1}, false},
		{"20% loss", bottleneck{rate: 20 * mbit, queue: 300 * ms, delay: 50 * ms, loss: .2}, false},
		{"10% loss 1M", bottleneck{rate: 1 * mbit, queue: 300 * ms, delay: 50 * ms, loss: .1}, false},
		{"jitter 30", bottleneck{rate: 20 * mbit, queue: 300 * ms, delay: 50 * ms, jitter: 30 * ms}, false},
		{"jitter 30 1M", bottleneck{rate: 1 * mbit, queue: 300 * ms, delay: 50 * ms, jitter: 30 * ms}, false},
		{"police 1M", bottleneck{rate: 1 * mbit, police: true, delay: 20 * ms}, false},
		{"300k", bottleneck{rate: 300 * kbit, queue: 300 * ms, delay: 50 * ms}, false},
		{"300k deep", bottleneck{rate: 300 * kbit, queue: 2000 * ms, delay: 50 * ms}, false},
		{"600k", bottleneck{rate: 600 * kbit, queue: 300 * ms, delay: 50 * ms}, false},
		{"1M", bottleneck{rate: 1 * mbit, queue: 300 * ms, delay: 50 * ms}, false},
		{"2M", bottleneck{rate: 2 * mbit, queue: 300 * ms, delay: 50 * ms}, false},
		{"80k", bottleneck{rate: 80 * kbit, queue: 300 * ms, delay: 50 * ms}, false},
		{"tcp 4M", bottleneck{rate: 4 * mbit, queue: 150 * ms, delay: 20 * ms}, true},
		{"tcp 2M", bottleneck{rate: 2 * mbit, queue: 200 * ms, delay: 20 * ms}, true},
		{"tcp 2M deep", bottleneck{rate: 2 * mbit, queue: 600 * ms, delay: 20 * ms}, true},
	} {
		c := newCall(t, x.l)
		c.run(5 * second)
		if x.tcp {
			c.tcp = &tcp{window: 2, threshold: 1000}
		}
		c.run(60 * second)
		changes, n := 0, 300
		var sum, queue float64
		for i, s := range c.log[len(c.log)-n:] {
			if i > 0 && s.rung != c.log[len(c.log)-n+i-1].rung {
				changes++
			}
			sum += float64(s.estimate)
			queue += float64(s.wait) / ms
		}
		t.Logf("%-12s estimate %5.0fk  rungs -1:%.0f%% 0:%.0f%% 1:%.0f%% 2:%.0f%% 3:%.0f%%  %2d changes in 30 s, queue %.0f ms, sound worst %d ms lost %.1f%% limited %v inherent %.2f probes %d", x.name, sum/float64(n)/1000,
			100*c.share(n, func(s sample) bool { return s.rung == -1 }), 100*c.share(n, func(s sample) bool { return s.rung == 0 }), 100*c.share(n, func(s sample) bool { return s.rung == 1 }),
			100*c.share(n, func(s sample) bool { return s.rung == 2 }), 100*c.share(n, func(s sample) bool { return s.rung == 3 }), changes, queue/float64(n), c.soundWorst/ms, 100*float64(c.soundLost)/float64(c.soundSent), c.e.limited, c.e.loss.inherent, c.probe.id)
	}
}
