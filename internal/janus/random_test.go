package janus_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"
	"github.com/pion/webrtc/v4"

	"github.com/rotunda-rtc/rotunda/internal/janus"
	"github.com/rotunda-rtc/rotunda/internal/video"
	"github.com/rotunda-rtc/rotunda/internal/ws"
)

// babbler says things that are nearly right, one after the other.
type babbler struct {
	*rand.Rand
	client  *client
	offers  []string
	handles int // asked for
}

func pick[T any](b *babbler, from ...T) T { return from[b.IntN(len(from))] }

// mostly is right nearly always: ten frames that cannot be read end a socket, and one bad token a session.
func mostly(b *babbler, right any, wrong ...any) any {
	if b.IntN(150) > 0 {
		return right
	}
	return pick(b, wrong...)
}

// frame is a request that may be carried out: each part of it is right more often than not.
func (b *babbler) frame() []byte {
	c := b.client
	o := object{
		"janus":       mostly(b, pick(b, "message", "message", "message", "message", "message", "attach", "detach", "trickle"), "create", "hangup", "claim", "dance"),
		"transaction": mostly(b, video.NewUUID(), "abcdefghijkl", 7, nil),
		"session_id":  mostly(b, c.session, 0, "1", -1),
		"handle_id":   mostly(b, 1+b.IntN(b.handles+2), 1000, 1e30, nil),
		"plugin":      mostly(b, pick(b, bridge, videos, videos, texts), "janus.plugin.echotest", 3),
		"body":        b.body(),
		"candidate":   pick[any](b, object{"completed": true}, object{"candidate": "candidate:1 1 udp 1 127.0.0.1 9 typ host"}, []int{1}, nil),
	}
	o["client_token"] = mostly(b, c.token, mostly(b, c.token, "nonsense", 5))
	if o["janus"] == "attach" {
		b.handles++
	}
	if b.IntN(3) == 0 {
		o["jsep"] = object{"type": mostly(b, pick(b, "offer", "offer", "answer"), "rollback"), "sdp": b.description()}
	}
	raw, _ := json.Marshal(o)
	if b.IntN(150) == 0 {
		raw = raw[:b.IntN(len(raw))]
	}
	return raw
}

func (b *babbler) body() any {
	return mostly(b, b.request(), "join", []any{}, nil)
}

func (b *babbler) request() object {
	return object{
		"request": mostly(b, pick(b, "join", "join", "join", "configure", "configure", "configure", "start", "pause", "setup", "ack"), "leave", 1),
		"room":    mostly(b, b.client.room, video.NewUUID(), 1234, nil),
		"ptype":   mostly(b, pick(b, "publisher", "subscriber"), "neither", true),
		"feed":    mostly(b, 1+b.IntN(12), -4, "5", nil),
		"audio":   mostly(b, pick[any](b, true, false, nil), "yes"),
		"video":   mostly(b, pick[any](b, true, false, nil), 0),
		"display": mostly(b, b.display(), "no base64!", 9, nil),
		"muted":   mostly(b, true, "x"),
		"bitrate": pick[any](b, 500000, -1, 1e300),
	}
}

func (b *babbler) display() string {
	stream := pick(b, "", streamDisplay("audiobridge", true, false), streamDisplay("self", true, true), streamDisplay("self", false, true))
	odd := pick(b, streamDisplay("presentation", false, true), streamDisplay(strings.Repeat("k", 300), true, true), `,"stream":null`, `,"stream":{"id":3}`, `,"external":[]`, `,"telephonyEngineParticipant":true`)
	switch b.IntN(100) {
	case 0:
		stream = odd
	case 1:
		return base64.StdEncoding.EncodeToString([]byte(`{"participantId":"` + pick(b, video.NewUUID(), "", "x") + `"` + stream + `}`))
	}
	return b.client.display(stream)
}

// description is an offer, whole or with some lines amiss.
func (b *babbler) description() string {
	lines := strings.SplitAfter(pick(b, b.offers...), "\r\n")
	for range pick(b, 0, 0, 1, 3) {
		switch i := b.IntN(len(lines)); b.IntN(3) {
		case 0:
			lines[i] = ""
		case 1:
			lines[i] += lines[i]
		default:
			lines[i] = strings.ReplaceAll(lines[i], pick(b, "1", "a", "=", ":"), pick(b, "", "99999999999", "\x00", "ü"))
		}
	}
	return strings.Join(lines, "")
}

// count reads to the answer to the last request, or the end, and counts what was done.
func (c *client) count(did map[string]int, last string) {
	for {
		frame, err := c.tryRead()
		if err != nil || frame["transaction"] == last {
			return
		}
		p, ok := frame["plugindata"].(object)
		if !ok || frame["transaction"] == nil {
			continue
		}
		for _, done := range []string{"configured", "started", "paused", "result", "error_code"} {
			if p["data"].(object)[done] != nil {
				did[done]++
			}
		}
	}
}

// TestBabble: clients that are nearly right, in every order, harm nobody. Somebody who is in the room meanwhile is served as ever.
func TestBabble(t *testing.T) {
	h := newHouse(t, func(c *janus.Config) { c.Socket = ws.Config{Rate: 100_000, Burst: 100_000} })
	bystander := h.dial()
	bystander.enter()
	var offers []string
	for _, direction := range []webrtc.RTPTransceiverDirection{webrtc.RTPTransceiverDirectionSendrecv, webrtc.RTPTransceiverDirectionSendonly} {
		pc := bystander.connection()
		for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
			if _, err := pc.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{Direction: direction}); err != nil {
				t.Fatal(err)
			}
		}
		offers = append(offers, bystander.offer(pc))
	}
	did := map[string]int{}
	for seed := range uint64(12) {
		b := &babbler{rand.New(rand.NewPCG(seed, 8)), h.dial(), offers, 3}
		if seed%3 == 0 {
			b.client.session = b.client.ask(object{"janus": "create"})["data"].(object)["id"].(float64)
		} else {
			b.client.enter()
		}
		last := video.NewUUID()
		var reading sync.WaitGroup
		reading.Go(func() { b.client.count(did, last) })
		for range 250 {
			if b.client.socket.Write(t.Context(), websocket.MessageText, b.frame()) != nil {
				break
			}
		}
		goodbye := fmt.Sprintf(`{"janus":"detach","session_id":%.0f,"handle_id":1000,"client_token":%q,"transaction":%q}`, b.client.session, b.client.token, last)
		_ = b.client.socket.Write(t.Context(), websocket.MessageText, []byte(goodbye))
		reading.Wait()
		if answer := bystander.ask(object{"janus": "detach", "handle_id": 99}); answer["janus"] != "success" {
			t.Errorf("the bystander got %v", answer)
		}
		_ = b.client.socket.CloseNow()
	}
	if did["configured"]+did["started"] == 0 || did["result"] == 0 || did["error_code"] == 0 {
		t.Errorf("it was not deep: %v", did)
	}
	if log := h.log.String(); strings.Contains(log, "level=ERROR") {
		t.Errorf("the log has errors: %s", fmt.Sprint(log[strings.Index(log, "level=ERROR"):])[:400])
	}
}
