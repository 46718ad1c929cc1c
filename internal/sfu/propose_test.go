package sfu

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pion/webrtc/v4"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// answer has the client answer an offer of the transport's.
func (p *peer) answer(offer string) {
	p.t.Helper()
	if err := p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		p.t.Fatalf("offer refused: %v\n%s", err, offer)
	}
	answer, err := p.pc.CreateAnswer(nil)
	if err != nil {
		p.t.Fatal(err)
	}
	gathered := webrtc.GatheringCompletePromise(p.pc)
	if err := p.pc.SetLocalDescription(answer); err != nil {
		p.t.Fatal(err)
	}
	<-gathered
	if err := p.transport.Accept(p.t.Context(), p.pc.LocalDescription().SDP); err != nil {
		p.t.Fatalf("answer refused: %v\n%s", err, p.pc.LocalDescription().SDP)
	}
}

// TestServerOffers sends a stream to a client that answers.
func TestServerOffers(t *testing.T) {
	e := newEngine(t)
	session, id := video.SessionID(video.NewUUID()), video.StreamID(video.NewUUID())
	publisher, track := publishVideo(t, e, session, id)
	within(t, publisher.connected, "the publisher's connection")
	publisher.stream(track, 20)

	viewer := newPeer(t, e, session)
	tracks := make(chan *webrtc.TrackRemote, 2)
	viewer.pc.OnTrack(func(tr *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { tracks <- tr })
	if err := viewer.transport.Subscribe(video.Subscription{StreamID: id, Video: true, Audio: true}); err != nil {
		t.Fatal(err)
	}
	offer, err := viewer.transport.Offer()
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"m=audio 9", "m=video 9", "a=setup:actpass", "a=ice-lite", "a=sendonly", "a=msid:stream 0", "a=msid:stream 1", "typ host"} {
		if !strings.Contains(offer, part) {
			t.Errorf("no %q in the offer:\n%s", part, offer)
		}
	}
	viewer.answer(offer)
	within(t, viewer.connected, "the viewer's connection")
	got := within(t, tracks, "the remote track")
	if got.Kind() != webrtc.RTPCodecTypeVideo || got.StreamID() != "stream" || !strings.Contains(offer, strings.Join([]string{"a=ssrc:", " cname"}, fmt.Sprint(got.SSRC()))) {
		t.Errorf("track of kind %v, stream %q, SSRC %d", got.Kind(), got.StreamID(), got.SSRC())
	}
	for range 20 {
		if _, _, err := got.ReadRTP(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := viewer.transport.Offer(); video.CodeOf(err) != video.CodeState {
		t.Errorf("a second offer: %v", err)
	}
}

func TestAnswersThatAreRefused(t *testing.T) {
	e := newEngine(t)
	tr, _ := newTransportOf(t, e)
	good := strings.NewReplacer("a=sendonly", "a=recvonly", "a=setup:actpass", "a=setup:active")
	if err := tr.Accept(t.Context(), offerText("0", "1")); video.CodeOf(err) != video.CodeState {
		t.Errorf("an answer to nothing: %v", err)
	}
	offer, err := tr.Offer()
	if err != nil {
		t.Fatal(err)
	}
	for name, answer := range map[string]string{
		"no SDP":         "hello",
		"lines missing":  good.Replace(offerText("0")),
		"other mids":     good.Replace(offerText("0", "2")),
		"other kinds":    good.Replace(offerText("0", "1")),
		"sends":          offer,
		"DTLS server":    strings.ReplaceAll(good.Replace(offer), "a=setup:active", "a=setup:passive"),
		"takes nothing":  strings.NewReplacer("m=audio 9", "m=audio 0", "m=video 9", "m=video 0").Replace(good.Replace(offer)),
		"no fingerprint": strings.ReplaceAll(good.Replace(offer), "a=fingerprint", "a=finger"),
	} {
		if err := tr.Accept(t.Context(), answer); video.CodeOf(err) != video.CodeMedia {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := tr.Accept(t.Context(), good.Replace(offer)); err != nil {
		t.Errorf("a good answer after bad ones: %v", err)
	}
}

// TestTwoWayLine: the mixed leg of the dialect is one audio line that goes both ways, and stays out of subscriptions.
func TestTwoWayLine(t *testing.T) {
	e := newEngine(t)
	p := newPeer(t, e, "s")
	p.transport.twoWay = true
	if _, err := p.pc.AddTransceiverFromKind(webrtc.RTPCodecTypeAudio, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendrecv}); err != nil {
		t.Fatal(err)
	}
	tracks := make(chan *webrtc.TrackRemote, 1)
	p.pc.OnTrack(func(tr *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { tracks <- tr })
	p.negotiate()
	within(t, p.connected, "the connection")
	answer := p.pc.RemoteDescription().SDP
	if !strings.Contains(answer, "a=sendrecv") || !strings.Contains(answer, "a=ssrc:") {
		t.Errorf("answer:\n%s", answer)
	}
	if err := p.transport.Publish("x", video.Lines{AudioMID: "0"}); video.CodeOf(err) != video.CodeMedia {
		t.Errorf("a stream on the mixed line: %v", err)
	}
	if len(p.transport.pairs) != 0 {
		t.Error("the mixed line waits for subscriptions")
	}
}

// texts keeps what came.
type texts chan string

func (c texts) Text(message []byte) { c <- string(message) }

func newTextPeer(t *testing.T, e *Engine) (*peer, texts) {
	t.Helper()
	p, received := newPeer(t, e, "s"), make(texts, 16)
	p.transport.data.text.listener = received
	return p, received
}

func (p *peer) openText(label string) (channel *webrtc.DataChannel, received chan string) {
	p.t.Helper()
	offer, err := p.transport.OfferText()
	if err != nil {
		p.t.Fatal(err)
	}
	received = make(chan string, 16)
	listen := func(c *webrtc.DataChannel) {
		c.OnMessage(func(m webrtc.DataChannelMessage) { received <- string(m.Data) })
	}
	p.pc.OnDataChannel(func(c *webrtc.DataChannel) {
		if c.Label() == textLabel {
			listen(c)
		}
	})
	p.answer(offer)
	if channel, err = p.pc.CreateDataChannel(label, nil); err != nil {
		p.t.Fatal(err)
	}
	if label == textLabel {
		listen(channel)
	}
	opened := make(chan struct{})
	channel.OnOpen(func() { close(opened) })
	within(p.t, opened, "the channel")
	return channel, received
}

// TestText goes both ways on the channel of the client's own, and for clients that only send on theirs, down on one of ours.
func TestText(t *testing.T) {
	for _, label := range []string{textLabel, sendLabel} {
		t.Run(label, func(t *testing.T) {
			p, up := newTextPeer(t, newEngine(t))
			channel, down := p.openText(label)
			long := strings.Repeat("x", maxTextMessage)
			for _, text := range []string{"hello", long, ""} {
				if err := channel.SendText(text); err != nil {
					t.Fatal(err)
				}
				if got := within(t, up, "the message up"); got != text {
					t.Errorf("%d bytes came, %d were sent", len(got), len(text))
				}
			}
			for _, text := range []string{"hello", long} {
				if !p.transport.SendText([]byte(text)) {
					t.Error("not sent")
				}
				if got := within(t, down, "the message down"); got != text {
					t.Errorf("%d bytes came, %d were sent", len(got), len(text))
				}
			}
		})
	}
}

// TestSlowReaderOfText: what waits is bounded.
func TestSlowReaderOfText(t *testing.T) {
	p, _ := newTextPeer(t, newEngine(t))
	_, down := p.openText(textLabel)
	eventually(t, "our end", func() bool { return p.transport.SendText([]byte("one")) })
	within(t, down, "a message")
	way := p.transport.ice.chosen.Swap(nil) // the network is gone
	sent := slices.IndexFunc(make([]struct{}, 100), func(struct{}) bool { return !p.transport.SendText(make([]byte, 64<<10)) })
	p.transport.ice.chosen.Store(way)
	if sent < 0 || sent*(64<<10) > textBacklog+(64<<10) {
		t.Errorf("%d messages of 64 KiB wait for a client that takes none", sent)
	}
}

func TestTextLineIsOffered(t *testing.T) {
	tr, _ := newTransportOf(t, newEngine(t))
	tr.data.text.listener = make(texts)
	offer, err := tr.OfferText()
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n", "a=sctp-port:5000\r\n", "a=max-message-size:262144\r\n", "a=setup:actpass\r\n"} {
		if !strings.Contains(offer, part) {
			t.Errorf("no %q in the offer:\n%s", part, offer)
		}
	}
}
