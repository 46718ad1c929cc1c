package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/rotunda-rtc/rotunda/internal/store/storetest"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// A server under load is killed at a random moment, and started again, several times over one database. After each start the
// record is whole: nobody is inside, every answer that was given holds, and when all webhooks have gone out their receivers
// know exactly what the record says. CRASHES makes it more often than in the usual run.
func TestKilledUnderLoad(t *testing.T) {
	crashes := 2
	if n, err := strconv.Atoi(os.Getenv("CRASHES")); err == nil {
		crashes = n
	}
	t.Run("sqlite", func(t *testing.T) { killUnderLoad(t, crashes) })
	t.Run("postgres", func(t *testing.T) {
		database := "--database-url=" + storetest.Postgres(t)
		if code, _, stderr := command(t, nil, "migrate", "apply", "--data="+t.TempDir(), database); code != 0 {
			t.Fatal(stderr)
		}
		killUnderLoad(t, crashes, database)
	})
}

func killUnderLoad(t *testing.T, crashes int, args ...string) {
	args = append(args, "--api-key="+sessionKey, "--webhook-allow-private", "--linger=200ms", "--rate-limit=0")
	dir := t.TempDir()
	c := newCrowd(t)
	for i := range crashes {
		s := startProcess(t, dir, args...)
		stop := c.run(s.url)
		pause(t, 300*time.Millisecond+rand.N(time.Second))
		died := syscall.SIGKILL
		if i == crashes-1 { // a stop leaves the same order behind
			died = syscall.SIGTERM
		}
		if err := s.cmd.Process.Signal(died); err != nil {
			t.Fatal(err)
		}
		code := s.wait()
		stop()
		if died == syscall.SIGTERM && code != 0 {
			t.Errorf("ended with %d:\n%s", code, s.stderr)
		}
		over := time.Now()
		s = start(t, dir, args...)
		c.check(s, over)
		if t.Failed() {
			t.Fatalf("after crash %d:\n%s", i+1, s.stderr)
		}
		s.stop()
	}
}

// pause lets a load go on for a while.
func pause(t *testing.T, d time.Duration) {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	<-ctx.Done()
}

// crowd is what clients do at once, and what they were answered.
type crowd struct {
	t     *testing.T
	hooks []string // of receivers that answer, are slow, and refuse whatever they see for the first time

	mu      sync.Mutex
	told    map[string]hooked // events that a receiver accepted, by id
	refused map[string]bool

	rooms   map[string]bool   // there for sure
	deleted map[string]bool   // gone for sure
	ended   map[string]bool   // sessions that REST ended
	joined  map[string]bool   // participants
	left    map[string]string // participants who were put out, and why
	dead    map[string]string // refresh tokens of those kicked, and their rooms
	once    map[string]string // answers by idempotency key
	doubted map[string]bool   // idempotency keys without an answer
}

type hooked struct {
	Type    string `json:"event_type"`
	Payload struct {
		SessionID     string `json:"session_id"`
		ParticipantID string `json:"participant_id"`
	} `json:"payload"`
}

func newCrowd(t *testing.T) *crowd {
	c := &crowd{
		t: t, told: map[string]hooked{}, refused: map[string]bool{}, rooms: map[string]bool{}, deleted: map[string]bool{},
		ended: map[string]bool{}, joined: map[string]bool{}, left: map[string]string{}, dead: map[string]string{},
		once: map[string]string{}, doubted: map[string]bool{},
	}
	hook := httptest.NewServer(http.HandlerFunc(c.receive))
	t.Cleanup(hook.Close)
	c.hooks = []string{hook.URL + "/fast", hook.URL + "/slow", hook.URL + "/picky"}
	return c
}

func (c *crowd) receive(w http.ResponseWriter, r *http.Request) {
	var body struct{ Data hooked }
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		return // cut off
	}
	id := r.Header.Get("webhook-id")
	if r.URL.Path == "/slow" {
		pause(c.t, 100*time.Millisecond)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.URL.Path == "/picky" && !c.refused[id] {
		c.refused[id] = true
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	c.told[id] = body.Data
}

// note keeps what a client learnt.
func (c *crowd) note(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

// run begins the load on a server; the returned function awaits its end after that of the server.
func (c *crowd) run(url string) (stop func()) {
	ctx, cancel := context.WithCancel(c.t.Context())
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			for c.visit(ctx, url) && ctx.Err() == nil {
			}
		})
	}
	for range 2 {
		all.Go(func() {
			for c.repeat(url) && ctx.Err() == nil {
			}
		})
	}
	return func() { cancel(); all.Wait() }
}

// visit makes a room, goes in with someone else, and has it end in one of the ways there are. It reports whether the server
// answers.
func (c *crowd) visit(ctx context.Context, url string) bool {
	var room, session struct{ ID string }
	hook := c.hooks[rand.N(len(c.hooks))]
	if ask(url, "POST", "/v2/rooms", `{"webhook_event_url":"`+hook+`"}`, "", &room) != http.StatusCreated {
		return false
	}
	c.note(func() { c.rooms[room.ID] = true })
	var tokens struct {
		Token        string
		RefreshToken string `json:"refresh_token"`
	}
	if ask(url, "POST", "/v2/rooms/"+room.ID+"/actions/generate_join_client_token", "", "", &tokens) != http.StatusCreated {
		return false
	}
	ids := []string{video.NewUUID(), video.NewUUID()}
	for _, id := range ids {
		socket, in := goIn(ctx, url, tokens.Token, id)
		if socket != nil {
			defer func() { _ = socket.CloseNow() }()
		}
		if in == "" {
			return false
		}
		session.ID = in
		c.note(func() { c.joined[id] = true })
	}
	actions := "/v2/room_sessions/" + session.ID + "/actions/"
	ask(url, "POST", actions+"mute", `{"participants":"all"}`, "", nil)
	switch rand.N(4) {
	case 0: // they just go, and the session lingers
	case 1:
		if ask(url, "POST", actions+"kick", `{"participants":["`+ids[0]+`"]}`, "", nil) == http.StatusOK {
			c.note(func() { c.left[ids[0]] = "kicked"; c.dead[tokens.RefreshToken] = room.ID })
		}
	case 2:
		if ask(url, "POST", actions+"end", "", "", nil) == http.StatusOK {
			c.note(func() { c.ended[session.ID] = true; c.left[ids[0]], c.left[ids[1]] = "session_ended", "session_ended" })
		}
	case 3:
		c.note(func() { delete(c.rooms, room.ID) })
		if ask(url, "DELETE", "/v2/rooms/"+room.ID, "", "", nil) == http.StatusNoContent {
			c.note(func() { c.deleted[room.ID] = true; c.left[ids[0]], c.left[ids[1]] = "room_deleted", "room_deleted" })
		}
	}
	return true
}

// repeat makes a room with an idempotency key. It reports whether the server answers.
func (c *crowd) repeat(url string) bool {
	key := video.NewUUID()
	c.note(func() { c.doubted[key] = true })
	var raw json.RawMessage
	if ask(url, "POST", "/v2/rooms", `{"unique_name":"`+key+`"}`, key, &raw) != http.StatusCreated {
		return false
	}
	c.note(func() { delete(c.doubted, key); c.once[key] = string(raw) })
	return true
}

// ask makes a request to a server that may die over it; the status is 0 then.
func ask(url, method, path, body, once string, data any) int {
	r, err := http.NewRequest(method, url+path, strings.NewReader(body))
	if err != nil {
		return 0
	}
	r.Header.Set("Authorization", "Bearer "+sessionKey)
	r.Header.Set("Content-Type", "application/json")
	if once != "" {
		r.Header.Set("Idempotency-Key", once)
	}
	answer, err := client.Do(r)
	if err != nil {
		return 0
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || data != nil && answer.StatusCode < 300 && json.Unmarshal(text, &struct {
		Data any `json:"data"`
	}{data}) != nil {
		return 0
	}
	return answer.StatusCode
}

// goIn enters a room and returns its session, or "" if that was not to be.
func goIn(ctx context.Context, url, token, id string) (socket *websocket.Conn, session string) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	socket, _, err := websocket.Dial(ctx, strings.Replace(url, "http", "ws", 1)+"/v2/signal", &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: client.Transport}, Subprotocols: []string{"rotunda.v1"},
	})
	if err != nil {
		return nil, ""
	}
	for _, frame := range []string{
		fmt.Sprintf(`{"id": 1, "type": "hello", "version": 1, "token": %q}`, token),
		fmt.Sprintf(`{"id": 2, "type": "join", "participant_id": %q}`, id),
	} {
		if socket.Write(ctx, websocket.MessageText, []byte(frame)) != nil {
			return socket, ""
		}
	}
	for {
		_, frame, err := socket.Read(ctx)
		var got struct {
			Type string
			Re   int
			Data struct {
				SessionID string `json:"session_id"`
			}
		}
		if err != nil || json.Unmarshal(frame, &got) != nil || got.Type == "error" {
			return socket, ""
		}
		if got.Re == 2 {
			return socket, got.Data.SessionID
		}
	}
}

type participantRecord struct {
	ID        string
	SessionID string     `json:"session_id"`
	JoinedAt  time.Time  `json:"joined_at"`
	LeftAt    *time.Time `json:"left_at"`
}

type wholeSession struct {
	sessionRecord
	CreatedAt time.Time `json:"created_at"`
}

// all reads a whole list.
func all[T any](s *server, path string) (items []T) {
	s.t.Helper()
	for n := 1; ; n++ {
		var page []T
		s.call("GET", fmt.Sprintf("%s?page[size]=250&page[number]=%d", path, n), sessionKey, "", http.StatusOK, &page)
		if items = append(items, page...); len(page) < 250 {
			return items
		}
	}
}

// check holds the record after a start against what clients were answered, and what receivers were told against the record.
// Nothing happens between over and the start.
func (c *crowd) check(s *server, over time.Time) {
	c.t.Helper()
	want := c.checkSpans(s, over)
	c.checkAnswers(s)
	deadline := time.Now().Add(30 * time.Second)
	for pending := 1; pending > 0; {
		var page []struct{ ID string }
		s.call("GET", "/v2/webhook_deliveries?filter[status][eq]=pending", sessionKey, "", http.StatusOK, &page)
		if pending = len(page); time.Now().After(deadline) {
			c.t.Fatalf("%d deliveries or more are still pending", pending)
		}
		pause(c.t, 50*time.Millisecond)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	told := map[string]int{}
	for _, event := range c.told {
		told[strings.TrimPrefix(event.Type, "video.room.")+" "+event.Payload.SessionID+" "+event.Payload.ParticipantID]++
	}
	for what, n := range told {
		if n != 1 || !want[what] {
			c.t.Errorf("%d different events say %q; in the record: %t", n, what, want[what])
		}
	}
	for what := range want {
		if told[what] == 0 {
			c.t.Errorf("nobody was told %q", what)
		}
	}
	c.t.Logf("%d events, %d joins, %d ended, %d kicks, %d deletions, %d idempotent answers and %d doubts",
		len(want), len(c.joined), len(c.ended), len(c.dead), len(c.deleted), len(c.once), len(c.doubted))
	clear(c.doubted)
}

// checkSpans returns the events that the record means.
func (c *crowd) checkSpans(s *server, over time.Time) map[string]bool {
	c.t.Helper()
	want, spans := map[string]bool{}, map[string]wholeSession{}
	for _, session := range all[wholeSession](s, "/v2/room_sessions") {
		spans[session.ID] = session
		want["session.started "+session.ID+" "], want["session.ended "+session.ID+" "] = true, true
		if session.Active || session.EndedAt == nil || session.EndedAt.Before(session.CreatedAt) || session.EndedAt.After(over) {
			c.t.Errorf("session %+v, and the server was gone at %s", session, over)
		}
	}
	recorded := map[string]bool{}
	for _, p := range all[participantRecord](s, "/v2/room_participants") {
		recorded[p.ID] = true
		want["participant.joined "+p.SessionID+" "+p.ID], want["participant.left "+p.SessionID+" "+p.ID] = true, true
		session := spans[p.SessionID]
		if p.LeftAt == nil || p.LeftAt.Before(p.JoinedAt) || session.EndedAt == nil || p.LeftAt.After(*session.EndedAt) || p.JoinedAt.Before(session.CreatedAt) {
			c.t.Errorf("participant %+v in session %+v", p, session)
		}
	}
	for id := range c.joined {
		if !recorded[id] {
			c.t.Errorf("%s was let in, and there is no record of it", id)
		}
	}
	return want
}

// checkAnswers asks whether what clients were answered still holds.
func (c *crowd) checkAnswers(s *server) {
	c.t.Helper()
	for room := range c.rooms {
		s.call("GET", "/v2/rooms/"+room, sessionKey, "", http.StatusOK, nil)
	}
	for room := range c.deleted {
		s.call("GET", "/v2/rooms/"+room, sessionKey, "", http.StatusNotFound, nil)
	}
	for token, room := range c.dead {
		s.call("POST", "/v2/rooms/"+room+"/actions/refresh_client_token", "", `{"refresh_token":"`+token+`"}`, http.StatusForbidden, nil)
	}
	for session := range c.ended {
		c.wantReason(s, session, "session_ended", "Ended from API")
	}
	for id, reason := range c.left {
		var p participantRecord
		s.call("GET", "/v2/room_participants/"+id, sessionKey, "", http.StatusOK, &p)
		c.wantReason(s, p.SessionID, "participant_left "+id, reason)
	}
	repeated := maps.Clone(c.once)
	for key := range c.doubted {
		repeated[key] = ""
	}
	for key, first := range repeated {
		for range 2 {
			var again json.RawMessage
			if status := ask(s.url, "POST", "/v2/rooms", `{"unique_name":"`+key+`"}`, key, &again); status != http.StatusCreated {
				c.t.Errorf("a request repeated was answered %d", status)
			}
			if first == "" {
				first = string(again)
				c.once[key] = first
			}
			if string(again) != first {
				c.t.Errorf("a request repeated was answered %s, at first %s", again, first)
			}
		}
	}
}

// wantReason looks for something in the history of a session.
func (c *crowd) wantReason(s *server, session, what, reason string) {
	c.t.Helper()
	var history []struct {
		Type          string
		ParticipantID string `json:"participant_id"`
		Reason        string
	}
	s.call("GET", "/v2/room_sessions/"+session+"/events", sessionKey, "", http.StatusOK, &history)
	var found []string
	for _, h := range history {
		if strings.TrimSpace(h.Type+" "+h.ParticipantID) == what {
			found = append(found, h.Reason)
		}
	}
	// A stop may have come before a deletion or a kick, which are answered alike then.
	if !slices.Equal(found, []string{reason}) && !slices.Equal(found, []string{string(video.LeftServerShutdown)}) {
		c.t.Errorf("%s of %s for %q, want %q", what, session, found, reason)
	}
}
