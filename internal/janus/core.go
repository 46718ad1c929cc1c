package janus

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

var errNoSession = &coreError{coreNoSession, "there is no such session on this socket"}

// handle is one leg. It belongs to the performer.
type handle struct {
	id     uint64
	plugin plugin
	role   role

	text TextChannel // of T

	feed      *ownFeed // of P
	publisher *live.Publisher
	lines     video.Lines
	display   display
	audio     bool // what is let through: of P as its owner switched it, of S as it is wanted
	video     bool
	streamID  video.StreamID // of P once it is published

	viewer *live.Viewer // of S
	wanted uint64       // the feed
}

type role int

const (
	undecided role = iota
	register
	mix
	listener
	publisher
	subscriber
	text
)

// carryOut answers one request.
func (c *conn) carryOut(ctx context.Context, r request) {
	if c.over || !c.see(ctx, r.Token) {
		return
	}
	if r.Janus != "create" && (c.session.Load() == 0 || r.SessionID != c.session.Load()) {
		if _, quick := quickAnswers[r.Janus]; !quick { // it has its answer
			c.refuseCore(r, errNoSession)
		}
		return
	}
	var err error
	switch r.Janus {
	case "create":
		err = c.create(r)
	case "attach":
		err = c.attach(ctx, r)
	case "message":
		err = c.message(ctx, r)
	case "detach":
		c.detach(r)
	case "destroy":
		c.destroy(r)
	case "keepalive", "trickle", "ping", "hangup", "claim":
	default:
		err = &coreError{coreUnknownRequest, "there is no request of this name"}
	}
	if f, ok := err.(*fatal); ok { //nolint:errorlint // made here, never wrapped
		c.over = true
		c.refuse(f, video.LeftByChoice)
		return
	}
	if err != nil {
		c.refuseCore(r, err)
	}
}

// see takes note of a token. It reports false if that was the end of the session.
func (c *conn) see(ctx context.Context, token string) bool {
	if token == c.token && c.token != "" {
		return true
	}
	c.token = token
	grant, err := c.config.Tokens.Verify(ctx, token)
	if err == nil && grant.RoomID != c.room {
		err = video.Errorf(video.CodeForbidden, "the token is for another room")
	}
	if err == nil && c.participant != nil && grant.ExpiresAt.After(c.grant.ExpiresAt) {
		err = c.participant.Renew(ctx, grant)
	}
	switch {
	case err != nil && !c.entered:
		c.refusal = err // shown at the first attach: before that the application has no listeners
	case err != nil:
		f := asFatal(err)
		if f == nil {
			return true // it leaves; its end comes by itself
		}
		c.over = true
		c.refuse(f, video.LeftTokenExpired)
		return false
	case c.grant.RoomID == "" || grant.ExpiresAt.After(c.grant.ExpiresAt):
		c.grant, c.refusal = grant, nil
		c.expireWith(grant)
		if c.admitted.CompareAndSwap(false, true) {
			c.welcome()
			c.life.Reset(c.config.SessionTimeout)
		}
	}
	return true
}

// expireWith ends the session a while after its token expired.
func (c *conn) expireWith(grant video.Grant) {
	left := time.Until(grant.ExpiresAt) + c.config.TokenAllowance
	if c.expiry != nil {
		c.expiry.Reset(left)
		return
	}
	c.expiry = time.AfterFunc(left, func() {
		c.refuse(&fatal{401, "client token has expired", closeUnauthorized}, video.LeftTokenExpired)
	})
}

func (c *conn) create(r request) error {
	id := rand.Uint64N(maxID) + 1
	if !c.session.CompareAndSwap(0, id) {
		return &coreError{coreInUse, "there is a session on this socket"}
	}
	c.view.web = video.IsUUID(r.Transaction)
	c.view.android = len(r.Transaction) == androidTransaction
	c.socket.Send(frame(answer{Janus: "success", Transaction: r.Transaction, Data: object{"id": id}}))
	return nil
}

// androidTransaction is the length of a transaction id by which Android clients are known.
const androidTransaction = 12

func (c *conn) attach(ctx context.Context, r request) error {
	p := plugin(r.Plugin)
	switch p {
	case audiobridge, videoroom, textroom:
	case "":
		return &coreError{coreMissing, "the plugin is missing"}
	default:
		return &coreError{coreNoPlugin, "there is no plugin of this name"}
	}
	if err := c.enter(ctx); err != nil {
		return err
	}
	if len(c.handles) >= c.config.MaxHandles {
		return &coreError{coreAttachFailed, "the session has too many handles"}
	}
	c.lastHandle++
	c.handles[c.lastHandle] = &handle{id: c.lastHandle, plugin: p}
	c.socket.Send(frame(answer{Janus: "success", SessionID: c.session.Load(), Transaction: r.Transaction, Data: object{"id": c.lastHandle}}))
	c.inView(ctx, c.view.release)
	return nil
}

// enter decides at the first attach whether the client may come in.
func (c *conn) enter(ctx context.Context) error {
	if c.entered {
		return nil
	}
	err := c.refusal
	if err == nil {
		err = c.config.Host.Vacancy(ctx, c.grant)
	}
	if err != nil {
		return refusalOf(err)
	}
	c.entered = true
	return nil
}

// refusalOf is the end of a session that err refuses.
func refusalOf(err error) error {
	if f := asFatal(err); f != nil {
		return f
	}
	return &fatal{503, "internal error", closeInternal}
}

// inView runs f where the view may be touched: in the session loop, or here while there is none.
func (c *conn) inView(ctx context.Context, f func()) {
	if c.participant == nil {
		f()
		return
	}
	_ = c.participant.InOrder(ctx, f) // if it is out, nobody needs the view any more
}

// message takes a message to its handle.
func (c *conn) message(ctx context.Context, r request) error {
	h := c.handles[r.HandleID]
	if h == nil {
		return &coreError{coreNoHandle, "there is no such handle in the session"}
	}
	var body struct {
		Request string `json:"request"`
	}
	switch {
	case len(r.Body) == 0:
		return &coreError{coreMissing, "the body is missing"}
	case r.JSEP != nil && r.JSEP.Type != "offer" && r.JSEP.Type != "answer":
		return &coreError{464, "the jsep is neither offer nor answer"}
	}
	c.socket.Send(frame(answer{Janus: "ack", SessionID: c.session.Load(), Transaction: r.Transaction}))
	err := json.Unmarshal(r.Body, &body)
	perform := h.plugin.request(body.Request)
	switch {
	case err != nil:
		err = refuse(badJSON, "the body is no object with a request")
	case perform == nil:
		err = refuse(unknownRequest, "there is no request of this name")
	default:
		err = perform(c, ctx, h, r)
	}
	if f, ok := err.(*fatal); ok { //nolint:errorlint // made here, never wrapped
		return f
	}
	if err != nil {
		number, text, ours := h.plugin.shown(err)
		level := c.logger.Debug
		if ours {
			level = c.logger.Error
		}
		level("request refused", "plugin", h.plugin, "request", short(body.Request), "transaction", r.Transaction, "error", err)
		c.event(h, r, object{h.plugin.field(): "event", "error_code": number, "error": text}, nil)
	}
	return nil
}

// request finds how a plugin carries out a request, or nil.
func (p plugin) request(name string) func(*conn, context.Context, *handle, request) error {
	switch p.field() + " " + name {
	case "audiobridge join":
		return (*conn).joinAudiobridge
	case "audiobridge configure":
		return (*conn).configureMix
	case "videoroom join":
		return (*conn).joinVideoroom
	case "videoroom configure":
		return (*conn).configureVideoroom
	case "videoroom start":
		return (*conn).start
	case "videoroom pause":
		return (*conn).pause
	case "textroom setup":
		return (*conn).setupText
	case "textroom ack":
		return (*conn).acceptText
	}
	return nil
}

// event answers a message.
func (c *conn) event(h *handle, r request, data object, description *jsep) {
	c.socket.Send(frame(answer{
		Janus: "event", SessionID: c.session.Load(), Sender: h.id, Transaction: r.Transaction,
		PluginData: &pluginData{h.plugin, data}, JSEP: description,
	}))
}

// detach always succeeds: clients detach the same handle twice.
func (c *conn) detach(r request) {
	if h := c.handles[r.HandleID]; h != nil {
		delete(c.handles, h.id)
		c.release(h)
	}
	c.socket.Send(frame(answer{Janus: "success", SessionID: c.session.Load(), Transaction: r.Transaction}))
}

// release ends what a handle has.
func (c *conn) release(h *handle) {
	switch {
	case h.role == register:
		c.participant.Leave(video.LeftByChoice)
	case h.role == listener, h.role == mix:
		c.inView(context.Background(), func() { c.view.forget(h.id) })
	case h.publisher != nil:
		h.publisher.Close()
		h.publisher = nil
	case h.viewer != nil:
		h.viewer.Close()
	case h.text != nil:
		c.inView(context.Background(), func() { c.view.text = nil })
		h.text.Close()
	}
	if h.role == publisher {
		c.publishing--
	}
}

// destroy ends the session. The client closes the socket itself, and has usually done so.
func (c *conn) destroy(r request) {
	c.over = true
	c.socket.Send(frame(answer{Janus: "success", SessionID: c.session.Load(), Transaction: r.Transaction}))
	if c.participant != nil {
		c.participant.Leave(video.LeftByChoice)
	}
	c.shutLater(c.config.FarewellTime, closeBye)
}
