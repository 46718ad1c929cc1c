package sfu

import (
	"testing"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

func anyPLI(*rtcp.PictureLossIndication) bool { return true }

func TestKeyframeRequestsArePassedOn(t *testing.T) {
	for name, request := range map[string]func(ssrc uint32) rtcp.Packet{
		"PLI": func(ssrc uint32) rtcp.Packet { return &rtcp.PictureLossIndication{SenderSSRC: 1, MediaSSRC: ssrc} },
		"FIR": func(ssrc uint32) rtcp.Packet {
			return &rtcp.FullIntraRequest{SenderSSRC: 1, FIR: []rtcp.FIREntry{{SSRC: ssrc, SequenceNumber: 1}}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCall(t)
			c.camera.frame(true)
			ssrc := c.viewer.take(1)[0].SSRC
			now := c.engine.Now()
			for _, step := range []struct {
				after int64
				want  uint64
			}{{0, 1}, {1, 1}, {249, 1}, {251, 2}, {502, 2}, {750, 2}, {752, 3}} {
				c.viewer.report(now+step.after*msec, request(ssrc))
				if n := c.keyframesAsked(); n != step.want {
					t.Fatalf("%d requests after %d ms, want %d", n, step.after, step.want)
				}
			}
			for range 3 {
				if got := waitRTCP(c.publisher, "a request", anyPLI); got.MediaSSRC != 500 {
					t.Fatalf("%+v", got)
				}
			}
			c.viewer.report(now+9999*msec, request(ssrc+1), request(500))
			if n := c.keyframesAsked(); n != 3 {
				t.Fatal("a request about another source was passed on")
			}
		})
	}
}

// TestSubscriberGetsKeyframe: one who joins when the last keyframe is long ago waits for a new one, which is asked for until it comes.
func TestSubscriberGetsKeyframe(t *testing.T) {
	c := newCall(t)
	c.camera.frame(true)
	c.camera.frames(replayPackets)
	late := newWire(t, c.engine, c.session, receivePair("a", "v")...)
	before := c.sent()
	late.subscribe(video.Subscription{StreamID: c.stream, Video: true})
	if n := c.keyframesAsked(); n != 1 {
		t.Fatalf("%d keyframes asked for at once, want 1", n)
	}
	for range 3 { // and again
		waitRTCP(c.publisher, "a keyframe request", anyPLI)
		c.camera.frame(false)
	}
	if n := c.sent() - before; n != 3 { // to the viewer who was there
		t.Fatalf("%d packets sent, want 3: something reached the late viewer before a keyframe", n)
	}
	c.camera.frame(true)
	if !isKey(late.take(1)[0]) {
		t.Fatal("not a key frame")
	}
	late.burst(func() {
		for _, f := range late.transport.out.forwarders {
			if f.retarget(c.engine.Now()) != nil {
				t.Error("a forwarder still waits")
			}
		}
	})
}

// TestRecentKeyframeIsReplayed: one who joins soon after a keyframe gets it from the history, and what came since.
func TestRecentKeyframeIsReplayed(t *testing.T) {
	c := newCall(t)
	c.camera.frame(true)
	c.camera.frames(3)
	key := c.camera.frame(true)
	c.camera.frames(20)
	late := newWire(t, c.engine, c.session, receivePair("a", "v")...)
	late.subscribe(video.Subscription{StreamID: c.stream, Video: true})
	c.camera.frame(false)
	got := late.take(22)
	unbroken(t, got)
	if _, seq := origin(got[0]); !isKey(got[0]) || seq != key.SequenceNumber {
		t.Fatalf("begins with packet %d, want the last keyframe %d", seq, key.SequenceNumber)
	}
	if c.keyframesAsked() != 0 {
		t.Fatal("a keyframe was asked for all the same")
	}
	late.report(c.engine.Now(), nack(got[5].SSRC, got[5].SequenceNumber))
	if again := late.take(1)[0]; string(again.Payload[2:]) != string(got[5].Payload) {
		t.Fatal("what was replayed cannot be sent again")
	}
}

// TestHolesAreNotReplayed: with a packet missing since the keyframe, another keyframe is needed.
func TestHolesAreNotReplayed(t *testing.T) {
	c := newCall(t)
	c.camera.frame(true)
	c.camera.frames(3)
	c.camera.make(false) // lost
	c.camera.frames(3)
	before := c.sent()
	late := newWire(t, c.engine, c.session, receivePair("a", "v")...)
	late.subscribe(video.Subscription{StreamID: c.stream, Video: true})
	if c.sent() != before || c.keyframesAsked() != 1 {
		t.Fatalf("%d sent, %d asked for", c.sent()-before, c.keyframesAsked())
	}
	// When the loss is final the hole is still there, though nobody waits for the packet any more.
	waitRTCP(c.publisher, "the end of repair", func(p *rtcp.PictureLossIndication) bool {
		c.publisher.transport.router.media.Lock()
		defer c.publisher.transport.router.media.Unlock()
		return c.layer().reception.Complete(0)
	})
	later := newWire(t, c.engine, c.session, receivePair("a", "v")...)
	later.subscribe(video.Subscription{StreamID: c.stream, Video: true})
	if c.sent() != before {
		t.Fatal("a hole was replayed")
	}
}

// TestNobodyIsTakenBack: switching the picture off and on again does not repeat what was seen.
func TestNobodyIsTakenBack(t *testing.T) {
	c := newCall(t)
	c.camera.frame(true)
	c.camera.frames(5)
	c.viewer.subscribe(video.Subscription{StreamID: c.stream})
	c.viewer.subscribe(video.Subscription{StreamID: c.stream, Video: true})
	c.camera.frames(3)
	key := c.camera.frame(true)
	c.camera.frames(3)
	got := c.viewer.take(10)
	unbroken(t, got)
	if _, seq := origin(got[6]); seq != key.SequenceNumber {
		t.Fatalf("goes on with packet %d, want the new keyframe %d", seq, key.SequenceNumber)
	}
	// But a keyframe that came meanwhile serves.
	c.viewer.subscribe(video.Subscription{StreamID: c.stream})
	c.camera.frame(false)
	key = c.camera.frame(true)
	c.camera.frames(2)
	c.viewer.subscribe(video.Subscription{StreamID: c.stream, Video: true})
	more := c.viewer.take(3)
	unbroken(t, append([]*rtp.Packet{got[9]}, more...))
	if _, seq := origin(more[0]); seq != key.SequenceNumber {
		t.Fatalf("goes on with packet %d, want %d", seq, key.SequenceNumber)
	}
}

// TestKeyframeIsAskedForOnce, however many viewers of a layer want one at a time.
func TestKeyframeIsAskedForOnce(t *testing.T) {
	c := newCall(t)
	c.camera.frame(true)
	viewers := []*wire{c.viewer}
	for range 9 {
		v := newWire(t, c.engine, c.session, receivePair("a", "v")...)
		v.subscribe(video.Subscription{StreamID: c.stream, Video: true})
		viewers = append(viewers, v)
	}
	c.camera.frame(true)
	c.camera.frame(false)
	c.layer().asked.Store(0)
	before, now := c.keyframesAsked(), c.engine.Now()
	for _, v := range viewers {
		ssrc := v.take(1)[0].SSRC
		for range 3 {
			v.report(now, &rtcp.PictureLossIndication{SenderSSRC: 1, MediaSSRC: ssrc})
		}
	}
	if n := c.keyframesAsked() - before; n != 1 {
		t.Fatalf("%d requests for ten viewers", n)
	}
}
