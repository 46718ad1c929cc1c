package ws_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"github.com/rotunda-rtc/rotunda/internal/ws"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pair connects a client to a Conn. The server's HTTP handler is run on, which reads until the end and returns how it
// came.
func pair(t *testing.T, config ws.Config, on func(*ws.Conn, string)) (*websocket.Conn, *ws.Conn, <-chan *ws.CloseError) {
	t.Helper()
	conns, ends := make(chan *ws.Conn, 1), make(chan *ws.CloseError, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := ws.Accept(w, r, config)
		if err != nil {
			return
		}
		conns <- c
		for {
			frame, _, err := c.Read()
			if err != nil {
				c.Close(1000, "")
				end, _ := errors.AsType[*ws.CloseError](err)
				ends <- end
				return
			}
			on(c, string(frame))
		}
	}))
	t.Cleanup(server.Close)
	client, _, err := websocket.Dial(t.Context(), server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	client.SetReadLimit(-1)
	t.Cleanup(func() { _ = client.CloseNow() })
	return client, <-conns, ends
}

func echo(c *ws.Conn, frame string) { c.Send(ws.Text(frame)) }

func nothing(*ws.Conn, string) {}

// closing reads until the end and returns the close frame.
func closing(t *testing.T, client *websocket.Conn) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for {
		if _, _, err := client.Read(ctx); err != nil {
			if e, ok := errors.AsType[websocket.CloseError](err); ok {
				return fmt.Sprint(int(e.Code), " ", e.Reason)
			}
			return err.Error()
		}
	}
}

func TestFramesGoBothWaysInOrder(t *testing.T) {
	client, c, ends := pair(t, ws.Config{Burst: 1000}, echo)
	go func() {
		for i := range 300 {
			_ = client.Write(context.Background(), websocket.MessageText, fmt.Append(nil, i))
		}
	}()
	for i := range 300 {
		_, frame, err := client.Read(t.Context())
		if err != nil || string(frame) != fmt.Sprint(i) {
			t.Fatalf("frame %d: %q, %v", i, frame, err)
		}
	}
	_ = client.Close(1000, "bye")
	if end := <-ends; !end.Peer || end.Code != 1000 || end.Lost() {
		t.Errorf("ended with %v", end)
	}
	if c.Send(ws.Text("late")) {
		t.Error("sent after the end")
	}
	c.Close(4000, "again") // returns
}

func TestCloseFlushesAndCompletes(t *testing.T) {
	client, c, ends := pair(t, ws.Config{}, nothing)
	go func() {
		for range 100 {
			c.Send(ws.Text(strings.Repeat("x", 10_000)))
		}
		c.Close(4002, "room_deleted")
	}()
	n := 0
	for {
		_, _, err := client.Read(t.Context())
		if err != nil {
			if websocket.CloseStatus(err) != 4002 || !strings.Contains(err.Error(), "room_deleted") {
				t.Errorf("closed with %v", err)
			}
			break
		}
		n++
	}
	if n != 100 {
		t.Errorf("%d frames came before the close", n)
	}
	if end := <-ends; end.Peer || end.Code != 4002 {
		t.Errorf("ended with %v", end)
	}
}

func TestPeerThatIgnoresTheCloseIsCutOff(t *testing.T) {
	client, c, ends := pair(t, ws.Config{CloseTimeout: 200 * time.Millisecond}, nothing)
	_ = client // never reads
	started := time.Now()
	c.Close(4000, "session_ended")
	if took := time.Since(started); took > 2*time.Second {
		t.Errorf("closing took %v", took)
	}
	if end := <-ends; end.Peer || end.Code != 4000 {
		t.Errorf("ended with %v", end)
	}
}

func TestLimits(t *testing.T) {
	config := ws.Config{
		FrameBytes: 1000, Rate: 1, Burst: 20,
		TooLarge: ws.Closing{Code: 1009, Reason: "frame_too_large"}, Flood: ws.Closing{Code: 4420, Reason: "too_many_requests"},
	}
	t.Run("size", func(t *testing.T) {
		client, _, ends := pair(t, config, echo)
		for _, size := range []int{1000, 1001} {
			_ = client.Write(t.Context(), websocket.MessageText, make([]byte, size))
		}
		if got := closing(t, client); got != "1009 frame_too_large" {
			t.Errorf("closed with %s", got)
		}
		if end := <-ends; end.Peer || end.Code != 1009 {
			t.Errorf("ended with %v", end)
		}
	})
	t.Run("huge", func(t *testing.T) { // far more than is read before the close
		client, _, ends := pair(t, config, echo)
		go func() { _ = client.Write(context.Background(), websocket.MessageText, make([]byte, 1<<20)) }()
		if got := closing(t, client); got != "1009 frame_too_large" {
			t.Errorf("closed with %s", got)
		}
		if end := <-ends; end.Peer || end.Code != 1009 {
			t.Errorf("ended with %v", end)
		}
	})
	t.Run("rate", func(t *testing.T) {
		client, _, ends := pair(t, config, echo)
		go func() {
			for range 30 {
				_ = client.Write(context.Background(), websocket.MessageText, []byte("x"))
			}
		}()
		if got := closing(t, client); got != "4420 too_many_requests" {
			t.Errorf("closed with %s", got)
		}
		if end := <-ends; end.Peer || end.Code != 4420 {
			t.Errorf("ended with %v", end)
		}
	})
}

func TestSilentPeerIsGone(t *testing.T) {
	t.Parallel()
	config := ws.Config{
		PingInterval: 100 * time.Millisecond, Silence: 1500 * time.Millisecond, CloseTimeout: 100 * time.Millisecond,
		Silent: ws.Closing{Code: 4408, Reason: "timed_out"},
	}
	client, c, ends := pair(t, config, nothing)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { _, _, _ = client.Read(ctx) }() // reading answers pings
	select {
	case <-c.Shutting():
		t.Fatal("a living peer was given up")
	case <-time.After(2 * time.Second):
	}
	deaf, c, deafEnds := pair(t, config, nothing) // never reads, so never answers
	_ = deaf
	select {
	case <-c.Shutting():
	case <-time.After(5 * time.Second):
		t.Fatal("a dead peer was not noticed")
	}
	if end := <-deafEnds; end.Peer || end.Code != 4408 {
		t.Errorf("ended with %v", end)
	}
	cancel()
	if end := <-ends; !end.Lost() {
		t.Errorf("ended with %v", end)
	}
}

func TestSlowReaderIsCutOff(t *testing.T) {
	config := ws.Config{Slow: ws.Closing{Code: 4408, Reason: "timed_out"}, CloseTimeout: 200 * time.Millisecond}
	for name, size := range map[string]int{"frames": 100_000, "bytes": 600_000} {
		t.Run(name, func(t *testing.T) {
			_, c, ends := pair(t, config, nothing)
			sent := 0
			for c.Send(ws.Text(make([]byte, size))) { // never blocks; what the kernel takes is limited too
				if sent++; sent > 100_000 {
					t.Fatal("there is no bound")
				}
			}
			if end := <-ends; end.Peer || end.Code != 4408 {
				t.Errorf("ended with %v", end)
			}
		})
	}
}

func TestLostConnection(t *testing.T) {
	client, _, ends := pair(t, ws.Config{}, nothing)
	_ = client.CloseNow()
	if end := <-ends; !end.Lost() {
		t.Errorf("ended with %v", end)
	}
}

// A peer that closes while frames are on the way to it has closed, not been lost.
func TestCloseOfThePeerWins(t *testing.T) {
	client, c, ends := pair(t, ws.Config{}, nothing)
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		for c.Send(ws.Text("x")) {
			select {
			case <-stop:
				return
			case <-time.After(10 * time.Microsecond):
			}
		}
	}()
	_ = client.Close(1001, "")
	if end := <-ends; !end.Peer || end.Code != 1001 {
		t.Errorf("ended with %v", end)
	}
}

func TestOrigins(t *testing.T) {
	dial := func(config ws.Config, origin string) error {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if c, err := ws.Accept(w, r, config); err == nil {
				c.Close(1000, "")
			}
		}))
		defer server.Close()
		client, _, err := websocket.Dial(t.Context(), server.URL, &websocket.DialOptions{HTTPHeader: http.Header{"Origin": {origin}}})
		if err == nil {
			_, _, _ = client.Read(t.Context())
			_ = client.CloseNow()
		}
		return err
	}
	allow := ws.Config{Origins: []string{"*.example.com"}}
	if err := dial(ws.Config{}, "https://anywhere.test"); err != nil {
		t.Error(err)
	}
	if err := dial(allow, "https://app.example.com"); err != nil {
		t.Error(err)
	}
	if dial(allow, "https://anywhere.test") == nil {
		t.Error("an origin outside the list was accepted")
	}
}

func TestOrdinaryRequestIsRefused(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := ws.Accept(w, r, ws.Config{}); err == nil {
			t.Error("accepted")
		}
	}))
	defer server.Close()
	response, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusUpgradeRequired {
		t.Errorf("status %d", response.StatusCode)
	}
}

// A peer that breaks the protocol of websockets ends its own connection.
func TestGarbageOnTheWire(t *testing.T) {
	ended := make(chan *ws.CloseError, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := ws.Accept(w, r, ws.Config{CloseTimeout: 200 * time.Millisecond})
		if err != nil {
			return
		}
		_, _, err = c.Read()
		c.Close(1002, "")
		end, _ := errors.AsType[*ws.CloseError](err)
		ended <- end
	}))
	defer server.Close()
	conn, err := net.Dial("tcp", strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"+strings.Repeat("\xff", 64))
	if end := <-ended; !end.Lost() {
		t.Errorf("ended with %v", end)
	}
}
