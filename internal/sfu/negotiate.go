package sfu

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/pion/sdp/v3"

	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Negotiate applies the client's offer and returns the answer. It opens the lines that are new, gives those we send on to
// subscriptions that wait for them, and restarts ICE when the offer has new credentials. An offer that is refused has no
// effect; the error is a video.Error.
func (t *Transport) Negotiate(ctx context.Context, text string) (string, error) {
	o, err := parseOffer(text)
	if err != nil {
		return "", err
	}
	r := t.router
	r.mu.Lock()
	defer r.mu.Unlock()
	if t.closed.Load() || ctx.Err() != nil {
		return "", video.Errorf(video.CodeState, "the connection is closed")
	}
	if err := t.consistent(o); err != nil {
		return "", err
	}
	audio, picture := 0, 0
	for i := range o.lines {
		if i == len(t.all) {
			t.all = append(t.all, &line{mid: o.lines[i].mid, media: o.lines[i].media})
		}
		t.apply(t.all[i], &o.lines[i])
		if t.all[i].direction == sends {
			switch o.lines[i].kind {
			case video.Audio:
				audio++
			case video.Video:
				picture++
			}
		}
	}
	t.formPairs(audio == 0 || picture == 0)
	own := t.begin(o)
	t.sdpVersion++
	return writeAnswer(t.sdpID, t.sdpVersion, t.identity(own, "passive"), t.answerLines(o), o.mixed), nil
}

// begin starts what the lines of a description need: ICE, DTLS, and the subscriptions that wait. It returns our ICE credentials.
func (t *Transport) begin(o *offer) credentials {
	own, forgotten, restarted := t.ice.offered(o.ufrag)
	if restarted {
		t.engine.restarted(t, own.ufrag, forgotten)
	}
	if !t.dtlsStarted {
		t.startDTLS(o.fingerprint)
	}
	if t.assign() {
		t.tellReceiving()
	}
	t.tellWanted()
	return own
}

// consistent checks an offer against what was negotiated before (RFC 8829 section 5.3.1): lines stay in their order with
// their mids, new ones follow.
func (t *Transport) consistent(o *offer) error {
	if len(o.lines) < len(t.all) {
		return video.Errorf(video.CodeMedia, "the offer has %d lines, the connection has %d already", len(o.lines), len(t.all))
	}
	usable := false
	for i := range o.lines {
		l := &o.lines[i]
		if i < len(t.all) {
			known := t.all[i]
			if known.mid != l.mid || known.media != l.media {
				return video.Errorf(video.CodeMedia, "line %d has mid %q, it was %q", i, l.mid, known.mid)
			}
		}
		if l.direction == sdp.DirectionSendOnly && !l.rejected && len(l.formats) == 0 {
			return video.Errorf(video.CodeMedia, "the line with mid %q sends %s in no codec this server forwards (%s)", l.mid, l.media, codecNames)
		}
		usable = usable || !l.rejected && (len(l.formats) > 0 || l.data)
	}
	if !usable {
		return video.Errorf(video.CodeMedia, "the offer has no line with a codec this server forwards (%s)", codecNames)
	}
	if t.dtlsStarted && o.fingerprint != t.dtls.peer {
		return video.Errorf(video.CodeMedia, "the offer has another DTLS fingerprint than the connection")
	}
	return nil
}

// apply opens a line at its first offer and follows its direction at later ones.
func (t *Transport) apply(l *line, o *offeredLine) {
	if o.data && !o.rejected {
		l.rejected = false
		t.data.offered.Store(true)
		return
	}
	if o.rejected || len(o.formats) == 0 {
		l.rejected = l.track == nil && l.forwarder == nil
		l.direction = inactive
		return
	}
	l.rejected = false
	switch t.directionFor(l, o) {
	case receives:
		l.direction = receives
		if l.track == nil {
			l.track = newTrack(t, o)
			t.in.register(l.track, o)
		}
	case sends:
		l.direction = sends
		if l.forwarder == nil {
			l.forwarder = t.newForwarder(o, l.reserved)
		}
	case exchanges:
		l.direction = exchanges
		if l.track == nil {
			l.track = newTrack(t, o)
			t.in.register(l.track, o)
			l.forwarder = t.newForwarder(o, l.reserved)
			t.exchange(l)
		}
	default:
		l.direction = inactive
	}
}

// directionFor decides what a line is for. One that goes both ways is taken to receive on, unless it is ours already or a
// subscription waits for a line of its kind (a viewer).
func (t *Transport) directionFor(l *line, o *offeredLine) direction {
	switch {
	case o.direction == sdp.DirectionInactive:
		return inactive
	case t.twoWay && o.kind == video.Audio && o.direction == sdp.DirectionSendRecv && (l.track == nil) == (l.forwarder == nil):
		return exchanges
	case o.direction == sdp.DirectionSendOnly && l.forwarder == nil:
		return receives
	case o.direction == sdp.DirectionRecvOnly && l.track == nil:
		return sends
	case o.direction != sdp.DirectionSendRecv:
		return inactive // a line is used one way for its whole life
	case l.track != nil:
		return receives
	case l.forwarder != nil || len(t.waiting) > 0:
		return sends
	}
	return receives
}

// newForwarder makes the forwarder of a line, with the SSRCs that an offer of ours named, if there was one.
func (t *Transport) newForwarder(o *offeredLine, reserved ssrcPair) *forwarder {
	t.router.media.Lock()
	defer t.router.media.Unlock()
	if reserved == (ssrcPair{}) {
		reserved = ssrcPair{t.out.unusedSSRC(), t.out.unusedSSRC()}
	}
	f := &forwarder{transport: t, kind: o.kind, formats: o.formats, ssrc: reserved.media, granted: everything, header: packet.HeaderSize}
	f.depends = o.extensions[extDependency]
	if o.numbered() {
		f.wide, f.header = o.extensions[extTransportCC], packet.HeaderSize+extensionSize
		t.out.downlink.departures.open()
	}
	t.out.bySSRC[f.ssrc] = f
	if slices.ContainsFunc(o.formats, func(f format) bool { return f.rtx != 0 }) {
		f.rtx = reserved.rtx
		t.out.bySSRC[f.rtx] = f
	}
	if o.kind == video.Video {
		f.shedRank = rand.IntN(allRanks)
		f.numbers.gaps = make([]gap, rememberedGaps)
	}
	if o.kind == video.Video || asksAgain(o.formats) {
		f.sent = make([]sentPacket, sentHistory)
	}
	t.out.forwarders = append(t.out.forwarders, f)
	return f
}

// formPairs joins free lines we send on to pairs of an audio and a video line, in their order. A client that offers one kind only gets
// pairs of that kind alone.
func (t *Transport) formPairs(oneKind bool) {
	var audio, picture []*line
	for _, l := range t.all {
		if l.forwarder == nil || l.pair != nil || l.direction == exchanges {
			continue
		}
		if l.forwarder.kind == video.Audio {
			audio = append(audio, l)
		} else {
			picture = append(picture, l)
		}
	}
	for len(audio) > 0 || len(picture) > 0 {
		if !oneKind && (len(audio) == 0 || len(picture) == 0) {
			return
		}
		p := &pair{name: fmt.Sprintf("pair%d", len(t.pairs))}
		if len(audio) > 0 {
			p.audio, audio = audio[0], audio[1:]
			p.audio.pair = p
		}
		if len(picture) > 0 {
			p.video, picture = picture[0], picture[1:]
			p.video.pair = p
		}
		t.pairs = append(t.pairs, p)
	}
}

func (t *Transport) answerLines(o *offer) []answerLine {
	out := make([]answerLine, len(o.lines))
	for i := range o.lines {
		l := t.all[i]
		out[i] = answerLine{offered: &o.lines[i], direction: l.direction, rejected: l.rejected || o.lines[i].rejected}
		if f := l.forwarder; f != nil {
			out[i].ssrc, out[i].rtx = f.ssrc, f.rtx
			out[i].stream = "-"
			if l.pair != nil {
				out[i].stream = l.pair.name
			}
		}
	}
	return out
}

func (t *Transport) identity(own credentials, setup string) identity {
	return identity{
		ufrag: own.ufrag, password: own.password, setup: setup,
		fingerprint: t.engine.certificate.fingerprint, candidates: t.engine.candidates, messageBytes: t.data.messageBytes(),
	}
}
