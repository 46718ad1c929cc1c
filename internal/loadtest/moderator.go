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
	for turn := 0; pause(ctx, time.Duration(random.Int64N(int64(longestRest)))) == nil; {
		p := c.someone(random)
		if p == nil {
			continue
		}
		one, all := fields{"participants": []string{p.id}}, fields{"participants": "all"}
		action, body := "mute", one
		switch turn % 12 { // in turn, so that even a short run has all of it
		case 0, 3, 6:
		case 1, 4, 7:
			action = "unmute"
		case 2, 8, 10:
			action = "kick"
		case 5:
			body = all
		case 9:
			action, body = "unmute", all
		case 11:
			action, body = "end", nil
		}
		turn++
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
