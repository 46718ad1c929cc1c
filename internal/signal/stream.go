package signal

import (
	"context"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// line reads {"mid", "enabled"} of a publish request; nil is nil.
func (f *lineFields) line(pointer string) (*live.Line, error) {
	if f == nil {
		return nil, nil
	}
	if err := missing(required(pointer+"/mid", f.MID), required(pointer+"/enabled", f.Enabled)); err != nil {
		return nil, err
	}
	return &live.Line{MID: *f.MID, Enabled: *f.Enabled}, nil
}

func (c *conn) performPublish(ctx context.Context, r request) error {
	fields, err := parse[publishFields](r)
	if err != nil {
		return err
	}
	if err := missing(required("/key", fields.Key)); err != nil {
		return err
	}
	publish := live.PublishRequest{Key: *fields.Key, Offer: fields.SDP}
	if publish.Audio, err = fields.Audio.line("/audio"); err != nil {
		return err
	}
	if publish.Video, err = fields.Video.line("/video"); err != nil {
		return err
	}
	ctx, cancel := c.negotiating(ctx)
	defer cancel()
	_, err = c.stay.participant.Publish(ctx, publish, func(p live.Published) {
		c.succeed(r, publishReply{p.StreamID, p.Answer})
	})
	return err
}

func (c *conn) performOffer(ctx context.Context, r request) error {
	fields, err := parse[offerFields](r)
	if err != nil {
		return err
	}
	if err := missing(required("/sdp", fields.SDP)); err != nil {
		return err
	}
	ctx, cancel := c.negotiating(ctx)
	defer cancel()
	_, err = c.stay.participant.Negotiate(ctx, *fields.SDP, func(answer string) { c.succeed(r, offerReply{answer}) })
	return err
}

func (c *conn) performReplaceMedia(ctx context.Context, r request) error {
	fields, err := parse[replaceMediaFields](r)
	if err != nil {
		return err
	}
	if err := missing(required("/sdp", fields.SDP)); err != nil {
		return err
	}
	replace := live.ReplaceRequest{Offer: *fields.SDP, Lines: make(map[video.StreamID]video.Lines, len(fields.Streams))}
	for _, st := range fields.Streams {
		if err := missing(required("/streams/stream_id", st.StreamID)); err != nil {
			return err
		}
		replace.Lines[*st.StreamID] = video.Lines{AudioMID: st.Audio.mid(), VideoMID: st.Video.mid()}
	}
	ctx, cancel := c.negotiating(ctx)
	defer cancel()
	return c.stay.participant.ReplaceMedia(ctx, replace, func(answer string) { c.succeed(r, offerReply{answer}) })
}

// mid is the line, or none.
func (f *midFields) mid() string {
	if f == nil {
		return ""
	}
	return f.MID
}

// negotiating bounds the time one offer may take.
func (c *conn) negotiating(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, c.config.NegotiationTimeout,
		video.Errorf(video.CodeMedia, "the offer was not answered in %v", c.config.NegotiationTimeout))
}

func (c *conn) performUpdateStream(ctx context.Context, r request) error {
	fields, err := parse[updateStreamFields](r)
	if err != nil {
		return err
	}
	if err := missing(required("/stream_id", fields.StreamID)); err != nil {
		return err
	}
	var audio, video *bool
	if fields.Audio != nil {
		audio = fields.Audio.Enabled
		if err := missing(required("/audio/enabled", audio)); err != nil {
			return err
		}
	}
	if fields.Video != nil {
		video = fields.Video.Enabled
		if err := missing(required("/video/enabled", video)); err != nil {
			return err
		}
	}
	return c.stay.participant.UpdateStream(ctx, *fields.StreamID, audio, video, c.done(r))
}

func (c *conn) performUnpublish(ctx context.Context, r request) error {
	id, err := streamID(r)
	if err != nil {
		return err
	}
	return c.stay.participant.Unpublish(ctx, id, c.done(r))
}

func (c *conn) performUnsubscribe(ctx context.Context, r request) error {
	id, err := streamID(r)
	if err != nil {
		return err
	}
	return c.stay.participant.Unsubscribe(ctx, id, c.done(r))
}

func (c *conn) performSubscribe(ctx context.Context, r request) error {
	subscription, err := subscription(r)
	if err != nil {
		return err
	}
	return c.stay.participant.Subscribe(ctx, subscription, c.done(r))
}

func (c *conn) performUpdateSubscription(ctx context.Context, r request) error {
	subscription, err := subscription(r)
	if err != nil {
		return err
	}
	return c.stay.participant.UpdateSubscription(ctx, subscription, c.done(r))
}

// done returns what queues the empty reply to r.
func (c *conn) done(r request) func() {
	return func() { c.succeed(r, emptyReply{}) }
}

func streamID(r request) (video.StreamID, error) {
	fields, err := parse[streamFields](r)
	if err != nil {
		return "", err
	}
	if err := missing(required("/stream_id", fields.StreamID)); err != nil {
		return "", err
	}
	return *fields.StreamID, nil
}

func subscription(r request) (video.Subscription, error) {
	fields, err := parse[subscribeFields](r)
	if err != nil {
		return video.Subscription{}, err
	}
	err = missing(
		required("/stream_id", fields.StreamID), required("/audio", fields.Audio), required("/video", fields.Video),
	)
	if err != nil {
		return video.Subscription{}, err
	}
	subscription := video.Subscription{
		StreamID: *fields.StreamID, Audio: *fields.Audio, Video: *fields.Video, Quality: fields.Quality,
		Hidden: fields.Visible != nil && !*fields.Visible,
	}
	for pointer, side := range map[string]struct{ from, to *int }{
		"/max_width": {fields.Width, &subscription.MaxWidth}, "/max_height": {fields.Height, &subscription.MaxHeight},
	} {
		switch {
		case side.from == nil:
		case *side.from < 1 || *side.from > video.MaxPictureSide:
			return video.Subscription{}, video.Errorf(video.CodeInvalid, "the size must be 1 to %d pixels", video.MaxPictureSide).WithField(pointer)
		default:
			*side.to = *side.from
		}
	}
	return subscription, nil
}
