package signal_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/rotunda-rtc/rotunda/internal/live/livetest"
	"github.com/rotunda-rtc/rotunda/internal/signal"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

func TestRefusedHello(t *testing.T) {
	cases := map[string]struct {
		first  string // the frame; TOKEN stands for a good token
		change func(*house)
		code   string
		closes string
	}{
		"not hello":      {`{"id":1,"type":"join"}`, nil, "invalid_state", "4400 bad_request"},
		"ping":           {`{"id":1,"type":"ping"}`, nil, "invalid_state", "4400 bad_request"},
		"garbage":        {`]`, nil, "invalid_frame", "4400 bad_request"},
		"no version":     {`{"id":1,"type":"hello","token":"TOKEN"}`, nil, "invalid_argument /version", "4400 bad_request"},
		"version 2":      {`{"id":1,"type":"hello","version":2,"token":"TOKEN"}`, nil, "unsupported_version /version", "4426 unsupported_version"},
		"no token":       {`{"id":1,"type":"hello","version":1}`, nil, "invalid_argument /token", "4400 bad_request"},
		"token a number": {`{"id":1,"type":"hello","version":1,"token":7}`, nil, "invalid_argument /token", "4400 bad_request"},
		"forged":         {`{"id":1,"type":"hello","version":1,"token":"secret-forged"}`, nil, "unauthorized", "4401 unauthorized"},
		"expired":        {`{"id":1,"type":"hello","version":1,"token":"EXPIRED"}`, nil, "unauthorized", "4401 unauthorized"},
		"room deleted": {
			`{"id":1,"type":"hello","version":1,"token":"TOKEN"}`, func(h *house) { h.rooms.Delete(h.room.ID) },
			"room_not_found", "4404 room_not_found",
		},
		"storage down": {
			`{"id":1,"type":"hello","version":1,"token":"TOKEN"}`, func(h *house) { h.rooms.Error = errors.New("disk") },
			"unavailable", "4503 unavailable",
		},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			if test.change != nil {
				test.change(h)
			}
			expired := h.token(func(g *video.Grant) { g.ExpiresAt = time.Now().Add(-time.Minute) })
			c := h.dial()
			c.write([]byte(strings.NewReplacer("TOKEN", h.token(), "EXPIRED", expired).Replace(test.first)))
			if got := c.refusalOf(c.read()); got != test.code {
				t.Errorf("refused with %s, want %s", got, test.code)
			}
			c.wantClose(test.closes)
			if n := strings.Count(h.log.String(), "request refused"); n != 1 {
				t.Errorf("%d lines about it in the log", n)
			}
			if h.journal.String() != "" {
				t.Errorf("it left a trace: %s", &h.journal)
			}
		})
	}
}

func TestStrangersAreLimited(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	knock := func() int {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v2/signal", nil)
		r.RemoteAddr = "127.0.0.1:1"
		w := httptest.NewRecorder()
		h.handler.ServeHTTP(w, r)
		return w.Code
	}
	for i := range 499 {
		if code := knock(); code != http.StatusUpgradeRequired {
			t.Fatalf("request %d, no upgrade: %d", i, code)
		}
	}
	for range 30 { // one is left, and those who say hello do not use it up
		h.welcomed()
	}
	h.dial()
	for range 500 {
		if knock() == http.StatusTooManyRequests {
			return
		}
	}
	t.Error("nobody was told to wait")
}

func TestNoHello(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(c *signal.Config) { c.HelloTimeout = 50 * time.Millisecond })
	h.dial().wantClose("4408 timed_out")
}

func TestSubprotocol(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	server := httptest.NewServer(h.handler)
	defer server.Close()
	socket, _, err := websocket.Dial(t.Context(), server.URL, &websocket.DialOptions{Subprotocols: []string{"rotunda.v9"}})
	if err != nil {
		t.Fatal(err)
	}
	c := &client{t: t, socket: socket}
	c.wantClose("4426 unsupported_version")
}

// Each of these is refused with its code, changes nothing and disturbs nobody.
func TestRefusals(t *testing.T) {
	h := newHouse(t)
	c, other := h.joined(), h.joined()
	c.until("participant_joined")
	own := c.ask("publish", publishFields("self"))["stream_id"]
	others := other.ask("publish", publishFields("self"))["stream_id"]
	other.ask("ping", nil)
	id, line := video.NewUUID(), object{"mid": "x", "enabled": true}
	offer := livetest.Offer("x audio sendonly")
	message := object{"type": "text", "payload": "x"}

	cases := []struct {
		name   string
		kind   string
		fields object
		code   string
	}{
		{"hello again", "hello", object{"version": 1, "token": h.token()}, "invalid_state"},
		{"join again", "join", object{"participant_id": id}, "invalid_state"},
		{"unknown", "dance", nil, "unknown_request"},
		{"no key", "publish", object{"audio": line, "sdp": offer}, "invalid_argument /key"},
		{"key a number", "publish", object{"key": 1, "audio": line, "sdp": offer}, "invalid_argument /key"},
		{"key too long", "publish", object{"key": strings.Repeat("k", 65), "audio": line, "sdp": offer}, "invalid_argument /key"},
		{"key reserved", "publish", object{"key": "audiobridge", "audio": line, "sdp": offer}, "invalid_argument /key"},
		{"key in use", "publish", object{"key": "self", "audio": line, "sdp": offer}, "key_in_use /key"},
		{"no kinds", "publish", object{"key": "k"}, "invalid_argument"},
		{"no mid", "publish", object{"key": "k", "audio": object{"enabled": true}}, "invalid_argument /audio/mid"},
		{"no enabled", "publish", object{"key": "k", "video": object{"mid": "x"}}, "invalid_argument /video/enabled"},
		{"enabled a string", "publish", object{"key": "k", "video": object{"mid": "x", "enabled": "yes"}}, "invalid_argument /video/enabled"},
		{"line not offered", "publish", object{"key": "k", "audio": object{"mid": "y", "enabled": true}, "sdp": offer}, "invalid_argument /audio/mid"},
		{"line of a stream", "publish", object{"key": "k", "audio": object{"mid": "selfa", "enabled": true}}, "invalid_argument /audio/mid"},
		{"sdp garbage", "publish", object{"key": "k", "audio": line, "sdp": "garbage"}, "media_failed /sdp"},
		{"update nothing", "update_stream", object{}, "invalid_argument /stream_id"},
		{"update unknown", "update_stream", object{"stream_id": id, "audio": object{"enabled": true}}, "stream_not_found /stream_id"},
		{"update foreign", "update_stream", object{"stream_id": others, "audio": object{"enabled": true}}, "stream_not_found /stream_id"},
		{"update half", "update_stream", object{"stream_id": own, "audio": object{}}, "invalid_argument /audio/enabled"},
		{"unpublish unknown", "unpublish", object{"stream_id": id}, "stream_not_found /stream_id"},
		{"unpublish foreign", "unpublish", object{"stream_id": others}, "stream_not_found /stream_id"},
		{"subscribe to nothing", "subscribe", object{"stream_id": id, "audio": true, "video": true}, "stream_not_found /stream_id"},
		{"subscribe to own", "subscribe", object{"stream_id": own, "audio": true, "video": true}, "invalid_argument /stream_id"},
		{"subscribe half", "subscribe", object{"stream_id": others, "audio": true}, "invalid_argument /video"},
		{"subscribe to no width", "subscribe", object{"stream_id": others, "audio": true, "video": true, "max_width": 0}, "invalid_argument /max_width"},
		{"subscribe to any height", "subscribe", object{"stream_id": others, "audio": true, "video": true, "max_height": 65536}, "invalid_argument /max_height"},
		{"subscribe by halves", "subscribe", object{"stream_id": others, "audio": true, "video": true, "max_height": "half"}, "invalid_argument /max_height"},
		{"subscribe in gold", "subscribe", object{"stream_id": others, "audio": true, "video": true, "quality": "gold"}, "invalid_argument /quality"},
		{"update unsubscribed", "update_subscription", object{"stream_id": others, "audio": true, "video": true}, "subscription_not_found /stream_id"},
		{"unsubscribe unsubscribed", "unsubscribe", object{"stream_id": others}, "subscription_not_found /stream_id"},
		{"offer nothing", "offer", object{}, "invalid_argument /sdp"},
		{"offer garbage", "offer", object{"sdp": "garbage"}, "media_failed"},
		{"no message", "send_message", object{}, "invalid_argument /message"},
		{"message a string", "send_message", object{"message": "x"}, "invalid_argument /message"},
		{"message without payload", "send_message", object{"message": object{"type": "text"}}, "invalid_argument /message/payload"},
		{"payload an object", "send_message", object{"message": object{"type": "text", "payload": object{}}}, "invalid_argument /message/payload"},
		{"message too large", "send_message", object{"message": object{"type": "text", "payload": strings.Repeat("x", 256<<10)}}, "too_large /message"},
		{"recipients a string", "send_message", object{"message": message, "recipients": "x"}, "invalid_argument /recipients"},
		{"recipient no id", "send_message", object{"message": message, "recipients": []string{"x"}}, "invalid_argument /recipients"},
		{"too many recipients", "send_message", object{"message": message, "recipients": repeat(id, 257)}, "too_many /recipients"},
		{"no data", "send_data", object{}, "invalid_argument /data"},
		{"data no base64", "send_data", object{"data": "§"}, "invalid_argument"},
		{"data too large", "send_data", object{"data": strings.Repeat("AAAA", 256<<10/3+1)}, "too_large /data"},
		{"topic too long", "send_data", object{"data": "", "topic": strings.Repeat("é", 33)}, "too_large /topic"},
		{"recipient of data no id", "send_data", object{"data": "", "recipients": []string{"x"}}, "invalid_argument /recipients"},
		{"no token", "update_token", object{}, "invalid_argument /token"},
		{"forged token", "update_token", object{"token": "secret-forged"}, "unauthorized"},
		{"foreign token", "update_token", object{"token": h.token(func(g *video.Grant) { g.RoomID = h.rooms.Add(account, 2).ID })}, "unauthorized /token"},
	}
	for _, test := range cases {
		if got := c.refused(test.kind, test.fields); got != test.code {
			t.Errorf("%s: refused with %s, want %s", test.name, got, test.code)
		}
	}
	if n := strings.Count(h.log.String(), "request refused"); n != len(cases) {
		t.Errorf("%d lines in the log about %d refusals", n, len(cases))
	}
	seq := other.seq
	other.ask("ping", nil)
	if other.seq != seq {
		t.Error("the other one noticed")
	}
	c.ask("subscribe", object{"stream_id": others, "audio": true, "video": true}) // still well
}

func repeat[T any](v T, n int) []T {
	all := make([]T, n)
	for i := range all {
		all[i] = v
	}
	return all
}

func TestGarbageFrames(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for _, test := range []struct {
		frame string
		re    float64
	}{
		{``, 0},
		{`null`, 0},
		{`[]`, 0},
		{`{"id":1,"type":"ping"`, 0},
		{`{"id":1,"type":"ping"}{}`, 0},
		{`{"type":"ping"}`, 0},
		{`{"id":0,"type":"ping"}`, 0},
		{`{"id":-1,"type":"ping"}`, 0},
		{`{"id":"1","type":"ping"}`, 0},
		{`{"id":1.5,"type":"ping"}`, 0},
		{`{"id":9007199254740992,"type":"ping"}`, 0},
		{`{"id":1}`, 1},
		{`{"id":1,"type":""}`, 1},
		{`{"id":1,"type":7}`, 1},
		{"{\"id\":1,\"type\":\"\xff\"}", 0},
		{strings.Repeat("[", 100_000), 0},
		{`{"a":` + strings.Repeat(`{"a":`, 100_000), 0},
	} {
		c := h.joined()
		c.write([]byte(test.frame))
		frame := c.read()
		if got := c.refusalOf(frame); got != "invalid_frame" || frame["re"] != test.re {
			t.Errorf("%.40q: refused with %s, re %v", test.frame, got, frame["re"])
		}
		c.ask("ping", nil)
		_ = c.socket.Write(t.Context(), websocket.MessageBinary, []byte(`{"id":1,"type":"ping"}`))
		if got := c.refusalOf(c.read()); got != "invalid_frame" {
			t.Errorf("binary: refused with %s", got)
		}
		for range 8 {
			c.write([]byte("x"))
		}
		c.wantClose("4400 bad_request")
	}
}

func TestIdInUse(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.joined()
	release := make(chan struct{})
	h.media.OnNegotiate = func(context.Context, video.ParticipantID, string) error { <-release; return nil }
	id := c.send("publish", publishFields("self"))
	c.next--
	c.send("publish", publishFields("other"))
	c.ask("ping", nil) // is answered ahead of what waits: the server has read all of it
	close(release)
	if first := c.answer(id); first["type"] != "reply" {
		t.Errorf("answered with %v", first)
	}
	if got := c.refusalOf(c.answer(id)); got != "invalid_argument /id" {
		t.Errorf("refused with %s", got)
	}
}

func TestRefusedJoins(t *testing.T) {
	t.Run("not said hello to", func(t *testing.T) {
		t.Parallel()
		c := newHouse(t).welcomed()
		for kind, fields := range map[string]object{"publish": publishFields("k"), "send_message": {}, "unsubscribe": {}} {
			if got := c.refused(kind, fields); got != "invalid_state" {
				t.Errorf("%s: refused with %s", kind, got)
			}
		}
		c.ask("leave", nil)
		c.wantClose("1000 left")
	})
	t.Run("arguments", func(t *testing.T) {
		t.Parallel()
		c := newHouse(t).welcomed()
		id := video.NewUUID()
		for want, fields := range map[string]object{
			"invalid_argument /participant_id": {"participant_id": strings.ToUpper(id)},
			"too_large /context":               {"participant_id": id, "context": strings.Repeat("é", 2049)},
			"invalid_argument /context":        {"participant_id": id, "context": object{}},
		} {
			if got := c.refused("join", fields); got != want {
				t.Errorf("refused with %s, want %s", got, want)
			}
		}
		if got := c.refused("join", nil); got != "invalid_argument /participant_id" {
			t.Errorf("refused with %s", got)
		}
		c.ask("join", object{"participant_id": id, "context": strings.Repeat("é", 2048)})
	})
	t.Run("full", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		h.room = h.rooms.Add(account, 2)
		h.joined()
		h.joined()
		c := h.welcomed()
		if got := c.refused("join", object{"participant_id": video.NewUUID()}); got != "room_full" {
			t.Errorf("refused with %s", got)
		}
		c.wantClose("4429 room_full")
	})
	t.Run("two race for one id", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		h.journal.OnJoin = func(context.Context, video.Participant) error { time.Sleep(50 * time.Millisecond); return nil }
		id := video.NewUUID()
		var mu sync.Mutex
		outcomes := map[string]int{}
		var race sync.WaitGroup
		for range 2 {
			c := h.welcomed()
			race.Go(func() {
				frame := c.answer(c.send("join", object{"participant_id": id}))
				outcome := "in"
				if frame["type"] == "error" {
					outcome = c.refusalOf(frame) + ", " + c.closed()
				}
				mu.Lock()
				defer mu.Unlock()
				outcomes[outcome]++
			})
		}
		race.Wait()
		if outcomes["in"] != 1 || outcomes["duplicate_participant, 4409 duplicate_participant"] != 1 {
			t.Errorf("outcomes: %v", outcomes)
		}
	})
	t.Run("not recorded", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		fail := true
		h.journal.OnJoin = func(context.Context, video.Participant) error {
			if fail {
				return errors.New("disk full")
			}
			return nil
		}
		c := h.welcomed()
		if got := c.refused("join", object{"participant_id": video.NewUUID()}); got != "unavailable" {
			t.Errorf("refused with %s", got)
		}
		fail = false
		c.join() // it may try again
	})
	t.Run("grants", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		other := h.joined()
		stream := other.ask("publish", publishFields("self"))["stream_id"]
		c := h.joined(func(g *video.Grant) { g.Grants = video.Grants{} })
		for kind, fields := range map[string]object{
			"publish":      publishFields("k"),
			"subscribe":    {"stream_id": stream, "audio": true, "video": true},
			"send_message": {"message": object{"type": "text", "payload": "x"}},
		} {
			if got := c.refused(kind, fields); got != "forbidden" {
				t.Errorf("%s: refused with %s", kind, got)
			}
		}
		// Nor does media come in by SDP alone: an offer opens lines, and no stream uses them.
		c.ask("offer", object{"sdp": livetest.Offer("0 audio sendonly", "1 video sendonly")})
		if streams := h.joined().snapshot["streams"].([]any); len(streams) != 1 {
			t.Errorf("streams: %v", streams)
		}
	})
	t.Run("fewer grants", func(t *testing.T) {
		t.Parallel()
		h := newHouse(t)
		other, c := h.joined(), h.joined()
		theirs := other.ask("publish", publishFields("self"))["stream_id"]
		mine := c.ask("publish", publishFields("self"))["stream_id"]
		c.ask("subscribe", object{"stream_id": theirs, "audio": true, "video": true})
		c.ask("update_stream", object{"stream_id": mine, "audio": object{"enabled": false}})
		c.ask("update_token", object{"token": h.token(func(g *video.Grant) { g.Grants = video.Grants{} })})
		for kind, fields := range map[string]object{
			"publish":             publishFields("k"),
			"update_stream":       {"stream_id": mine, "audio": object{"enabled": true}},
			"update_subscription": {"stream_id": theirs, "audio": true, "video": true},
			"send_message":        {"message": object{"type": "text", "payload": "x"}},
		} {
			if got := c.refused(kind, fields); got != "forbidden" {
				t.Errorf("%s: refused with %s", kind, got)
			}
		}
		if streams := h.joined().snapshot["streams"].([]any); len(streams) != 2 { // what there was stays
			t.Errorf("streams: %v", streams)
		}
		c.ask("update_stream", object{"stream_id": mine, "audio": object{"enabled": false}, "video": object{"enabled": false}})
		c.ask("unsubscribe", object{"stream_id": theirs})
		c.ask("unpublish", object{"stream_id": mine})
	})
}

func TestInternalError(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.dial()
	token := h.token()
	h.rooms.OnRead = func(video.RoomID) { panic("bug") }
	c.send("hello", object{"version": 1, "token": token})
	c.wantClose("4500 internal")
	h.rooms.OnRead = nil
	h.joined()
	if !strings.Contains(h.log.String(), "connection crashed") {
		t.Error("nothing about it in the log")
	}
}
