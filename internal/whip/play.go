package whip

import (
	"net/http"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// playName serves POST of WHEP for what was published under a name.
func (h *Handler) playName(w http.ResponseWriter, req *http.Request) error {
	return h.play(w, req, live.WatchRequest{Name: req.PathValue("name"), Key: streamKey})
}

// playStream serves POST of WHEP for any stream of the room.
func (h *Handler) playStream(w http.ResponseWriter, req *http.Request) error {
	return h.play(w, req, live.WatchRequest{
		Participant: video.ParticipantID(req.PathValue("participant_id")), Key: req.PathValue("key"),
	})
}

func (h *Handler) play(w http.ResponseWriter, req *http.Request, watch live.WatchRequest) error {
	grant, err := h.authorize(req)
	if err != nil {
		return err
	}
	offer, err := readOffer(w, req)
	if err != nil {
		return err
	}
	watch.Grant = grant
	watch.Audio, watch.Video = offer.listens.AudioMID != "", offer.listens.VideoMID != ""
	if !watch.Audio && !watch.Video {
		return video.Errorf(video.CodeMedia, "the offer receives neither audio nor video")
	}
	if offer.sendonly {
		return video.Errorf(video.CodeMedia, "the offer sends, which WHEP is not for")
	}

	r := newResource(grant, offer, h.config.Logger.With("room", grant.RoomID))
	watch.Listener = r
	ctx, cancel := h.negotiating(req.Context())
	defer cancel()
	viewer, err := h.config.Host.Watch(ctx, watch)
	if err != nil {
		return err
	}
	r.leave = func(video.LeftReason) { viewer.Close() }
	r.ice.negotiate = viewer.Negotiate
	answer, err := viewer.Negotiate(ctx, offer.sdp)
	if err != nil {
		viewer.Close()
		return err
	}
	tag := r.ice.tag
	if !h.keep(r) {
		return errShuttingDown
	}
	h.created(w, req, r, tag, answer)
	return nil
}
