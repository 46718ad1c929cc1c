package demo

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	tokensPerSecond = 2  // of one address, in the long run
	tokenBurst      = 50 // a classroom behind one address
	maxVisitors     = 4096
)

// visitors limits how often each address may ask. It remembers maxVisitors addresses; when it is full, those whose
// allowance is whole again are forgotten, and when there are none, new ones are turned away.
type visitors struct {
	now func() time.Time

	mu        sync.Mutex
	allowance map[netip.Prefix]*rate.Limiter
}

func newVisitors(now func() time.Time) *visitors {
	return &visitors{now: now, allowance: make(map[netip.Prefix]*rate.Limiter)}
}

// admit reports whether the one at remote (host:port) may ask now.
func (v *visitors) admit(remote string) bool {
	from := household(remote)
	now := v.now()
	v.mu.Lock()
	defer v.mu.Unlock()
	limiter := v.allowance[from]
	if limiter == nil {
		if len(v.allowance) >= maxVisitors && !v.forget(now) {
			return false
		}
		limiter = rate.NewLimiter(tokensPerSecond, tokenBurst)
		v.allowance[from] = limiter
	}
	return limiter.AllowN(now, 1)
}

// forget drops who has not asked for a while, and reports whether there was anyone.
func (v *visitors) forget(now time.Time) bool {
	before := len(v.allowance)
	for who, limiter := range v.allowance {
		if limiter.TokensAt(now) >= tokenBurst {
			delete(v.allowance, who)
		}
	}
	return len(v.allowance) < before
}

// household is what counts as one address: an IPv4 address, or the /64 that one IPv6 customer has.
func household(remote string) netip.Prefix {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Prefix{} // not a socket of ours; all such share one allowance
	}
	ip := at.Addr().Unmap().WithZone("")
	bits := 64
	if ip.Is4() {
		bits = 32
	}
	prefix, _ := ip.Prefix(bits) // fails only for the invalid address
	return prefix
}
