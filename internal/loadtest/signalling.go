package loadtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/coder/websocket"
)

// fields are those of a request or of a body.
type fields map[string]any

// signalling is a participant's socket, as api/signalling.md describes it. One goroutine reads; requests may be sent from any.
type signalling struct {
	conn   *websocket.Conn
	notice func(kind string, frame []byte) error

	mu      sync.Mutex
	last    int64              // guarded by mu
	waiting map[int64]awaiting // guarded by mu
	resumed bool               // answers of the socket before may come again
}

// awaiting is a request without its reply.
type awaiting struct {
	kind    string
	then    func(data json.RawMessage) error
	refused func(*RefusalError) error // nil: a refusal ends listening
}

// RefusalError is what the server would not do.
type RefusalError struct {
	Request string
	Code    string
	Message string
}

func (e *RefusalError) Error() string {
	return fmt.Sprintf("%s refused: %s: %s", e.Request, e.Code, e.Message)
}

// closedError is how the server closed a socket, but for the good end.
type closedError struct {
	code   websocket.StatusCode
	reason string
}

func (e *closedError) Error() string {
	return fmt.Sprintf("the server closed the signalling socket: %d %s", e.code, e.reason)
}

// errLeft is how a socket ends that the participant wanted closed.
var errLeft = errors.New("left")

func dialSignalling(ctx context.Context, url string, notice func(kind string, frame []byte) error) (*signalling, error) {
	conn, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(url, "http")+"/v2/signal", //nolint:bodyclose // the library does
		&websocket.DialOptions{Subprotocols: []string{"rotunda.v1"}})
	if err != nil {
		return nil, fmt.Errorf("open signalling socket: %w", err)
	}
	conn.SetReadLimit(1 << 20)
	return &signalling{conn: conn, notice: notice, waiting: map[int64]awaiting{}}, nil
}

func (s *signalling) close() { _ = s.conn.CloseNow() }

// ask sends a request. The function is called with the reply by whoever reads.
func (s *signalling) ask(ctx context.Context, kind string, f fields, then func(data json.RawMessage) error) error {
	return s.send(ctx, f, awaiting{kind: kind, then: then})
}

func (s *signalling) send(ctx context.Context, f fields, request awaiting) error {
	s.mu.Lock()
	s.last++
	f["id"], f["type"] = s.last, request.kind
	s.waiting[s.last] = request
	s.mu.Unlock()
	content, err := json.Marshal(f)
	if err != nil {
		return err
	}
	if err := s.conn.Write(ctx, websocket.MessageText, content); err != nil {
		return fmt.Errorf("send %s: %w", request.kind, err)
	}
	return nil
}

// listen reads until the socket ends, and says why. errLeft is the good end.
func (s *signalling) listen(ctx context.Context) error {
	for {
		_, content, err := s.conn.Read(ctx)
		if closed, ok := errors.AsType[websocket.CloseError](err); ok {
			if closed.Code == websocket.StatusNormalClosure {
				return errLeft
			}
			return &closedError{closed.Code, closed.Reason}
		}
		if err != nil {
			return fmt.Errorf("signalling socket lost: %w", err)
		}
		if err := s.take(content); err != nil {
			return err
		}
	}
}

func (s *signalling) take(content []byte) error {
	var f struct {
		Type  string          `json:"type"`
		Re    int64           `json:"re"`
		Data  json.RawMessage `json:"data"`
		Error struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	if err := json.Unmarshal(content, &f); err != nil {
		return fmt.Errorf("read frame: %w", err)
	}
	if f.Type != "reply" && f.Type != "error" {
		return s.notice(f.Type, content)
	}
	s.mu.Lock()
	request, ok := s.waiting[f.Re]
	delete(s.waiting, f.Re)
	s.mu.Unlock()
	switch {
	case !ok && s.resumed:
		return nil
	case f.Type == "error":
		refusal := &RefusalError{request.kind, f.Error.Code, f.Error.Message}
		if request.refused != nil {
			return request.refused(refusal)
		}
		return refusal
	case !ok:
		return fmt.Errorf("a reply to a request that was not made (%d)", f.Re)
	case request.then != nil:
		return request.then(f.Data)
	}
	return nil
}
