package sfu

import (
	"context"
	"slices"
	"strings"

	"github.com/pion/sdp/v3"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// proposal is what the server offers to send one stream on: every codec it forwards, in its own numbering. It is read by the parser
// of clients' offers and written by the writer of answers.
const proposal = `m=audio 9 UDP/TLS/RTP/SAVPF 111 63
a=mid:0
a=sendonly
a=rtcp-mux
a=rtcp-rsize
a=extmap:1 ` + extMID + `
a=extmap:2 ` + extTransportCC + `
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=rtcp-fb:111 nack
a=rtpmap:63 red/48000/2
a=fmtp:63 111/111
m=video 9 UDP/TLS/RTP/SAVPF 96 97 102 103 104 105 98 99 45 46
a=mid:1
a=sendonly
a=rtcp-mux
a=rtcp-rsize
a=extmap:1 ` + extMID + `
a=extmap:2 ` + extTransportCC + `
a=extmap:3 ` + extDependency + `
a=rtcp-fb:* nack
a=rtcp-fb:* nack pli
a=rtcp-fb:* ccm fir
a=rtcp-fb:* transport-cc
a=rtpmap:96 VP8/90000
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=rtpmap:102 H264/90000
a=fmtp:102 packetization-mode=1;profile-level-id=42e01f
a=rtpmap:103 rtx/90000
a=fmtp:103 apt=102
a=rtpmap:104 H264/90000
a=fmtp:104 packetization-mode=1;profile-level-id=640c1f
a=rtpmap:105 rtx/90000
a=fmtp:105 apt=104
a=rtpmap:98 VP9/90000
a=fmtp:98 profile-id=0
a=rtpmap:99 rtx/90000
a=fmtp:99 apt=98
a=rtpmap:45 AV1/90000
a=fmtp:45 profile=0
a=rtpmap:46 rtx/90000
a=fmtp:46 apt=45
`

const textProposal = `m=application 9 UDP/DTLS/SCTP webrtc-datachannel
a=mid:0
`

// proposedLines reads a proposal of ours.
func proposedLines(text string) []offeredLine {
	var s sdp.SessionDescription
	_ = s.UnmarshalString(strings.ReplaceAll("v=0\no=- 0 0 IN IP4 127.0.0.1\ns=-\nt=0 0\n"+text, "\n", "\r\n"))
	lines := make([]offeredLine, len(s.MediaDescriptions))
	for i, m := range s.MediaDescriptions {
		lines[i] = parseLine(m)
	}
	return lines
}

// Offer makes the offer of a connection that sends one stream to the client: an audio and a video line. It is for transports without
// lines. The client's answer goes to Accept.
func (t *Transport) Offer() (string, error) { return t.offer(proposal) }

// OfferText makes the offer of a connection for text messages.
func (t *Transport) OfferText() (string, error) { return t.offer(textProposal) }

func (t *Transport) offer(text string) (string, error) {
	t.router.mu.Lock()
	defer t.router.mu.Unlock()
	switch {
	case t.closed.Load():
		return "", video.Errorf(video.CodeState, "the connection is closed")
	case len(t.all) > 0:
		return "", video.Errorf(video.CodeState, "the connection was negotiated already")
	}
	t.proposed = &offer{mixed: true, lines: proposedLines(text)}
	lines := make([]answerLine, len(t.proposed.lines))
	for i := range lines {
		l := &t.proposed.lines[i]
		lines[i] = answerLine{offered: l, direction: sends, stream: "stream"}
		if l.data {
			continue
		}
		l.ssrc = ssrcPair{media: randomSSRC()}
		if slices.ContainsFunc(l.formats, func(f format) bool { return f.rtx != 0 }) {
			l.ssrc.rtx = randomSSRC()
		}
		lines[i].ssrc, lines[i].rtx = l.ssrc.media, l.ssrc.rtx
	}
	t.sdpVersion++
	return writeAnswer(t.sdpID, t.sdpVersion, t.identity(t.ice.credentials(), "actpass"), lines, true), nil
}

// Accept takes the client's answer to an offer of ours. What it subscribed before flows from now on. An answer that is refused has no
// effect; the error is a video.Error.
func (t *Transport) Accept(ctx context.Context, text string) error {
	answer, err := parseDescription("answer", text)
	if err != nil {
		return err
	}
	t.router.mu.Lock()
	defer t.router.mu.Unlock()
	switch {
	case t.closed.Load() || ctx.Err() != nil:
		return video.Errorf(video.CodeState, "the connection is closed")
	case t.proposed == nil:
		return video.Errorf(video.CodeState, "there is no offer that waits for an answer")
	}
	if err := answer.answers(t.proposed); err != nil {
		return err
	}
	for i := range answer.lines {
		l := &answer.lines[i]
		if l.direction == sdp.DirectionSendRecv {
			l.direction = sdp.DirectionRecvOnly // we do not receive on it, whatever it says
		}
		t.all = append(t.all, &line{mid: l.mid, media: l.media, reserved: t.proposed.lines[i].ssrc})
		t.apply(t.all[i], l)
	}
	t.proposed = nil
	t.formPairs(true)
	t.begin(answer)
	return nil
}

// answers checks an answer against the offer (RFC 8829 section 5.10).
func (o *offer) answers(offered *offer) error {
	if len(o.lines) != len(offered.lines) {
		return video.Errorf(video.CodeMedia, "the answer has %d lines, the offer %d", len(o.lines), len(offered.lines))
	}
	usable := false
	for i := range o.lines {
		l, ours := &o.lines[i], &offered.lines[i]
		switch {
		case l.mid != ours.mid || l.media != ours.media:
			return video.Errorf(video.CodeMedia, "line %d of the answer is %s with mid %q, of the offer %s with mid %q", i, l.media, l.mid, ours.media, ours.mid)
		case l.direction == sdp.DirectionSendOnly && !l.data && !l.rejected:
			return video.Errorf(video.CodeMedia, "line %d of the answer sends", i)
		}
		usable = usable || !l.rejected && (len(l.formats) > 0 || l.data)
	}
	if !usable {
		return video.Errorf(video.CodeMedia, "the answer takes nothing of what was offered")
	}
	return nil
}
