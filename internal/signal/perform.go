package signal

import (
	"context"
	"log/slog"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// traced are the requests of which there are spans, those of sessions beside them. Lossy data is media, of which there are none.
func traced(kind string) bool {
	switch kind {
	case "hello", "resume", "join", "update_token":
		return true
	}
	return inSession[kind] != nil && kind != "send_data"
}

// dispatch carries out one request, in a span of its own. It has queued the reply if it returns nil.
func (c *conn) dispatch(ctx context.Context, r request) error {
	if c.config.Traces == nil || !traced(r.Type) {
		return c.carry(ctx, r)
	}
	ctx, span := c.config.Traces.Start(ctx, "signal "+r.Type, slog.String("connection", c.name))
	err := c.carry(ctx, r)
	span.End(err)
	return err
}

func (c *conn) carry(ctx context.Context, r request) error {
	if c.grant.RoomID == "" {
		switch r.Type {
		case "hello":
			return c.performHello(ctx, r)
		case "resume":
			return c.performResume(ctx, r)
		}
		return video.Errorf(video.CodeState, "the first request must be hello or resume")
	}
	switch r.Type {
	case "hello", "resume":
		return video.Errorf(video.CodeState, "hello was said already")
	case "join":
		return c.performJoin(ctx, r)
	case "update_token":
		return c.performUpdateToken(ctx, r)
	}
	perform, known := inSession[r.Type]
	switch {
	case !known:
		return video.Errorf(codeUnknownRequest, "there is no request %.64q", r.Type)
	case c.stay == nil && r.Type == "leave":
		c.succeed(r, emptyReply{})
		c.shut(closeLeft)
		return nil
	case c.stay == nil:
		return video.Errorf(video.CodeState, "join comes first")
	}
	return perform(c, ctx, r)
}

// inSession are the requests of those who joined.
var inSession = map[string]func(*conn, context.Context, request) error{
	"publish":             (*conn).performPublish,
	"update_stream":       (*conn).performUpdateStream,
	"unpublish":           (*conn).performUnpublish,
	"subscribe":           (*conn).performSubscribe,
	"update_subscription": (*conn).performUpdateSubscription,
	"unsubscribe":         (*conn).performUnsubscribe,
	"offer":               (*conn).performOffer,
	"replace_media":       (*conn).performReplaceMedia,
	"send_message":        (*conn).performSendMessage,
	"report_quality":      (*conn).performReportQuality,
	"send_data":           (*conn).performSendData,
	"leave":               (*conn).performLeave,
}

func (c *conn) performHello(ctx context.Context, r request) error {
	fields, err := parse[helloFields](r)
	if err != nil {
		return err
	}
	if err := missing(required("/version", fields.Version), required("/token", fields.Token)); err != nil {
		return err
	}
	if *fields.Version != 1 {
		return errVersion
	}
	grant, err := c.config.Tokens.Verify(ctx, *fields.Token)
	if err != nil {
		return err
	}
	room, err := c.config.Host.Room(ctx, grant)
	if err != nil {
		return err
	}
	c.greet(grant)
	c.log = c.log.With("room", room.ID)
	if fields.Client != nil {
		c.client.Name, c.client.Version = described(fields.Client.Name), described(fields.Client.Version)
		c.log.Debug("hello", "client", short(fields.Client.Name), "version", short(fields.Client.Version))
	}
	c.succeed(r, helloReply{
		Version:    1,
		Room:       roomBody{room.ID, room.UniqueName, room.MaxParticipants, room.E2EE},
		ICEServers: c.iceServers(),
		Grants:     grantsBody(grant.Grants), TokenExpiresAt: timestamp(grant.ExpiresAt),
		Limits: limitsBody{
			FrameBytes: c.config.Socket.FrameBytes, MessageBytes: video.MaxMessageBytes,
			ContextBytes: video.MaxContextBytes, Streams: video.MaxStreamsPerParticipant,
		},
		QualitySecs: c.config.QualityInterval.Seconds(),
		Server:      serverBody{c.config.Version},
	})
	return nil
}

var errVersion = video.Errorf(codeUnsupportedVersion, "this server speaks version 1").WithField("/version")

// greet takes a client for one with this grant.
func (c *conn) greet(grant video.Grant) {
	c.hello.Stop()
	c.welcome()
	c.grant = grant
	c.expireWith(grant)
}

// expireWith closes the connection a while after its token expired.
func (c *conn) expireWith(grant video.Grant) {
	left := time.Until(grant.ExpiresAt) + c.config.TokenAllowance
	if c.expiry == nil {
		c.expiry = time.AfterFunc(left, func() { c.shut(closeUnauthorized) })
		return
	}
	c.expiry.Reset(left)
}

func (c *conn) performUpdateToken(ctx context.Context, r request) error {
	fields, err := parse[tokenFields](r)
	if err != nil {
		return err
	}
	if err := missing(required("/token", fields.Token)); err != nil {
		return err
	}
	grant, err := c.config.Tokens.Verify(ctx, *fields.Token)
	if err != nil {
		return err
	}
	if grant.RoomID != c.grant.RoomID || grant.AccountID != c.grant.AccountID {
		return video.Errorf(video.CodeUnauthorized, "the token is for another room").WithField("/token")
	}
	if c.stay != nil {
		if err := c.stay.participant.Renew(ctx, grant); err != nil {
			return err
		}
	}
	c.grant = grant
	c.expireWith(grant)
	c.inOrder(func() { c.succeed(r, updateTokenReply{timestamp(grant.ExpiresAt)}) })
	return nil
}

func (c *conn) performJoin(ctx context.Context, r request) error {
	fields, err := parse[joinFields](r)
	if err != nil {
		return err
	}
	if c.stay != nil {
		return video.Errorf(video.CodeState, "joined already")
	}
	if err := missing(required("/participant_id", fields.ParticipantID)); err != nil {
		return err
	}
	stay, secret := newStay(c, *fields.ParticipantID)
	stay.participant, _, err = c.config.Host.Join(ctx, live.JoinRequest{
		Grant: c.grant, ID: stay.id, Context: fields.Context,
		ReceivesMessages: fields.ReceivesMessages, Listener: stay, Client: c.client,
		Joined: func(s live.Snapshot) {
			data := joinReply{SessionID: s.SessionID, ParticipantID: stay.id, snapshotBody: snapshotOf(s)}
			if grace := c.config.ResumeGrace; grace > 0 {
				data.Resume = &resumeBody{secret, grace.Seconds()}
			}
			c.free(r.ID)
			if c.config.ResumeGrace > 0 {
				c.stays.add(stay)
			}
			stay.answer(reply(r.ID, data))
		},
	})
	if err != nil {
		return err
	}
	c.stay = stay
	c.log = c.log.With("participant", stay.id)
	c.keepServers(ctx)
	return nil
}

func (c *conn) performSendMessage(ctx context.Context, r request) error {
	fields, err := parse[sendMessageFields](r)
	if err != nil {
		return err
	}
	if len(fields.Message) > video.MaxMessageBytes {
		return video.Errorf(video.CodeTooLarge, "the message is longer than %d bytes", video.MaxMessageBytes).WithField("/message")
	}
	if err := checkMessage(fields.Message); err != nil {
		return err
	}
	if err := checkRecipients(fields.Recipients); err != nil {
		return err
	}
	_, err = c.stay.participant.SendMessage(ctx, fields.Message, fields.Recipients, c.sent(r))
	return err
}

func (c *conn) performSendData(ctx context.Context, r request) error {
	fields, err := parse[sendDataFields](r)
	if err != nil {
		return err
	}
	if err := missing(required("/data", fields.Data)); err != nil {
		return err
	}
	if err := checkRecipients(fields.Recipients); err != nil {
		return err
	}
	_, err = c.stay.participant.SendData(ctx, *fields.Data, fields.Topic, fields.Recipients, c.sent(r))
	return err
}

func checkRecipients(ids []video.ParticipantID) error {
	for _, id := range ids {
		if !video.IsUUID(string(id)) {
			return video.Errorf(video.CodeInvalid, "a recipient is no participant id").WithField("/recipients")
		}
	}
	return nil
}

// sent answers with those who were not reached.
func (c *conn) sent(r request) func([]video.ParticipantID) {
	return func(missed []video.ParticipantID) {
		if missed == nil {
			missed = []video.ParticipantID{}
		}
		c.succeed(r, sendMessageReply{missed})
	}
}

func (c *conn) performLeave(_ context.Context, r request) error {
	c.inOrder(func() { c.succeed(r, emptyReply{}) })
	c.stay.participant.Leave(video.LeftByChoice)
	return nil
}
