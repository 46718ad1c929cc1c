package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/coder/websocket"
)

// conn is a signalling socket, as api/signalling.md describes it. Requests wait for their replies, so that there is one
// under way at most.
type conn struct {
	socket *websocket.Conn
	last   int // id of the last request
}

// refusal is an answer that a request was not carried out.
type refusal struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (r *refusal) Error() string { return r.Code + ": " + r.Message }

type frame struct {
	Type  string   `json:"type"`
	Re    int      `json:"re"`
	Data  fact     `json:"data"`
	Error *refusal `json:"error"`
}

func dial(ctx context.Context, url string) (*conn, error) {
	socket, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(url, "http")+"/v2/signal", //nolint:bodyclose // the library's
		&websocket.DialOptions{Subprotocols: []string{"rotunda.v1"}})
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	socket.SetReadLimit(1 << 20)
	return &conn{socket: socket}, nil
}

func (c *conn) close() { _ = c.socket.CloseNow() }

func (c *conn) send(ctx context.Context, kind string, fields fact) error {
	c.last++
	fields["id"], fields["type"] = c.last, kind
	content, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	if err := c.socket.Write(ctx, websocket.MessageText, content); err != nil {
		return fmt.Errorf("send %s: %w", kind, err)
	}
	return nil
}

// ask sends a request and reads until its reply, telling the notices on the way.
func (c *conn) ask(ctx context.Context, tell *teller, kind string, fields fact) (fact, error) {
	if err := c.send(ctx, kind, fields); err != nil {
		return nil, err
	}
	for {
		f, err := c.read(ctx, tell)
		switch {
		case err != nil:
			return nil, fmt.Errorf("await %s: %w", kind, err)
		case f.Re != c.last:
		case f.Error != nil:
			return nil, f.Error
		default:
			return f.Data, nil
		}
	}
}

func (c *conn) read(ctx context.Context, tell *teller) (frame, error) {
	_, content, err := c.socket.Read(ctx)
	if err != nil {
		return frame{}, err
	}
	var f frame
	if err := json.Unmarshal(content, &f); err != nil {
		return frame{}, err
	}
	if f.Type != "reply" && f.Type != "error" {
		tell.say(fact{"event": "notice", "notice": json.RawMessage(content)})
	}
	return f, nil
}

// listen tells what comes until the socket is closed, and how it was.
func (c *conn) listen(ctx context.Context, tell *teller) error {
	for {
		_, err := c.read(ctx, tell)
		if err == nil {
			continue
		}
		closed, ok := errors.AsType[websocket.CloseError](err)
		if !ok {
			return fmt.Errorf("connection lost: %w", err)
		}
		tell.say(fact{"event": "closed", "code": int(closed.Code), "reason": closed.Reason})
		return nil
	}
}

// newID makes a UUID of version 4.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
