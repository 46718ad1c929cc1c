package whip_test

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/live/livetest"
	"github.com/rotunda-rtc/rotunda/internal/sfu"
	"github.com/rotunda-rtc/rotunda/internal/video"
	"github.com/rotunda-rtc/rotunda/internal/whip"
)

// engine is the real media path, as live asks for it.
type engine struct{ *sfu.Engine }

func (e engine) NewTransport(c live.TransportConfig) (live.Transport, error) {
	return e.Engine.NewTransport(sfu.TransportConfig{Session: c.Session, Participant: c.Participant, Updates: c.Updates})
}

// newMediaHouse is a house through which media flows.
func newMediaHouse(t *testing.T, change ...func(*whip.Config)) *house {
	t.Helper()
	e, err := sfu.New(sfu.Config{Addresses: []netip.Addr{netip.MustParseAddr("127.0.0.1")}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	h := &house{}
	h.open(t, engine{e}, change...)
	return h
}

// client is WebRTC software of others that publishes or plays.
type client struct {
	h       *house
	pc      *webrtc.PeerConnection
	address string // of the resource
	tag     string // of the ICE session
	answer  string
}

func (h *house) client() *client {
	h.t.Helper()
	var settings webrtc.SettingEngine
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetInterfaceFilter(func(name string) bool { return name == "lo" })
	var media webrtc.MediaEngine
	if err := media.RegisterDefaultCodecs(); err != nil {
		h.t.Fatal(err)
	}
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(settings), webrtc.WithMediaEngine(&media)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = pc.GracefulClose() })
	return &client{h: h, pc: pc}
}

// offer is a new offer with all candidates, which is not sent.
func (c *client) offer(options *webrtc.OfferOptions) string {
	c.h.t.Helper()
	offer, err := c.pc.CreateOffer(options)
	if err != nil {
		c.h.t.Fatal(err)
	}
	gathered := webrtc.GatheringCompletePromise(c.pc)
	if err := c.pc.SetLocalDescription(offer); err != nil {
		c.h.t.Fatal(err)
	}
	<-gathered
	return c.pc.LocalDescription().SDP
}

func (c *client) take(answer string) {
	c.h.t.Helper()
	c.answer = answer
	if err := c.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		c.h.t.Fatal(err)
	}
}

// begin sends an offer to an endpoint.
func (c *client) begin(endpoint string) answer {
	c.h.t.Helper()
	a := c.h.call("POST", endpoint, c.offer(nil))
	if a.status != http.StatusCreated {
		c.h.t.Fatalf("POST %s: %+v", endpoint, a)
	}
	c.address, c.tag = a.header.Get("Location"), a.header.Get("ETag")
	c.take(a.body)
	return a
}

// restart restarts ICE by PATCH.
func (c *client) restart() answer {
	c.h.t.Helper()
	offer := c.offer(&webrtc.OfferOptions{ICERestart: true})
	a := c.patch(fragment(offer), "*")
	if a.status != http.StatusOK || a.header.Get("Content-Type") != "application/trickle-ice-sdpfrag" {
		c.h.t.Fatalf("PATCH: %+v", a)
	}
	c.tag = a.header.Get("ETag")
	var next []string
	for line := range strings.Lines(c.answer) {
		for _, key := range []string{"a=ice-ufrag:", "a=ice-pwd:"} {
			if strings.HasPrefix(line, key) {
				line = key + attribute(a.body, key) + "\r\n"
			}
		}
		next = append(next, line)
	}
	c.take(strings.Join(next, ""))
	return a
}

func (c *client) patch(body, match string, header ...string) answer {
	c.h.t.Helper()
	return c.h.call("PATCH", c.address, body, append([]string{"Content-Type", "application/trickle-ice-sdpfrag", "If-Match", match}, header...)...)
}

// attribute is the first value of an attribute in SDP.
func attribute(sdp, key string) string {
	for line := range strings.Lines(sdp) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), key); ok {
			return value
		}
	}
	return ""
}

// fragment has the ICE of an offer's first line.
func fragment(sdp string) string {
	b := "a=ice-options:trickle\r\na=group:BUNDLE 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\n"
	for line := range strings.Lines(sdp) {
		if strings.HasPrefix(line, "a=ice-ufrag") || strings.HasPrefix(line, "a=ice-pwd") || strings.HasPrefix(line, "a=candidate") {
			b += line
		}
	}
	return b + "a=end-of-candidates\r\n"
}

func (h *house) publisher(name string) (*client, *webrtc.TrackLocalStaticRTP) {
	h.t.Helper()
	c := h.client()
	track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000}, "video", "camera")
	if err != nil {
		h.t.Fatal(err)
	}
	if _, err := c.pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly}); err != nil {
		h.t.Fatal(err)
	}
	c.begin(h.whip(name))
	return c, track
}

// viewer plays what was published under a name. What arrives is counted by the last byte of its packets.
func (h *house) viewer(name string) (*client, *arrivals) {
	h.t.Helper()
	c, seen := h.client(), &arrivals{}
	if _, err := c.pc.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
		h.t.Fatal(err)
	}
	c.pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		for {
			p, _, err := track.ReadRTP()
			if err != nil {
				return
			}
			seen.add(p.Payload[len(p.Payload)-1])
		}
	})
	c.begin(h.whep(name))
	return c, seen
}

type arrivals struct {
	mu    sync.Mutex
	kinds []byte
}

func (a *arrivals) add(kind byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !slices.Contains(a.kinds, kind) {
		a.kinds = append(a.kinds, kind)
	}
}

func (a *arrivals) has(kind byte) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Contains(a.kinds, kind)
}

// camera sends keyframes that end with a byte that can be changed.
type camera struct {
	mu    sync.Mutex
	last  byte
	track *webrtc.TrackLocalStaticRTP
}

func (c *camera) run(stop <-chan struct{}) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for n := uint16(0); ; n++ {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		c.mu.Lock()
		payload := []byte{0x10, 0x00, 0x00, 0x00, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0, 0x00, c.last}
		c.mu.Unlock()
		_ = c.track.WriteRTP(&rtp.Packet{
			Header:  rtp.Header{Version: 2, SequenceNumber: n, Timestamp: uint32(n) * 900, Marker: true},
			Payload: payload,
		})
	}
}

func (c *camera) show(last byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = last
}

func TestICERestartOfPublisherAndViewer(t *testing.T) {
	h := newMediaHouse(t)
	publisher, track := h.publisher("x")
	film, stop, stopped := &camera{track: track, last: 1}, make(chan struct{}), make(chan struct{})
	go func() { film.run(stop); close(stopped) }()
	defer func() { close(stop); <-stopped }()
	viewer, seen := h.viewer("x")
	eventually(t, func() bool { return seen.has(1) })
	for i, c := range []*client{publisher, viewer, publisher} {
		before, tag := c.answer, c.tag
		a := c.restart()
		if a.header.Get("ETag") == tag || !strings.HasPrefix(a.header.Get("ETag"), `"`) {
			t.Errorf("ETag %s after %s", a.header.Get("ETag"), tag)
		}
		for _, key := range []string{"a=ice-ufrag:", "a=ice-pwd:"} {
			if got := attribute(a.body, key); got == "" || got == attribute(before, key) {
				t.Errorf("%s%s after %s", key, got, attribute(before, key))
			}
		}
		for _, key := range []string{"a=ice-lite", "a=group:BUNDLE 0", "m=video 9", "a=mid:0", "a=candidate:", "a=end-of-candidates"} {
			if !strings.Contains("\n"+a.body, "\n"+key) {
				t.Errorf("no %s in %s", key, a.body)
			}
		}
		if strings.Contains(a.body, "rtpmap") || strings.Contains(a.body, "fingerprint") {
			t.Errorf("the fragment is more than ICE: %s", a.body)
		}
		kind := byte(2 + i)
		film.show(kind)
		eventually(t, func() bool { return seen.has(kind) })
		c.patch(fragment(c.pc.LocalDescription().SDP), tag).want(t, "candidates of the ICE session before", http.StatusPreconditionFailed)
		if a := c.patch(fragment(c.pc.LocalDescription().SDP), c.tag); a.status != http.StatusNoContent {
			t.Errorf("candidates after the restart: %+v", a)
		}
	}
	if a := h.call("DELETE", viewer.address, "", "If-Match", `"outdated"`); a.status != http.StatusOK {
		t.Errorf("DELETE: %+v", a)
	}
}

func TestPatchRules(t *testing.T) {
	h := newMediaHouse(t)
	c, _ := h.publisher("x")
	offer := c.pc.LocalDescription().SDP
	good := fragment(offer)
	ufrag, password := attribute(offer, "a=ice-ufrag:"), attribute(offer, "a=ice-pwd:")
	if c.tag == "" || strings.HasPrefix(c.tag, "W/") {
		t.Fatalf("the answer has the ETag %q", c.tag)
	}
	session := "a=ice-ufrag:" + ufrag + "\r\na=ice-pwd:" + password + "\r\n"
	for name, body := range map[string]string{
		"all candidates":             good,
		"by line feeds":              strings.ReplaceAll(good, "\r\n", "\n"),
		"credentials of the session": session + "m=video 9 RTP/AVP 0\r\na=mid:0\r\na=end-of-candidates\r\n",
		"no media line":              session + "a=end-of-candidates",
		"transports and addresses of other people": session + "m=video 9 RTP/AVP 0\r\na=mid:0\r\n" +
			"a=candidate:1 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active generation 0\r\n" +
			"a=candidate:2 1 pigeon 5 0c7f8b5e-3a3e-4a4b-9a55-6d1f2ad8b6c1.local 40000 typ host\r\n" +
			"a=candidate:3 1 UDP 7 2001:db8::1 40000 typ srflx raddr :: rport 0\r\n",
	} {
		for _, match := range []string{c.tag, "*", `"*"`, `"other", ` + c.tag} {
			a := c.patch(body, match)
			if a.status != http.StatusNoContent || a.body != "" || a.header.Get("ETag") != "" {
				t.Errorf("%s with %s: %+v", name, match, a)
			}
		}
	}
	for _, test := range []struct {
		name, body, match string
		header            []string
		status            int
	}{
		{"no If-Match", good, "", nil, http.StatusPreconditionRequired},
		{"another If-Match", good, `"other"`, nil, http.StatusPreconditionFailed},
		{"a weak If-Match", good, "W/" + c.tag, nil, http.StatusPreconditionFailed},
		{"no quotes", good, strings.Trim(c.tag, `"`), nil, http.StatusPreconditionFailed},
		{"garbage and no If-Match", "garbage", "", nil, http.StatusPreconditionRequired},
		{"SDP", good, c.tag, []string{"Content-Type", "application/sdp"}, http.StatusUnsupportedMediaType},
		{"no type", good, c.tag, []string{"Content-Type", ""}, http.StatusUnsupportedMediaType},
		{"too large", good + strings.Repeat("a=x\r\n", 20_000), c.tag, nil, http.StatusRequestEntityTooLarge},
		{"foreign token", good, c.tag, []string{"Authorization", "Bearer foreign"}, http.StatusUnauthorized},
		{"empty", "", c.tag, nil, http.StatusBadRequest},
		{"garbage", "garbage", c.tag, nil, http.StatusBadRequest},
		{"a whole description", offer, c.tag, nil, http.StatusBadRequest},
		{"no credentials", "m=video 9 RTP/AVP 0\r\na=mid:0\r\n", c.tag, nil, http.StatusBadRequest},
		{"no password", "a=ice-ufrag:" + ufrag, c.tag, nil, http.StatusBadRequest},
		{"no ufrag", "a=ice-pwd:" + password, c.tag, nil, http.StatusBadRequest},
		{"short ufrag", "a=ice-ufrag:abc\r\na=ice-pwd:" + password, c.tag, nil, http.StatusBadRequest},
		{"long ufrag", "a=ice-ufrag:" + strings.Repeat("x", 257) + "\r\na=ice-pwd:" + password, c.tag, nil, http.StatusBadRequest},
		{"short password", "a=ice-ufrag:" + ufrag + "\r\na=ice-pwd:abcdefghijklmnopqrstu", c.tag, nil, http.StatusBadRequest},
		{"odd ufrag", "a=ice-ufrag:ab cd\r\na=ice-pwd:" + password, c.tag, nil, http.StatusBadRequest},
		{"line without mid", session + "m=video 9 RTP/AVP 0\r\n", c.tag, nil, http.StatusBadRequest},
		{"line without mid before another", session + "m=video 9 RTP/AVP 0\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\n", c.tag, nil, http.StatusBadRequest},
		{"mid twice", session + "m=video 9 RTP/AVP 0\r\na=mid:0\r\na=mid:1\r\n", c.tag, nil, http.StatusBadRequest},
		{"mid of the session", session + "a=mid:0\r\n", c.tag, nil, http.StatusBadRequest},
		{"unknown mid", session + "m=video 9 RTP/AVP 0\r\na=mid:7\r\n", c.tag, nil, http.StatusBadRequest},
		{"broken candidate", session + "a=candidate:1 1 udp\r\n", c.tag, nil, http.StatusBadRequest},
		{"candidate with a word for a port", session + "a=candidate:1 1 udp 5 192.0.2.1 http typ host\r\n", c.tag, nil, http.StatusBadRequest},
	} {
		a := c.patch(test.body, test.match, test.header...)
		a.want(t, test.name, test.status)
		if types := a.header.Get("Accept-Patch"); (types == "application/trickle-ice-sdpfrag") != (test.status == http.StatusUnsupportedMediaType) {
			t.Errorf("%s: Accept-Patch %q", test.name, types)
		}
	}
	// What was refused has changed nothing, and whoever is allowed to still is.
	if a := c.patch(good, c.tag); a.status != http.StatusNoContent {
		t.Errorf("after all that: %+v", a)
	}
	renewed := "a=ice-ufrag:renewed\r\na=ice-pwd:" + password + "\r\n"
	if a := c.patch(renewed, c.tag); a.status != http.StatusOK || a.header.Get("ETag") == c.tag {
		t.Errorf("new credentials with the tag of the ICE session: %+v", a)
	}
	c.patch(good, c.tag).want(t, "the ICE session of before", http.StatusPreconditionFailed)
	if a := h.call("DELETE", c.address, ""); a.status != http.StatusOK {
		t.Errorf("DELETE: %+v", a)
	}
	c.patch(good, "*").want(t, "after the end", http.StatusNotFound)
}

// Clients that do not bundle from the start have credentials on every line. Those of lines that are not the first are not
// those of the connection.
func TestTrickleOfOtherLines(t *testing.T) {
	h := newMediaHouse(t)
	c := h.client()
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
		if _, err := c.pc.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly}); err != nil {
			t.Fatal(err)
		}
	}
	c.begin(h.whip("x"))
	const others = "m=video 9 RTP/AVP 0\r\na=mid:1\r\na=ice-ufrag:other\r\na=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa\r\n"
	if a := c.patch(others, c.tag); a.status != http.StatusNoContent {
		t.Errorf("the second line alone: %+v", a)
	}
	if a := c.patch(fragment(c.pc.LocalDescription().SDP)+others, c.tag); a.status != http.StatusNoContent {
		t.Errorf("both lines: %+v", a)
	}
}

// A restart that is refused ends nothing.
func TestRefusedRestart(t *testing.T) {
	h := newHouse(t)
	const first, second = "a=ice-ufrag:first\r\na=ice-pwd:aaaaaaaaaaaaaaaaaaaaaa\r\n", "a=ice-ufrag:second\r\na=ice-pwd:bbbbbbbbbbbbbbbbbbbbbb\r\n"
	created := h.call("POST", h.whip("x"), sends+first)
	patch := func(body, match string) answer {
		return h.call("PATCH", created.header.Get("Location"), body, "Content-Type", "application/trickle-ice-sdpfrag", "If-Match", match)
	}
	var offers []string
	h.media.OnNegotiate = func(_ context.Context, _ video.ParticipantID, offer string) error {
		offers = append(offers, offer)
		return errors.New("not now")
	}
	patch(second, "*").want(t, "refused", http.StatusUnprocessableEntity)
	if want := []string{sends + second}; !slices.Equal(offers, want) {
		t.Errorf("offered %q, want %q", offers, want)
	}
	if a := patch(first, created.header.Get("ETag")); a.status != http.StatusNoContent {
		t.Errorf("a candidate after that: %+v", a)
	}
	h.media.OnNegotiate = nil
	if a := patch(second, "*"); a.status != http.StatusOK {
		t.Errorf("trying again: %+v", a)
	}
}

func TestCreatedHeaders(t *testing.T) {
	h := newHouse(t, func(c *whip.Config) {
		c.ICEServers = []video.ICEServer{
			{URLs: []string{"stun:stun.example.net"}},
			{URLs: []string{"turn:turn.example.net?transport=udp", "turns:turn.example.net"}, Username: "u", Credential: `p"w\d`},
		}
	})
	for endpoint, offer := range map[string]string{h.whip("x"): sends, h.whip("y"): livetest.Offer("0 audio sendrecv")} {
		a := h.call("POST", endpoint, offer)
		const secret = `; rel="ice-server"; username="u"; credential="p\"w\\d"; credential-type="password"`
		links := []string{
			`<stun:stun.example.net>; rel="ice-server"`, "<turn:turn.example.net?transport=udp>" + secret, "<turns:turn.example.net>" + secret,
		}
		if a.status != http.StatusCreated || !slices.Equal(a.header.Values("Link"), links) ||
			a.header.Get("Accept-Patch") != "application/trickle-ice-sdpfrag" || !strings.HasPrefix(a.header.Get("ETag"), `"`) {
			t.Errorf("POST %s: %+v", endpoint, a)
		}
		exposed := strings.Split(a.header.Get("Access-Control-Expose-Headers"), ", ")
		for _, name := range []string{"Location", "ETag", "Link", "Accept-Patch"} {
			if !slices.Contains(exposed, name) {
				t.Errorf("scripts cannot read %s", name)
			}
		}
	}
}

// Our own servers come first, with credentials for whoever has the token: another resource has no more relays.
func TestCreatedRelay(t *testing.T) {
	var subjects []string
	h := newHouse(t, func(c *whip.Config) {
		c.ICEServers = []video.ICEServer{{URLs: []string{"stun:stun.example.net"}}}
		c.Relay = func(subject string) ([]video.ICEServer, time.Time) {
			subjects = append(subjects, subject)
			return []video.ICEServer{{URLs: []string{"turn:own.example"}, Username: subject, Credential: "c"}}, time.Time{}
		}
	})
	mine := h.grants["good"]
	mine.Family = "family"
	h.grants["good"] = mine
	for i, endpoint := range []string{h.whip("x"), h.whip("y")} {
		a := h.call("POST", endpoint, sends)
		want := []string{
			`<turn:own.example>; rel="ice-server"; username="` + subjects[i] + `"; credential="c"; credential-type="password"`,
			`<stun:stun.example.net>; rel="ice-server"`,
		}
		if !slices.Equal(a.header.Values("Link"), want) || subjects[i] != "family" {
			t.Errorf("links %q, subjects %q", a.header.Values("Link"), subjects)
		}
	}
}

func TestGet(t *testing.T) {
	h := newHouse(t)
	publisher := h.created(h.whip("x"), sends)
	viewer := h.created(h.whep("x"), listens)
	for _, test := range []struct {
		path, kind string
		status     int
	}{
		{h.whip("x"), "", http.StatusNoContent},
		{h.whip("nobody"), "", http.StatusNoContent},
		{publisher, "", http.StatusNoContent},
		{h.whep("x"), "application/sdp", http.StatusOK},
		{viewer, "", http.StatusNoContent},
		{h.whep(video.NewUUID(), "self"), "application/sdp", http.StatusOK},
	} {
		for _, method := range []string{"GET", "HEAD"} {
			a := h.call(method, test.path, "")
			if a.status != test.status || a.body != "" || a.header.Get("Content-Type") != test.kind {
				t.Errorf("%s %s: %+v", method, test.path, a)
			}
		}
	}
}

// An offer is taken as a whole, or not at all: a stream without the half of it would mislead whoever sends it.
func TestNoHalfPublisher(t *testing.T) {
	h := newMediaHouse(t)
	c := h.client()
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
		if _, err := c.pc.AddTransceiverFromKind(kind); err != nil {
			t.Fatal(err)
		}
	}
	offer := c.offer(nil)
	for _, direction := range []string{"sendonly", "sendrecv"} {
		offer := strings.ReplaceAll(strings.ReplaceAll(offer, "sendrecv", direction), "opus/48000", "unheard-of/48000")
		h.call("POST", h.whip("x"), offer).want(t, direction, http.StatusUnprocessableEntity)
	}
	if a := h.call("POST", h.whip("x"), offer); a.status != http.StatusCreated {
		t.Errorf("the name is not free: %+v", a)
	}
}
