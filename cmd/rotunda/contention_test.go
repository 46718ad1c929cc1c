package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Everyone does everything to the same room at once, and the room is deleted under them in the end. No request fails for want
// of the server, nobody comes in with a token of someone kicked, and the record is whole.
func TestContention(t *testing.T) {
	args := []string{"--api-key=" + sessionKey, "--webhook-allow-private", "--linger=50ms", "--rate-limit=0"}
	dir := t.TempDir()
	s := start(t, dir, args...)
	c := newCrowd(t)
	for range 2 {
		c.contend(s)
	}
	if log := s.stderr.String(); strings.Contains(log, "level=ERROR") || strings.Contains(log, "panic") {
		t.Errorf("logged:\n%s", log)
	}
	s.stop()
	over := time.Now()
	s = start(t, dir, args...)
	c.check(s, over)
}

// contend has many at work in one room for a moment.
func (c *crowd) contend(s *server) {
	var room struct{ ID string }
	ask(s.url, "POST", "/v2/rooms", fmt.Sprintf(`{"max_participants":50,"webhook_event_url":%q}`, c.hooks[0]), "", &room)
	over := make(chan struct{})
	var all sync.WaitGroup
	repeat := func(f func()) {
		all.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
					f()
				}
			}
		})
	}
	must := func(method, path, body string, fine ...int) {
		status := ask(s.url, method, path, body, "", nil)
		for _, ok := range append(fine, http.StatusOK, http.StatusNotFound) {
			if status == ok {
				return
			}
		}
		c.t.Errorf("%s %s %s was answered %d", method, path, body, status)
	}
	for range 4 {
		repeat(func() { c.comeAndGo(s, room.ID) })
	}
	for _, action := range []string{"mute", "unmute", "mute", "unmute", "end"} {
		repeat(func() {
			if action == "end" {
				pause(c.t, rand.N(100*time.Millisecond)) // or nobody would be kicked
			}
			must("POST", "/v2/room_sessions/"+c.running(s, room.ID)+"/actions/"+action, `{"participants":"all"}`, http.StatusUnprocessableEntity)
		})
	}
	for n := range 2 {
		repeat(func() { must("PATCH", "/v2/rooms/"+room.ID, fmt.Sprintf(`{"max_participants":%d}`, 40+n)) })
	}
	repeat(func() {
		must("POST", "/v2/public_key/actions/prepare", "", http.StatusCreated, http.StatusUnprocessableEntity)
		must("POST", "/v2/public_key/actions/activate", "", http.StatusUnprocessableEntity)
		must("POST", "/v2/webhook_settings/actions/rotate_secret", "")
	})
	pause(c.t, 700*time.Millisecond)
	for range 2 {
		all.Go(func() { must("DELETE", "/v2/rooms/"+room.ID, "", http.StatusNoContent) })
	}
	pause(c.t, 100*time.Millisecond)
	close(over)
	all.Wait()
}

// running is the session of the room at present, or none.
func (c *crowd) running(s *server, room string) string {
	var now struct {
		Session *string `json:"active_session_id"`
	}
	ask(s.url, "GET", "/v2/rooms/"+room, "", "", &now)
	if now.Session == nil {
		return "00000000-0000-4000-8000-000000000000"
	}
	return *now.Session
}

// comeAndGo goes in, is kicked while it comes in once more with a refreshed token, and must not come in after that.
func (c *crowd) comeAndGo(s *server, room string) {
	var tokens struct {
		Token        string
		RefreshToken string `json:"refresh_token"`
	}
	path := "/v2/rooms/" + room + "/actions/"
	if ask(s.url, "POST", path+"generate_join_client_token", "", "", &tokens) != http.StatusCreated {
		return
	}
	id := video.NewUUID()
	socket, session := goIn(c.t.Context(), s.url, tokens.Token, id)
	if socket != nil {
		defer func() { _ = socket.CloseNow() }()
	}
	if session == "" || rand.N(2) == 0 {
		return
	}
	var again sync.WaitGroup
	again.Go(func() {
		var fresh struct{ Token string }
		if ask(s.url, "POST", path+"refresh_client_token", `{"refresh_token":"`+tokens.RefreshToken+`"}`, "", &fresh) != http.StatusCreated {
			return
		}
		if other, _ := goIn(c.t.Context(), s.url, fresh.Token, video.NewUUID()); other != nil {
			_ = other.CloseNow()
		}
	})
	var answer json.RawMessage
	kicked := ask(s.url, "POST", "/v2/room_sessions/"+session+"/actions/kick", `{"participants":["`+id+`"]}`, "", &answer)
	again.Wait()
	if kicked != http.StatusOK || !strings.Contains(string(answer), id) {
		return // the session had ended, or it was the first to go
	}
	if other, in := goIn(c.t.Context(), s.url, tokens.Token, video.NewUUID()); in != "" {
		c.t.Errorf("%s came in again after it was kicked", id)
		_ = other.CloseNow()
	}
	if status := ask(s.url, "POST", path+"refresh_client_token", `{"refresh_token":"`+tokens.RefreshToken+`"}`, "", nil); status != http.StatusForbidden {
		c.t.Errorf("the token of one kicked was refreshed: %d", status)
	}
}
