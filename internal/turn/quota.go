package turn

import (
	"errors"
	"sync"
)

var errQuota = errors.New("too many allocations")

// quota counts allocations.
type quota struct {
	all, each int // at most

	mu    sync.Mutex
	total int            // guarded by mu
	of    map[string]int // guarded by mu; by subject
}

func newQuota(all, each int) *quota { return &quota{all: all, each: each, of: map[string]int{}} }

func (q *quota) has(subject string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.total < q.all && q.of[subject] < q.each
}

func (q *quota) take(subject string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.total >= q.all || q.of[subject] >= q.each {
		return errQuota
	}
	q.total++
	q.of[subject]++
	return nil
}

func (q *quota) give(subject string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.total--
	if q.of[subject]--; q.of[subject] == 0 {
		delete(q.of, subject)
	}
}

func (q *quota) count() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.total
}

// bucket is an allowance of bytes that fills up again. It belongs to one goroutine.
type bucket struct {
	rate, size, left float64 // bytes a second; bytes
	at               int64   // when left was so (ns)
}

// smallestBurst is what may go at once at least: a picture for one client.
const smallestBurst = 256 << 10

// newBucket makes a full one for a rate in bit/s; 0 is no limit. Its time begins at 0.
func newBucket(bits int) bucket {
	rate := float64(bits) / 8
	size := max(rate/2, smallestBurst)
	return bucket{rate: rate, size: size, left: size}
}

// spend takes n bytes, if they are there.
func (b *bucket) spend(n int, now int64) bool {
	if b.rate == 0 {
		return true
	}
	b.left = min(b.left+float64(now-b.at)*b.rate/1e9, b.size)
	b.at = now
	if b.left < float64(n) {
		return false
	}
	b.left -= float64(n)
	return true
}
