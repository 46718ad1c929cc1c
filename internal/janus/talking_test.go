package janus_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/rotunda-rtc/rotunda/internal/live"
)

const audioLevel = "urn:ietf:params:rtp-hdrext:ssrc-audio-level" // RFC 6464

// voice is what somebody publishes who tells how loud it is, and says nothing until told to.
type voice struct {
	track *webrtc.TrackLocalStaticRTP
	level chan byte // -dBov, with the bit that says it is a voice
}

// nativeLevels publishes a voice as a client of another protocol.
func (h *house) nativeLevels() *voice {
	h.t.Helper()
	p, heard := h.native()
	var codecs webrtc.MediaEngine
	if err := codecs.RegisterDefaultCodecs(); err != nil {
		h.t.Fatal(err)
	}
	if err := codecs.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: audioLevel}, webrtc.RTPCodecTypeAudio); err != nil {
		h.t.Fatal(err)
	}
	c := &client{t: h.t}
	pc := c.connection(webrtc.WithMediaEngine(&codecs))
	track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus}, "voice", "voice")
	if err != nil {
		h.t.Fatal(err)
	}
	line, err := pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err != nil {
		h.t.Fatal(err)
	}
	published, err := p.Publish(h.t.Context(), live.PublishRequest{Key: "self", Audio: &live.Line{MID: "0", Enabled: true}, Offer: c.offer(pc)}, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	c.remote(pc, webrtc.SDPTypeAnswer, published.Answer)
	hear[live.MediaConnected](h.t, heard)
	v := &voice{track: track, level: make(chan byte)}
	extensions := line.Sender().GetParameters().HeaderExtensions
	i := slices.IndexFunc(extensions, func(e webrtc.RTPHeaderExtensionParameter) bool { return e.URI == audioLevel })
	if i < 0 {
		h.t.Fatalf("negotiated %v", extensions)
	}
	h.speak(v, uint8(extensions[i].ID))
	return v
}

// speak sends packets at the level set last, until the test ends.
func (h *house) speak(v *voice, extension uint8) {
	stop := make(chan struct{})
	var speaking sync.WaitGroup
	speaking.Go(func() {
		ticker := time.NewTicker(20 * time.Millisecond)
		defer ticker.Stop()
		level := byte(127)
		for n := 0; ; n++ {
			p := &rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: uint16(n), Timestamp: uint32(n) * frameSize}, Payload: []byte{0xfc, 1, 2}}
			if err := p.SetExtension(extension, []byte{level}); err != nil {
				h.t.Error(err)
			}
			_ = v.track.WriteRTP(p)
			select {
			case <-stop:
				return
			case level = <-v.level:
			case <-ticker.C:
			}
		}
	})
	h.t.Cleanup(func() { close(stop); speaking.Wait() })
}

// TestTalking: who talks is told on the legs of both plugins, with how loud it is, again and again, and the end of it.
func TestTalking(t *testing.T) {
	h := newHouse(t)
	a := h.dial()
	a.enter()
	v := h.nativeLevels()
	published := a.push("publishers")["publishers"].([]any)[0].(object)
	if published["audio_codec"] != "opus" || published["video_codec"] != nil { // it has no picture
		t.Errorf("published %v", published)
	}
	v.level <- 30 | 0x80
	begun := a.push("audio-level-dBov-avg")
	if level := begun["audio-level-dBov-avg"].(float64); begun["videoroom"] != "talking" || begun["id"] != published["id"] || level < 25 || level > 45 {
		t.Errorf("push %v", begun)
	}
	bridged := a.push("audiobridge")
	for bridged["audiobridge"] != "talking" {
		bridged = a.push("audiobridge")
	}
	if again := a.push("audio-level-dBov-avg"); again["videoroom"] != "talking" {
		t.Errorf("after it %v", again)
	}
	v.level <- 127
	for ended := a.push("audio-level-dBov-avg"); ended["videoroom"] != "stopped-talking"; {
		ended = a.push("audio-level-dBov-avg")
	}
}
