package live

import (
	"sync"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// barredFor is how long the bar of a revoked family stays. By then no grant is left that was verified before the
// revocation was written; later ones are refused by whoever verifies them.
const barredFor = (video.MaxTokenTTLSecs + 60) * time.Second

// bars are the token families that nobody comes in with. It is a leaf: its lock is held over nothing else. It holds the
// families kicked within barredFor.
type bars struct {
	now func() time.Time

	mu       sync.Mutex
	families map[string]bar
}

// bar keeps a family out while kicks are being written, and until a time.
type bar struct {
	kicks int
	until time.Time
}

func (b bar) stands(now time.Time) bool { return b.kicks > 0 || now.Before(b.until) }

func newBars(now func() time.Time) *bars { return &bars{now: now, families: make(map[string]bar)} }

// against reports whether nobody comes in with this family.
func (b *bars) against(family string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.families[family].stands(b.now())
}

// raise bars families until each was kept or lifted as often as it was raised.
func (b *bars) raise(families []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, family := range families {
		one := b.families[family]
		one.kicks++
		b.families[family] = one
	}
}

// keep turns what was raised into bars that stay, and drops those whose time is over.
func (b *bars) keep(families []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	for _, family := range families {
		one := b.families[family]
		one.kicks--
		one.until = now.Add(barredFor)
		b.families[family] = one
	}
	for family, one := range b.families {
		if !one.stands(now) {
			delete(b.families, family)
		}
	}
}

// lift takes back what was raised.
func (b *bars) lift(families []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	for _, family := range families {
		one := b.families[family]
		if one.kicks--; one.stands(now) {
			b.families[family] = one
		} else {
			delete(b.families, family)
		}
	}
}

var errBarred = video.Errorf(video.CodeUnauthorized, "the token was revoked")
