package signal

import (
	"context"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// dispatch carries out one request. It has queued the reply if it returns nil.
func (c *conn) dispatch(ctx context.Context, r request) error {
	if c.grant.RoomID == "" {
		if r.Type != "hello" {
			return video.Errorf(video.CodeState, "the first request must be hello")
		}
		return c.performHello(ctx, r)
	}
	switch r.Type {
	case "hello":
		return video.Errorf(video.CodeState, "hello was said already")
	case "join":
		return c.performJoin(ctx, r)
	case "update_token":
		return c.performUpdateToken(ctx, r)
	case "ping":
		c.succeed(r, emptyReply{})
		return nil
	}
	perform, known := inSession[r.Type]
	switch {
	case !known:
		return video.Errorf(codeUnknownRequest, "there is no request %.64q", r.Type)
	case c.participant == nil && r.Type == "leave":
		c.succeed(r, emptyReply{})
		c.shut(closeLeft)
		return nil
	case c.participant == nil:
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
	"send_message":        (*conn).performSendMessage,
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
		return video.Errorf(codeUnsupportedVersion, "this server speaks version 1").WithField("/version")
	}
	grant, err := c.config.Tokens.Verify(ctx, *fields.Token)
	if err != nil {
		return err
	}
	room, err := c.config.Host.Room(ctx, grant)
	if err != nil {
		return err
	}
	c.hello.Stop()
	c.welcome()
	c.grant = grant
	c.expireWith(grant)
	c.log = c.log.With("room", room.ID)
	if fields.Client != nil {
		c.log.Debug("hello", "client", short(fields.Client.Name), "version", short(fields.Client.Version))
	}
	c.succeed(r, helloReply{
		Version:    1,
		Room:       roomBody{room.ID, room.UniqueName, room.MaxParticipants},
		ICEServers: c.iceServers(),
		Grants:     grantsBody(grant.Grants), TokenExpiresAt: timestamp(grant.ExpiresAt),
		Limits: limitsBody{
			FrameBytes: c.config.Socket.FrameBytes, MessageBytes: video.MaxMessageBytes,
			ContextBytes: video.MaxContextBytes, Streams: video.MaxStreamsPerParticipant,
		},
		Server: serverBody{c.config.Version},
	})
	return nil
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
	if c.participant != nil {
		if err := c.participant.Renew(ctx, grant); err != nil {
			return err
		}
	}
	c.grant = grant
	c.expireWith(grant)
	c.succeed(r, updateTokenReply{timestamp(grant.ExpiresAt)})
	return nil
}

func (c *conn) performJoin(ctx context.Context, r request) error {
	fields, err := parse[joinFields](r)
	if err != nil {
		return err
	}
	if c.participant != nil {
		return video.Errorf(video.CodeState, "joined already")
	}
	if err := missing(required("/participant_id", fields.ParticipantID)); err != nil {
		return err
	}
	c.participant, _, err = c.config.Host.Join(ctx, live.JoinRequest{
		Grant: c.grant, ID: *fields.ParticipantID, Context: fields.Context,
		ReceivesMessages: fields.ReceivesMessages, Listener: c,
		Joined: func(s live.Snapshot) {
			data := joinReply{
				SessionID: s.SessionID, ParticipantID: *fields.ParticipantID,
				Participants: make([]participantBody, 0, len(s.Participants)),
				Streams:      make([]streamBody, 0, len(s.Streams)),
				Recording:    s.Recording,
			}
			for _, p := range s.Participants {
				data.Participants = append(data.Participants, participantOf(p))
			}
			for _, st := range s.Streams {
				data.Streams = append(data.Streams, streamOf(st))
			}
			c.succeed(r, data)
		},
	})
	if err != nil {
		return err
	}
	c.log = c.log.With("participant", c.participant.ID())
	if participant := c.participant; !c.expires.IsZero() {
		c.others.Go(func() { c.guard(func() { c.renewServers(ctx, participant, c.expires) }) })
	}
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
	for _, id := range fields.Recipients {
		if !video.IsUUID(string(id)) {
			return video.Errorf(video.CodeInvalid, "a recipient is no participant id").WithField("/recipients")
		}
	}
	_, err = c.participant.SendMessage(ctx, fields.Message, fields.Recipients, func(missed []video.ParticipantID) {
		if missed == nil {
			missed = []video.ParticipantID{}
		}
		c.succeed(r, sendMessageReply{missed})
	})
	return err
}

func (c *conn) performLeave(_ context.Context, r request) error {
	c.succeed(r, emptyReply{})
	c.participant.Leave(video.LeftByChoice)
	return nil
}
