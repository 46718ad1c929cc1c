package auth

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

const (
	useInterval     = time.Minute // a key's last use is known to within this
	maxWaitingUses  = 1024
	maxAgentBytes   = 200
	pauseAfterFault = 10 * time.Second
	usesTimeout     = 2 * time.Second
)

// uses are the last uses of keys that are still to be written. A request leaves its own here and goes on; Tend writes them.
// The newest use of a key replaces the one before. When maxWaitingUses keys wait, uses of others are dropped: each key's
// next use is as good.
type uses struct {
	wake chan struct{} // holds one token while something waits

	mu      sync.Mutex
	waiting map[string]use // by the key's id
}

type use struct {
	at    time.Time
	agent string
}

func newUses() *uses { return &uses{wake: make(chan struct{}, 1), waiting: map[string]use{}} }

// note leaves the use of a key to be written, if the last one known is old enough.
func (u *uses) note(ctx context.Context, key video.APIKey, at time.Time) {
	if key.LastUsedAt != nil && at.Sub(*key.LastUsedAt) < useInterval {
		return
	}
	actor, _ := video.ActorOf(ctx)
	agent := actor.UserAgent
	if len(agent) > maxAgentBytes {
		agent = agent[:maxAgentBytes]
	}
	agent = strings.ReplaceAll(strings.ToValidUTF8(agent, ""), "\x00", "")
	u.mu.Lock()
	defer u.mu.Unlock()
	if _, waits := u.waiting[key.ID]; !waits && len(u.waiting) >= maxWaitingUses {
		return
	}
	u.waiting[key.ID] = use{at, agent}
	select {
	case u.wake <- struct{}{}:
	default:
	}
}

func (u *uses) take() map[string]use {
	u.mu.Lock()
	defer u.mu.Unlock()
	taken := u.waiting
	u.waiting = map[string]use{}
	return taken
}

// writeUses writes what waits, to the end though ctx may end meanwhile, and reports whether that worked. After a fault the
// rest is dropped.
func (a *Authority) writeUses(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), usesTimeout)
	defer cancel()
	for id, use := range a.uses.take() {
		if err := a.store.TouchAPIKey(ctx, id, use.at, use.agent); err != nil {
			a.logger.Warn("uses of API keys could not be written", "error", err)
			return false
		}
	}
	return true
}
