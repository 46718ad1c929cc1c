package bandwidth

import "testing"

func TestAFastPathHasNoLimit(t *testing.T) {
	c := newCall(t, bottleneck{rate: 20 * mbit, queue: 300 * ms, delay: 20 * ms})
	c.run(30 * second)
	if c.e.Limited() || c.rung != 3 || c.probe.id != 0 {
		t.Fatalf("limited to %d, layer %d, after %d probes", c.e.Estimate(), c.rung, c.probe.id)
	}
}

// TestDropAndReturn: 3 Mbit/s become 300 kbit/s and come back, with short queues and long ones.
func TestDropAndReturn(t *testing.T) {
	for name, link := range map[string]bottleneck{
		"100 ms of queue":  {queue: 100 * ms},
		"300 ms of queue":  {queue: 300 * ms},
		"1000 ms of queue": {queue: 1000 * ms},
		"60 kB of queue":   {bytes: 60_000},
	} {
		t.Run(name, func(t *testing.T) {
			link.rate, link.delay = 3*mbit, 25*ms
			c := newCall(t, link)
			c.run(20 * second)
			c.link.rate = 300 * kbit
			down := c.until("no more is sent than the link carries", second, func() bool { return c.e.Target() < 300*kbit })
			paused := c.until("the picture is back", 3*second, func() bool { return c.rung == 0 && c.link.free-c.now < 200*ms })
			c.soundLost, c.soundWorst = 0, 0
			c.run(20 * second)
			if c.soundWorst > 400*ms || c.soundLost > 10 {
				t.Errorf("sound came up to %d ms late, %d packets were lost", c.soundWorst/ms, c.soundLost)
			}
			if stays := c.share(150, func(s sample) bool { return s.rung == 0 }); stays < 0.99 {
				t.Errorf("the layer that fits was sent for %.0f %% of the time", 100*stays)
			}
			c.link.rate = 3 * mbit
			up := c.until("the best layer is back", 10*second, func() bool { return c.rung == 3 })
			t.Logf("down after %d ms, the picture back after %d ms, up after %d ms", down/ms, (down+paused)/ms, up/ms)
		})
	}
}

// TestSteadyPaths: on each the layer is sent that fits, without changing back and forth.
func TestSteadyPaths(t *testing.T) {
	for name, c := range map[string]struct {
		link bottleneck
		rung int
	}{
		"80 kbit/s":                       {bottleneck{rate: 80 * kbit, queue: 300 * ms, delay: 50 * ms}, -1},
		"300 kbit/s":                      {bottleneck{rate: 300 * kbit, queue: 300 * ms, delay: 50 * ms}, 0},
		"300 kbit/s with 2 s of queue":    {bottleneck{rate: 300 * kbit, queue: 2 * second, delay: 50 * ms}, 0},
		"1 Mbit/s":                        {bottleneck{rate: 1 * mbit, queue: 300 * ms, delay: 50 * ms}, 1},
		"1 Mbit/s, 30 ms of jitter":       {bottleneck{rate: 1 * mbit, queue: 300 * ms, delay: 50 * ms, jitter: 30 * ms}, 1},
		"1 Mbit/s, 10 % random loss":      {bottleneck{rate: 1 * mbit, queue: 300 * ms, delay: 50 * ms, loss: 0.1}, 1},
		"2 Mbit/s":                        {bottleneck{rate: 2 * mbit, queue: 300 * ms, delay: 50 * ms}, 2},
		"20 Mbit/s, 10 % random loss":     {bottleneck{rate: 20 * mbit, queue: 300 * ms, delay: 50 * ms, loss: 0.1}, 3},
		"20 Mbit/s, 20 % random loss":     {bottleneck{rate: 20 * mbit, queue: 300 * ms, delay: 50 * ms, loss: 0.2}, 3},
		"20 Mbit/s, 30 ms of jitter":      {bottleneck{rate: 20 * mbit, queue: 300 * ms, delay: 50 * ms, jitter: 30 * ms}, 3},
		"300 kbit/s, round trip of 600ms": {bottleneck{rate: 300 * kbit, queue: 300 * ms, delay: 300 * ms}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			call := newCall(t, c.link)
			call.run(60 * second)
			const last = 300
			if stays := call.share(last, func(s sample) bool { return s.rung == c.rung }); stays < 0.98 {
				t.Errorf("layer %d was sent for %.0f %% of the last 30 s, and now it is %d", c.rung, 100*stays, call.rung)
			}
			if waits := call.share(last, func(s sample) bool { return s.wait > 150*ms }); waits > 0.02 {
				t.Errorf("the queue was long for %.0f %% of the last 30 s", 100*waits)
			}
		})
	}
}

// TestBesideTCP: a download fills the queue for a minute. We are neither starved nor starve it, and recover when it ends.
func TestBesideTCP(t *testing.T) {
	for name, link := range map[string]bottleneck{
		"4 Mbit/s, 150 ms of queue": {rate: 4 * mbit, queue: 150 * ms, delay: 20 * ms},
		"2 Mbit/s, 200 ms of queue": {rate: 2 * mbit, queue: 200 * ms, delay: 20 * ms},
		"2 Mbit/s, 600 ms of queue": {rate: 2 * mbit, queue: 600 * ms, delay: 20 * ms},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCall(t, link)
			c.ladder = []float64{150 * kbit, 500 * kbit, 1200 * kbit}
			c.rung = 2
			c.run(5 * second)
			c.tcp = &tcp{window: 2, threshold: 1000}
			c.run(30 * second)
			before := c.tcp.acknowledged
			c.run(30 * second)
			paused := c.share(300, func(s sample) bool { return s.rung < 0 })
			theirs := float64(c.tcp.acknowledged-before) * 1500 * 8 / 30
			t.Logf("the picture was paused for %.0f %% of 30 s, the download got %.1f Mbit/s, %.1f %% of the sound was lost", 100*paused, theirs/mbit, 100*float64(c.soundLost)/float64(c.soundSent))
			if paused > 0.5 || theirs < 0.25*link.rate {
				t.Error("the path is not shared")
			}
			c.tcp = nil
			c.until("the best layer is back", 15*second, func() bool { return c.rung == 2 })
		})
	}
}

// TestSilence: when nothing is heard of what is sent, less is.
func TestSilence(t *testing.T) {
	c := newCall(t, bottleneck{rate: 20 * mbit, queue: 300 * ms, delay: 20 * ms})
	c.run(5 * second)
	before := c.e.Estimate()
	c.link.loss = 1
	c.run(5 * second)
	if !c.e.Limited() || c.e.Estimate() > before/2 {
		t.Errorf("after 5 s of silence the estimate is %d of %d", c.e.Estimate(), before)
	}
	c.link.loss = 0
	c.until("the best layer is back", 10*second, func() bool { return c.rung == 3 })
}

// TestLostFeedback: what was sent while feedback was lost is not taken for lost.
func TestLostFeedback(t *testing.T) {
	var e Estimator
	now := int64(second)
	for range 100 {
		for i := range 10 {
			e.Received(now+int64(i)*10*ms, now+int64(i)*10*ms+20*ms, 1000, 0)
		}
		now += 200 * ms
		e.Untold(10_000)
		e.Decide(now, 800*kbit, 0)
	}
	if e.Limited() || e.Estimate() < 700*kbit {
		t.Errorf("limited %v, estimate %d", e.Limited(), e.Estimate())
	}
}

// BenchmarkReceived: what one packet costs that a feedback tells of.
func BenchmarkReceived(b *testing.B) {
	var e Estimator
	now := int64(second)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		now += 5 * ms
		e.Received(now, now+20*ms, 1200, 0)
		if n%20 == 19 {
			e.Decide(now, 2*mbit, 20_000)
		}
	}
}
