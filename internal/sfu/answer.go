package sfu

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Header extensions this server understands (RFC 6464, 8843, 8852, the transport-wide sequence number draft, the dependency
// descriptor of the AV1 RTP payload specification). That of the
// camera's orientation (3GPP TS 26.114) is not taken: senders then turn the picture themselves, and it is upright in recordings too.
const (
	extAudioLevel  = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
	extMID         = "urn:ietf:params:rtp-hdrext:sdes:mid"
	extRID         = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
	extRepairedRID = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
	extTransportCC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
	extDependency  = "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"
)

var (
	// Accepted on lines of both directions, although not all are sent: Chromium drops from all later offers of a connection
	// what an answer left out, and then refuses its own simulcast lines for want of the RID.
	extensions  = []string{extMID, extRID, extRepairedRID, extTransportCC, extAudioLevel, extDependency}
	feedbackIn  = []string{"nack", "nack pli", "ccm fir", "transport-cc"}
	feedbackOut = []string{"nack", "nack pli", "ccm fir", "transport-cc", "goog-remb"}
)

// direction is what a line is used for, seen from the server.
type direction uint8

const (
	inactive  direction = iota
	receives            // the client sends, we receive
	sends               // we send, the client receives
	exchanges           // both, on transports made for it
)

func (d direction) String() string {
	return [...]string{"inactive", "recvonly", "sendonly", "sendrecv"}[d]
}

// answerLine is what the answer says of one line.
type answerLine struct {
	offered   *offeredLine
	direction direction
	rejected  bool
	stream    string // msid stream of a line we send on
	ssrc, rtx uint32
}

// writeAnswer renders the answer to an offer (RFC 8829 section 5.3). The server is ICE-lite, DTLS server, and names all its candidates.
// mixed says that header extensions may be of both forms in one stream (RFC 8285 section 6).
func writeAnswer(sessionID uint64, version int, id identity, lines []answerLine, mixed bool) string {
	var b strings.Builder
	w := func(format string, args ...any) { fmt.Fprintf(&b, format+"\r\n", args...) }
	w("v=0")
	w("o=- %d %d IN IP4 127.0.0.1", sessionID, version)
	w("s=-")
	w("t=0 0")
	w("a=ice-lite")
	var bundle []string
	for _, l := range lines {
		if !l.rejected {
			bundle = append(bundle, l.offered.mid)
		}
	}
	w("a=group:BUNDLE %s", strings.Join(bundle, " "))
	w("a=msid-semantic: WMS *")
	if mixed { // a dependency descriptor may need a header of the longer form
		w("a=extmap-allow-mixed")
	}
	first := true
	for i := range lines {
		if lines[i].rejected {
			w("m=%s 0 %s %s", lines[i].offered.media, lines[i].offered.protocol, rejectedFormats(lines[i].offered))
			w("c=IN IP4 0.0.0.0")
			w("a=inactive")
			w("a=mid:%s", lines[i].offered.mid)
			continue
		}
		if lines[i].offered.data {
			writeDataLine(w, id, &lines[i])
		} else {
			writeLine(w, id, &lines[i])
		}
		if first { // all lines share one transport; its candidates are named once
			first = false
			for _, c := range id.candidates {
				w("a=candidate:%s", c)
			}
			w("a=end-of-candidates")
		}
	}
	return b.String()
}

// rejectedFormats returns what must follow the protocol of a rejected line; it may not be empty.
func rejectedFormats(l *offeredLine) string {
	if l.media == "application" {
		return "webrtc-datachannel"
	}
	return "0"
}

// writeDataLine answers a line for data channels (RFC 8841).
func writeDataLine(w func(string, ...any), id identity, l *answerLine) {
	w("m=%s 9 %s webrtc-datachannel", l.offered.media, l.offered.protocol)
	writeTransport(w, id, l)
	w("a=sctp-port:5000")
	w("a=max-message-size:%d", id.messageBytes)
}

func writeTransport(w func(string, ...any), id identity, l *answerLine) {
	w("c=IN IP4 0.0.0.0")
	w("a=mid:%s", l.offered.mid)
	w("a=ice-ufrag:%s", id.ufrag)
	w("a=ice-pwd:%s", id.password)
	w("a=fingerprint:sha-256 %s", id.fingerprint)
	w("a=setup:%s", id.setup)
}

func writeLine(w func(string, ...any), id identity, l *answerLine) {
	var pts []string
	for _, f := range l.offered.formats {
		if f.red != 0 { // clients send what is named first
			pts = append(pts, fmt.Sprint(f.red))
		}
		pts = append(pts, fmt.Sprint(f.payloadType))
		if f.rtx != 0 {
			pts = append(pts, fmt.Sprint(f.rtx))
		}
	}
	w("m=%s 9 %s %s", l.offered.media, l.offered.protocol, strings.Join(pts, " "))
	writeTransport(w, id, l)
	w("a=rtcp-mux")
	if l.offered.rtcpRsize {
		w("a=rtcp-rsize")
	}
	w("a=%s", l.direction)
	feedback := feedbackIn
	if l.direction != receives {
		feedback = feedbackOut
	}
	for _, uri := range extensions {
		if n := l.offered.extensions[uri]; n != 0 {
			w("a=extmap:%d %s", n, uri)
		}
	}
	writeFormats(w, l, feedback)
	switch l.direction {
	case receives:
		if len(l.offered.rids) > 0 {
			for _, rid := range l.offered.rids {
				w("a=rid:%s recv", rid)
			}
			w("a=simulcast:recv %s", strings.Join(l.offered.rids, ";"))
		}
	case sends, exchanges:
		writeSource(w, l)
	}
}

func writeFormats(w func(string, ...any), l *answerLine, feedback []string) {
	for _, f := range l.offered.formats {
		switch f.codec {
		case opus:
			w("a=rtpmap:%d opus/48000/2", f.payloadType)
		case vp8:
			w("a=rtpmap:%d VP8/90000", f.payloadType)
		case h264:
			w("a=rtpmap:%d H264/90000", f.payloadType)
		case vp9:
			w("a=rtpmap:%d VP9/90000", f.payloadType)
		case av1:
			w("a=rtpmap:%d AV1/90000", f.payloadType)
		}
		if p := answerFmtp(l, &f); p != "" {
			w("a=fmtp:%d %s", f.payloadType, p)
		}
		for _, fb := range feedback {
			if slices.Contains(f.feedback, fb) && (fb != "goog-remb" || !l.offered.numbered()) { // the client estimates only where we cannot
				w("a=rtcp-fb:%d %s", f.payloadType, fb)
			}
		}
		if f.rtx != 0 {
			w("a=rtpmap:%d rtx/90000", f.rtx)
			w("a=fmtp:%d apt=%d", f.rtx, f.payloadType)
		}
		if f.red != 0 {
			w("a=rtpmap:%d red/48000/2", f.red)
			w("a=fmtp:%d %d/%d", f.red, f.payloadType, f.payloadType)
		}
	}
}

// echoed are the parameters of codecs that an answer repeats (RFC 9628 section 6, AV1 RTP payload specification section 7.2).
var echoed = map[codecName][]string{vp9: {"profile-id"}, av1: {"level-idx", "profile", "tier"}}

// startBitrate is where Chromium is to begin to estimate its path (kbit/s): by itself it does at 300, at which large layers may take many
// seconds to appear. It first probes at 900 and 1800. Anything over 70 % of that has it probe further at once, though for no more than what
// it sends already, which is its microphone: what it finds to be so little then costs it all the large layers for ten seconds.
const startBitrate = 1200

// answerFmtp returns the parameters of a format.
func answerFmtp(l *answerLine, f *format) string {
	var parts []string
	switch {
	case f.codec == opus:
		return answerOpus(l, f)
	case f.codec == h264:
		parts = append(parts, "level-asymmetry-allowed=1", "packetization-mode=1")
		if id := fmtpValue(f.fmtp, "profile-level-id"); id != "" {
			parts = append(parts, "profile-level-id="+id)
		}
	}
	for _, key := range echoed[f.codec] {
		if v := fmtpValue(f.fmtp, key); v != "" {
			parts = append(parts, key+"="+v)
		}
	}
	if l.direction == receives && l.offered.kind == video.Video {
		parts = append(parts, fmt.Sprintf("x-google-start-bitrate=%d", startBitrate))
	}
	return strings.Join(parts, ";")
}

// answerOpus asks the client for error correction, and for silence not to be sent (RFC 7587 section 7.1) unless it said usedtx=0. It is
// asked for stereo only if it says that it has some: browsers would encode a mono source as two.
func answerOpus(l *answerLine, f *format) string {
	p := "minptime=10;useinbandfec=1"
	if l.direction != receives && l.direction != exchanges {
		return p
	}
	if fmtpValue(f.fmtp, "usedtx") != "0" {
		p += ";usedtx=1"
	}
	if fmtpValue(f.fmtp, "stereo") == "1" || fmtpValue(f.fmtp, "sprop-stereo") == "1" {
		p += ";stereo=1"
	}
	return p
}

func writeSource(w func(string, ...any), l *answerLine) {
	w("a=msid:%s %s", l.stream, l.offered.mid)
	if l.rtx != 0 {
		w("a=ssrc-group:FID %d %d", l.ssrc, l.rtx)
	}
	for _, ssrc := range []uint32{l.ssrc, l.rtx} {
		if ssrc != 0 {
			w("a=ssrc:%d cname:rotunda", ssrc)
			w("a=ssrc:%d msid:%s %s", ssrc, l.stream, l.offered.mid)
		}
	}
}

// identity is what every line of an answer says of the server's side of a connection.
type identity struct {
	ufrag, password string
	fingerprint     string
	setup           string // the DTLS role (RFC 8842): passive, or actpass in an offer
	candidates      []string
	messageBytes    int // the longest message taken on a data channel
}
