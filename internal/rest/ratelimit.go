package rest

import (
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// weights are what operations cost, in units of Config.RateLimit, by their x-endpoint-cost in the document.
var weights = map[string]float64{"light": 1, "medium": 2, "heavy": 10}

// MinRateLimit is the smallest rate limit that is one: below it the heaviest operations would never be allowed.
const MinRateLimit = 10

// maxBuckets is how many keys a rateLimit remembers.
const maxBuckets = 10_000

// rateLimit gives each API key so many units a second, and as many at once. When maxBuckets keys are remembered, those whose
// allowance is whole again are forgotten, which changes nothing for them; while there are none, further keys must wait. It
// is safe for concurrent use.
type rateLimit struct {
	perSecond float64
	now       func() time.Time

	mu      sync.Mutex
	buckets map[string]*bucket // guarded by mu; by the key's id
}

// bucket is one key's allowance as it was at a time. It refills by itself.
type bucket struct {
	units float64
	at    time.Time
}

// allowance is what a key was told: whether it may go on, what it has left, and when that will be whole or enough again.
type allowance struct {
	granted      bool
	remaining    int
	whole, retry time.Duration
}

func newRateLimit(perSecond int, now func() time.Time) *rateLimit {
	return &rateLimit{perSecond: float64(perSecond), now: now, buckets: make(map[string]*bucket)}
}

// take takes so many units from the key's allowance if it has them.
func (l *rateLimit) take(key string, units float64) allowance {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.buckets[key]
	if b == nil {
		if len(l.buckets) >= maxBuckets && !l.forget(now) {
			return allowance{whole: time.Second, retry: time.Second}
		}
		b = &bucket{l.perSecond, now}
		l.buckets[key] = b
	}
	l.refill(b, now)
	granted := b.units >= units
	if granted {
		b.units -= units
	}
	return allowance{
		granted: granted, remaining: int(b.units),
		whole: l.until(l.perSecond - b.units), retry: l.until(units - b.units),
	}
}

func (l *rateLimit) refill(b *bucket, now time.Time) {
	if passed := now.Sub(b.at); passed > 0 {
		b.units = min(l.perSecond, b.units+passed.Seconds()*l.perSecond)
		b.at = now
	}
}

// until is how long it takes for so many units to come.
func (l *rateLimit) until(units float64) time.Duration {
	return time.Duration(units / l.perSecond * float64(time.Second))
}

// forget drops the keys that have all their units, and reports whether there were any.
func (l *rateLimit) forget(now time.Time) bool {
	before := len(l.buckets)
	for key, b := range l.buckets {
		if l.refill(b, now); b.units >= l.perSecond {
			delete(l.buckets, key)
		}
	}
	return len(l.buckets) < before
}

// limit takes what an operation costs from the key's allowance, and tells the caller what is left.
func (e *entrance) limit(w http.ResponseWriter, key string, op *operation) error {
	if e.rates == nil {
		return nil
	}
	left := e.rates.take(key, op.weight)
	header := w.Header()
	header.Set("X-Ratelimit-Limit", strconv.Itoa(e.RateLimit))
	header.Set("X-Ratelimit-Remaining", strconv.Itoa(left.remaining))
	header.Set("X-Ratelimit-Reset", wholeSeconds(left.whole))
	if left.granted {
		return nil
	}
	header.Set("Retry-After", wholeSeconds(left.retry))
	return refuse(http.StatusTooManyRequests, tooManyRequests,
		"The API key may spend %d units a second, and this request costs %v. Wait for the time in Retry-After.", e.RateLimit, op.weight)
}

func wholeSeconds(d time.Duration) string {
	return strconv.Itoa(int(math.Ceil(d.Seconds())))
}
