package janus_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// dialogue is a file of api/dialogues; the README there says what the steps mean.
type dialogue struct {
	About string `json:"about"`
	Steps []step `json:"steps"`
}

type step struct {
	Client string          `json:"client"`
	Send   json.RawMessage `json:"send"`
	Raw    string          `json:"raw"`
	Expect json.RawMessage `json:"expect"`
	Close  int             `json:"close"`
	Closed int             `json:"closed"`
	Do     string          `json:"do"`
}

// TestDialogues speaks every dialogue with the gateway, frame by frame.
func TestDialogues(t *testing.T) {
	files, err := filepath.Glob("../../api/dialogues/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no dialogues: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			t.Parallel()
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var d dialogue
			if err := json.Unmarshal(b, &d); err != nil {
				t.Fatal(err)
			}
			s := &stage{house: newHouse(t), clients: map[string]*client{}, words: map[string]any{}}
			s.words["room"] = string(s.house.room.ID)
			for i, step := range d.Steps {
				s.where = fmt.Sprintf("step %d: ", i+1)
				s.play(step)
			}
		})
	}
}

// stage is a dialogue being spoken.
type stage struct {
	house   *house
	clients map[string]*client
	words   map[string]any // by name: what was said for it first
	where   string
}

func (s *stage) client(name string) *client {
	c := s.clients[name]
	if c == nil {
		c = s.house.dial()
		s.clients[name] = c
		s.words[name] = c.id
	}
	return c
}

func (s *stage) play(step step) {
	t := s.house.t
	t.Helper()
	c := s.client(step.Client)
	switch {
	case step.Send != nil:
		var request object
		s.decode(step.Send, &request)
		c.send(s.fill(request).(object))
	case step.Raw != "":
		if err := c.socket.Write(t.Context(), websocket.MessageText, []byte(step.Raw)); err != nil {
			t.Fatal(s.where, err)
		}
	case step.Expect != nil:
		var want object
		s.decode(step.Expect, &want)
		got, err := s.hear(c, want)
		if err != nil {
			t.Fatal(s.where, err)
		}
		if difference := s.match("", want, got); difference != "" {
			b, _ := json.Marshal(got)
			t.Fatalf("%s%s\nin %s", s.where, difference, b)
		}
		if data, ok := got["data"].(object); ok && c.session == 0 {
			c.session = data["id"].(float64)
		}
	case step.Close != 0:
		_ = c.socket.Close(websocket.StatusCode(step.Close), "")
	case step.Closed != 0:
		if code := c.closed(); int(code) != step.Closed {
			t.Fatalf("%sclosed with %d, not %d", s.where, code, step.Closed)
		}
	default:
		s.do(step.Do, c)
	}
}

// hear reads the next frame; acks only where one is expected.
func (s *stage) hear(c *client, want object) (object, error) {
	if want["janus"] != "ack" {
		return c.tryRead()
	}
	ctx, cancel := context.WithTimeout(s.house.t.Context(), 10*time.Second)
	defer cancel()
	_, b, err := c.socket.Read(ctx)
	var frame object
	_ = json.Unmarshal(b, &frame)
	return frame, err
}

// do is what happens beside the sockets.
func (s *stage) do(what string, c *client) {
	t := s.house.t
	t.Helper()
	only := video.Selection{IDs: []video.ParticipantID{video.ParticipantID(c.id)}}
	room, session := s.house.room.ID, video.SessionID("")
	if running := s.house.journal.Sessions(); len(running) > 0 {
		session = running[len(running)-1].ID
	}
	var err error
	switch what {
	case "connect":
	case "no token":
		c.token = "bad"
	case "expired", "another room":
		c.token = s.house.token(func(g *video.Grant) {
			if what == "expired" {
				g.ExpiresAt = time.Now().Add(-time.Minute)
			} else {
				g.RoomID = video.RoomID(video.NewUUID())
			}
		})
	case "new token":
		c.token = s.house.token(func(g *video.Grant) { g.ExpiresAt = time.Now().Add(2 * time.Hour) })
	case "one seat":
		s.house.rooms.Change(room, func(r *video.Room) { r.MaxParticipants = 1 })
	case "encrypted room":
		s.house.rooms.Change(room, func(r *video.Room) { r.E2EE = true })
	case "delete room":
		s.house.rooms.Delete(room)
		err = s.house.host.EndRoom(t.Context(), room)
	case "kick":
		_, err = s.house.host.Kick(t.Context(), room, session, only)
	case "mute":
		_, err = s.house.host.Mute(t.Context(), room, session, only)
	case "end session":
		_, err = s.house.host.EndSession(t.Context(), room, session)
	default:
		t.Fatalf("%snobody knows how to do %q", s.where, what)
	}
	if err != nil {
		t.Fatal(s.where, err)
	}
}

func (s *stage) decode(raw json.RawMessage, into any) {
	if err := json.Unmarshal(raw, into); err != nil {
		s.house.t.Fatal(s.where, err)
	}
}

// fill puts in what words stand for: $name, and display: with JSON behind it.
func (s *stage) fill(v any) any {
	switch v := v.(type) {
	case object:
		out := object{}
		for k, x := range v {
			out[k] = s.fill(x)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = s.fill(x)
		}
		return out
	case string:
		if text, ok := strings.CutPrefix(v, "display:"); ok {
			return base64.StdEncoding.EncodeToString([]byte(s.replace(text)))
		}
		if name, ok := strings.CutPrefix(v, "$"); ok {
			return s.words[name]
		}
	}
	return v
}

func (s *stage) replace(text string) string {
	for name, word := range s.words {
		if w, ok := word.(string); ok {
			text = strings.ReplaceAll(text, "$"+name+`"`, w+`"`)
		}
	}
	return text
}

// match says how got differs from what is wanted of it; it may have more, but in lists.
func (s *stage) match(at string, want, got any) string {
	switch want := want.(type) {
	case object:
		have, ok := got.(object)
		if !ok {
			return fmt.Sprintf("%s is %v", at, got)
		}
		for k, x := range want {
			if x == "absent" {
				if _, there := have[k]; there {
					return fmt.Sprintf("%s/%s is there", at, k)
				}
				continue
			}
			if difference := s.match(at+"/"+k, x, have[k]); difference != "" {
				return difference
			}
		}
		return ""
	case []any:
		have, ok := got.([]any)
		if !ok || len(have) != len(want) {
			return fmt.Sprintf("%s is %v, not %d elements", at, got, len(want))
		}
		for i := range want {
			if difference := s.match(fmt.Sprint(at, "/", i), want[i], have[i]); difference != "" {
				return difference
			}
		}
		return ""
	case string:
		if text, ok := strings.CutPrefix(want, "display:"); ok {
			return s.matchDisplay(at, text, got)
		}
		if want == "*" && got != nil {
			return ""
		}
		if name, ok := strings.CutPrefix(want, "$"); ok {
			if known, bound := s.words[name]; bound {
				if !reflect.DeepEqual(known, got) {
					return fmt.Sprintf("%s is %v, not %v ($%s)", at, got, known, name)
				}
				return ""
			}
			s.words[name] = got
			return ""
		}
	}
	if !reflect.DeepEqual(want, got) {
		return fmt.Sprintf("%s is %v, not %v", at, got, want)
	}
	return ""
}

func (s *stage) matchDisplay(at, text string, got any) string {
	encoded, _ := got.(string)
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || encoded == "" {
		return fmt.Sprintf("%s is no display: %v", at, got)
	}
	if strings.ContainsAny(string(raw), " \n") {
		return at + " has spaces: " + string(raw)
	}
	var want, have object
	s.decode([]byte(s.replace(text)), &want)
	s.decode(raw, &have)
	return s.match(at, want, have)
}
