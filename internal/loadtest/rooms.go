package loadtest

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/restclient"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// requestTimeout is how long the REST API may take to answer.
const requestTimeout = 20 * time.Second

// tokenLife is how long tokens are good, in seconds: the longest there is.
const tokenLife = 3600

// room is one of the rooms that are made for a run.
type room struct{ id, token string }

// api is the server's REST API.
type api struct{ restclient.Client }

func newAPI(url, key string) *api {
	return &api{restclient.Client{URL: url, Key: key, HTTP: &http.Client{Timeout: requestTimeout, Transport: &http.Transport{Proxy: http.ProxyFromEnvironment}}}}
}

// makeRooms makes the rooms, each with a token that all its participants use. What was made is returned even with an error.
func (a *api) makeRooms(ctx context.Context, n, participants int) (rooms []room, err error) {
	for i := range n {
		var made struct {
			ID string `json:"id"`
		}
		name := fmt.Sprintf("loadtest %s %d", randomText(6), i)
		// With churn whoever comes back may come before the server has seen the other go.
		seats := min(participants+1, video.MaxRoomParticipants)
		if err := a.Call(ctx, http.MethodPost, "/rooms", fields{"unique_name": name, "max_participants": seats}, &made); err != nil {
			return rooms, fmt.Errorf("make room: %w", err)
		}
		rooms = append(rooms, room{id: made.ID})
		var token struct {
			Token string `json:"token"`
		}
		path := "/rooms/" + made.ID + "/actions/generate_join_client_token"
		if err := a.Call(ctx, http.MethodPost, path, fields{"token_ttl_secs": tokenLife}, &token); err != nil {
			return rooms, fmt.Errorf("make token: %w", err)
		}
		rooms[i].token = token.Token
	}
	return rooms, nil
}

// deleteRooms leaves none of them behind.
func (a *api) deleteRooms(ctx context.Context, rooms []room) error {
	for _, r := range rooms {
		if err := a.Call(ctx, http.MethodDelete, "/rooms/"+r.id, nil, nil); err != nil {
			return fmt.Errorf("delete room: %w", err)
		}
	}
	return nil
}
