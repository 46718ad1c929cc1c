package auth

import (
	"sync"
	"time"
)

const (
	freeTries   = 5                // wrong passwords in a row before anybody waits
	firstWait   = 30 * time.Second // after the first one too many; each further one doubles it
	longestWait = 15 * time.Minute
	manyTries   = 100 // wrong passwords for one member within manyWithin, from wherever they come
	manyWithin  = time.Hour
	maxGuessers = 8192 // remembered at once
)

// lockout makes those wait who guess passwords. Who guesses is one address guessing at one member, so that a stranger's
// guesses keep nobody else out; and because strangers may have many addresses, manyTries at one member close the door to
// all addresses the member never came from. Every wait ends by itself. Nothing is kept over a restart. It is safe for
// concurrent use.
type lockout struct {
	now func() time.Time

	mu       sync.Mutex
	guessers map[guesser]guesses // guarded by mu
}

// guesser is an address at a member's door, or with an empty address all of them together.
type guesser struct{ member, address string }

type guesses struct {
	wrong int
	last  time.Time
	until time.Time // when the next may be made
}

func newLockout(now func() time.Time) *lockout {
	return &lockout{now: now, guessers: make(map[guesser]guesses)}
}

// wait is how long this address must wait before it may try again; 0 if it need not. Known is an address the member signed
// in from before.
func (l *lockout) wait(member, address string, known bool) time.Duration {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	left := l.guessers[guesser{member, address}].until.Sub(now)
	if all := l.guessers[guesser{member: member}]; !known && all.wrong >= manyTries {
		left = max(left, all.last.Add(manyWithin).Sub(now))
	}
	_, remembered := l.guessers[guesser{member, address}]
	if !known && !remembered && len(l.guessers) >= maxGuessers && !l.forget(now) {
		left = max(left, firstWait)
	}
	return max(0, left)
}

// wrong counts a wrong password.
func (l *lockout) wrong(member, address string) {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, who := range []guesser{{member, address}, {member: member}} {
		g := l.guessers[who]
		if now.Sub(g.last) >= manyWithin {
			g = guesses{}
		}
		g.wrong++
		g.last = now
		if over := g.wrong - freeTries; who.address != "" && over > 0 {
			g.until = now.Add(min(longestWait, firstWait<<min(over-1, 10)))
		}
		l.guessers[who] = g
	}
}

// right forgets what an address guessed, after it knew the password.
func (l *lockout) right(member, address string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.guessers, guesser{member, address})
}

// forget drops who has not guessed for a while, and reports whether there was anyone.
func (l *lockout) forget(now time.Time) bool {
	before := len(l.guessers)
	for who, g := range l.guessers {
		if now.Sub(g.last) >= manyWithin {
			delete(l.guessers, who)
		}
	}
	return len(l.guessers) < before
}
