package sfu

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Limits of an offer. They are far above what a client in a full room needs.
const (
	maxOfferBytes = 512 << 10
	maxLines      = 512
	maxLayers     = 3
)

// offer is what a client proposes (RFC 8829, RFC 9429), reduced to what matters here.
type offer struct {
	ufrag, password string
	fingerprint     fingerprint
	lines           []offeredLine
	mixed           bool // header extensions of both forms may be mixed, on all lines
}

// offeredLine is one media section of an offer, in its order.
type offeredLine struct {
	mid        string
	media      string // as written: audio, video, application, …
	kind       video.Kind
	protocol   string
	direction  sdp.Direction
	rejected   bool // port 0 without bundle-only
	data       bool // for data channels (RFC 8841)
	formats    []format
	extensions map[string]uint8 // uri → id
	rids       []string         // simulcast layers the client sends, as listed
	ssrc       ssrcPair         // the first declared source, zero if none
	rtcpRsize  bool
}

// numbered reports whether what goes out on the line carries transport-wide numbers, and the client tells which arrived.
func (l *offeredLine) numbered() bool {
	return l.extensions[extTransportCC] != 0 && slices.ContainsFunc(l.formats, func(f format) bool { return slices.Contains(f.feedback, "transport-cc") })
}

type ssrcPair struct{ media, rtx uint32 }

// fingerprint identifies the certificate of a DTLS peer (RFC 8122).
type fingerprint struct{ algorithm, value string }

// parseOffer reads an SDP offer. Every error is a video.Error with CodeMedia.
func parseOffer(text string) (*offer, error) { return parseDescription("offer", text) }

// parseDescription reads an offer, or an answer, which says of the client the same.
func parseDescription(what, text string) (*offer, error) {
	if len(text) > maxOfferBytes {
		return nil, video.Errorf(video.CodeTooLarge, "the %s is longer than %d bytes", what, maxOfferBytes)
	}
	var s sdp.SessionDescription
	if err := s.UnmarshalString(text); err != nil {
		return nil, video.Errorf(video.CodeMedia, "the %s is not valid SDP: %w", what, err)
	}
	if len(s.MediaDescriptions) == 0 {
		return nil, video.Errorf(video.CodeMedia, "the %s has no media lines", what)
	}
	if len(s.MediaDescriptions) > maxLines {
		return nil, video.Errorf(video.CodeTooMany, "the %s has more than %d media lines", what, maxLines)
	}
	var o offer
	_, o.mixed = s.Attribute("extmap-allow-mixed")
	mids := map[string]bool{}
	for i, m := range s.MediaDescriptions {
		line := parseLine(m)
		if line.mid == "" {
			return nil, video.Errorf(video.CodeMedia, "media line %d has no mid", i)
		}
		if mids[line.mid] {
			return nil, video.Errorf(video.CodeMedia, "mid %q is used twice", line.mid)
		}
		mids[line.mid] = true
		o.lines = append(o.lines, line)
		if err := o.parseTransport(&s, m, &line); err != nil {
			return nil, err
		}
	}
	switch {
	case o.ufrag == "" || o.password == "":
		return nil, video.Errorf(video.CodeMedia, "the %s has no ICE credentials", what)
	case o.fingerprint.value == "":
		return nil, video.Errorf(video.CodeMedia, "the %s has no DTLS fingerprint", what)
	}
	return &o, nil
}

// parseTransport reads ICE and DTLS attributes. With everything in one bundle the first line that is not rejected rules.
func (o *offer) parseTransport(s *sdp.SessionDescription, m *sdp.MediaDescription, line *offeredLine) error {
	if line.rejected || o.ufrag != "" {
		return nil
	}
	attribute := func(key string) string {
		if v, ok := m.Attribute(key); ok {
			return v
		}
		v, _ := s.Attribute(key)
		return v
	}
	o.ufrag, o.password = attribute("ice-ufrag"), attribute("ice-pwd")
	algorithm, value, _ := strings.Cut(attribute("fingerprint"), " ")
	o.fingerprint = fingerprint{strings.ToLower(algorithm), strings.ToLower(value)}
	if setup := attribute("setup"); setup == "passive" {
		return video.Errorf(video.CodeMedia, "the server must be let be the DTLS server (a=setup:actpass or active)")
	}
	if !strings.Contains(line.protocol, "TLS") { // UDP/TLS/RTP/SAVPF, UDP/DTLS/SCTP
		return video.Errorf(video.CodeMedia, "media without DTLS is not accepted (%s)", line.protocol)
	}
	return nil
}

func parseLine(m *sdp.MediaDescription) offeredLine {
	line := offeredLine{
		media:      m.MediaName.Media,
		protocol:   strings.Join(m.MediaName.Protos, "/"),
		direction:  sdp.DirectionSendRecv,
		extensions: map[string]uint8{},
	}
	if m.MediaName.Media == "audio" || m.MediaName.Media == "video" {
		line.kind = video.Kind(m.MediaName.Media)
	}
	rtpmaps, fmtps, feedback := map[string]string{}, map[string]string{}, map[string][]string{}
	fid := map[uint32]uint32{}
	var declared []uint32
	bundleOnly := false
	for _, a := range m.Attributes {
		switch a.Key {
		case "mid":
			line.mid = a.Value
		case "bundle-only":
			bundleOnly = true
		case "rtcp-rsize":
			line.rtcpRsize = true
		case "sendrecv", "sendonly", "recvonly", "inactive":
			line.direction, _ = sdp.NewDirection(a.Key)
		case "rtpmap":
			pt, v, _ := strings.Cut(a.Value, " ")
			rtpmaps[pt] = v
		case "fmtp":
			pt, v, _ := strings.Cut(a.Value, " ")
			fmtps[pt] = v
		case "rtcp-fb":
			pt, v, _ := strings.Cut(a.Value, " ")
			feedback[pt] = append(feedback[pt], v)
		case "extmap":
			line.parseExtension(a.Value)
		case "simulcast":
			line.parseSimulcast(a.Value)
		case "ssrc-group":
			parseFID(a.Value, fid)
		case "ssrc":
			id, _, _ := strings.Cut(a.Value, " ")
			if n, err := strconv.ParseUint(id, 10, 32); err == nil && !slices.Contains(declared, uint32(n)) {
				declared = append(declared, uint32(n))
			}
		}
	}
	line.rejected = m.MediaName.Port.Value == 0 && !bundleOnly
	line.data = line.media == "application" && strings.HasSuffix(line.protocol, "DTLS/SCTP") && slices.Contains(m.MediaName.Formats, "webrtc-datachannel")
	line.parseFormats(m.MediaName.Formats, rtpmaps, fmtps, feedback)
	repairs := map[uint32]bool{}
	for _, r := range fid {
		repairs[r] = true
	}
	for _, ssrc := range declared {
		if !repairs[ssrc] {
			line.ssrc = ssrcPair{ssrc, fid[ssrc]}
			break
		}
	}
	return line
}

func (l *offeredLine) parseFormats(order []string, rtpmaps, fmtps map[string]string, feedback map[string][]string) {
	for _, s := range order {
		pt, ok := parsePayloadType(s)
		if !ok {
			continue
		}
		codec, profile, ok := parseCodec(l.kind, rtpmaps[s], fmtps[s])
		if !ok {
			continue
		}
		f := format{codec: codec, payloadType: pt, fmtp: fmtps[s], profile: profile, clockRate: 90000}
		if codec == opus {
			f.clockRate, f.channels = 48000, 2
		}
		f.feedback = append(slices.Clone(feedback[s]), feedback["*"]...)
		for _, r := range order {
			switch encoding := strings.ToLower(rtpmaps[r]); {
			case strings.HasPrefix(encoding, "rtx/") && fmtpValue(fmtps[r], "apt") == s:
				f.rtx, _ = parsePayloadType(r)
			case encoding == "red/48000/2" && codec == opus && onlyHolds(fmtps[r], s):
				f.red, _ = parsePayloadType(r)
			}
		}
		l.formats = append(l.formats, f)
	}
}

// onlyHolds reports whether the blocks of a RED format (RFC 2198 section 5), such as 111/111, are all of this payload type.
func onlyHolds(fmtp, payloadType string) bool {
	for block := range strings.SplitSeq(strings.TrimSpace(fmtp), "/") {
		if block != payloadType {
			return false
		}
	}
	return true
}

// parseExtension reads an extmap value: id[/direction] uri (RFC 8285 section 8).
func (l *offeredLine) parseExtension(value string) {
	id, rest, _ := strings.Cut(value, " ")
	id, _, _ = strings.Cut(id, "/")
	uri, _, _ := strings.Cut(rest, " ")
	if n, err := strconv.ParseUint(id, 10, 8); err == nil && n >= 1 && n <= 14 {
		l.extensions[uri] = uint8(n)
	}
}

// parseSimulcast reads what the client sends: "send h;m;l" (RFC 8853). Of alternatives the first is taken; a tilde
// (initially paused) is ignored.
func (l *offeredLine) parseSimulcast(value string) {
	words := strings.Fields(value)
	for i := 0; i+1 < len(words); i += 2 {
		if words[i] != "send" {
			continue
		}
		for stream := range strings.SplitSeq(words[i+1], ";") {
			rid, _, _ := strings.Cut(stream, ",")
			rid = strings.TrimPrefix(rid, "~")
			if rid != "" && len(rid) <= 16 && len(l.rids) < maxLayers && !slices.Contains(l.rids, rid) {
				l.rids = append(l.rids, rid)
			}
		}
	}
}

// parseFID reads "FID media rtx" (RFC 5576 section 4.2) into pairs.
func parseFID(value string, pairs map[uint32]uint32) {
	f := strings.Fields(value)
	if len(f) != 3 || f[0] != "FID" {
		return
	}
	media, err1 := strconv.ParseUint(f[1], 10, 32)
	rtx, err2 := strconv.ParseUint(f[2], 10, 32)
	if err1 == nil && err2 == nil {
		pairs[uint32(media)] = uint32(rtx)
	}
}
