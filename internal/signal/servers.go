package signal

import (
	"context"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// renewalPart is the part of the life of credentials after which a client is told of fresh ones.
const renewalPart = 0.75

// iceServers are those of others and our own, with credentials for whoever has this client's token, so that one who comes back has no
// more relays than before. It notes when those expire.
func (c *conn) iceServers() []video.ICEServer {
	own, expires := c.config.Relay(c.grant.Family)
	c.expires = expires
	return c.with(own)
}

// with returns ours and those of others. It is never nil.
func (c *conn) with(own []video.ICEServer) []video.ICEServer {
	return append(append(make([]video.ICEServer, 0, len(own)+len(c.config.ICEServers)), own...), c.config.ICEServers...)
}

// keepServers sees to it that the client has servers whose credentials hold, as long as the connection does.
func (c *conn) keepServers(ctx context.Context) {
	if participant, family := c.stay.participant, c.grant.Family; !c.expires.IsZero() {
		c.others.Go(func() { c.guard(func() { c.renewServers(ctx, participant, family, c.expires) }) })
	}
}

// renewServers tells a participant of fresh credentials before the former expire, until ctx ends or the participant is out.
func (c *conn) renewServers(ctx context.Context, participant *live.Participant, family string, expires time.Time) {
	timer := time.NewTimer(renewal(expires))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		own, expires := c.config.Relay(family)
		if participant.Tell(ctx, live.ICEServers{Servers: c.with(own)}) != nil {
			return
		}
		timer.Reset(renewal(expires))
	}
}

func renewal(expires time.Time) time.Duration {
	return time.Duration(float64(time.Until(expires)) * renewalPart)
}
