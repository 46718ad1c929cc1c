package janus

import (
	"context"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// joinSubscriber is the join of S: the server offers.
func (c *conn) joinSubscriber(ctx context.Context, h *handle, r request, fields videoroomFields) error {
	if fields.Feed == nil {
		return refuse(missingElement, "the feed is missing")
	}
	var id video.StreamID
	if err := c.participant.InOrder(ctx, func() {
		if f := c.view.feed(*fields.Feed); f != nil {
			id = f.ID
		}
	}); err != nil {
		return err
	}
	if id == "" {
		return refuse(noFeed, "there is no such feed")
	}
	h.audio, h.video = isWanted(fields.Audio, true), isWanted(fields.Video, true)
	viewer, err := c.participant.Watch(ctx, video.Subscription{StreamID: id, Audio: h.audio, Video: h.video}, live.ListenerFunc(func(live.Notice) {}))
	if err != nil {
		return err
	}
	offer, err := viewer.Offer(ctx)
	if err != nil {
		viewer.Close()
		return err
	}
	h.role, h.viewer, h.wanted = subscriber, viewer, *fields.Feed
	return c.participant.InOrder(ctx, func() {
		var shown string
		if f := c.view.feed(h.wanted); f != nil {
			shown = displayOfStream(f.Stream)
		}
		c.event(h, r, object{"videoroom": "attached", "room": c.room, "id": h.wanted, "display": shown}, &jsep{"offer", offer})
	})
}

func isWanted(wish *bool, otherwise bool) bool {
	if wish == nil {
		return otherwise
	}
	return *wish
}

// start takes the answer of S, or goes on after pause.
func (c *conn) start(ctx context.Context, h *handle, r request) error {
	fields, err := parse[videoroomFields](r.Body)
	switch {
	case err != nil:
		return err
	case h.role != subscriber:
		return refuse(notJoined, "the handle does not subscribe")
	case r.JSEP != nil && r.JSEP.Type != "answer":
		return refuse(badSDP, "the server offers, the client answers")
	case r.JSEP != nil:
		if err := h.viewer.Accept(ctx, r.JSEP.SDP); err != nil {
			return err
		}
	}
	return c.want(ctx, h, r, fields, "started")
}

func (c *conn) pause(ctx context.Context, h *handle, r request) error {
	if h.role != subscriber {
		return refuse(notJoined, "the handle does not subscribe")
	}
	if err := h.viewer.Update(ctx, false, false); err != nil {
		return err
	}
	c.event(h, r, object{"videoroom": "event", "room": c.room, "paused": "ok"}, nil)
	return nil
}

// want says which kinds of the stream are sent from now on.
func (c *conn) want(ctx context.Context, h *handle, r request, fields videoroomFields, word string) error {
	h.audio, h.video = isWanted(fields.Audio, h.audio), isWanted(fields.Video, h.video)
	if err := h.viewer.Update(ctx, h.audio, h.video); err != nil {
		return err
	}
	c.event(h, r, object{"videoroom": "event", "room": c.room, word: "ok"}, nil)
	return nil
}
