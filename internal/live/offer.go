package live

import (
	"github.com/pion/sdp/v3"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// checkOffer makes sure that the lines a stream names are in the offer, if they are new, and can carry it. A refusal
// after the offer was answered would leave client and server with different ideas of the connection.
func (r *PublishRequest) checkOffer() error {
	var offer sdp.SessionDescription
	if err := offer.UnmarshalString(r.Offer); err != nil {
		return video.Errorf(video.CodeMedia, "the offer is no SDP: %w", err).WithField("/sdp")
	}
	if r.Audio != nil {
		if err := checkLine(&offer, video.Audio, r.Audio.MID); err != nil {
			return err
		}
	}
	if r.Video != nil {
		return checkLine(&offer, video.Video, r.Video.MID)
	}
	return nil
}

func checkLine(offer *sdp.SessionDescription, kind video.Kind, mid string) error {
	field := "/" + string(kind) + "/mid"
	for _, line := range offer.MediaDescriptions {
		if found, ok := line.Attribute("mid"); !ok || found != mid {
			continue
		}
		if line.MediaName.Media != string(kind) {
			return invalid(field, "the line %q does not carry %s", mid, kind)
		}
		_, receives := line.Attribute("recvonly")
		_, idle := line.Attribute("inactive")
		if receives || idle {
			return invalid(field, "the offer does not send on the line %q", mid)
		}
		return nil
	}
	return invalid(field, "the offer has no line %q", mid)
}
