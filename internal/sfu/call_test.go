package sfu

import (
	"testing"

	"github.com/pion/webrtc/v4"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// publishVideo connects a peer and publishes one VP8 video under the stream id.
func publishVideo(t *testing.T, e *Engine, session video.SessionID, id video.StreamID) (*peer, *webrtc.TrackLocalStaticRTP) {
	t.Helper()
	p := newPeer(t, e, session)
	track, tr := p.send(webrtc.MimeTypeVP8)
	p.negotiate()
	if err := p.transport.Publish(id, video.Lines{VideoMID: tr.Mid()}); err != nil {
		t.Fatal(err)
	}
	p.transport.SetGate(id, video.Video, true)
	return p, track
}

// TestForward sends video from one client to another: the subscriber is asked for lines, offers them, and receives an unbroken
// source from a keyframe on.
func TestForward(t *testing.T) {
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
	viewer.mu.Lock()
	wanted := viewer.wanted
	viewer.mu.Unlock()
	if wanted != 1 {
		t.Fatalf("the viewer was asked for %d pairs of lines, want 1", wanted)
	}
	viewer.addReceiveLines(1)
	viewer.negotiate()
	if len(viewer.receiving) != 2 || viewer.receiving[1].StreamID != id || viewer.receiving[1].Kind != video.Video {
		t.Fatalf("receiving %+v", viewer.receiving)
	}
	within(t, viewer.connected, "the viewer's connection")
	got := within(t, tracks, "the remote track")
	if got.Kind() != webrtc.RTPCodecTypeVideo {
		t.Fatalf("kind %v", got.Kind())
	}
	if first := inOrder(t, got, 100); first.Payload[4]&1 != 0 {
		t.Fatal("the first packet is not of a key frame")
	}
}
