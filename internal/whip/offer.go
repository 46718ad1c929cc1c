package whip

import (
	"slices"

	"github.com/pion/sdp/v3"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// offer is an SDP offer with its first audio and video lines, by mid; empty where there is none.
type offer struct {
	sdp            string
	sends, listens video.Lines
}

func parseOffer(text string) (*offer, error) {
	var description sdp.SessionDescription
	if err := description.UnmarshalString(text); err != nil {
		return nil, video.Errorf(video.CodeMedia, "the body is no SDP offer: %w", err)
	}
	o := &offer{sdp: text}
	for _, line := range description.MediaDescriptions {
		mid, ok := line.Attribute("mid")
		if !ok || mid == "" || line.MediaName.Port.Value == 0 && !bundleOnly(line) {
			continue
		}
		direction := direction(&description, line)
		if direction == "sendonly" || direction == "sendrecv" {
			take(&o.sends, line.MediaName.Media, mid)
		}
		if direction == "recvonly" || direction == "sendrecv" {
			take(&o.listens, line.MediaName.Media, mid)
		}
	}
	return o, nil
}

// take keeps the first line of a kind.
func take(lines *video.Lines, media, mid string) {
	switch {
	case media == string(video.Audio) && lines.AudioMID == "":
		lines.AudioMID = mid
	case media == string(video.Video) && lines.VideoMID == "":
		lines.VideoMID = mid
	}
}

// bundleOnly reports whether a line has port 0 only because it is bundled (RFC 9143, section 6).
func bundleOnly(line *sdp.MediaDescription) bool {
	_, ok := line.Attribute("bundle-only")
	return ok
}

// direction is that of the line, or of the session, or sendrecv (RFC 8866, section 6.7).
func direction(description *sdp.SessionDescription, line *sdp.MediaDescription) string {
	for _, attributes := range [][]sdp.Attribute{line.Attributes, description.Attributes} {
		i := slices.IndexFunc(attributes, func(a sdp.Attribute) bool {
			return a.Key == "sendrecv" || a.Key == "sendonly" || a.Key == "recvonly" || a.Key == "inactive"
		})
		if i >= 0 {
			return attributes[i].Key
		}
	}
	return "sendrecv"
}
