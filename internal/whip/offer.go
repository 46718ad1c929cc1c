package whip

import (
	"slices"
	"strings"

	"github.com/pion/sdp/v3"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// offer is an SDP offer with its first audio and video lines, by mid; empty where there is none.
type offer struct {
	sdp            string
	sends, listens video.Lines
	crowded        bool // it sends on more than one line of a kind
	sendonly       bool // on some line
	recvonly       bool // on some line

	mids        map[string]struct{}
	leading     string // the mid of the line whose credentials are those of all
	credentials        // of the client
}

func parseOffer(text string) (*offer, error) {
	var description sdp.SessionDescription
	if err := description.UnmarshalString(text); err != nil {
		return nil, video.Errorf(video.CodeMedia, "the body is no SDP offer: %w", err)
	}
	o := &offer{sdp: text, mids: make(map[string]struct{})}
	for _, line := range description.MediaDescriptions {
		mid, ok := line.Attribute("mid")
		if !ok || mid == "" {
			continue
		}
		o.mids[mid] = struct{}{}
		if line.MediaName.Port.Value == 0 && !bundleOnly(line) {
			continue
		}
		if o.ufrag == "" {
			o.leading = mid
			o.ufrag, o.password = attribute(&description, line, "ice-ufrag"), attribute(&description, line, "ice-pwd")
		}
		direction := direction(&description, line)
		o.sendonly, o.recvonly = o.sendonly || direction == "sendonly", o.recvonly || direction == "recvonly"
		if direction == "sendonly" || direction == "sendrecv" {
			o.crowded = !take(&o.sends, line.MediaName.Media, mid) || o.crowded
		}
		if direction == "recvonly" || direction == "sendrecv" {
			take(&o.listens, line.MediaName.Media, mid)
		}
	}
	return o, nil
}

// with is the offer with other credentials.
func (o *offer) with(c credentials) *offer {
	var b strings.Builder
	for line := range strings.Lines(o.sdp) {
		switch {
		case strings.HasPrefix(line, "a=ice-ufrag:"):
			line = "a=ice-ufrag:" + c.ufrag + "\r\n"
		case strings.HasPrefix(line, "a=ice-pwd:"):
			line = "a=ice-pwd:" + c.password + "\r\n"
		}
		b.WriteString(line)
	}
	next := *o
	next.sdp, next.credentials = b.String(), c
	return &next
}

// take keeps the first line of a kind, and reports whether it was the first.
func take(lines *video.Lines, media, mid string) bool {
	kept := map[string]*string{string(video.Audio): &lines.AudioMID, string(video.Video): &lines.VideoMID}[media]
	if kept == nil {
		return true
	}
	if *kept != "" {
		return false
	}
	*kept = mid
	return true
}

// attribute is that of the line, or of the session.
func attribute(description *sdp.SessionDescription, line *sdp.MediaDescription, key string) string {
	if value, ok := line.Attribute(key); ok {
		return value
	}
	value, _ := description.Attribute(key)
	return value
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
