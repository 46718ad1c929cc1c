package signal

import (
	"context"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/video"
	"github.com/rotunda-rtc/rotunda/internal/ws"
)

// codeNotResumable tells a client to join anew.
const codeNotResumable video.Code = "not_resumable"

var errNotResumable = video.Errorf(codeNotResumable, "there is no such participant in a session")

// removedError says that the participant was put out of its session while its client was away.
type removedError struct{ reason video.LeftReason }

func (e *removedError) Error() string {
	return "the participant is out of the session: " + string(e.reason)
}

// closing is the close that says so; there is none for those who may join anew.
func (e *removedError) closing() (ws.Closing, bool) {
	switch e.reason {
	case video.LeftKicked, video.LeftSessionEnded, video.LeftRoomDeleted, video.LeftDuplicate:
		return removals[e.reason], true
	}
	return ws.Closing{}, false
}

// performResume puts this connection in front of a participant that came in over another.
func (c *conn) performResume(ctx context.Context, r request) error {
	fields, err := parse[resumeFields](r)
	if err != nil {
		return err
	}
	err = missing(
		required("/version", fields.Version), required("/token", fields.Token),
		required("/participant_id", fields.ParticipantID), required("/secret", fields.Secret), required("/seq", fields.Seq),
	)
	if err != nil {
		return err
	}
	if *fields.Version != 1 {
		return errVersion
	}
	s, err := c.stays.find(keyOf(*fields.Secret), *fields.ParticipantID)
	if err != nil {
		return err
	}
	grant, err := c.config.Tokens.Verify(ctx, *fields.Token)
	if err != nil {
		return err
	}
	if grant.RoomID != s.room {
		return video.Errorf(video.CodeUnauthorized, "the token is for another room").WithField("/token")
	}
	before, err := s.claim(c)
	if err != nil {
		return err
	}
	c.stay = s
	c.greet(grant)
	c.log = c.log.With("room", grant.RoomID, "participant", s.id)
	before.shut(closeReplaced)
	<-before.idle // what it was carrying out is done, and the answer is in the backlog
	return c.takeOver(ctx, r, *fields.Seq)
}

// takeOver tells the client what it missed, and from then on what happens. It counts what is not among the frames that are
// sent again as heard.
func (c *conn) takeOver(ctx context.Context, r request, seq uint64) error {
	s, servers := c.stay, c.iceServers()
	err := s.participant.Resume(ctx, c.grant, func(snapshot func() live.Snapshot) {
		s.conn = c
		data := resumeReply{
			Seq: seq, Received: s.received, TokenExpiresAt: timestamp(c.grant.ExpiresAt), ICEServers: servers,
		}
		missed, complete := s.backlog.since(seq)
		if seq > s.seq || !complete {
			missed = s.backlog.answers()
			s.backlog.skip(s.seq)
			body := snapshotOf(snapshot())
			data.Seq, data.Snapshot = s.seq, &body
		}
		c.free(r.ID)
		c.socket.Send(reply(r.ID, data))
		for _, frame := range missed {
			c.socket.Send(frame)
		}
		c.log.Info("participant resumed", "missed", len(missed), "snapshot", data.Snapshot != nil)
	})
	if left := s.leftReason(); err != nil && left != "" {
		return &removedError{left}
	}
	if err == nil {
		s.stays.resumed.Add(1)
		c.keepServers(ctx)
	}
	return err
}
