package signal_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/signal"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

func graceful(grace time.Duration) func(*signal.Config) {
	return func(c *signal.Config) { c.ResumeGrace = grace }
}

// lose cuts the connection without a word.
func (c *client) lose() { _ = c.socket.CloseNow() }

func (c *client) secret() string {
	return c.snapshot["resume"].(object)["secret"].(string)
}

// back is the same client over a new socket, which has said nothing yet. Numbers of notices and requests go on.
func (h *house) back(c *client) *client {
	again := h.dial()
	again.next, again.seq, again.id, again.kinds, again.snapshot = c.next, c.seq, c.id, c.kinds, c.snapshot
	return again
}

func (c *client) resumption(token string) object {
	return object{"version": 1, "token": token, "participant_id": c.id, "secret": c.secret(), "seq": c.seq}
}

// resumed is the same client, back in the session.
func (h *house) resumed(c *client) (*client, object) {
	h.t.Helper()
	again := h.back(c)
	reply := again.ask("resume", again.resumption(h.token()))
	return again, reply
}

// chat sends messages to everyone and returns when they were sent to all.
func (c *client) chat(texts ...string) {
	c.t.Helper()
	for _, text := range texts {
		c.ask("send_message", object{"message": object{"type": "text", "payload": text}})
	}
}

// payloads reads messages up to one of this text, and returns what they say.
func (c *client) payloads(last string) (all []string) {
	c.t.Helper()
	for {
		text := c.until("message")["message"].(object)["payload"].(string)
		if all = append(all, text); text == last {
			return all
		}
	}
}

func TestMissedNoticesAreReplayedOnce(t *testing.T) {
	h := newHouse(t, graceful(time.Minute))
	a, b := h.joined(), h.joined()
	a.chat("one", "two")
	if got := fmt.Sprint(b.payloads("one")); got != "[one]" { // two is on its way, and not read
		t.Fatal(got)
	}
	b.lose()
	a.chat("three")
	b, reply := h.resumed(b)
	if reply["snapshot"] != nil {
		t.Error("a snapshot, where everything could be told again")
	}
	a.chat("four")
	if got := fmt.Sprint(b.payloads("four")); got != "[two three four]" { // client.tryRead checks the numbers
		t.Error("b heard", got)
	}
	for range 2 { // and again, from the very same position
		b.lose()
		b, _ = h.resumed(b)
	}
	a.chat("five")
	if got := fmt.Sprint(b.payloads("five")); got != "[five]" {
		t.Error("b heard", got)
	}
}

func TestAnswersAreReplayedAndNothingIsDoneTwice(t *testing.T) {
	h := newHouse(t, graceful(time.Minute))
	a, b := h.joined(), h.joined()
	begun, finish := make(chan struct{}), make(chan struct{})
	h.media.OnNegotiate = func(context.Context, video.ParticipantID, string) error {
		close(begun)
		<-finish
		return nil
	}
	publishing := b.send("publish", publishFields("self"))
	waiting := b.send("send_message", object{"message": object{"type": "text", "payload": "later"}})
	<-begun
	b.lose()
	b = h.back(b)
	resuming := b.send("resume", b.resumption(h.token()))
	close(finish)
	var order []string
	var received float64
	for len(order) < 2 {
		switch frame := b.read(); frame["re"] {
		case float64(resuming):
			order = append(order, "resumed")
			received = frame["data"].(object)["received"].(float64)
		case float64(publishing):
			order = append(order, "published")
		case float64(waiting):
			t.Fatal("a request was answered that was not begun when the socket died")
		}
	}
	if got := strings.Join(order, ", "); got != "resumed, published" {
		t.Error("order:", got)
	}
	if received != float64(publishing) {
		t.Errorf("received %v, want %v", received, publishing)
	}
	if got := a.until("stream_published")["stream"].(object)["key"]; got != "self" {
		t.Error("published", got)
	}
	// What was not received is sent again; what was is refused by its own effect.
	b.chat("later")
	if got := fmt.Sprint(a.payloads("later")); got != "[later]" {
		t.Error("a heard", got)
	}
}

func TestOverflowGivesASnapshot(t *testing.T) {
	h := newHouse(t, graceful(time.Minute), func(c *signal.Config) { c.Socket.Burst = 10_000 })
	a, b := h.joined(), h.joined()
	stream := a.ask("publish", publishFields("self"))["stream_id"]
	b.until("stream_published")
	b.ask("subscribe", object{"stream_id": stream, "audio": true, "video": true})
	b.until("lines_wanted")
	b.lose()
	for i := range 800 { // more than is kept
		on := i%2 == 1
		a.ask("update_stream", object{"stream_id": stream, "video": object{"enabled": !on}})
	}
	b = h.back(b)
	id := b.send("resume", b.resumption(h.token()))
	var reply object
	for reply == nil {
		if frame := b.read(); frame["re"] == float64(id) {
			reply = frame["data"].(object)
		}
	}
	snapshot, ok := reply["snapshot"].(object)
	if !ok {
		t.Fatal("no snapshot")
	}
	if n := len(snapshot["participants"].([]any)); n != 2 {
		t.Errorf("%d participants in the snapshot", n)
	}
	if got := snapshot["streams"].([]any)[0].(object)["id"]; got != stream {
		t.Errorf("stream %v in the snapshot", got)
	}
	b.seq = reply["seq"].(float64)
	if wanted := b.until("lines_wanted"); wanted["audio"] != 1.0 {
		t.Error("lines wanted:", wanted)
	}
	a.chat("after")
	if got := fmt.Sprint(b.payloads("after")); got != "[after]" {
		t.Error("b heard", got)
	}
}

func TestAPositionFromNowhereGivesASnapshot(t *testing.T) {
	h := newHouse(t, graceful(time.Minute))
	a := h.joined()
	a.lose()
	a.seq = 1000
	again := h.back(a)
	reply := again.ask("resume", again.resumption(h.token()))
	if reply["snapshot"] == nil || reply["seq"] != 0.0 {
		t.Error(reply)
	}
}

func TestOthersSeeALossOnlyAfterASecondAndALeaveAfterTheGrace(t *testing.T) {
	h := newHouse(t, graceful(1500*time.Millisecond))
	a, b := h.joined(), h.joined()
	a.until("participant_joined")
	b.lose()
	b, _ = h.resumed(b)
	b.lose()
	if got := a.until("connection_changed"); got["participant_id"] != b.id || got["connected"] != false {
		t.Error("a heard", got)
	}
	c := h.joined()
	for _, p := range c.snapshot["participants"].([]any) {
		if p := p.(object); (p["connection_lost"] == true) != (p["id"] == b.id) {
			t.Error("c sees", p)
		}
	}
	if got := h.handler.Stats(); got.Away != 1 || got.Resumed != 1 || got.Lost == 0 {
		t.Errorf("%+v", got)
	}
	b, _ = h.resumed(b)
	if got := a.until("connection_changed"); got["participant_id"] != b.id || got["connected"] != true {
		t.Error("a heard", got)
	}
	lost := time.Now()
	b.lose()
	if got := a.until("participant_left"); got["participant_id"] != b.id || got["reason"] != "connection_lost" {
		t.Error("a heard", got)
	}
	if kept := time.Since(lost); kept < 1400*time.Millisecond {
		t.Error("b was kept for", kept)
	}
	if got := h.handler.Stats(); got.Resumed != 2 || got.Lost < 2 {
		t.Errorf("%+v", got)
	}
	again := h.back(b)
	if got := again.refused("resume", again.resumption(h.token())); got != "not_resumable" {
		t.Error(got)
	}
	// The same socket takes a newcomer.
	again.ask("hello", object{"version": 1, "token": h.token()})
	again.seq = 0
	again.join()
}

func TestTheNewerSocketWins(t *testing.T) {
	h := newHouse(t, graceful(time.Minute))
	a, old := h.joined(), h.joined()
	current, _ := h.resumed(old) // while the old one is alive
	old.wantClose("4410 replaced")
	a.chat("x")
	if got := fmt.Sprint(current.payloads("x")); got != "[x]" {
		t.Error("b heard", got)
	}
	// Two at once: exactly one stays.
	first, second := h.back(current), h.back(current)
	for _, c := range []*client{first, second} {
		c.kinds = maps.Clone(current.kinds)
		c.send("resume", c.resumption(h.token()))
	}
	current.wantClose("4410 replaced")
	results := make(chan string, 2)
	for _, c := range []*client{first, second} {
		go func() {
			for {
				frame, err := c.tryRead()
				switch {
				case err != nil:
					results <- "closed"
					return
				case frame["type"] == "message":
					results <- "heard"
					return
				}
			}
		}()
	}
	if got := <-results; got != "closed" {
		t.Error("the first is", got)
	}
	a.chat("y")
	if got := <-results; got != "heard" {
		t.Error("the second is", got)
	}
}

func TestASlowReaderMayResume(t *testing.T) {
	h := newHouse(t, graceful(time.Minute), func(c *signal.Config) { c.Socket.QueueFrames, c.Socket.Burst = 800, 10_000 })
	a, b := h.joined(), h.joined()
	stream := a.ask("publish", publishFields("self"))["stream_id"]
	b.until("stream_published")
	h.fill(b, func() { a.until("message") })
	for i := range 1000 { // what must arrive, more than the queue holds
		a.ask("update_stream", object{"stream_id": stream, "video": object{"enabled": i%2 == 0}})
	}
	a.ask("unpublish", object{"stream_id": stream})
	b, reply := h.resumed(b)
	snapshot, ok := reply["snapshot"].(object)
	if !ok {
		t.Fatal("a thousand notices are more than is kept")
	}
	if n := len(snapshot["streams"].([]any)); n != 0 {
		t.Errorf("%d streams", n)
	}
	b.seq = reply["seq"].(float64)
	a.chat("after")
	if got := fmt.Sprint(b.payloads("after")); got != "[after]" {
		t.Error("b heard", got)
	}
}

func TestPingForgetsWhatArrived(t *testing.T) {
	h := newHouse(t, graceful(time.Minute))
	a, b := h.joined(), h.joined()
	a.chat("one", "two")
	b.payloads("two")
	b.ask("ping", object{"seq": b.seq})
	a.chat("three")
	b.payloads("three")
	b.lose()
	b.seq = 0 // what it said to have is gone
	again := h.back(b)
	if reply := again.ask("resume", again.resumption(h.token())); reply["snapshot"] == nil {
		t.Error("no snapshot")
	}
}

func TestLeavingIsAtOnceWithAGrace(t *testing.T) {
	h := newHouse(t, graceful(time.Minute))
	a := h.joined()
	for name, leave := range map[string]func(*client){
		"leave": func(c *client) { c.send("leave", nil) },
		"1000":  func(c *client) { _ = c.socket.Close(1000, "") },
		"1001":  func(c *client) { _ = c.socket.Close(1001, "") },
	} {
		b := h.joined()
		leave(b)
		if got := a.until("participant_left"); got["participant_id"] != b.id || got["reason"] != "left" {
			t.Errorf("%s: a heard %v", name, got)
		}
	}
}
