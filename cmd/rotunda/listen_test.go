package main

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/rotunda-rtc/rotunda/internal/ws"
)

func TestRequestsEndButSocketsMayStay(t *testing.T) {
	const arrival, departure = 100 * time.Millisecond, time.Second
	left := make(chan struct{})
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			_, err := io.ReadAll(r.Body)
			w.WriteHeader(http.StatusRequestTimeout)
			fmt.Fprint(w, err)
			return
		}
		if r.URL.Path == "/endless" {
			defer close(left)
			for err := error(nil); err == nil; {
				_, err = w.Write(make([]byte, 64<<10))
			}
			return
		}
		socket, err := ws.Accept(w, r, ws.Config{})
		if err != nil {
			t.Error(err)
			return
		}
		for {
			frame, _, err := socket.Read()
			if err != nil {
				socket.Close(1000, "")
				return
			}
			socket.Send(ws.Text(frame))
		}
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := publicServer(handler, slog.New(slog.DiscardHandler), arrival, departure)
	go func() { _ = server.Serve(listener) }()
	defer server.Close()

	socket, _, err := websocket.Dial(t.Context(), "ws://"+listener.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = socket.CloseNow() }()

	slow, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	_ = slow.SetDeadline(time.Now().Add(10 * time.Second))
	fmt.Fprint(slow, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")
	answer, err := http.ReadResponse(bufio.NewReader(slow), nil)
	if err != nil {
		t.Fatalf("a body that does not arrive: %v", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusRequestTimeout {
		t.Errorf("a body that does not arrive is answered %d", answer.StatusCode)
	}

	idle, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	fmt.Fprint(idle, "GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
	select {
	case <-left:
	case <-time.After(20 * time.Second):
		t.Fatal("a caller who does not take the answer is never left")
	}

	// The socket was opened before: its server has seen the time limits pass by now.
	if err := socket.Write(t.Context(), websocket.MessageText, []byte("still here?")); err != nil {
		t.Fatal(err)
	}
	if _, said, err := socket.Read(t.Context()); err != nil || string(said) != "still here?" {
		t.Errorf("the socket says %q, %v", said, err)
	}
}
