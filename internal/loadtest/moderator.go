package loadtest

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/restclient"
)

// moderate does over REST what an application does to people who are there, until ctx ends.
func (c *crowd) moderate(ctx context.Context) {
	random := rand.New(rand.NewPCG(c.plan.Seed, 1<<32))
	for pause(ctx, time.Duration(random.Int64N(int64(longestRest)))) == nil {
		p := c.someone(random)
		if p == nil {
			continue
		}
		one, all := fields{"participants": []string{p.id}}, fields{"participants": "all"}
		action, body := "mute", one
		switch n := random.IntN(20); {
		case n < 6:
		case n < 12:
			action = "unmute"
		case n < 14:
			body = all
		case n < 16:
			action, body = "unmute", all
		case n < 19:
			action = "kick"
		default:
			action, body = "end", nil
		}
		c.act(ctx, p.session, action, body)
	}
}

// act takes one action. That the session has ended or the participant left meanwhile is no fault.
func (c *crowd) act(ctx context.Context, session, action string, body fields) {
	var content any
	if body != nil {
		content = body
	}
	err := c.api.Call(ctx, http.MethodPost, "/room_sessions/"+session+"/actions/"+action, content, nil)
	refused, ok := errors.AsType[*restclient.StatusError](err)
	switch {
	case ctx.Err() != nil:
	case ok && (refused.Code == "10017" || refused.Code == "10027"):
	case err != nil:
		c.fault("REST", err)
	default:
		c.did("REST " + action)
		if action == "end" {
			c.mu.Lock()
			c.report.Ended = append(c.report.Ended, session)
			c.mu.Unlock()
		}
	}
}
