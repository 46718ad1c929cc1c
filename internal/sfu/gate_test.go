package sfu

import (
	"testing"

	"github.com/pion/rtcp"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

func TestClosedGateHoldsVideo(t *testing.T) {
	c := newCall(t)
	c.camera.frame(true)
	c.camera.frames(2)
	got := c.viewer.take(3)
	c.publisher.transport.SetGate(c.stream, video.Video, false)
	before := c.sent()
	c.camera.frame(true)
	c.camera.frames(5)
	late := newWire(t, c.engine, c.session, receivePair("a", "v")...)
	late.subscribe(video.Subscription{StreamID: c.stream, Video: true})
	if c.sent() != before {
		t.Fatal("something passed a closed gate")
	}
	asked := c.keyframesAsked()
	c.layer().asked.Store(0)
	c.publisher.transport.SetGate(c.stream, video.Video, true)
	if c.keyframesAsked() != asked+1 {
		t.Fatal("no keyframe was asked for when the gate opened")
	}
	c.camera.frames(2)
	if c.sent() != before {
		t.Fatal("something passed before the keyframe, or what was held back was replayed")
	}
	key := c.camera.frame(true)
	c.camera.frames(2)
	got = append(got, c.viewer.take(3)...)
	unbroken(t, got)
	if got[3].Timestamp != key.Timestamp { // the first source of a line is forwarded with its own times
		t.Fatalf("time %d after the pause, want %d", got[3].Timestamp, key.Timestamp)
	}
	if !isKey(late.take(1)[0]) {
		t.Fatal("not a keyframe")
	}
}

func TestClosedGateHoldsAudio(t *testing.T) {
	e := newEngine(t)
	p := newWire(t, e, "s", withDirection(audioLine("0", 600), "sendonly"))
	if err := p.transport.Publish("voice", video.Lines{AudioMID: "0"}); err != nil {
		t.Fatal(err)
	}
	v := newWire(t, e, "s", receivePair("a", "v")...)
	v.subscribe(video.Subscription{StreamID: "voice", Audio: true})
	voice := p.opus(600)
	voice.frames(3)
	if e.Stats().PacketsSent != 0 {
		t.Fatal("the gate of a new stream is open")
	}
	p.transport.SetGate("voice", video.Audio, true)
	voice.frames(3)
	p.transport.SetGate("voice", video.Audio, false)
	voice.frames(50)
	p.transport.SetGate("voice", video.Audio, true)
	voice.frames(3)
	got := v.take(6)
	for i := 1; i < 6; i++ {
		step := uint32(960)
		if i == 3 {
			step *= 51
		}
		if got[i].SequenceNumber != got[i-1].SequenceNumber+1 || got[i].Timestamp != got[i-1].Timestamp+step {
			t.Fatalf("packet %d: number %d at %d after number %d at %d", i,
				got[i].SequenceNumber, got[i].Timestamp, got[i-1].SequenceNumber, got[i-1].Timestamp)
		}
	}
	if n := e.Stats().PacketsSent; n != 6 {
		t.Fatalf("%d packets sent, want 6", n)
	}
	select {
	case r := <-p.rtcp:
		if _, pli := r.(*rtcp.PictureLossIndication); pli {
			t.Fatal("a keyframe of sound was asked for")
		}
	default:
	}
}

// TestGateBelongsToOwner: others cannot open it, and unknown streams and kinds are nothing.
func TestGateBelongsToOwner(t *testing.T) {
	c := newCall(t)
	c.viewer.transport.SetGate(c.stream, video.Video, false)
	c.publisher.transport.SetGate("unknown", video.Video, false)
	c.publisher.transport.SetGate(c.stream, video.Audio, false)
	c.camera.frame(true)
	c.viewer.take(1)
}

func TestKindsAreSubscribedApart(t *testing.T) {
	e := newEngine(t)
	p := newWire(t, e, "s", withDirection(audioLine("0", 600), "sendonly"), withDirection(videoLine("1", 500), "sendonly"))
	p.publish("s", video.Lines{AudioMID: "0", VideoMID: "1"})
	v := newWire(t, e, "s", receivePair("a", "v")...)
	voice, camera := p.opus(600), p.vp8(500)
	for _, c := range []struct{ audio, picture bool }{{true, false}, {false, true}, {false, false}, {true, true}, {true, false}} {
		before := e.Stats().PacketsSent
		v.subscribe(video.Subscription{StreamID: "s", Audio: c.audio, Video: c.picture})
		camera.frame(true)
		camera.frame(false)
		voice.frames(2)
		got := map[uint8]int{}
		for _, p := range v.take(int(e.Stats().PacketsSent - before)) {
			got[p.PayloadType]++
		}
		if got[111] != map[bool]int{true: 2}[c.audio] || (got[96] >= 2) != c.picture || !c.picture && got[96] != 0 {
			t.Fatalf("%+v: received %v", c, got)
		}
	}
}

// TestMediaOfNoStream: lines alone bring no media in. What is sent over them before a stream is published goes to nobody.
func TestMediaOfNoStream(t *testing.T) {
	e := newEngine(t)
	p := newWire(t, e, "s", withDirection(videoLine("0", 500), "sendonly"))
	v := newWire(t, e, "s", receivePair("a", "v")...)
	camera := p.vp8(500)
	camera.frame(true)
	camera.frames(20)
	eventually(t, "the packets", func() bool { return e.Stats().PacketsReceived > 0 })
	if err := v.transport.Subscribe(video.Subscription{StreamID: "s", Video: true}); video.CodeOf(err) != video.CodeStreamNotFound {
		t.Fatalf("subscribed to no stream: %v", err)
	}
	if n := e.Stats().PacketsSent; n != 0 {
		t.Fatalf("%d packets were sent to someone", n)
	}
}
