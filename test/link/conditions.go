//go:build linux

package link

import (
	"fmt"
	"time"
)

// Direction is one way over a link.
type Direction int

const (
	// Up is from the far side to the near one: from client to server.
	Up Direction = iota
	// Down is from the near side to the far one.
	Down
)

// Conditions are what a link does to packets in one direction. The zero value passes everything on at once.
type Conditions struct {
	Delay  time.Duration // that every packet takes, beside its time in the queue; 0 to 1 min
	Jitter time.Duration // a packet takes up to so much longer, any time being as likely; order is kept; 0 to 1 min
	Loss   float64       // share of packets that are lost, each for itself; 0 to 1
	Burst  Burst         // loss that comes in bursts, beside Loss

	// Rate is what goes through, in bits of IP packets a second; 0 is no limit. Packets wait in a queue, and what finds it full is lost.
	Rate int64
	// Queue bounds what waits, in bytes. With 0, it is what goes through in QueueTime.
	Queue int
	// QueueTime bounds what waits where Queue does not; 0 is 200 ms.
	QueueTime time.Duration

	Reorder   float64       // share of packets that come Late, so that others overtake them; 0 to 1
	Late      time.Duration // how much later they come; 0 is 20 ms
	Duplicate float64       // share of packets that arrive twice; 0 to 1
	Outage    bool          // everything is lost, what waits in the queue too
}

// Burst is loss after Gilbert and Elliott: the link is good or bad, and may change with each packet. Bad spells are 1/Leave packets long on average.
type Burst struct {
	Enter float64 // probability that a good link turns bad; 0 to 1, 0 is never
	Leave float64 // probability that a bad one turns good; 0 to 1
	Loss  float64 // share lost while it is bad; 0 to 1
}

const (
	defaultQueueTime = 200 * time.Millisecond
	defaultLate      = 20 * time.Millisecond
	longestDelay     = time.Minute
	highestRate      = int64(10_000_000_000)
	largestQueue     = 64 << 20 // bytes
)

// Check says what is wrong with conditions.
func (c Conditions) Check() error {
	for _, share := range []struct {
		name  string
		value float64
	}{
		{"loss", c.Loss},
		{"burst enter", c.Burst.Enter},
		{"burst leave", c.Burst.Leave},
		{"burst loss", c.Burst.Loss},
		{"reorder", c.Reorder},
		{"duplicate", c.Duplicate},
	} {
		if !(share.value >= 0 && share.value <= 1) { // so that NaN is refused
			return fmt.Errorf("%s is %v, and must be 0 to 1", share.name, share.value)
		}
	}
	for _, span := range []struct {
		name  string
		value time.Duration
	}{{"delay", c.Delay}, {"jitter", c.Jitter}, {"queue time", c.QueueTime}, {"late", c.Late}} {
		if span.value < 0 || span.value > longestDelay {
			return fmt.Errorf("%s is %v, and must be 0 to %v", span.name, span.value, longestDelay)
		}
	}
	if c.Rate < 0 || c.Rate > highestRate {
		return fmt.Errorf("rate is %d bit/s, and must be 0 to %d", c.Rate, highestRate)
	}
	if c.Queue < 0 || c.Queue > largestQueue {
		return fmt.Errorf("queue is %d bytes, and must be 0 to %d", c.Queue, largestQueue)
	}
	return nil
}

// queueLimit is how many bytes may wait.
func (c Conditions) queueLimit() int {
	if c.Queue > 0 {
		return c.Queue
	}
	span := c.QueueTime
	if span == 0 {
		span = defaultQueueTime
	}
	return int(float64(c.Rate) / 8 * span.Seconds())
}

func (c Conditions) late() time.Duration {
	if c.Late > 0 {
		return c.Late
	}
	return defaultLate
}
