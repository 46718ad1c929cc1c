package sfu

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pion/sdp/v3"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

const someFingerprint = "AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB"

// offerText is a small whole offer with one VP8 line a client sends on for each mid.
func offerText(mids ...string) string {
	lines := []string{"v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE " + strings.Join(mids, " ")}
	for _, mid := range mids {
		lines = append(lines, "m=video 9 UDP/TLS/RTP/SAVPF 96 97", "c=IN IP4 0.0.0.0", "a=mid:"+mid, "a=ice-ufrag:abcd", "a=ice-pwd:abcdefghijklmnopqrstuvwx",
			"a=fingerprint:sha-256 "+someFingerprint, "a=setup:actpass", "a=rtcp-mux", "a=sendonly",
			"a=rtpmap:96 VP8/90000", "a=rtcp-fb:96 nack pli", "a=rtpmap:97 rtx/90000", "a=fmtp:97 apt=96")
	}
	return strings.Join(lines, "\r\n") + "\r\n"
}

func readOffer(tb testing.TB, name string) string {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name+".sdp"))
	if err != nil {
		tb.Fatal(err)
	}
	return string(b)
}

func newTransportOf(tb testing.TB, e *Engine) (*Transport, *watcher) {
	tb.Helper()
	w := newWatcher()
	t, err := e.NewTransport(TransportConfig{Session: "s", Updates: w})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(t.Close)
	return t, w
}

func TestParseOffer(t *testing.T) {
	type want struct {
		mid       string
		direction sdp.Direction
		rejected  bool
		formats   []uint8 // payload type, its RTX, …
		rids      []string
		ssrc      ssrcPair
	}
	for name, lines := range map[string][]want{
		"chromium": {
			{"0", sdp.DirectionSendOnly, false, []uint8{111, 0}, nil, ssrcPair{media: 1001}},
			{"1", sdp.DirectionSendOnly, false, []uint8{96, 97, 103, 104, 109, 114, 117, 118, 98, 99, 45, 46, 123, 124}, []string{"f", "h", "q"}, ssrcPair{}},
			{"2", sdp.DirectionRecvOnly, false, []uint8{111, 0}, nil, ssrcPair{}},
			{"3", sdp.DirectionRecvOnly, false, []uint8{96, 97, 103, 104, 109, 114, 117, 118, 98, 99, 45, 46, 123, 124}, nil, ssrcPair{}},
			{"4", sdp.DirectionSendRecv, false, nil, nil, ssrcPair{}},
		},
		"firefox": {
			{"0", sdp.DirectionSendOnly, false, []uint8{109, 0}, nil, ssrcPair{media: 2222}},
			{"1", sdp.DirectionSendOnly, false, []uint8{120, 124, 121, 125}, []string{"hi", "lo"}, ssrcPair{media: 3331}},
		},
		"gstreamer": {
			{"video0", sdp.DirectionSendRecv, false, []uint8{96, 97}, nil, ssrcPair{700, 701}},
			{"audio1", sdp.DirectionSendRecv, false, []uint8{98, 0}, nil, ssrcPair{media: 702}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := parseOffer(readOffer(t, name))
			if err != nil {
				t.Fatal(err)
			}
			if len(o.lines) != len(lines) || o.ufrag == "" || o.password == "" || o.fingerprint.algorithm != "sha-256" || len(o.fingerprint.value) != 95 {
				t.Fatalf("%d lines, %q, %q, %+v", len(o.lines), o.ufrag, o.password, o.fingerprint)
			}
			for i, w := range lines {
				l := o.lines[i]
				var formats []uint8
				for _, f := range l.formats {
					formats = append(formats, f.payloadType, f.rtx)
				}
				if l.mid != w.mid || l.direction != w.direction || l.rejected != w.rejected || !slices.Equal(formats, w.formats) || !slices.Equal(l.rids, w.rids) || l.ssrc != w.ssrc {
					t.Errorf("line %d: %+v, want %+v", i, l, w)
				}
			}
		})
	}
}

// TestAnswer holds the answers to real offers against what RFC 8829 asks of them.
func TestAnswer(t *testing.T) {
	e := newEngine(t)
	for name, want := range map[string]struct {
		directions []string
		bundle     string
		has, not   []string
	}{
		"chromium": {
			[]string{"recvonly", "recvonly", "sendonly", "sendonly", "sctp-port"},
			"0 1 2 3 4",
			[]string{"a=simulcast:recv f;h;q", "a=rid:q recv", "m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "a=extmap:10 " + extRID, "a=fmtp:109 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f", "a=rtcp-fb:96 transport-cc", "a=msid:pair0 2", "a=msid:pair0 3", "a=ssrc-group:FID", "a=rtpmap:98 VP9/90000", "a=fmtp:98 profile-id=0", "a=fmtp:96 x-google-start-bitrate=1200", "a=rtpmap:45 AV1/90000", "a=fmtp:45 level-idx=5;profile=0;tier=0", "a=extmap-allow-mixed"},
			[]string{"rtpmap:107", "goog-remb", "playout-delay", "red/90000", "video-orientation"},
		},
		"firefox": {
			[]string{"recvonly", "recvonly"},
			"0 1",
			[]string{"a=simulcast:recv hi;lo", "a=rtcp-fb:120 nack pli", "a=extmap:8 " + extRID, "a=extmap:7 " + extTransportCC},
			[]string{"rtpmap:126", "csrc-audio-level"},
		},
		"gstreamer": {
			[]string{"recvonly", "recvonly"},
			"video0 audio1",
			[]string{"a=rtpmap:96 H264/90000", "profile-level-id=42C01F", "a=rtpmap:97 rtx/90000", "a=rtpmap:98 opus/48000/2"},
			[]string{"simulcast", "transport-cc", "a=ssrc"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			tr, _ := newTransportOf(t, e)
			text, err := tr.Negotiate(t.Context(), readOffer(t, name))
			if err != nil {
				t.Fatal(err)
			}
			var s sdp.SessionDescription
			if err := s.UnmarshalString(text); err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			o, _ := parseOffer(readOffer(t, name))
			if v, _ := s.Attribute("group"); v != "BUNDLE "+want.bundle || len(s.MediaDescriptions) != len(o.lines) {
				t.Fatalf("bundle %q, %d lines", v, len(s.MediaDescriptions))
			}
			for i, m := range s.MediaDescriptions {
				if mid, _ := m.Attribute("mid"); mid != o.lines[i].mid || m.MediaName.Media != o.lines[i].media {
					t.Errorf("line %d is %s %q", i, m.MediaName.Media, mid)
				}
				if want.directions[i] == "" {
					if m.MediaName.Port.Value != 0 {
						t.Errorf("line %d is not rejected", i)
					}
					continue
				}
				if _, ok := m.Attribute(want.directions[i]); !ok || m.MediaName.Port.Value == 0 {
					t.Errorf("line %d is not %s", i, want.directions[i])
				}
				for _, key := range []string{"ice-ufrag", "ice-pwd", "fingerprint", "rtcp-mux"} {
					if key == "rtcp-mux" && m.MediaName.Media == "application" {
						continue
					}
					if _, ok := m.Attribute(key); !ok {
						t.Errorf("line %d has no %s", i, key)
					}
				}
				if setup, _ := m.Attribute("setup"); setup != "passive" {
					t.Errorf("line %d has setup %q", i, setup)
				}
			}
			for _, part := range append(want.has, "a=ice-lite", "a=candidate:1 1 udp", "a=end-of-candidates") {
				if !strings.Contains(text, part) {
					t.Errorf("no %q in\n%s", part, text)
				}
			}
			for _, part := range want.not {
				if strings.Contains(text, part) {
					t.Errorf("%q in\n%s", part, text)
				}
			}
			again, err := tr.Negotiate(t.Context(), readOffer(t, name))
			if err != nil {
				t.Fatal(err)
			}
			if cut := func(s string) string { return s[strings.Index(s, "s=-"):] }; cut(again) != cut(text) {
				t.Errorf("the same offer is answered otherwise:\n%s\n%s", text, again)
			}
		})
	}
}

// Somebody in a full room offers a pair of lines for each of the others; in browsers that is about 300 kB.
func TestOfferOfAFullRoomIsTaken(t *testing.T) {
	mids := make([]string, 2*video.MaxRoomParticipants)
	for i := range mids {
		mids[i] = strconv.Itoa(i)
	}
	offer := offerText(mids...)
	offer += strings.Repeat("a=rtcp-fb:127 goog-remb\r\n", (300<<10-len(offer))/25)
	parsed, err := parseOffer(offer)
	if err != nil {
		t.Fatal(err)
	}
	if len(parsed.lines) != len(mids) {
		t.Errorf("%d lines of %d", len(parsed.lines), len(mids))
	}
}

func TestOffersRefused(t *testing.T) {
	e := newEngine(t)
	good := offerText("0", "1")
	without := func(attribute string) string {
		var out []string
		for l := range strings.SplitSeq(good, "\r\n") {
			if !strings.HasPrefix(l, attribute) {
				out = append(out, l)
			}
		}
		return strings.Join(out, "\r\n")
	}
	many := make([]string, maxLines+1)
	for i := range many {
		many[i] = video.NewUUID()[:8]
	}
	for name, c := range map[string]struct {
		offer string
		code  video.Code
	}{
		"empty":            {"", video.CodeMedia},
		"garbage":          {"\x00\xff\x16not SDP", video.CodeMedia},
		"half a line":      {good[:60] + "\r\nm=vid", video.CodeMedia},
		"too long":         {good + strings.Repeat("a=x\r\n", maxOfferBytes/5), video.CodeTooLarge},
		"no lines":         {good[:strings.Index(good, "m=")], video.CodeMedia},
		"too many lines":   {offerText(many...), video.CodeTooMany},
		"no mid":           {without("a=mid"), video.CodeMedia},
		"a mid twice":      {offerText("0", "0"), video.CodeMedia},
		"no ICE ufrag":     {without("a=ice-ufrag"), video.CodeMedia},
		"no ICE password":  {without("a=ice-pwd"), video.CodeMedia},
		"no fingerprint":   {without("a=fingerprint"), video.CodeMedia},
		"DTLS server":      {strings.ReplaceAll(good, "actpass", "passive"), video.CodeMedia},
		"no DTLS":          {strings.ReplaceAll(good, "UDP/TLS/RTP/SAVPF", "RTP/AVP"), video.CodeMedia},
		"no codec of ours": {strings.ReplaceAll(good, "VP8", "H265"), video.CodeMedia},
		"all rejected":     {strings.ReplaceAll(good, "m=video 9", "m=video 0"), video.CodeMedia},
		"only data": {strings.ReplaceAll(strings.ReplaceAll(good, "m=video 9 UDP/TLS/RTP/SAVPF 96 97", "m=application 9 UDP/DTLS/SCTP webrtc-datachannel"),
			"a=rtpmap", "a=x"), video.CodeMedia},
	} {
		t.Run(name, func(t *testing.T) {
			tr, _ := newTransportOf(t, e)
			answer, err := tr.Negotiate(t.Context(), c.offer)
			if video.CodeOf(err) != c.code || answer != "" {
				t.Fatalf("%v, answer %q", err, answer)
			}
			if len(tr.all) != 0 || tr.dtlsStarted || tr.sdpVersion != 0 || tr.ice.remote != "" {
				t.Fatal("a refused offer has an effect")
			}
			if _, err := tr.Negotiate(t.Context(), good); err != nil {
				t.Fatalf("a good offer after it: %v", err)
			}
		})
	}
}

// TestLaterOffersRefused: what was negotiated stays; lines are added behind.
func TestLaterOffersRefused(t *testing.T) {
	e := newEngine(t)
	tr, _ := newTransportOf(t, e)
	if _, err := tr.Negotiate(t.Context(), offerText("0", "1")); err != nil {
		t.Fatal(err)
	}
	ufrag := tr.ice.local.ufrag
	restart := func(s string) string { return strings.ReplaceAll(s, "a=ice-ufrag:abcd", "a=ice-ufrag:efgh") }
	for name, offer := range map[string]string{
		"fewer lines":         restart(offerText("0")),
		"other order":         restart(offerText("1", "0")),
		"another mid":         restart(offerText("0", "2")),
		"another medium":      restart(strings.Replace(offerText("0", "1"), "m=video", "m=audio", 1)),
		"another certificate": restart(strings.ReplaceAll(offerText("0", "1", "2"), someFingerprint, strings.ReplaceAll(someFingerprint, "AB", "CD"))),
		"garbage":             "x",
	} {
		if _, err := tr.Negotiate(t.Context(), offer); video.CodeOf(err) != video.CodeMedia {
			t.Errorf("%s: %v", name, err)
		}
		if len(tr.all) != 2 || tr.ice.local.ufrag != ufrag || tr.sdpVersion != 1 {
			t.Errorf("%s: a refused offer has an effect", name)
		}
	}
	if _, err := tr.Negotiate(t.Context(), offerText("0", "1", "2")); err != nil || len(tr.all) != 3 {
		t.Errorf("%d lines after one was added: %v", len(tr.all), err)
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := tr.Negotiate(cancelled, offerText("0", "1", "2", "3")); err == nil || len(tr.all) != 3 {
		t.Errorf("%d lines after an offer nobody waits for: %v", len(tr.all), err)
	}
}

// TestLineIsRejectedLater: a client may reject a line, and use it again.
func TestLineIsRejectedLater(t *testing.T) {
	e := newEngine(t)
	tr, _ := newTransportOf(t, e)
	rejected := strings.Replace(offerText("0", "1"), "m=video 9", "m=video 0", 1)
	for i, c := range []struct{ offer, line string }{
		{offerText("0", "1"), "m=video 9"}, {rejected, "m=video 0"}, {offerText("0", "1"), "m=video 9"},
	} {
		answer, err := tr.Negotiate(t.Context(), c.offer)
		if err != nil {
			t.Fatal(err)
		}
		if m := answer[strings.Index(answer, "m="):]; !strings.HasPrefix(m, c.line) {
			t.Errorf("offer %d is answered by %.30q", i, m)
		}
	}
}

func TestParseSimulcast(t *testing.T) {
	for value, want := range map[string][]string{
		"send f;h;q":               {"f", "h", "q"},
		"send f,g;~h;q,r":          {"f", "h", "q"},
		"recv a;b send c;d":        {"c", "d"},
		"send a;b;c;d":             {"a", "b", "c"},
		"send a;a;b":               {"a", "b"},
		"send":                     nil,
		"":                         nil,
		"send ;;;":                 nil,
		"send aaaaaaaaaaaaaaaaa;b": {"b"},
	} {
		var l offeredLine
		l.parseSimulcast(value)
		if !slices.Equal(l.rids, want) {
			t.Errorf("%q: %q, want %q", value, l.rids, want)
		}
	}
}

func FuzzParseOffer(f *testing.F) {
	for _, name := range []string{"chromium", "firefox", "gstreamer"} {
		f.Add(readOffer(f, name))
	}
	f.Add(offerText("0", "1"))
	f.Fuzz(func(t *testing.T, text string) {
		o, err := parseOffer(text)
		if err != nil {
			if c := video.CodeOf(err); c != video.CodeMedia && c != video.CodeTooLarge && c != video.CodeTooMany {
				t.Fatalf("code %s: %v", c, err)
			}
			return
		}
		if len(o.lines) == 0 || len(o.lines) > maxLines || o.ufrag == "" || o.fingerprint.value == "" {
			t.Fatalf("%+v", o)
		}
		lines := make([]answerLine, len(o.lines))
		for i := range lines {
			lines[i] = answerLine{offered: &o.lines[i], direction: direction(i % 3), ssrc: 1, rtx: 2, stream: "s", rejected: o.lines[i].rejected || len(o.lines[i].formats) == 0}
		}
		answer := writeAnswer(1, 1, identity{ufrag: "u", password: "p", fingerprint: someFingerprint}, lines, true)
		var s sdp.SessionDescription
		if err := s.UnmarshalString(answer); err != nil {
			t.Fatalf("the answer is not SDP: %v\n%s", err, answer)
		}
		if len(s.MediaDescriptions) != len(o.lines) {
			t.Fatalf("%d lines in the answer to %d", len(s.MediaDescriptions), len(o.lines))
		}
	})
}
