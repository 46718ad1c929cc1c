package janus

import (
	"context"
	"slices"
	"strings"

	"github.com/pion/sdp/v3"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// joinPublisher is the join of P. Nobody hears of the stream before its connection is up.
func (c *conn) joinPublisher(ctx context.Context, h *handle, r request, d display) error {
	if err := checkStream(d.Stream); err != nil {
		return err
	}
	switch {
	case !c.grant.Grants.Publish:
		return refuse(unauthorized, "the token does not grant publishing")
	case c.publishing >= video.MaxStreamsPerParticipant:
		return refuse(tooMany, "a participant publishes at most %d streams", video.MaxStreamsPerParticipant)
	}
	for _, other := range c.handles {
		if other.role == publisher && other.display.Stream.Key == d.Stream.Key {
			return refuse(idExists, "there is a stream under this key already")
		}
	}
	return c.participant.InOrder(ctx, func() {
		h.role, h.display = publisher, d
		h.audio, h.video = d.Stream.AudioEnabled, d.Stream.VideoEnabled
		h.feed = &ownFeed{id: c.view.number()}
		c.view.own = append(c.view.own, h.feed)
		c.publishing++
		c.event(h, r, c.joined(h.feed.id, []object{}), nil)
	})
}

// configurePublisher answers the offer of P, and takes what its owner switched on or off.
func (c *conn) configurePublisher(ctx context.Context, h *handle, r request, fields videoroomFields) error {
	if fields.Display != "" {
		d, err := c.ownDisplay(fields.Display)
		if err != nil {
			return err
		}
		if d.Stream == nil || d.Stream.Key != h.display.Stream.Key {
			return refuse(wrongElement, "a stream keeps its key")
		}
		h.display = d
	}
	h.audio = h.display.Stream.AudioEnabled && (fields.Audio == nil || *fields.Audio)
	h.video = h.display.Stream.VideoEnabled && (fields.Video == nil || *fields.Video)
	configured := object{"videoroom": "event", "room": c.room, "configured": "ok"}
	if r.JSEP != nil {
		answer, err := c.answerPublisher(ctx, h, r.JSEP)
		if err != nil {
			return err
		}
		configured["audio_codec"], configured["video_codec"] = "opus", firstVideoCodec(answer)
		c.event(h, r, configured, &jsep{"answer", answer})
		return nil
	}
	if err := c.switchTracks(ctx, h); err != nil {
		return err
	}
	return c.participant.InOrder(ctx, func() {
		c.event(h, r, configured, nil)
		h.feed.known = h.publisher != nil // it has digested the answer to its offer
		c.view.tellCensored(h.feed)
	})
}

func (c *conn) answerPublisher(ctx context.Context, h *handle, offer *jsep) (string, error) {
	if offer.Type != "offer" || h.publisher != nil {
		return "", refuse(badSDP, "a stream has one offer")
	}
	lines, err := linesOf(offer.SDP)
	if err != nil {
		return "", err
	}
	b, err := c.participant.NewPublisher(ctx, live.ListenerFunc(func(n live.Notice) { c.hearPublisher(h, n) }))
	if err != nil {
		return "", err
	}
	answer, err := b.Negotiate(ctx, offer.SDP)
	if err != nil {
		b.Close()
		return "", err
	}
	h.publisher, h.lines = b, lines
	return answer, nil
}

// hearPublisher hears of the connection of P, in the session loop.
func (c *conn) hearPublisher(h *handle, n live.Notice) {
	switch n.(type) {
	case live.MediaConnected:
		c.enqueue(0, func(ctx context.Context) { c.publish(ctx, h) })
	case live.MediaFailed: // for good: nothing is negotiated again. Android ends its streams like this
		c.enqueue(0, func(context.Context) { c.withdraw(h) })
	}
}

// publish announces the stream of P, once its connection is up.
func (c *conn) publish(ctx context.Context, h *handle) {
	if c.handles[h.id] != h || h.publisher == nil || h.streamID != "" {
		return
	}
	request := live.PublishRequest{Key: h.display.Stream.Key}
	if h.lines.AudioMID != "" {
		request.Audio = &live.Line{MID: h.lines.AudioMID, Enabled: h.audio}
	}
	if h.lines.VideoMID != "" {
		request.Video = &live.Line{MID: h.lines.VideoMID, Enabled: h.video}
	}
	published, err := h.publisher.Publish(ctx, request, func(p live.Published) { h.feed.streamID = p.StreamID })
	if err != nil {
		c.logger.Warn("the stream cannot be published", "key", request.Key, "error", err)
		return
	}
	h.streamID = published.StreamID
}

// withdraw ends the stream of P; its handle stays until it is detached.
func (c *conn) withdraw(h *handle) {
	if h.publisher == nil {
		return
	}
	h.publisher.Close()
	h.publisher, h.streamID = nil, ""
	c.inView(context.Background(), func() {
		c.view.own = slices.DeleteFunc(c.view.own, func(o *ownFeed) bool { return o == h.feed })
	})
}

// switchTracks applies the owner's switches to a stream that is published.
func (c *conn) switchTracks(ctx context.Context, h *handle) error {
	if h.streamID == "" {
		return nil
	}
	var audio, picture *bool
	if h.lines.AudioMID != "" {
		audio = &h.audio
	}
	if h.lines.VideoMID != "" {
		picture = &h.video
	}
	return c.participant.UpdateStream(ctx, h.streamID, audio, picture, nil)
}

// linesOf finds the first audio and the first video line of an offer.
func linesOf(offer string) (lines video.Lines, err error) {
	var description sdp.SessionDescription
	if description.UnmarshalString(offer) != nil {
		return lines, refuse(badSDP, "the offer is no SDP")
	}
	for _, m := range description.MediaDescriptions {
		mid, _ := m.Attribute("mid")
		switch {
		case m.MediaName.Media == "audio" && lines.AudioMID == "":
			lines.AudioMID = mid
		case m.MediaName.Media == "video" && lines.VideoMID == "":
			lines.VideoMID = mid
		}
	}
	if lines == (video.Lines{}) {
		return lines, refuse(badSDP, "the offer has neither audio nor video")
	}
	return lines, nil
}

// firstVideoCodec is the codec that an answer names first for video, in lower case.
func firstVideoCodec(answer string) string {
	_, section, _ := strings.Cut(answer, "m=video")
	_, rest, _ := strings.Cut(section, "a=rtpmap:")
	_, name, _ := strings.Cut(rest, " ")
	name, _, _ = strings.Cut(name, "/")
	return strings.ToLower(name)
}
