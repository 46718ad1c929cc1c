package sfu

import (
	"strconv"
	"strings"

	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// codecName is a codec this server forwards. The zero value is none.
type codecName uint8

const (
	opus codecName = iota + 1
	vp8
	h264
	vp9
	av1
)

// forMedia names the codec for those who take packets beside the subscribers.
func (c codecName) forMedia() packet.Codec {
	switch c {
	case opus:
		return packet.CodecOpus
	case vp8:
		return packet.CodecVP8
	case h264:
		return packet.CodecH264
	case vp9:
		return packet.CodecVP9
	case av1:
		return packet.CodecAV1
	}
	return ""
}

// numbersPictures reports whether the payload descriptor has numbers of pictures that must go on from one source to the next.
func (c codecName) numbersPictures() bool { return c == vp8 || c == vp9 }

// codecNames are the codecs as errors name them.
const codecNames = "Opus, VP8, VP9 and AV1 in profile 0, H264 in packetization mode 1"

// format is one payload type of a line that can be forwarded, with the payload type that repairs it (0: none).
type format struct {
	codec       codecName
	payloadType uint8
	rtx         uint8
	red         uint8 // audio: the payload type of packets that hold copies of earlier ones as well (RFC 2198)
	clockRate   uint32
	channels    int
	fmtp        string
	feedback    []string
	profile     string // H.264 only: the first two bytes of profile-level-id, in hex
}

// parseCodec says whether an rtpmap with this fmtp names a codec that is forwarded.
func parseCodec(kind video.Kind, encoding, fmtp string) (codecName, string, bool) {
	name, clock, _ := strings.Cut(strings.ToLower(encoding), "/")
	switch {
	case kind == video.Audio && name == "opus" && clock == "48000/2":
		return opus, "", true
	case kind == video.Video && name == "vp8" && clock == "90000":
		return vp8, "", true
	case kind == video.Video && name == "vp9" && clock == "90000":
		return vp9, "", isProfile0(fmtpValue(fmtp, "profile-id"))
	case kind == video.Video && name == "av1" && clock == "90000":
		return av1, "", isProfile0(fmtpValue(fmtp, "profile"))
	case kind == video.Video && name == "h264" && clock == "90000":
		// Mode 0 packets are legal in mode 1, not the other way round; mode 2 is in use nowhere.
		if mode := fmtpValue(fmtp, "packetization-mode"); mode != "1" {
			return 0, "", false
		}
		profile := strings.ToLower(fmtpValue(fmtp, "profile-level-id"))
		if len(profile) >= 4 {
			profile = profile[:4]
		}
		return h264, profile, true
	}
	return 0, "", false
}

// isProfile0 reports whether a profile is the one all decoders have, which is meant where none is named.
func isProfile0(profile string) bool { return profile == "" || profile == "0" }

func fmtpValue(fmtp, key string) string {
	for part := range strings.SplitSeq(fmtp, ";") {
		if k, v, ok := strings.Cut(strings.TrimSpace(part), "="); ok && strings.EqualFold(k, key) {
			return v
		}
	}
	return ""
}

// matchFormat finds among the formats of a receiving line the one to send a packet of format f with, or nil. H.264
// decoders take a profile below their own, so any mode 1 format serves when none has the same profile.
func matchFormat(formats []format, f *format) *format {
	var found *format
	for i := range formats {
		c := &formats[i]
		if c.codec != f.codec {
			continue
		}
		if c.profile == f.profile {
			return c
		}
		if found == nil {
			found = c
		}
	}
	return found
}

func parsePayloadType(s string) (uint8, bool) {
	n, err := strconv.ParseUint(s, 10, 7)
	return uint8(n), err == nil
}
