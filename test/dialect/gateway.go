package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/coder/websocket"

	"github.com/rotunda-rtc/rotunda/internal/video"
	"github.com/rotunda-rtc/rotunda/test/rig"
)

// farewell is how long the server may take to close a socket.
const farewell = 10 * time.Second

// gateway is a session of the dialect on its socket.
type gateway struct {
	conn    *websocket.Conn
	token   string
	session float64
	pushes  func(data) // told of each push as it is read
}

// data is what a plugin says.
type data map[string]any

func (d data) number(key string) float64 { n, _ := d[key].(float64); return n }

// frame is what comes from the server.
type frame struct {
	Janus       string `json:"janus"`
	Transaction string `json:"transaction"`
	Data        struct {
		ID float64 `json:"id"`
	} `json:"data"`
	Plugin struct {
		Data data `json:"data"`
	} `json:"plugindata"`
	Description struct {
		SDP string `json:"sdp"`
	} `json:"jsep"`
}

func openGateway(ctx context.Context, url, room, token string, pushes func(data)) (*gateway, error) {
	conn, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(url, "http")+"/"+room+"/janus", //nolint:bodyclose // the library does
		&websocket.DialOptions{Subprotocols: []string{"janus-protocol"}})
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	conn.SetReadLimit(1 << 20)
	g := &gateway{conn: conn, token: token, pushes: pushes}
	created, err := g.ask(ctx, rig.Object{"janus": "create"})
	if err != nil {
		_ = conn.CloseNow()
		return nil, err
	}
	g.session = created.Data.ID
	return g, nil
}

func (g *gateway) send(ctx context.Context, request rig.Object) (transaction string, err error) {
	transaction = video.NewUUID()
	request["transaction"], request["client_token"] = transaction, g.token
	if g.session != 0 {
		request["session_id"] = g.session
	}
	content, err := json.Marshal(request)
	if err != nil {
		return "", err
	}
	return transaction, g.conn.Write(ctx, websocket.MessageText, content)
}

func (g *gateway) read(ctx context.Context) (f frame, err error) {
	_, content, err := g.conn.Read(ctx)
	if err != nil {
		return f, err
	}
	if err := json.Unmarshal(content, &f); err != nil {
		return f, fmt.Errorf("frame %s: %w", content, err)
	}
	if f.Transaction == "" && f.Plugin.Data != nil {
		g.pushes(f.Plugin.Data)
	}
	return f, nil
}

// ask sends a request and reads until its answer, which is no ack.
func (g *gateway) ask(ctx context.Context, request rig.Object) (frame, error) {
	transaction, err := g.send(ctx, request)
	if err != nil {
		return frame{}, err
	}
	for {
		f, err := g.read(ctx)
		switch {
		case err != nil:
			return f, fmt.Errorf("await answer to %v: %w", request["janus"], err)
		case f.Transaction != transaction || f.Janus == "ack":
		case f.Janus == "error" || f.Plugin.Data["error_code"] != nil:
			return f, fmt.Errorf("%v refused: %v", request, f.Plugin.Data)
		default:
			return f, nil
		}
	}
}

// attach opens a handle, and tells it the first thing.
func (g *gateway) attach(ctx context.Context, plugin string, body rig.Object) (handle float64, answer frame, err error) {
	attached, err := g.ask(ctx, rig.Object{"janus": "attach", "plugin": "janus.plugin." + plugin})
	if err != nil {
		return 0, frame{}, err
	}
	answer, err = g.tell(ctx, attached.Data.ID, body)
	return attached.Data.ID, answer, err
}

// tell sends a message to a handle, with a description if there is one: its type and SDP.
func (g *gateway) tell(ctx context.Context, handle float64, body rig.Object, description ...string) (frame, error) {
	request := rig.Object{"janus": "message", "handle_id": handle, "body": body}
	if len(description) > 0 {
		request["jsep"] = rig.Object{"type": description[0], "sdp": description[1]}
	}
	return g.ask(ctx, request)
}

// stay reads what comes, and keeps the session, until ctx ends; then it leaves.
func (g *gateway) stay(ctx context.Context) error {
	ended := make(chan error, 1)
	go func() {
		for {
			if _, err := g.read(context.WithoutCancel(ctx)); err != nil {
				ended <- err
				return
			}
		}
	}()
	alive := time.NewTicker(keepalive)
	defer alive.Stop()
	for {
		select {
		case err := <-ended:
			return fmt.Errorf("ended early: %w", err)
		case <-alive.C:
			if _, err := g.send(ctx, rig.Object{"janus": "keepalive"}); err != nil && ctx.Err() == nil {
				return err
			}
		case <-ctx.Done():
			return g.leave(context.WithoutCancel(ctx), ended)
		}
	}
}

// keepalive is how often browsers of the dialect send one.
const keepalive = 10 * time.Second

func (g *gateway) leave(ctx context.Context, ended <-chan error) error {
	if _, err := g.send(ctx, rig.Object{"janus": "destroy"}); err != nil {
		return err
	}
	closing := make(chan error, 1)
	go func() { closing <- g.conn.Close(websocket.StatusNormalClosure, "") }()
	select {
	case <-ended: //nolint:errcheck // the close says how it ended
		return <-closing
	case <-time.After(farewell):
		return errors.New("the server does not answer destroy")
	}
}

// show is a display: who this is, and what else there is to say.
func show(id, rest string) string {
	return base64.StdEncoding.EncodeToString([]byte(`{"participantId":"` + id + `"` + rest + `}`))
}

// showsOwner reads the participant out of a display.
func showsOwner(display any) string {
	text, _ := display.(string)
	content, err := base64.StdEncoding.DecodeString(text)
	var shown struct {
		ParticipantID string `json:"participantId"`
	}
	if err != nil || json.Unmarshal(content, &shown) != nil {
		return ""
	}
	return shown.ParticipantID
}
