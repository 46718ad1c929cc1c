package loadtest

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"
)

const (
	// pollInterval is how often a loop looks at its sockets. Arrival times come from the kernel, so it does not blur latencies.
	pollInterval = 4 * time.Millisecond
	// sendGrain is the shortest sleep: what becomes due meanwhile is sent together.
	sendGrain = time.Millisecond
	// handshakePoll is the same while connections are being made, which take several round trips.
	handshakePoll = 250 * time.Microsecond
	// tickInterval is how often feedback and timeouts are looked after.
	tickInterval = 20 * time.Millisecond
)

// wallClock is the clock of the kernel's arrival times, in ns.
func wallClock() int64 { return time.Now().UnixNano() }

// loop is the goroutine that does everything for the media of some participants: it sends what is due, reads all their sockets, and
// sleeps a few milliseconds. Whatever belongs to a transport's media is touched by its loop alone.
type loop struct {
	started    time.Time
	commands   chan func()
	ended      chan struct{}
	transports []*transport
	connecting int // transports without keys
	batch      *batch
	random     *rand.Rand
	poll       time.Duration

	tally     tally
	latency   histogram
	last      int64
	pause     time.Duration // the longest between two looks
	measuring bool
}

// startLoop starts a loop that looks at its sockets every poll, and at those of connections being made more often.
func startLoop(ctx context.Context, seed uint64, poll time.Duration) *loop {
	l := &loop{
		started: time.Now(), commands: make(chan func(), 256), ended: make(chan struct{}),
		batch: newBatch(), random: rand.New(rand.NewPCG(seed, 3)), poll: poll,
	}
	go l.run(ctx)
	return l
}

// now is a steady clock in ns, far enough from 0 that 0 means never.
func (l *loop) now() int64 { return int64(time.Since(l.started)) + int64(time.Hour) }

func (l *loop) run(ctx context.Context) {
	defer close(l.ended)
	wait := time.NewTimer(0)
	defer wait.Stop()
	var ticked, polled int64
	for {
		select {
		case <-ctx.Done():
			for _, t := range slices.Clone(l.transports) {
				t.drop()
			}
			return
		case f := <-l.commands:
			f()
			continue
		case <-wait.C:
		}
		now := l.now()
		if l.measuring {
			l.pause = max(l.pause, time.Duration(now-l.last))
		}
		l.last = now
		slow := now-ticked >= int64(tickInterval)
		if slow {
			ticked = now
		}
		poll := now-polled >= int64(l.poll-sendGrain/2)
		if poll {
			polled = now
		}
		due := polled + int64(l.poll)
		for _, t := range l.transports {
			due = min(due, t.send(now))
			if poll || t.out == nil {
				t.read(now)
			}
			if slow {
				t.tend(now)
			}
		}
		if l.connecting > 0 {
			wait.Reset(handshakePoll)
		} else {
			wait.Reset(max(time.Duration(due-l.now()), sendGrain))
		}
	}
}

// do runs a function in the loop and waits for it. It reports false if the loop has ended.
func (l *loop) do(f func()) bool {
	done := make(chan struct{})
	select {
	case l.commands <- func() { f(); close(done) }:
	case <-l.ended:
		return false
	}
	select {
	case <-done:
		return true
	case <-l.ended:
		return false
	}
}

// total is all that was counted in this loop until now.
func (l *loop) total() tally {
	sum := l.tally
	for _, t := range l.transports {
		sum.addTransport(t)
	}
	return sum
}
