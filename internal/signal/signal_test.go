package signal_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.uber.org/goleak"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/live/livetest"
	"github.com/rotunda-rtc/rotunda/internal/signal"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const account = video.AccountID("a0000000-0000-4000-8000-000000000000")

// house is a handler over a real live.Host, with one room.
type house struct {
	t       *testing.T
	host    *live.Host
	rooms   livetest.Rooms
	journal livetest.Journal
	media   livetest.Media
	tapes   livetest.Recorder
	room    video.Room
	url     string
	handler *signal.Handler
	tokens  livetest.Tokens
	log     livetest.Log
}

func newHouse(t *testing.T, change ...func(*signal.Config)) *house {
	t.Helper()
	return newHouseOf(t, func(*live.Config) {}, change...)
}

func newHouseOf(t *testing.T, ofHost func(*live.Config), change ...func(*signal.Config)) *house {
	t.Helper()
	h := &house{t: t}
	h.room = h.rooms.Add(account, 10)
	logger := slog.New(slog.NewTextHandler(&h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	host := live.Config{Rooms: &h.rooms, Journal: &h.journal, Media: &h.media, Recorder: &h.tapes, Logger: logger, Linger: 50 * time.Millisecond}
	ofHost(&host)
	h.host = live.NewHost(host)
	config := signal.Config{Host: h.host, Tokens: &h.tokens, Version: "1.2.3", Logger: logger}
	for _, f := range change {
		f(&config)
	}
	h.handler = signal.New(config)
	server := httptest.NewServer(h.handler)
	h.url = server.URL
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := errors.Join(h.host.Close(ctx), h.handler.Close(ctx), h.journal.Err()); err != nil {
			t.Errorf("close: %v", err)
		}
		server.Close()
		if n := h.media.Open(); n != 0 {
			t.Errorf("%d transports were left open", n)
		}
		if strings.Contains(h.log.String(), "secret-") {
			t.Error("a token is in the log")
		}
		if t.Failed() && os.Getenv("SIGNAL_LOG") != "" {
			t.Log(h.log.String())
		}
	})
	return h
}

func (h *house) token(change ...func(*video.Grant)) string {
	return h.tokens.Issue(video.Grant{
		AccountID: account, RoomID: h.room.ID, Grants: video.AllGrants, ExpiresAt: time.Now().Add(time.Hour),
	}, change...)
}

// client is a client that checks every frame it gets against the schema and numbers of notices.
type client struct {
	t      *testing.T
	socket *websocket.Conn
	next   int
	seq    float64
	id     string
	kinds  map[int]string // types of requests; an answer may come again after resume

	snapshot object // the reply to join
}

type object = map[string]any

func (h *house) dial() *client {
	h.t.Helper()
	socket, _, err := websocket.Dial(h.t.Context(), h.url, &websocket.DialOptions{Subprotocols: []string{signal.Subprotocol}})
	if err != nil {
		h.t.Fatal(err)
	}
	socket.SetReadLimit(-1)
	h.t.Cleanup(func() { _ = socket.CloseNow() })
	return &client{t: h.t, socket: socket, kinds: make(map[int]string)}
}

func (h *house) welcomed(change ...func(*video.Grant)) *client {
	h.t.Helper()
	c := h.dial()
	c.ask("hello", object{"version": 1, "token": h.token(change...)})
	return c
}

func (h *house) joined(change ...func(*video.Grant)) *client {
	h.t.Helper()
	c := h.welcomed(change...)
	c.join()
	return c
}

func (c *client) join() object {
	c.t.Helper()
	c.id = video.NewUUID()
	c.snapshot = c.ask("join", object{"participant_id": c.id, "receives_messages": true})
	return c.snapshot
}

// send sends a request and returns its id.
func (c *client) send(kind string, fields object) int {
	c.t.Helper()
	c.next++
	frame := object{"id": c.next, "type": kind, "future_field": object{"x": 1}}
	for k, v := range fields {
		frame[k] = v
	}
	c.kinds[c.next] = kind
	b, _ := json.Marshal(frame)
	c.write(b)
	return c.next
}

func (c *client) write(frame []byte) {
	c.t.Helper()
	if err := c.socket.Write(c.t.Context(), websocket.MessageText, frame); err != nil {
		c.t.Fatalf("write: %v", err)
	}
}

// read returns the next frame.
func (c *client) read() object {
	c.t.Helper()
	frame, err := c.tryRead()
	if err != nil {
		c.t.Fatalf("read: %v", err)
	}
	return frame
}

func (c *client) tryRead() (object, error) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 15*time.Second)
	defer cancel()
	_, b, err := c.socket.Read(ctx)
	if err != nil {
		return nil, err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		c.t.Fatalf("frame %s: %v", b, err)
	}
	check(c.t, "ServerFrame", value)
	var frame object
	_ = json.Unmarshal(b, &frame)
	switch {
	case frame["type"] == "reply":
		re := int(frame["re"].(float64))
		check(c.t, replyName(c.kinds[re]), value.(object)["data"])

	case frame["seq"] != nil:
		c.seq++
		if frame["seq"] != c.seq {
			c.t.Errorf("notice %s, expected number %v", b, c.seq)
		}
	}
	return frame, nil
}

// until reads to the first frame of a type, failing at a refusal of anything else.
func (c *client) until(kind string) object {
	c.t.Helper()
	for {
		if frame := c.read(); frame["type"] == kind {
			return frame
		}
	}
}

// ask sends a request and returns the data of its reply, skipping notices.
func (c *client) ask(kind string, fields object) object {
	c.t.Helper()
	frame := c.answer(c.send(kind, fields))
	if frame["type"] != "reply" {
		c.t.Fatalf("%s: %v", kind, frame["error"])
	}
	return frame["data"].(object)
}

// refused sends a request and returns the code and field of its refusal.
func (c *client) refused(kind string, fields object) string {
	c.t.Helper()
	return c.refusalOf(c.answer(c.send(kind, fields)))
}

func (c *client) refusalOf(frame object) string {
	c.t.Helper()
	e, ok := frame["error"].(object)
	if !ok {
		c.t.Fatalf("no refusal but %v", frame)
	}
	if field, ok := e["field"].(string); ok {
		return e["code"].(string) + " " + field
	}
	return e["code"].(string)
}

func (c *client) answer(id int) object {
	c.t.Helper()
	for {
		if frame := c.read(); frame["re"] == float64(id) {
			return frame
		}
	}
}

// closed reads to the end and returns the close frame.
func (c *client) closed() string {
	c.t.Helper()
	for {
		if _, err := c.tryRead(); err != nil {
			if e, ok := errors.AsType[websocket.CloseError](err); ok {
				return fmt.Sprint(int(e.Code), " ", e.Reason)
			}
			return err.Error()
		}
	}
}

func (c *client) wantClose(want string) {
	c.t.Helper()
	if got := c.closed(); got != want {
		c.t.Errorf("closed with %q, want %q", got, want)
	}
}

func publishFields(key string) object {
	return object{
		"key": key, "audio": object{"mid": key + "a", "enabled": true}, "video": object{"mid": key + "v", "enabled": false},
		"sdp": livetest.Offer(key+"a audio sendonly", key+"v video sendonly"),
	}
}

func replyName(kind string) string {
	name := ""
	for word := range strings.SplitSeq(kind, "_") {
		name += strings.ToUpper(word[:1]) + word[1:]
	}
	return name + "Reply"
}

// schemas compiles the schema of the protocol. It tolerates unknown fields; here it must not, so that nothing is sent
// that it does not describe.
var schemas = sync.OnceValue(func() *jsonschema.Compiler {
	b, err := os.ReadFile("../../api/signalling.schema.json")
	if err != nil {
		panic(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		panic(err)
	}
	for name, definition := range document.(object)["$defs"].(object) {
		if name != "Reply" && name != "Message" {
			forbidUnknown(definition)
		}
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("urn:rotunda:signalling:1", document); err != nil {
		panic(err)
	}
	return compiler
})

func forbidUnknown(definition any) {
	schema, ok := definition.(object)
	if !ok {
		return
	}
	if properties, ok := schema["properties"].(object); ok {
		schema["additionalProperties"] = false
		for _, property := range properties {
			forbidUnknown(property)
		}
	}
	forbidUnknown(schema["items"])
}

var compiling sync.Mutex

func check(t *testing.T, definition string, value any) {
	t.Helper()
	compiling.Lock()
	schema, err := schemas().Compile("urn:rotunda:signalling:1#/$defs/" + definition)
	compiling.Unlock()
	if err != nil {
		t.Fatalf("schema: %v", err)
	}
	if err := schema.Validate(value); err != nil {
		b, _ := json.Marshal(value)
		t.Errorf("%s is not as described: %v", b, err)
	}
}
