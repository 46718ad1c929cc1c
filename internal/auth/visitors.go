package auth

import (
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxVisitors is how many addresses Visitors remembers.
const maxVisitors = 4096

// Visitors limits how often each address may knock at a door that asks for no API key. An IPv4 address counts by itself,
// IPv6 by the /64 that one customer has; trusted proxies are asked for whom they come. When 4,096 addresses are remembered, those whose allowance is whole again are
// forgotten; when there are none, new ones are turned away. It is safe for concurrent use.
type Visitors struct {
	perSecond rate.Limit
	burst     int
	proxies   *Proxies
	now       func() time.Time

	mu        sync.Mutex
	allowance map[netip.Prefix]*rate.Limiter // guarded by mu
}

// NewVisitors lets each address in so many times a second in the long run, and burst times at once. A nil now is time.Now.
func NewVisitors(perSecond float64, burst int, proxies *Proxies, now func() time.Time) *Visitors {
	if now == nil {
		now = time.Now
	}
	return &Visitors{
		perSecond: rate.Limit(perSecond), burst: burst, proxies: proxies, now: now, allowance: make(map[netip.Prefix]*rate.Limiter),
	}
}

// Admit reports whether the one who sent this request may come in now, and counts it.
func (v *Visitors) Admit(r *http.Request) bool {
	from := household(v.proxies.Client(r))
	now := v.now()
	v.mu.Lock()
	defer v.mu.Unlock()
	limiter := v.allowance[from]
	if limiter == nil {
		if len(v.allowance) >= maxVisitors && !v.forget(now) {
			return false
		}
		limiter = rate.NewLimiter(v.perSecond, v.burst)
		v.allowance[from] = limiter
	}
	return limiter.AllowN(now, 1)
}

// Welcome takes back what an admitted request counted, because its sender turned out to be no stranger.
func (v *Visitors) Welcome(r *http.Request) {
	now := v.now()
	v.mu.Lock()
	defer v.mu.Unlock()
	if limiter := v.allowance[household(v.proxies.Client(r))]; limiter != nil && limiter.TokensAt(now) < float64(v.burst) {
		limiter.AllowN(now, -1) // which adds one
	}
}

// forget drops who has not asked for a while, and reports whether there was anyone.
func (v *Visitors) forget(now time.Time) bool {
	before := len(v.allowance)
	for who, limiter := range v.allowance {
		if limiter.TokensAt(now) >= float64(v.burst) {
			delete(v.allowance, who)
		}
	}
	return len(v.allowance) < before
}
