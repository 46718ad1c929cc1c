package signal_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/rotunda-rtc/rotunda/internal/live/livetest"
	"github.com/rotunda-rtc/rotunda/internal/signal"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

func TestACall(t *testing.T) {
	h := newHouse(t)
	a := h.dial()
	hello := a.ask("hello", object{"version": 1, "token": h.token(), "client": object{"name": "test", "version": "0"}})
	if hello["room"].(object)["id"] != string(h.room.ID) || hello["server"].(object)["version"] != "1.2.3" {
		t.Errorf("hello: %v", hello)
	}
	joined := a.join()
	if n := len(joined["participants"].([]any)); n != 1 {
		t.Errorf("%d participants in the snapshot of the first", n)
	}
	published := a.ask("publish", publishFields("self"))
	if !strings.HasPrefix(published["sdp"].(string), "v=0") {
		t.Errorf("publish: %v", published)
	}
	stream := published["stream_id"]

	b := h.welcomed()
	b.id = video.NewUUID()
	snapshot := b.ask("join", object{"participant_id": b.id, "context": `{"name":"<Bé>"}`, "receives_messages": true})
	if snapshot["session_id"] != joined["session_id"] || len(snapshot["participants"].([]any)) != 2 {
		t.Errorf("snapshot: %v", snapshot)
	}
	want := object{
		"id": stream, "participant_id": a.id, "key": "self",
		"audio": object{"enabled": true, "censored": false}, "video": object{"enabled": false, "censored": false},
	}
	if !reflect.DeepEqual(snapshot["streams"], []any{want}) {
		t.Errorf("streams: %v", snapshot["streams"])
	}
	came := a.until("participant_joined")["participant"].(object)
	if came["id"] != b.id || came["context"] != `{"name":"<Bé>"}` || came["receives_messages"] != true {
		t.Errorf("a heard of %v", came)
	}

	b.ask("subscribe", object{"stream_id": stream, "audio": true, "video": true, "quality": "low"})
	if lines := b.until("lines_wanted"); lines["audio"] != 1.0 || lines["video"] != 1.0 {
		t.Errorf("lines wanted: %v", lines)
	}
	b.ask("offer", object{"sdp": livetest.Offer("0 audio recvonly", "1 video recvonly")})
	receive := b.until("receive")["lines"]
	if !reflect.DeepEqual(receive, []any{
		object{"mid": "0", "stream_id": stream, "kind": "audio"}, object{"mid": "1", "stream_id": stream, "kind": "video"},
	}) {
		t.Errorf("receive: %v", receive)
	}
	for _, paused := range []bool{true, false} {
		h.media.Transport(video.ParticipantID(b.id)).Updates().Paused(video.StreamID(stream.(string)), paused)
		if n := b.until("subscription_paused"); n["stream_id"] != stream || n["paused"] != paused || n["reason"] != "bandwidth" {
			t.Errorf("heard of a pause: %v", n)
		}
	}
	b.ask("update_subscription", object{"stream_id": stream, "audio": false, "video": true})
	a.ask("update_stream", object{"stream_id": stream, "video": object{"enabled": true}})
	want["video"] = object{"enabled": true, "censored": false}
	if updated := b.until("stream_updated")["stream"]; !reflect.DeepEqual(updated, want) {
		t.Errorf("updated: %v", updated)
	}

	gone := video.NewUUID()
	message := object{"type": "text", "payload": "<hi>\u2028", "meta": object{"n": 1.0}}
	missed := b.ask("send_message", object{"message": message, "recipients": []string{a.id, gone}})
	if !reflect.DeepEqual(missed["not_delivered"], []any{gone}) {
		t.Errorf("not delivered: %v", missed)
	}
	got := a.until("message")
	if got["from"] != b.id || !reflect.DeepEqual(got["message"], message) || len(got["recipients"].([]any)) != 2 {
		t.Errorf("a heard %v", got)
	}
	a.ask("send_message", object{"message": message})
	if own := a.until("message"); own["from"] != a.id || len(own["recipients"].([]any)) != 0 {
		t.Errorf("a heard %v", own)
	}

	b.ask("unsubscribe", object{"stream_id": stream})
	if lines := b.until("receive")["lines"].([]any); len(lines) != 0 {
		t.Errorf("receive: %v", lines)
	}
	a.ask("unpublish", object{"stream_id": stream})
	if got := b.until("stream_unpublished"); got["stream_id"] != stream {
		t.Errorf("b heard %v", got)
	}
	token := a.ask("update_token", object{"token": h.token()})
	if token["token_expires_at"] == "" {
		t.Errorf("update_token: %v", token)
	}
	a.ask("ping", nil)
	a.ask("leave", nil)
	a.wantClose("1000 left")
	if left := b.until("participant_left"); left["participant_id"] != a.id || left["reason"] != "left" {
		t.Errorf("b heard %v", left)
	}
}

// However a client goes, the others know soon, and why.
func TestGoing(t *testing.T) {
	t.Parallel()
	shortSilence := func(c *signal.Config) {
		c.Socket.PingInterval, c.Socket.Silence = 100*time.Millisecond, 1500*time.Millisecond
	}
	cases := map[string]struct {
		change func(*signal.Config)
		goes   func(*house, *client)
		reason string
		within time.Duration
	}{
		"closes with 1000":      {nil, func(_ *house, c *client) { _ = c.socket.Close(1000, "") }, "left", 2 * time.Second},
		"closes its tab":        {nil, func(_ *house, c *client) { _ = c.socket.Close(1001, "") }, "left", 2 * time.Second},
		"gives no code":         {nil, func(_ *house, c *client) { _ = c.socket.Close(websocket.StatusNoStatusRcvd, "") }, "left", 2 * time.Second},
		"closes oddly":          {nil, func(_ *house, c *client) { _ = c.socket.Close(3999, "") }, "connection_lost", 2 * time.Second},
		"loses its socket":      {nil, func(_ *house, c *client) { _ = c.socket.CloseNow() }, "connection_lost", 2 * time.Second},
		"falls silent":          {nil, func(*house, *client) {}, "connection_lost", 10 * time.Second},
		"falls silent, shorter": {shortSilence, func(*house, *client) {}, "connection_lost", 3 * time.Second},
		"sends a huge frame": {nil, func(_ *house, c *client) {
			c.write(make([]byte, 512<<10+1))
			c.wantClose("1009 frame_too_large")
		}, "connection_lost", 2 * time.Second},
		"floods": {nil, func(_ *house, c *client) {
			go func() {
				for i := range 600 {
					if c.socket.Write(c.t.Context(), websocket.MessageText, fmt.Appendf(nil, `{"id":%d,"type":"ping"}`, i+100)) != nil {
						return
					}
				}
			}()
			for {
				if _, _, err := c.socket.Read(c.t.Context()); err != nil {
					if websocket.CloseStatus(err) != 4420 {
						c.t.Errorf("closed with %v", err)
					}
					return
				}
			}
		}, "connection_lost", 5 * time.Second},
		"sends garbage": {nil, func(_ *house, c *client) {
			for range 10 {
				c.write([]byte("garbage"))
			}
			c.wantClose("4400 bad_request")
		}, "connection_lost", 2 * time.Second},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			if test.change != nil {
				h = newHouse(t, test.change)
			}
			witness, c := h.joined(), h.joined()
			started := time.Now()
			gone := make(chan struct{})
			go func() {
				defer close(gone)
				test.goes(h, c)
			}()
			defer func() { <-gone }()
			for {
				ctx, cancel := context.WithTimeout(t.Context(), 12*time.Second)
				_, frame, err := witness.socket.Read(ctx)
				cancel()
				if err != nil {
					t.Fatal(err)
				}
				if strings.Contains(string(frame), "participant_left") {
					if !strings.Contains(string(frame), `"reason":"`+test.reason+`"`) || !strings.Contains(string(frame), c.id) {
						t.Errorf("heard %s", frame)
					}
					break
				}
			}
			if took := time.Since(started); took > test.within {
				t.Errorf("the others knew after %v", took)
			}
		})
	}
}

// A client that does not read misses messages, which their senders learn; the others get everything, and nobody is cut off for it.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(c *signal.Config) { c.Socket.Silence = time.Minute })
	slow, fast := h.joined(), h.joined()
	h.fill(slow, func() {
		for got := ""; got != "message"; {
			frame := fast.read()
			if got = frame["type"].(string); got == "participant_left" && frame["participant_id"] == slow.id {
				t.Fatal("it was cut off")
			}
		}
	})
	slow.ask("ping", nil) // and reads on, with all that had to arrive
}

// fill sends messages to everyone until one client, which does not read, misses one. It calls sent after each.
func (h *house) fill(slow *client, sent func()) {
	h.t.Helper()
	message := object{"message": object{"type": "text", "payload": strings.Repeat("x", 200<<10)}}
	for range 20 { // what the kernel takes before the queue fills is not ours to know
		sender := h.joined()
		for range 10 { // as much as one may send at once
			missed := sender.ask("send_message", message)["not_delivered"]
			sent()
			switch {
			case reflect.DeepEqual(missed, []any{slow.id}):
				sender.ask("leave", nil)
				return
			case !reflect.DeepEqual(missed, []any{}):
				h.t.Fatalf("not delivered: %v", missed)
			}
		}
		sender.ask("leave", nil)
	}
	h.t.Fatal("it missed nothing")
}

func TestData(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	a, b, c := h.joined(), h.joined(), h.joined()
	bytes := base64.StdEncoding.EncodeToString([]byte{0, 1, 255})
	if reply := a.ask("send_data", object{"data": bytes, "topic": "strokes"}); !reflect.DeepEqual(reply["not_delivered"], []any{}) {
		t.Errorf("not delivered: %v", reply)
	}
	a.ask("send_data", object{"data": "", "recipients": []string{b.id}})
	for _, receiver := range []*client{b, c} {
		got := receiver.until("data")
		if got["from"] != a.id || got["data"] != bytes || got["topic"] != "strokes" || len(got["recipients"].([]any)) != 0 {
			t.Errorf("received %v", got)
		}
	}
	if got := b.until("data"); got["data"] != "" || got["topic"] != "" || !reflect.DeepEqual(got["recipients"], []any{b.id}) {
		t.Errorf("b received %v", got)
	}
	largest := base64.StdEncoding.EncodeToString(make([]byte, video.MaxMessageBytes))
	a.ask("send_data", object{"data": largest})
	if got := c.until("data"); got["data"] != largest {
		t.Error("the largest arrived otherwise, or what was for b alone did")
	}
}

func TestWhatWasSentBeforeAClosingIsCarriedOut(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	a, b := h.joined(), h.joined()
	h.media.OnNegotiate = func(context.Context, video.ParticipantID, string) error {
		time.Sleep(100 * time.Millisecond)
		return nil
	}
	b.send("publish", publishFields("self"))
	b.send("send_message", object{"message": object{"type": "text", "payload": "bye"}})
	_ = b.socket.Close(1000, "")
	a.until("message")
	a.until("participant_left")
}

func TestPingOvertakesSlowRequests(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	c := h.joined()
	release := make(chan struct{})
	h.media.OnNegotiate = func(context.Context, video.ParticipantID, string) error { <-release; return nil }
	publish := c.send("publish", publishFields("self"))
	after := c.send("send_message", object{"message": object{"type": "text", "payload": "x"}})
	c.ask("ping", nil)
	close(release)
	for _, id := range []int{publish, after} { // these in order
		for {
			if frame := c.read(); frame["type"] == "reply" {
				if frame["re"] != float64(id) {
					t.Errorf("answer to %v came before that to %d", frame["re"], id)
				}
				break
			}
		}
	}
}

func TestNegotiationThatTakesTooLong(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(c *signal.Config) { c.NegotiationTimeout = 50 * time.Millisecond })
	c := h.joined()
	h.media.OnNegotiate = func(ctx context.Context, _ video.ParticipantID, _ string) error { <-ctx.Done(); return ctx.Err() }
	if got := c.refused("publish", publishFields("self")); got != "media_failed" {
		t.Errorf("refused with %s", got)
	}
	h.media.OnNegotiate = nil
	c.ask("publish", publishFields("self"))
}

func TestHostClosesConnections(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	welcomed, inside := h.welcomed(), h.joined()
	h.rooms.Delete(h.room.ID)
	if err := h.host.EndRoom(t.Context(), h.room.ID); err != nil {
		t.Fatal(err)
	}
	inside.wantClose("4002 room_deleted")
	if got := welcomed.refused("join", object{"participant_id": video.NewUUID()}); got != "room_not_found" {
		t.Errorf("refused with %s", got)
	}
	welcomed.wantClose("4404 room_not_found")

	h.room = h.rooms.Add(account, 2)
	waiting, inside := h.welcomed(), h.joined()
	go func() { _ = h.host.Close(context.Background()) }()
	inside.wantClose("4003 server_shutdown")
	if got := waiting.refused("join", object{"participant_id": video.NewUUID()}); got != "unavailable" {
		t.Errorf("refused with %s", got)
	}
	go func() { _ = h.handler.Close(context.Background()) }()
	waiting.wantClose("4003 server_shutdown")
}

func TestTokenExpires(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(c *signal.Config) { c.TokenAllowance = 300 * time.Millisecond })
	expiry := time.Now().Add(2 * time.Second)
	soon := func(g *video.Grant) { g.ExpiresAt = expiry }
	witness, renewed, expires := h.joined(), h.joined(soon), h.joined(soon)
	renewed.ask("update_token", object{"token": h.token()})
	expires.wantClose("4401 unauthorized")
	if after := time.Since(expiry); after < 300*time.Millisecond || after > 3*time.Second {
		t.Errorf("closed %v after the token expired", after)
	}
	if left := witness.until("participant_left"); left["participant_id"] != expires.id || left["reason"] != "token_expired" {
		t.Errorf("heard %v", left)
	}
	renewed.ask("ping", nil)
}
