package rig

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/coder/websocket"
)

// Object is a JSON object.
type Object map[string]any

// Socket is a signalling connection, as api/signalling.md describes it. Requests wait for their replies, so that there is one
// under way at most. It is for one goroutine, but for Send of a request whose reply nobody awaits.
type Socket struct {
	conn    *websocket.Conn
	notices func([]byte)
	last    int // id of the last request
}

// RefusalError is an answer that a request was not carried out.
type RefusalError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (r *RefusalError) Error() string { return r.Code + ": " + r.Message }

// ClosedError is how the server closed a connection.
type ClosedError struct {
	Code   int
	Reason string
}

func (c *ClosedError) Error() string { return fmt.Sprintf("closed with %d %s", c.Code, c.Reason) }

type frame struct {
	Type  string        `json:"type"`
	Re    int           `json:"re"`
	Data  Object        `json:"data"`
	Error *RefusalError `json:"error"`
}

// Dial connects to the server at an address such as http://127.0.0.1:8080. Notices are passed to the function as they are
// read, as JSON.
func Dial(ctx context.Context, url string, notices func([]byte)) (*Socket, error) {
	conn, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(url, "http")+"/v2/signal", //nolint:bodyclose // the library does
		&websocket.DialOptions{Subprotocols: []string{"rotunda.v1"}})
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	conn.SetReadLimit(1 << 20)
	return &Socket{conn: conn, notices: notices}, nil
}

// Close drops the connection without a word.
func (s *Socket) Close() { _ = s.conn.CloseNow() }

// Send sends a request and does not wait.
func (s *Socket) Send(ctx context.Context, kind string, fields Object) error {
	s.last++
	fields["id"], fields["type"] = s.last, kind
	content, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	if err := s.conn.Write(ctx, websocket.MessageText, content); err != nil {
		return fmt.Errorf("send %s: %w", kind, err)
	}
	return nil
}

// Ask sends a request and reads until its reply. What the server would not do is a *RefusalError.
func (s *Socket) Ask(ctx context.Context, kind string, fields Object) (Object, error) {
	if err := s.Send(ctx, kind, fields); err != nil {
		return nil, err
	}
	for {
		f, err := s.read(ctx)
		switch {
		case err != nil:
			return nil, fmt.Errorf("await %s: %w", kind, err)
		case f.Re != s.last:
		case f.Error != nil:
			return nil, f.Error
		default:
			return f.Data, nil
		}
	}
}

// Listen reads until the connection ends. If the server closed it, that is a *ClosedError.
func (s *Socket) Listen(ctx context.Context) error {
	for {
		if _, err := s.read(ctx); err != nil {
			return err
		}
	}
}

func (s *Socket) read(ctx context.Context) (frame, error) {
	_, content, err := s.conn.Read(ctx)
	if closed, ok := errors.AsType[websocket.CloseError](err); ok {
		return frame{}, &ClosedError{int(closed.Code), closed.Reason}
	}
	if err != nil {
		return frame{}, fmt.Errorf("connection lost: %w", err)
	}
	var f frame
	if err := json.Unmarshal(content, &f); err != nil {
		return frame{}, err
	}
	if f.Type != "reply" && f.Type != "error" {
		s.notices(content)
	}
	return f, nil
}
