package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/restclient"
	"github.com/rotunda-rtc/rotunda/test/rig"
)

// longestTurn is for how long a session is recorded in one go.
const longestTurn = 30 * time.Second

// turnOf makes several turns of a short round.
func turnOf(round time.Duration) time.Duration { return min(longestTurn, round/4) }

// client speaks REST. It keeps no connection, which would count as a handle of the server.
type client struct{ restclient.Client }

func newClient(ctx context.Context, server *rig.Server) (*client, error) {
	key, err := server.Run(ctx, "key", "create", "--name", "soak")
	if err != nil {
		return nil, err
	}
	return &client{restclient.Client{URL: server.URL, Key: strings.TrimSpace(string(key)), HTTP: fresh}}, nil
}

// record has one session recorded, turn by turn, until ctx ends. After each turn it deletes the recordings that are complete.
func (c *client) record(ctx context.Context, turn time.Duration, came *tally) error {
	tick := time.NewTicker(turn)
	defer tick.Stop()
	recorded := ""
	for {
		err := c.take(ctx, &recorded, came)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		wait := tick.C
		if recorded == "" {
			wait = time.After(100 * time.Millisecond) // nobody has come yet
		}
		select {
		case <-ctx.Done():
			return nil
		case <-wait:
		}
	}
}

// take ends the turn of the session that is recorded, if there is one, and begins that of another.
func (c *client) take(ctx context.Context, recorded *string, came *tally) error {
	if *recorded != "" {
		if err := c.moderate(ctx, *recorded, "stop_recording"); err != nil {
			return err
		}
		if err := c.deleteCompleted(ctx, came); err != nil {
			return err
		}
	}
	var sessions []struct {
		ID string `json:"id"`
	}
	if err := c.Call(ctx, "GET", "/room_sessions?filter[active]=true", nil, &sessions); err != nil {
		return err
	}
	for i, s := range sessions {
		if s.ID == *recorded { // the one after it is next, so that all have their turn
			sessions = append(sessions[i+1:], sessions[:i+1]...)
			break
		}
	}
	*recorded = ""
	if len(sessions) == 0 {
		return nil
	}
	*recorded = sessions[0].ID
	return c.moderate(ctx, *recorded, "start_recording")
}

// moderate acts on all of a session. That the session has ended meanwhile is no fault.
func (c *client) moderate(ctx context.Context, session, action string) error {
	err := c.Call(ctx, "POST", "/room_sessions/"+session+"/actions/"+action, rig.Object{"participants": "all"}, nil)
	if refused, ok := errors.AsType[*restclient.StatusError](err); ok && refused.Code == "10027" {
		return nil
	}
	return err
}

func (c *client) deleteCompleted(ctx context.Context, came *tally) error {
	var deleted struct {
		Recordings int `json:"room_recordings"`
	}
	if err := c.Call(ctx, "DELETE", "/room_recordings?filter[status]=completed", nil, &deleted); err != nil {
		return err
	}
	came.deleted(deleted.Recordings)
	return nil
}

// deleteRest waits for the last recordings and deletes them. One that failed stays, and is an error.
func (c *client) deleteRest(ctx context.Context, came *tally) error {
	for end := time.Now().Add(patience); ; {
		if err := c.deleteCompleted(ctx, came); err != nil {
			return err
		}
		var left []struct {
			ID     string `json:"id"`
			Status string `json:"status"`
		}
		if err := c.Call(ctx, "GET", "/room_recordings", nil, &left); err != nil {
			return err
		}
		if len(left) == 0 {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("%d recordings or more did not become complete within %v, such as %s: %s", len(left), patience, left[0].ID, left[0].Status)
		}
		if err := pause(ctx, 500*time.Millisecond); err != nil {
			return err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	wait := time.NewTimer(d)
	defer wait.Stop()
	select {
	case <-wait.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
