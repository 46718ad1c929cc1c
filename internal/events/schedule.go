package events

import (
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Schedule says when attempts follow each other. A delivery's step counts them: first those at the primary URL, then those
// at the failover, then the tail at the primary. Without a failover URL its steps are skipped.
type Schedule struct {
	Quick         []time.Duration // pauses between the attempts at one URL
	Tail          []time.Duration // pauses before each of the later attempts
	MaxRetryAfter time.Duration   // what an endpoint may ask for
}

// DefaultSchedule makes attempts at the primary URL at 0, 1 and 4 s, likewise at the failover, then for half a day at the primary.
var DefaultSchedule = Schedule{
	Quick:         []time.Duration{time.Second, 3 * time.Second},
	Tail:          []time.Duration{time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 8 * time.Hour},
	MaxRetryAfter: time.Hour,
}

// jitterShare is how much longer than planned a pause is at most, so that what failed together does not come back together.
const jitterShare = 0.2

// verdict is what an attempt means for the ones after it.
type verdict int

const (
	delivered verdict = iota
	failed            // the same URL may take it later
	refused           // the same URL will not take it soon
)

// perURL is how many attempts are made at a URL before the other's turn.
func (s Schedule) perURL() int { return len(s.Quick) + 1 }

// target is the URL of the delivery's attempt at a step.
func (s Schedule) target(d video.Delivery, step int) string {
	if n := s.perURL(); d.FailoverURL != "" && step >= n && step < 2*n {
		return d.FailoverURL
	}
	return d.URL
}

// next is the step after an attempt that did not deliver, and the pause before it; false if there is none. retryAfter is
// what the endpoint asked for, jitter is 0 to 1.
func (s Schedule) next(d video.Delivery, v verdict, retryAfter time.Duration, jitter float64) (step int, pause time.Duration, more bool) {
	step, pause, more = s.following(d.Step, v, d.FailoverURL != "")
	if !more {
		return d.Step, 0, false
	}
	pause += time.Duration(float64(pause) * jitterShare * jitter)
	if s.target(d, step) == s.target(d, d.Step) {
		pause = max(pause, min(retryAfter, s.MaxRetryAfter))
	}
	return step, pause, true
}

func (s Schedule) following(step int, v verdict, failover bool) (int, time.Duration, bool) {
	n := s.perURL()
	next := step + 1
	switch {
	case v == refused && step < n:
		next = n
	case v == refused && step < 2*n:
		next = 2 * n
	}
	if next >= n && next < 2*n && !failover {
		next = 2 * n
	}
	switch {
	case next < n:
		return next, s.Quick[next-1], true
	case next == n:
		return next, 0, true
	case next < 2*n:
		return next, s.Quick[next-n-1], true
	case next-2*n < len(s.Tail):
		return next, s.Tail[next-2*n], true
	}
	return step, 0, false
}
