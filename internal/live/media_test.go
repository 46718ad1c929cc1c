package live_test

import (
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/live/livetest"
	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/sfu"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// engine is sfu's as live asks for it.
type engine struct{ *sfu.Engine }

func (e engine) NewTransport(config live.TransportConfig) (live.Transport, error) {
	return e.Engine.NewTransport(sfu.TransportConfig{
		Session: config.Session, Participant: config.Participant, Updates: config.Updates,
	})
}

// A real client's camera and microphone reach the recorder as they were sent, through a real media path, as long as nobody
// holds them back.
func TestRealMediaIsRecorded(t *testing.T) {
	media, err := sfu.New(sfu.Config{Addresses: []netip.Addr{netip.MustParseAddr("127.0.0.1")}})
	if err != nil {
		t.Fatal(err)
	}
	defer media.Close()
	h := newHouse(t, func(c *live.Config) { c.Media, c.Linger = engine{media}, -1 })
	defer h.close()
	h.rooms.Change(h.room.ID, func(r *video.Room) { r.EnableRecording = true })
	a := h.join()
	camera, voice := publishReal(t, a)
	stop := make(chan struct{})
	var sending sync.WaitGroup
	sending.Go(func() {
		for n, tick := uint16(0), time.NewTicker(5*time.Millisecond); ; n++ {
			select {
			case <-stop:
				tick.Stop()
				return
			case <-tick.C:
			}
			_ = camera.WriteRTP(&rtp.Packet{
				Header:  rtp.Header{Version: 2, Marker: true, SequenceNumber: n, Timestamp: uint32(n) * 450},
				Payload: picture(n%10 == 0, byte(n)),
			})
			_ = voice.WriteRTP(&rtp.Packet{
				Header: rtp.Header{Version: 2, SequenceNumber: n, Timestamp: uint32(n) * 240}, Payload: []byte{0xfc, byte(n)},
			})
		}
	})
	defer func() { close(stop); sending.Wait() }()
	recording := h.tapes.Running()[0]
	until := func(what string, holds func() bool) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); !holds(); <-time.After(2 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("timed out waiting for %s", what)
			}
		}
	}
	more := func(r *livetest.Recording, kind video.Kind) {
		t.Helper()
		before := len(r.Media(kind))
		until("more of "+string(kind), func() bool { return len(r.Media(kind)) > before+10 })
	}
	more(recording, video.Video)
	more(recording, video.Audio)
	first := recording.Media(video.Video)[0]
	if !first.Keyframe || first.Codec != packet.CodecVP8 || first.Width != 640 || first.Height != 360 || first.Sampled == 0 {
		t.Errorf("the first packet is %+v", first)
	}

	session := a.SessionID()
	if _, err := h.moderate("mute", session, these(a)); err != nil {
		t.Fatal(err)
	}
	muted := len(recording.Media(video.Audio))
	more(recording, video.Video) // while which nothing is heard
	if n := len(recording.Media(video.Audio)); n != muted {
		t.Errorf("%d packets of what a moderator censored were recorded", n-muted)
	}
	if _, err := h.moderate("unmute", session, these(a)); err != nil {
		t.Fatal(err)
	}
	more(recording, video.Audio)

	if _, err := h.moderate("stop_recording", session, everyone); err != nil {
		t.Fatal(err)
	}
	stopped := len(recording.Media(video.Video))
	before := media.Stats().PacketsReceived
	until("packets that nobody records", func() bool { return media.Stats().PacketsReceived > before+50 })
	if n := len(recording.Media(video.Video)); n != stopped {
		t.Errorf("%d packets were recorded after the end", n-stopped)
	}
	if _, err := h.moderate("start_recording", session, everyone); err != nil {
		t.Fatal(err)
	}
	again := h.tapes.Running()[0]
	more(again, video.Video)
	if m := again.Media(video.Video)[0]; !m.Keyframe || m.Number <= first.Number {
		t.Errorf("the new recording begins with %+v", m)
	}
	a.Leave(video.LeftByChoice)
	h.wantRunning()
}

// publishReal connects a client that publishes a camera and a microphone.
func publishReal(t *testing.T, o *observer) (camera, voice *webrtc.TrackLocalStaticRTP) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var settings webrtc.SettingEngine
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetInterfaceFilter(func(name string) bool { return name == "lo" })
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(settings)).NewPeerConnection(webrtc.Configuration{})
	must(err)
	t.Cleanup(func() { _ = pc.Close() })
	add := func(mime string) (*webrtc.TrackLocalStaticRTP, *webrtc.RTPTransceiver) {
		track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: mime}, mime, "stream")
		must(err)
		transceiver, err := pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
		must(err)
		return track, transceiver
	}
	camera, cameraLine := add(webrtc.MimeTypeVP8)
	voice, voiceLine := add(webrtc.MimeTypeOpus)
	offer, err := pc.CreateOffer(nil)
	must(err)
	gathered := webrtc.GatheringCompletePromise(pc)
	must(pc.SetLocalDescription(offer))
	<-gathered
	published, err := o.Publish(t.Context(), live.PublishRequest{
		Key: "self", Audio: &live.Line{MID: voiceLine.Mid(), Enabled: true}, Video: &live.Line{MID: cameraLine.Mid(), Enabled: true},
		Offer: pc.LocalDescription().SDP,
	}, nil)
	must(err)
	must(pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: published.Answer}))
	return camera, voice
}

// picture is a frame of VP8 in one packet, 640 x 360 if it is a key frame.
func picture(key bool, body byte) []byte {
	if key {
		return []byte{0x10, 0, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01, body}
	}
	return []byte{0x10, 0x01, 0, 0, body}
}
