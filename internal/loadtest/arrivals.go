package loadtest

import (
	"sync"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// arrivals notes when the media of someone who joined began to arrive. The loop tells it, the participant waits.
type arrivals struct {
	begun time.Time // when the signalling socket was opened

	mu      sync.Mutex
	want    int           // streams of packets there should be, 0 until it is known; guarded by mu
	came    int           // guarded by mu
	first   time.Duration // until the first packet of all; guarded by mu
	picture time.Duration // until the first of video, 0 before; guarded by mu
	whole   time.Duration // until the first of the last stream; guarded by mu
	some    chan struct{} // closed with the first packet
	every   chan struct{} // closed when all streams have begun
}

func newArrivals() *arrivals {
	return &arrivals{begun: time.Now(), some: make(chan struct{}), every: make(chan struct{})}
}

// expect says how many streams there should be.
func (a *arrivals) expect(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.want = n
	if n > 0 && a.came >= n {
		a.complete(a.first)
	}
}

// began notes the first packet of a stream, which came at a moment of the wall clock (ns).
func (a *arrivals) began(kind video.Kind, at int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	after := max(time.Duration(at-a.begun.UnixNano()), 1)
	a.came++
	if a.came == 1 {
		a.first = after
		close(a.some)
	}
	if kind == video.Video && a.picture == 0 {
		a.picture = after
	}
	if a.want > 0 && a.came >= a.want {
		a.complete(after)
	}
}

// complete is called with mu held.
func (a *arrivals) complete(after time.Duration) {
	if a.whole == 0 {
		a.whole = after
		close(a.every)
	}
}

// times returns what was noted; 0 is what has not come.
func (a *arrivals) times() (first, picture, whole time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.first, a.picture, a.whole
}

// counts returns how many streams have begun, and how many there should be.
func (a *arrivals) counts() (came, want int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.came, a.want
}
