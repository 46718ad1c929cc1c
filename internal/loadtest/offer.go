package loadtest

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Payload types and header extensions as we offer them; an answer keeps the numbers.
const (
	opusType = 111
	vp8Type  = 96
	rtxType  = 97
)

const (
	midID = iota + 1
	ridID
	repairedID
	sequenceID
	levelID
)

const (
	extMID        = "urn:ietf:params:rtp-hdrext:sdes:mid"
	extRID        = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
	extRepaired   = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
	extSequence   = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
	extAudioLevel = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
)

// line is one media line of our offers; its mid is its place among them.
type line struct {
	kind      video.Kind
	sends     bool
	ssrc, rtx uint32   // of a line that sends without layers
	rids      []string // the layers of a line that sends several
}

// credentials are one side's of ICE.
type credentials struct{ ufrag, password string }

// writeOffer renders an offer of these lines, all in one bundle.
func writeOffer(id uint64, version int, own credentials, fingerprint string, lines []line) string {
	var b strings.Builder
	w := func(format string, args ...any) { fmt.Fprintf(&b, format+"\r\n", args...) }
	w("v=0")
	w("o=- %d %d IN IP4 127.0.0.1", id, version)
	w("s=-")
	w("t=0 0")
	bundle := "a=group:BUNDLE"
	for i := range lines {
		bundle += " " + strconv.Itoa(i)
	}
	w("%s", bundle)
	for i := range lines {
		l := &lines[i]
		types := strconv.Itoa(opusType)
		if l.kind == video.Video {
			types = fmt.Sprintf("%d %d", vp8Type, rtxType)
		}
		w("m=%s 9 UDP/TLS/RTP/SAVPF %s", l.kind, types)
		w("c=IN IP4 0.0.0.0")
		w("a=mid:%d", i)
		w("a=ice-ufrag:%s", own.ufrag)
		w("a=ice-pwd:%s", own.password)
		w("a=fingerprint:sha-256 %s", fingerprint)
		w("a=setup:actpass")
		w("a=rtcp-mux")
		w("a=rtcp-rsize")
		l.write(w)
	}
	return b.String()
}

func (l *line) write(w func(string, ...any)) {
	direction := "recvonly"
	if l.sends {
		direction = "sendonly"
	}
	w("a=%s", direction)
	w("a=extmap:%d %s", midID, extMID)
	w("a=extmap:%d %s", sequenceID, extSequence)
	if l.kind == video.Audio {
		w("a=extmap:%d %s", levelID, extAudioLevel)
		w("a=rtpmap:%d opus/48000/2", opusType)
		w("a=fmtp:%d minptime=10;useinbandfec=1", opusType)
		w("a=rtcp-fb:%d transport-cc", opusType)
	} else {
		w("a=extmap:%d %s", ridID, extRID)
		w("a=extmap:%d %s", repairedID, extRepaired)
		w("a=rtpmap:%d VP8/90000", vp8Type)
		for _, feedback := range []string{"nack", "nack pli", "ccm fir", "transport-cc"} {
			w("a=rtcp-fb:%d %s", vp8Type, feedback)
		}
		w("a=rtpmap:%d rtx/90000", rtxType)
		w("a=fmtp:%d apt=%d", rtxType, vp8Type)
	}
	if !l.sends {
		return
	}
	w("a=msid:loadtest %s", l.kind)
	if len(l.rids) > 0 {
		for _, rid := range l.rids {
			w("a=rid:%s send", rid)
		}
		w("a=simulcast:send %s", strings.Join(l.rids, ";"))
		return
	}
	if l.rtx != 0 {
		w("a=ssrc-group:FID %d %d", l.ssrc, l.rtx)
		w("a=ssrc:%d cname:loadtest", l.rtx)
	}
	w("a=ssrc:%d cname:loadtest", l.ssrc)
}

// answer is what the server says of a connection.
type answer struct {
	remote      credentials
	fingerprint string // SHA-256, as written
	candidates  []netip.AddrPort
	sources     []sourceLine // of lines that the server sends on
	sequences   bool         // packets to the server are numbered across the connection
	feedback    bool         // the server wants the same numbers of its own packets reported
}

// sourceLine is what the server will send on a line.
type sourceLine struct {
	kind      video.Kind
	ssrc, rtx uint32
}

func readAnswer(text string) (*answer, error) {
	var s sdp.SessionDescription
	if err := s.UnmarshalString(text); err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	var a answer
	for _, m := range s.MediaDescriptions {
		if m.MediaName.Port.Value == 0 {
			return nil, fmt.Errorf("the answer rejects a line of %s", m.MediaName.Media)
		}
		if a.remote.ufrag == "" {
			a.readTransport(m)
		}
		a.readLine(m)
	}
	if a.remote.ufrag == "" || a.remote.password == "" || a.fingerprint == "" || len(a.candidates) == 0 {
		return nil, errors.New("the answer lacks credentials, a fingerprint or candidates")
	}
	return &a, nil
}

func (a *answer) readTransport(m *sdp.MediaDescription) {
	a.remote.ufrag, _ = m.Attribute("ice-ufrag")
	a.remote.password, _ = m.Attribute("ice-pwd")
	fingerprint, _ := m.Attribute("fingerprint")
	if algorithm, value, _ := strings.Cut(fingerprint, " "); strings.EqualFold(algorithm, "sha-256") {
		a.fingerprint = value
	}
	for _, attribute := range m.Attributes {
		// 1 1 udp 2113937151 127.0.0.1 7882 typ host
		f := strings.Fields(attribute.Value)
		if attribute.Key != "candidate" || len(f) < 8 || !strings.EqualFold(f[2], "udp") {
			continue
		}
		address, err := netip.ParseAddr(f[4])
		port, wrong := strconv.ParseUint(f[5], 10, 16)
		if err == nil && wrong == nil {
			a.candidates = append(a.candidates, netip.AddrPortFrom(address.Unmap(), uint16(port)))
		}
	}
}

func (a *answer) readLine(m *sdp.MediaDescription) {
	l := sourceLine{kind: video.Kind(m.MediaName.Media)}
	sends, numbered, wanted := false, false, false
	for _, attribute := range m.Attributes {
		switch attribute.Key {
		case "sendonly":
			sends = true
		case "extmap":
			numbered = numbered || strings.HasSuffix(attribute.Value, " "+extSequence)
		case "rtcp-fb":
			wanted = wanted || strings.HasSuffix(attribute.Value, " transport-cc")
		case "ssrc-group":
			if f := strings.Fields(attribute.Value); len(f) == 3 && f[0] == "FID" {
				l.ssrc, l.rtx = parseSSRC(f[1]), parseSSRC(f[2])
			}
		case "ssrc":
			if l.ssrc == 0 {
				l.ssrc = parseSSRC(attribute.Value)
			}
		}
	}
	switch {
	case sends && l.ssrc != 0:
		a.sources = append(a.sources, l)
		a.feedback = a.feedback || numbered && wanted
	case !sends:
		a.sequences = a.sequences || numbered && wanted
	}
}

func parseSSRC(s string) uint32 {
	word, _, _ := strings.Cut(s, " ")
	n, _ := strconv.ParseUint(word, 10, 32)
	return uint32(n)
}
