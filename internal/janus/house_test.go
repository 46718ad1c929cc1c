package janus_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/pion/webrtc/v4"
	"go.uber.org/goleak"

	"github.com/rotunda-rtc/rotunda/internal/janus"
	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/live/livetest"
	"github.com/rotunda-rtc/rotunda/internal/mixer"
	"github.com/rotunda-rtc/rotunda/internal/sfu"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const account = video.AccountID("a0000000-0000-4000-8000-000000000000")

type object = map[string]any

// house is a handler over a real live.Host and a real media engine, with one room.
type house struct {
	t       *testing.T
	host    *live.Host
	rooms   livetest.Rooms
	journal livetest.Journal
	engine  *sfu.Engine
	mixer   *mixer.Engine
	handler *janus.Handler
	room    video.Room
	url     string
	tokens  livetest.Tokens
	log     livetest.Log
}

func newHouse(t *testing.T, change ...func(*janus.Config)) *house {
	t.Helper()
	h := &house{t: t}
	h.room = h.rooms.Add(account, 4)
	logger := slog.New(slog.NewTextHandler(&h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	if h.engine, err = sfu.New(sfu.Config{Addresses: []netip.Addr{netip.MustParseAddr("127.0.0.1")}}); err != nil {
		t.Fatal(err)
	}
	h.mixer = mixer.New(mixer.Config{Now: h.engine.Now, Log: logger})
	if err := h.mixer.Prepare(); err != nil { // which the first would wait for
		t.Fatal(err)
	}
	h.host = live.NewHost(live.Config{
		Rooms: &h.rooms, Journal: &h.journal, Media: media{h.engine}, Mixer: mixes{h.mixer}, Logger: logger, Linger: 50 * time.Millisecond,
	})
	config := janus.Config{Host: h.host, Tokens: &h.tokens, OpenText: h.openText, Logger: logger, FarewellTime: 200 * time.Millisecond}
	for _, f := range change {
		f(&config)
	}
	handler := janus.New(config)
	h.handler = handler
	server := httptest.NewServer(handler)
	h.url = server.URL
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := errors.Join(h.host.Close(ctx), handler.Close(ctx), h.journal.Err()); err != nil {
			t.Errorf("close: %v", err)
		}
		server.Close()
		if n := h.engine.Stats().Transports; n != 0 {
			t.Errorf("%d transports were left open", n)
		}
		if n := h.mixer.Mixes(); n != 0 {
			t.Errorf("%d mixes were left open", n)
		}
		if err := h.mixer.Close(); err != nil {
			t.Error(err)
		}
		h.engine.Close()
		if log := h.log.String(); strings.Contains(log, "secret-") || strings.Contains(log, "crashed") {
			t.Errorf("the log has a token or a crash:\n%s", log)
		}
		if t.Failed() && os.Getenv("JANUS_LOG") != "" {
			t.Log(h.log.String())
		}
	})
	return h
}

func (h *house) token(change ...func(*video.Grant)) string {
	return h.tokens.Issue(video.Grant{
		AccountID: account, RoomID: h.room.ID, Grants: video.AllGrants, ExpiresAt: time.Now().Add(time.Hour), Family: video.NewUUID(),
	}, change...)
}

// media is the engine as live asks for it.
type media struct{ *sfu.Engine }

func (m media) NewTransport(config live.TransportConfig) (live.Transport, error) {
	transport, err := m.Engine.NewTransport(sfu.TransportConfig{
		Session: config.Session, Participant: config.Participant, Updates: config.Updates, TwoWay: config.TwoWayAudio,
	})
	if err != nil {
		return nil, err
	}
	return transport, nil
}

type textConnection struct{ *sfu.Transport }

func (c textConnection) Offer() (string, error)   { return c.OfferText() }
func (c textConnection) Send(message []byte) bool { return c.SendText(message) }

func (h *house) openText(listener janus.TextListener) (janus.TextChannel, error) {
	transport, err := h.engine.NewTransport(sfu.TransportConfig{Session: video.SessionID(video.NewUUID()), Updates: deaf{}, Text: listener})
	if err != nil {
		return nil, err
	}
	return textConnection{transport}, nil
}

type deaf struct{ sfu.Updates }

func (deaf) Connected()   {}
func (deaf) Failed(error) {}

// client is a scripted client of the dialect.
type client struct {
	t       *testing.T
	socket  *websocket.Conn
	token   string
	session float64
	id      string // of the participant
	room    string
	up      *webrtc.TrackLocalStaticRTP // of the mixed leg
	down    chan *webrtc.TrackRemote    // likewise
}

func (h *house) dial() *client {
	h.t.Helper()
	socket, _, err := websocket.Dial(h.t.Context(), h.url+"/"+string(h.room.ID)+"/janus", &websocket.DialOptions{Subprotocols: []string{janus.Subprotocol}})
	if err != nil {
		h.t.Fatal(err)
	}
	socket.SetReadLimit(-1)
	h.t.Cleanup(func() { _ = socket.CloseNow() })
	return &client{t: h.t, socket: socket, token: h.token(), id: video.NewUUID(), room: string(h.room.ID)}
}

// send sends a request, completed by what every request has, and returns its transaction.
func (c *client) send(request object) string {
	c.t.Helper()
	transaction := video.NewUUID()
	whole := object{"client_token": c.token, "transaction": transaction}
	if c.session != 0 {
		whole["session_id"] = c.session
	}
	for k, v := range request {
		whole[k] = v
	}
	b, _ := json.Marshal(whole)
	if err := c.socket.Write(c.t.Context(), websocket.MessageText, b); err != nil {
		c.t.Fatalf("write: %v", err)
	}
	return whole["transaction"].(string)
}

// tryRead returns the next frame that is no ack.
func (c *client) tryRead() (object, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for {
		_, b, err := c.socket.Read(ctx)
		if err != nil {
			return nil, err
		}
		var frame object
		if err := json.Unmarshal(b, &frame); err != nil {
			return nil, fmt.Errorf("frame %s: %w", b, err)
		}
		if frame["janus"] != "ack" {
			return frame, nil
		}
	}
}

// closed reads to the end and returns the code of the close.
func (c *client) closed() websocket.StatusCode {
	c.t.Helper()
	for {
		if _, err := c.tryRead(); err != nil {
			return websocket.CloseStatus(err)
		}
	}
}
