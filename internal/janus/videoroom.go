package janus

import (
	"context"
	"unicode/utf8"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

type videoroomFields struct {
	Room    string  `json:"room"`
	Type    string  `json:"ptype"`
	Display string  `json:"display"`
	Feed    *uint64 `json:"feed"`
	Audio   *bool   `json:"audio"`
	Video   *bool   `json:"video"`
}

// joinVideoroom joins L, P or S.
func (c *conn) joinVideoroom(ctx context.Context, h *handle, r request) error {
	fields, err := parse[videoroomFields](r.Body)
	switch {
	case err != nil:
		return err
	case h.role != undecided:
		return refuse(alreadyJoined, "the handle joined already")
	case c.participant == nil:
		return refuse(notJoined, "the participant joins the audiobridge first")
	case fields.Room != string(c.room):
		return refuse(noRoom, "the session is for another room")
	case fields.Type == "subscriber":
		return c.joinSubscriber(ctx, h, r, fields)
	case fields.Type != "publisher":
		return refuse(wrongElement, "the ptype is neither publisher nor subscriber")
	}
	d, err := c.ownDisplay(fields.Display)
	if err != nil {
		return err
	}
	if d.Stream != nil {
		return c.joinPublisher(ctx, h, r, d)
	}
	if c.view.listener != 0 {
		return refuse(alreadyJoined, "there is a handle that listens already")
	}
	return c.participant.InOrder(ctx, func() {
		h.role, c.view.listener = listener, h.id
		c.event(h, r, c.joined(c.view.number(), c.view.publishers()), nil)
		c.view.hold()
	})
}

func (c *conn) joined(id uint64, publishers []object) object {
	return object{"videoroom": "joined", "room": c.room, "description": "", "id": id, "private_id": id, "publishers": publishers}
}

// configureVideoroom configures P or S.
func (c *conn) configureVideoroom(ctx context.Context, h *handle, r request) error {
	fields, err := parse[videoroomFields](r.Body)
	if err != nil {
		return err
	}
	switch h.role {
	case publisher:
		return c.configurePublisher(ctx, h, r, fields)
	case subscriber:
		return c.want(ctx, h, r, fields, "configured")
	}
	return refuse(notJoined, "the handle neither publishes nor subscribes")
}

// checkStream checks what a client says of a stream it wants to publish.
func checkStream(s *streamDisplay) error {
	switch {
	case s.Key == "" || len(s.Key) > video.MaxStreamKeyBytes || !utf8.ValidString(s.Key):
		return refuse(wrongElement, "the key of the stream must be 1 to %d bytes", video.MaxStreamKeyBytes)
	case s.Key == video.ReservedStreamKey:
		return refuse(wrongElement, "the key %q is reserved", s.Key)
	}
	return nil
}
