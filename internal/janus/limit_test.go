package janus_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/rotunda-rtc/rotunda/internal/janus"
	"github.com/rotunda-rtc/rotunda/internal/ws"
)

func TestHandlesAreBounded(t *testing.T) {
	h := newHouse(t, func(c *janus.Config) { c.Socket = ws.Config{Burst: 10_000} })
	c := h.dial()
	c.session = c.ask(object{"janus": "create"})["data"].(object)["id"].(float64)
	var last float64
	for range 512 {
		last = c.attach(videos)
	}
	if refused := c.ask(object{"janus": "attach", "plugin": videos}); refused["error"].(object)["code"] != 461.0 {
		t.Errorf("one too many: %v", refused)
	}
	c.ask(object{"janus": "detach", "handle_id": last})
	if id := c.attach(videos); id != last+1 {
		t.Errorf("handle %v follows %v", id, last)
	}
}

// TestSocketsEnd: those without a token, and those that say nothing.
func TestSocketsEnd(t *testing.T) {
	h := newHouse(t, func(c *janus.Config) {
		c.StrangerTimeout, c.SessionTimeout = 500*time.Millisecond, 1500*time.Millisecond
	})
	stranger := h.dial()
	stranger.token = "bad"
	stranger.ask(object{"janus": "create"})
	if code := stranger.closed(); code != 4408 {
		t.Errorf("a stranger is closed with %d", code)
	}
	silent := h.dial()
	silent.enter()
	if code := silent.closed(); code != 4408 {
		t.Errorf("a silent client is closed with %d", code)
	}
}

// TestTokenExpires: the session ends with it, wherever the client is.
func TestTokenExpires(t *testing.T) {
	h := newHouse(t, func(c *janus.Config) { c.TokenAllowance = -time.Hour + 500*time.Millisecond })
	c := h.dial()
	c.send(object{"janus": "create"})
	if end := c.until("the end", func(f object) bool { return f["status_code"] != nil }); end["status_code"] != 401.0 {
		t.Errorf("end %v", end)
	}
	if code := c.closed(); code != 4401 {
		t.Errorf("closed with %d", code)
	}
	if s := h.handler.Stats(); s.Refused != 1 || s.Cut != 0 {
		t.Errorf("counted %+v", s)
	}
}

func TestNonsenseIsBounded(t *testing.T) {
	h := newHouse(t)
	c := h.dial()
	for range 10 {
		if err := c.socket.Write(t.Context(), websocket.MessageText, []byte("[]")); err != nil {
			break
		}
	}
	if code := c.closed(); code != 4400 {
		t.Errorf("closed with %d", code)
	}
	flood := h.dial()
	for range 2000 {
		if err := flood.socket.Write(t.Context(), websocket.MessageText, []byte(`{"janus":"create","transaction":"x"}`)); err != nil {
			break
		}
	}
	if code := flood.closed(); code != 4420 {
		t.Errorf("a flood is closed with %d", code)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := h.handler.Close(ctx); err != nil { // what is closed is counted then
		t.Fatal(err)
	}
	if s := h.handler.Stats(); s.Refused != 0 || s.Cut != 2 || s.Sockets != 0 {
		t.Errorf("counted %+v", s)
	}
}

// TestClosesAreEchoed: the client takes its reason from the code that comes back.
func TestClosesAreEchoed(t *testing.T) {
	h := newHouse(t)
	for _, code := range []websocket.StatusCode{1000, 3999} {
		c := h.dial()
		c.enter()
		begun := time.Now()
		if err := c.socket.Close(code, ""); err != nil { // it says so when the code that came back is another
			t.Errorf("close %d: %v", code, err)
		}
		if took := time.Since(begun); took > 2*time.Second {
			t.Errorf("the handshake took %v", took)
		}
	}
}

func TestPathAndSubprotocol(t *testing.T) {
	h := newHouse(t)
	for _, path := range []string{"/", "/janus", "/x/janus", "/" + string(h.room.ID), "/" + string(h.room.ID) + "/janus/x"} {
		response, err := http.Get(h.url + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, response.StatusCode)
		}
	}
	socket, _, err := websocket.Dial(t.Context(), h.url+"/"+string(h.room.ID)+"/janus", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := socket.Read(t.Context()); websocket.CloseStatus(err) != 4426 {
		t.Errorf("without the subprotocol: %v", err)
	}
}

// FuzzFrames says anything to a gateway with someone in the room, who notices nothing and comes through.
func FuzzFrames(f *testing.F) {
	for _, seed := range []string{
		``, `{}`, `[`, `{"janus":"create","transaction":"x"}`, `{"janus":"attach","plugin":"janus.plugin.videoroom","session_id":S,"transaction":"x"}`,
		`{"janus":"message","session_id":S,"handle_id":1,"transaction":"x","body":{"request":"join","room":"R","display":"e30="}}`,
		`{"janus":"message","session_id":S,"handle_id":3,"transaction":"x","body":{"request":"configure"},"jsep":{"type":"offer","sdp":"v=0"}}`,
		`{"janus":"message","session_id":S,"handle_id":2,"transaction":"x","body":{"request":"join","room":"R","ptype":"subscriber","feed":1}}`,
		`{"janus":"detach","session_id":S,"handle_id":1,"transaction":"x"}`, `{"janus":"destroy","session_id":S,"transaction":"x"}`,
		`{"janus":"trickle","session_id":S,"handle_id":1,"transaction":"x","candidate":[]}`, `{"janus":"keepalive","session_id":-1,"transaction":"x"}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, said string) {
		h := newHouse(t)
		bystander, c := h.dial(), h.dial()
		bystander.enter()
		c.enter()
		said = strings.NewReplacer("S", fmt.Sprintf("%.0f", c.session), "R", string(h.room.ID)).Replace(said)
		_ = c.socket.Write(t.Context(), websocket.MessageText, []byte(said))
		var whole object
		if json.Unmarshal([]byte(said), &whole) == nil && whole != nil { // it gets deeper with a token
			whole["client_token"] = c.token
			b, _ := json.Marshal(whole)
			_ = c.socket.Write(t.Context(), websocket.MessageText, b)
		}
		if answer := bystander.ask(object{"janus": "detach", "handle_id": 99}); answer["janus"] != "success" {
			t.Errorf("the bystander got %v", answer)
		}
	})
}
