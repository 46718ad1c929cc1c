package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/rotunda-rtc/rotunda/internal/store/storetest"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// caller is someone in a room, without media.
type caller struct {
	t      *testing.T
	socket *websocket.Conn
}

// join enters a room over the server's signalling socket.
func join(t *testing.T, s *server, key string, room string) *caller {
	t.Helper()
	var tokens struct{ Token string }
	s.call("POST", "/v2/rooms/"+room+"/actions/generate_join_client_token", key, "", http.StatusCreated, &tokens)
	return enter(t, s, tokens.Token, video.NewUUID(), "")
}

// enter is join with a token that is there already.
func enter(t *testing.T, s *server, token, participant, about string) *caller {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	socket, _, err := websocket.Dial(ctx, strings.Replace(s.url, "http", "ws", 1)+"/v2/signal", &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: client.Transport}, Subprotocols: []string{"rotunda.v1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.CloseNow() })
	c := &caller{t, socket}
	c.request(`{"id": 1, "type": "hello", "version": 1, "token": %q}`, token)
	c.request(`{"id": 2, "type": "join", "participant_id": %q, "context": %q}`, participant, about)
	return c
}

// request sends a frame and waits for its reply.
func (c *caller) request(format string, args ...any) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 10*time.Second)
	defer cancel()
	if err := c.socket.Write(ctx, websocket.MessageText, fmt.Appendf(nil, format, args...)); err != nil {
		c.t.Fatal(err)
	}
	for {
		_, frame, err := c.socket.Read(ctx)
		if err != nil {
			c.t.Fatal(err)
		}
		var got struct{ Type string }
		if err := json.Unmarshal(frame, &got); err != nil || got.Type == "error" {
			c.t.Fatalf("answered %s, %v", frame, err)
		}
		if got.Type == "reply" {
			return
		}
	}
}

// closed waits for the server to close the socket and returns its code.
func (c *caller) closed() websocket.StatusCode {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 10*time.Second)
	defer cancel()
	for {
		if _, _, err := c.socket.Read(ctx); err != nil {
			return websocket.CloseStatus(err)
		}
	}
}

// waitLeft returns once the record says that a participant left.
func waitLeft(s *server, participant string) {
	s.t.Helper()
	eventually(s.t, "the participant has left", func() bool {
		var p struct {
			LeftAt *time.Time `json:"left_at"`
		}
		s.call("GET", "/v2/room_participants/"+participant, s.key(), "", http.StatusOK, &p)
		return p.LeftAt != nil
	})
}

type sessionRecord struct {
	ID           string
	Active       bool
	EndedAt      *time.Time `json:"ended_at"`
	Participants []struct {
		LeftAt *time.Time `json:"left_at"`
	}
}

func sessionsOf(s *server, key, room string) (sessions []sessionRecord) {
	s.t.Helper()
	s.call("GET", "/v2/rooms/"+room+"/sessions?include_participants=true", key, "", http.StatusOK, &sessions)
	return sessions
}

const sessionKey = "a-key-for-tests-of-sessions"

func newRoom(s *server) string {
	s.t.Helper()
	var room struct{ ID string }
	s.call("POST", "/v2/rooms", sessionKey, "", http.StatusCreated, &room)
	return room.ID
}

// Moderation through all floors: from REST to the socket of whom it concerns, and into the history of the session.
func TestModerationReachesThoseInside(t *testing.T) {
	s := startProcess(t, t.TempDir(), "--api-key="+sessionKey)
	room := newRoom(s)
	var tokens struct{ Token string }
	s.call("POST", "/v2/rooms/"+room+"/actions/generate_join_client_token", sessionKey, "", http.StatusCreated, &tokens)
	kicked, stays := video.NewUUID(), video.NewUUID()
	first := enter(t, s, tokens.Token, kicked, "")
	second := enter(t, s, tokens.Token, stays, "")
	var sessions []struct{ ID string }
	s.call("GET", "/v2/rooms/"+room+"/sessions", sessionKey, "", http.StatusOK, &sessions)
	act := func(action, body string, want ...string) {
		t.Helper()
		var done struct{ Participants []string }
		s.call("POST", "/v2/room_sessions/"+sessions[0].ID+"/actions/"+action, sessionKey, body, http.StatusOK, &done)
		if !slices.Equal(done.Participants, want) {
			t.Errorf("%s changed %v, want %v", action, done.Participants, want)
		}
	}
	act("mute", `{"participants":"all"}`, kicked, stays)
	act("unmute", `{"participants":["`+stays+`"]}`, stays)
	act("kick", `{"participants":"all","exclude":["`+stays+`"]}`, kicked)
	if code := first.closed(); code != 4001 {
		t.Errorf("the socket of the kicked one was closed with %d, want 4001", code)
	}
	act("end", "", stays)
	if code := second.closed(); code != 4000 {
		t.Errorf("the socket of the last one was closed with %d, want 4000", code)
	}
	s.call("POST", "/v2/room_sessions/"+sessions[0].ID+"/actions/end", sessionKey, "", http.StatusUnprocessableEntity, nil)
	got := history(s, sessions[0].ID)
	want := []string{
		"session_started", "participant_joined", "participant_joined", "participant_muted", "participant_muted",
		"participant_unmuted", "participant_left", "participant_left", "session_ended",
	}
	if !slices.Equal(got, want) {
		t.Errorf("history %v, want %v", got, want)
	}
}

// follow opens a stream of a session's events.
func follow(s *server, session string) *bufio.Scanner {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), "GET", s.url+"/v2/room_sessions/"+session+"/events", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+sessionKey)
	r.Header.Set("Accept", "text/event-stream")
	response, err := client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = response.Body.Close() })
	return bufio.NewScanner(response.Body)
}

// history follows a session to its end and returns the types of its events.
func history(s *server, session string) (types []string) {
	s.t.Helper()
	for lines := follow(s, session); lines.Scan(); {
		name, is := strings.CutPrefix(lines.Text(), "event: ")
		if name == "end" {
			return types
		}
		if is {
			types = append(types, name)
		}
	}
	s.t.Fatalf("the stream broke off after %v", types)
	return nil
}

func TestStopTellsThoseInside(t *testing.T) {
	dir := t.TempDir()
	s := startProcess(t, dir, "--api-key="+sessionKey, "--drain-timeout=30s")
	room := newRoom(s)
	inside := join(t, s, sessionKey, room)
	got := sessionsOf(s, sessionKey, room)
	if len(got) != 1 || !got[0].Active {
		t.Fatalf("sessions before the stop: %+v", got)
	}
	for range 3 { // streams of its events keep no server from stopping
		follow(s, got[0].ID).Scan()
	}
	stopped := time.Now()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := inside.closed(); code != 4003 {
		t.Errorf("the socket was closed with %d, want 4003", code)
	}
	if code := s.wait(); code != 0 {
		t.Errorf("ended with %d:\n%s", code, s.stderr)
	}
	if took := time.Since(stopped); took > 10*time.Second {
		t.Errorf("the stop took %s", took)
	}

	s = start(t, dir, "--api-key="+sessionKey)
	got = sessionsOf(s, sessionKey, room)
	if len(got) != 1 || got[0].Active || got[0].EndedAt == nil || len(got[0].Participants) != 1 || got[0].Participants[0].LeftAt == nil {
		t.Errorf("sessions after the stop: %+v", got)
	}
	if strings.Contains(s.stderr.String(), "died") {
		t.Errorf("the next start takes the stop for a crash:\n%s", s.stderr)
	}
}

func TestCrashIsMendedAtTheNextStart(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { testCrash(t) })
	t.Run("postgres", func(t *testing.T) {
		database := "--database-url=" + storetest.Postgres(t)
		if code, _, stderr := command(t, nil, "migrate", "apply", "--data="+t.TempDir(), database); code != 0 {
			t.Fatal(stderr)
		}
		testCrash(t, database)
	})
}

func testCrash(t *testing.T, args ...string) {
	dir := t.TempDir()
	args = append(args, "--api-key="+sessionKey)
	s := startProcess(t, dir, args...)
	room := newRoom(s)
	join(t, s, sessionKey, room)
	if err := s.cmd.Process.Signal(os.Kill); err != nil {
		t.Fatal(err)
	}
	s.wait()

	s = start(t, dir, args...)
	got := sessionsOf(s, sessionKey, room)
	if len(got) != 1 || got[0].Active || len(got[0].Participants) != 1 || got[0].Participants[0].LeftAt == nil {
		t.Errorf("sessions after the crash: %+v", got)
	}
	if !strings.Contains(s.stderr.String(), "sessions of a server that died were closed") {
		t.Errorf("the log says nothing of it:\n%s", s.stderr)
	}
	join(t, s, sessionKey, room) // and the room works
}

func TestDeletedRoomPutsPeopleOut(t *testing.T) {
	s := start(t, t.TempDir(), "--api-key="+sessionKey)
	room := newRoom(s)
	inside := join(t, s, sessionKey, room)
	s.call("DELETE", "/v2/rooms/"+room, sessionKey, "", http.StatusNoContent, nil)
	if code := inside.closed(); code != 4002 {
		t.Errorf("the socket was closed with %d, want 4002", code)
	}
}

func TestSocketsOfForeignOrigins(t *testing.T) {
	for _, c := range []struct {
		args    []string
		origin  string
		allowed bool
	}{
		{nil, "https://anywhere.example", true},
		{[]string{"--allowed-origins=https://app.example"}, "https://app.example", true},
		{[]string{"--allowed-origins=https://app.example"}, "http://app.example", false},
		{[]string{"--allowed-origins=https://app.example"}, "https://anywhere.example", false},
		{[]string{"--allowed-origins=https://app.example"}, "", true},
	} {
		s := start(t, t.TempDir(), c.args...)
		header := http.Header{}
		if c.origin != "" {
			header.Set("Origin", c.origin)
		}
		socket, answer, err := websocket.Dial(t.Context(), strings.Replace(s.url, "http", "ws", 1)+"/v2/signal", &websocket.DialOptions{
			HTTPClient: &http.Client{Transport: client.Transport}, Subprotocols: []string{"rotunda.v1"}, HTTPHeader: header,
		})
		if err == nil {
			_ = socket.CloseNow()
		} else if answer != nil && answer.StatusCode != http.StatusForbidden {
			t.Errorf("%v, %s: answered %d", c.args, c.origin, answer.StatusCode)
		}
		if (err == nil) != c.allowed {
			t.Errorf("%v, %s: %v", c.args, c.origin, err)
		}
		s.stop()
	}
}

// What happens in a room arrives at its webhook, signed with the account's key; on this machine only if that is allowed.
func TestWebhooksArrive(t *testing.T) {
	arrived := make(chan string, 100)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var body struct {
			Data struct {
				EventType string `json:"event_type"`
			} `json:"data"`
		}
		if json.NewDecoder(r.Body).Decode(&body) == nil && r.Header.Get("telnyx-signature-ed25519") != "" {
			arrived <- r.UserAgent() + " " + body.Data.EventType
		}
	}))
	defer hook.Close()
	dir := t.TempDir()
	roomOf := func(s *server) string {
		var room struct{ ID string }
		s.call("POST", "/v2/rooms", sessionKey, `{"webhook_event_url": "`+hook.URL+`"}`, http.StatusCreated, &room)
		return room.ID
	}
	s := start(t, dir, "--api-key="+sessionKey)
	join(t, s, sessionKey, roomOf(s))
	s.stop()
	select {
	case event := <-arrived:
		t.Errorf("%s came to this machine", event)
	default:
	}
	start(t, dir, "--api-key="+sessionKey, "--webhook-allow-private", "--webhook-user-agent=me/1")
	for range 4 { // what the first server could not send; it was stopped with someone inside
		if event := <-arrived; !strings.HasPrefix(event, "me/1 video.room.") {
			t.Errorf("received %q", event)
		}
	}
}
