package whip

import (
	"context"
	"net/http"
	"unicode"
	"unicode/utf8"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// streamKey is the key of what WHIP publishes.
const streamKey = "self"

// publish serves POST of WHIP.
func (h *Handler) publish(w http.ResponseWriter, req *http.Request) error {
	grant, err := h.authorize(req)
	if err != nil {
		return err
	}
	if !grant.Grants.Publish {
		return video.Errorf(video.CodeForbidden, "the token does not grant publishing")
	}
	name, err := nameOf(req)
	if err != nil {
		return err
	}
	offer, err := readOffer(w, req)
	if err != nil {
		return err
	}
	publish := live.PublishRequest{Key: streamKey, Offer: offer.sdp}
	if mid := offer.sends.AudioMID; mid != "" {
		publish.Audio = &live.Line{MID: mid, Enabled: true}
	}
	if mid := offer.sends.VideoMID; mid != "" {
		publish.Video = &live.Line{MID: mid, Enabled: true}
	}
	if publish.Audio == nil && publish.Video == nil {
		return video.Errorf(video.CodeMedia, "the offer sends neither audio nor video")
	}
	switch {
	case offer.crowded:
		return video.Errorf(video.CodeMedia, "the offer sends more than one track of audio, or of video")
	case offer.recvonly:
		return video.Errorf(video.CodeMedia, "the offer receives, which WHIP is not for")
	}

	id := video.ParticipantID(video.NewUUID())
	r := newResource(grant, offer, h.config.Logger.With("room", grant.RoomID, "participant", id))
	ctx, cancel := h.negotiating(req.Context())
	defer cancel()
	participant, _, err := h.config.Host.Join(ctx, live.JoinRequest{Grant: grant, ID: id, Context: name, Name: name, Plain: true, Listener: r})
	if err != nil {
		return err
	}
	r.leave = participant.Leave
	r.ice.negotiate = func(ctx context.Context, offer string) (string, error) { return participant.Negotiate(ctx, offer, nil) }
	published, err := participant.Publish(ctx, publish, nil)
	if err != nil {
		participant.Leave(video.LeftConnectionLost)
		return err
	}
	tag := r.ice.tag
	if !h.keep(r) {
		return errShuttingDown
	}
	h.created(w, req, r.id, tag, published.Answer)
	return nil
}

// negotiating bounds the time one offer may take.
func (h *Handler) negotiating(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, h.config.NegotiationTimeout,
		video.Errorf(video.CodeUnavailable, "the offer was not answered in %v", h.config.NegotiationTimeout))
}

func nameOf(req *http.Request) (string, error) {
	name := req.PathValue("name")
	if len(name) > MaxNameBytes || !utf8.ValidString(name) {
		return "", video.Errorf(video.CodeInvalid, "the name must be at most %d bytes of UTF-8", MaxNameBytes)
	}
	for _, c := range name {
		if unicode.IsControl(c) {
			return "", video.Errorf(video.CodeInvalid, "the name has control characters")
		}
	}
	return name, nil
}
