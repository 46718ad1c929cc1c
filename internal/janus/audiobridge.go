package janus

import (
	"context"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

type audiobridgeFields struct {
	Room    string `json:"room"`
	Display string `json:"display"`
}

// joinAudiobridge joins R or M: the one whose display has a stream is M.
func (c *conn) joinAudiobridge(ctx context.Context, h *handle, r request) error {
	fields, err := parse[audiobridgeFields](r.Body)
	switch {
	case err != nil:
		return err
	case h.role != undecided:
		return refuse(alreadyJoined, "the handle joined already")
	case fields.Room != string(c.room):
		return refuse(noRoom, "the session is for another room")
	case fields.Display == "":
		return refuse(missingElement, "the display is missing")
	}
	d, err := c.ownDisplay(fields.Display)
	if err != nil {
		return err
	}
	if d.Stream == nil {
		return c.join(ctx, h, r, d)
	}
	if c.participant == nil || c.view.mix != 0 {
		return refuse(notJoined, "the participant joins first, and has one mixed leg")
	}
	return c.participant.InOrder(ctx, func() {
		h.role, c.view.mix = mix, h.id
		c.event(h, r, object{"audiobridge": "joined", "room": c.room, "id": c.view.number(), "participants": c.view.participants()}, nil)
	})
}

// ownDisplay reads the display of a leg, which must be of the session's participant.
func (c *conn) ownDisplay(text string) (display, error) {
	d, err := parseDisplay(text)
	switch {
	case err != nil:
		return d, err
	case c.view.self != "" && d.ParticipantID != string(c.view.self), c.textName != "" && d.ParticipantID != c.textName:
		return d, refuse(wrongElement, "the display is of another participant than the session")
	}
	return d, nil
}

// join is the join of R: the client becomes a participant.
func (c *conn) join(ctx context.Context, h *handle, r request, d display) error {
	if c.participant != nil {
		return refuse(alreadyJoined, "the participant joined already")
	}
	c.view.self, c.view.register = video.ParticipantID(d.ParticipantID), h.id
	participant, _, err := c.config.Host.Join(ctx, live.JoinRequest{
		Grant: c.grant, ID: c.view.self, Context: d.External, Plain: true, TwoWayAudio: true, SumOfStreams: c.view.web,
		ReceivesMessages: d.CanReceiveMessages != nil && *d.CanReceiveMessages,
		Listener:         c.view,
		Joined: func(s live.Snapshot) {
			c.view.begin(s)
			c.event(h, r, object{"audiobridge": "joined", "room": c.room, "id": c.view.selfID, "participants": c.view.participants()}, nil)
			c.view.hold()
		},
	})
	if err != nil {
		c.view.self, c.view.register = "", 0
		if f := asFatal(err); f != nil {
			return f
		}
		return err
	}
	h.role, c.participant = register, participant
	c.logger.Debug("joined", "participant", participant.ID())
	return nil
}

// configureMix answers the offer of M, and the sign that the client swapped its microphone.
func (c *conn) configureMix(ctx context.Context, h *handle, r request) error {
	if h.role != mix {
		return refuse(notJoined, "the handle is not the mixed leg")
	}
	var description *jsep
	if r.JSEP != nil {
		if r.JSEP.Type != "offer" {
			return refuse(badSDP, "the mixed leg begins with an offer")
		}
		sdp, err := c.participant.Negotiate(ctx, r.JSEP.SDP, nil)
		if err != nil {
			return err
		}
		description = &jsep{"answer", sdp}
	}
	c.event(h, r, object{"audiobridge": "event", "room": c.room, "result": "ok"}, description)
	return nil
}
