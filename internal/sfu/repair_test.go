package sfu

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

const msec = int64(1e6)

// call is a publisher of one VP8 video and a viewer that watches it.
type call struct {
	engine            *Engine
	session           video.SessionID
	stream            video.StreamID
	publisher, viewer *wire
	camera            *encoder
	askedBefore       uint64
}

func newCall(t *testing.T, receive ...*offeredLine) *call {
	t.Helper()
	return newCallOn(t, newEngine(t), receive...)
}

func newCallOn(t *testing.T, e *Engine, receive ...*offeredLine) *call {
	t.Helper()
	c := &call{engine: e, session: "session", stream: "camera"}
	c.publisher = newWire(t, c.engine, c.session, withDirection(videoLine("0", 500), "sendonly"))
	c.camera = c.publisher.vp8(500)
	c.publisher.publish(c.stream, video.Lines{VideoMID: "0"})
	waitRTCP(c.publisher, "the keyframe request of a gate that opens", anyPLI)
	c.layer().asked.Store(0)
	c.askedBefore = c.engine.Stats().KeyframeRequests
	if receive == nil {
		receive = receivePair("a", "v")
	}
	c.viewer = newWire(t, c.engine, c.session, receive...)
	c.viewer.subscribe(video.Subscription{StreamID: c.stream, Audio: true, Video: true})
	return c
}

// layer returns the only layer of the publisher.
func (c *call) layer() *layer { return (*c.publisher.transport.all[0].track.order.Load())[0] }

func (c *call) sent() uint64           { return c.engine.Stats().PacketsSent }
func (c *call) resent() uint64         { return c.engine.Stats().PacketsRetransmitted }
func (c *call) keyframesAsked() uint64 { return c.engine.Stats().KeyframeRequests - c.askedBefore }

func nack(ssrc uint32, seqs ...uint16) *rtcp.TransportLayerNack {
	return &rtcp.TransportLayerNack{SenderSSRC: 1, MediaSSRC: ssrc, Nacks: rtcp.NackPairsFromSequenceNumbers(seqs)}
}

func TestViewerIsSentLostPacketsAgain(t *testing.T) {
	for _, rtx := range []bool{true, false} {
		t.Run(map[bool]string{true: "as RTX", false: "as they were"}[rtx], func(t *testing.T) {
			lines := receivePair("a", "v")
			if !rtx {
				lines[1].formats[0].rtx = 0
			}
			c := newCall(t, lines...)
			c.camera.frame(true)
			c.camera.frames(9)
			got := c.viewer.take(10)
			unbroken(t, got)
			lost := got[3]
			now := c.engine.Now()
			c.viewer.report(now, nack(lost.SSRC, lost.SequenceNumber))
			again := c.viewer.take(1)[0]
			payload := again.Payload
			if rtx {
				if again.SSRC == lost.SSRC || again.PayloadType != 97 || binary.BigEndian.Uint16(payload) != lost.SequenceNumber {
					t.Fatalf("not a retransmission of %d: %+v", lost.SequenceNumber, again)
				}
				payload = payload[2:]
			} else if again.SSRC != lost.SSRC || again.SequenceNumber != lost.SequenceNumber || again.PayloadType != lost.PayloadType {
				t.Fatalf("%+v", again.Header)
			}
			if !bytes.Equal(payload, lost.Payload) || again.Timestamp != lost.Timestamp || again.Marker != lost.Marker {
				t.Fatalf("%x at %d, want %x at %d", payload, again.Timestamp, lost.Payload, lost.Timestamp)
			}
			more := uint64(0) // what is asked for again is sent twice, where a receiver can tell two apart
			if rtx {
				more = 1
			}
			// Each entry: when it is asked for again, and how often packets were sent again in all after that.
			for _, step := range []struct {
				at   int64
				seq  uint16
				want uint64
			}{
				{now + 19*msec, lost.SequenceNumber, 1},
				{now + 20*msec, lost.SequenceNumber, 2 + more},
				{now + 39*msec, lost.SequenceNumber, 2 + more},
				{now + 39*msec, lost.SequenceNumber + 1, 3 + more},
				{now + 99*msec, lost.SequenceNumber + 1000, 3 + more}, // not sent yet
				{now + 99*msec, got[0].SequenceNumber - 1, 3 + more},  // before the first
				{now + 99*msec, lost.SequenceNumber + sentHistory, 3 + more},
			} {
				c.viewer.report(step.at, nack(lost.SSRC, step.seq))
				if n := c.resent(); n != step.want {
					t.Fatalf("%d after packet %d was asked for at +%d ms, want %d", n, step.seq, (step.at-now)/msec, step.want)
				}
			}
			c.viewer.report(now+200*msec, nack(lost.SSRC+1, lost.SequenceNumber), nack(500, c.camera.seq))
			if n := c.resent(); n != 3+more {
				t.Fatal("a request about another source was answered")
			}
		})
	}
}

// TestLossyPathIsSentRepairsTwice: on a path that always loses some, what is sent again may be lost too.
func TestLossyPathIsSentRepairsTwice(t *testing.T) {
	c := newCall(t)
	c.camera.frame(true)
	lost := c.viewer.take(1)[0]
	path := &c.viewer.transport.out.downlink.estimator
	for at, n := int64(0), 0; path.Loses() < lossyPath; at, n = at+10*msec, n+1 {
		if at > 100*1000*msec {
			t.Fatalf("the path is taken to lose %v", path.Loses())
		}
		if n%20 == 0 {
			path.Lost(at, 1000, 0)
		} else {
			path.Received(at, at+20*msec, 1000, 0)
		}
		path.Decide(at, 1e6, 0)
	}
	c.viewer.report(c.engine.Now(), nack(lost.SSRC, lost.SequenceNumber))
	again := c.viewer.take(2)
	if again[0].SequenceNumber+1 != again[1].SequenceNumber || !bytes.Equal(again[0].Payload, again[1].Payload) {
		t.Fatalf("%+v, then %+v", again[0].Header, again[1].Header)
	}
}

// TestResendForgets asks for packets long gone: what took their place is not sent instead.
func TestResendForgets(t *testing.T) {
	c := newCall(t)
	c.camera.frame(true)
	first := c.viewer.take(1)[0]
	c.camera.frames(sentHistory)
	c.viewer.report(c.engine.Now(), nack(first.SSRC, first.SequenceNumber))
	if c.resent() != 0 {
		t.Fatal("a packet that left the history was sent again")
	}
	c.viewer.report(c.engine.Now(), nack(first.SSRC, first.SequenceNumber+1))
	if c.resent() != 1 {
		t.Fatal("the oldest packet of the history was not sent again")
	}
}

// TestRetransmissionReachesTrack has a real client ask, which is told apart from new media by RTX and merged into the track.
func TestRetransmissionReachesTrack(t *testing.T) {
	e := newEngine(t)
	publisher, track := publishVideo(t, e, "session", "camera")
	within(t, publisher.connected, "the publisher's connection")
	publisher.stream(track, 20)
	viewer := newPeer(t, e, "session")
	remote := viewer.watch("camera")
	byNumber := map[uint16][]byte{}
	var wanted uint16
	for range 5000 {
		p, _, err := remote.ReadRTP()
		if err != nil {
			t.Fatal(err)
		}
		if before, ok := byNumber[p.SequenceNumber]; ok {
			if p.SequenceNumber != wanted || !bytes.Equal(before, p.Payload) {
				t.Fatalf("packet %d came again, want %d with %x", p.SequenceNumber, wanted, before)
			}
			return
		}
		byNumber[p.SequenceNumber] = bytes.Clone(p.Payload)
		if len(byNumber) == 10 {
			wanted = p.SequenceNumber - 3
			if err := viewer.pc.WriteRTCP([]rtcp.Packet{nack(uint32(remote.SSRC()), wanted)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Fatal("the packet never came again")
}

func TestLossIsAskedForAndRepaired(t *testing.T) {
	for _, rtx := range []bool{false, true} {
		t.Run(map[bool]string{true: "by RTX", false: "late"}[rtx], func(t *testing.T) {
			c := newCall(t)
			in := &c.publisher.transport.in
			media := &c.publisher.transport.router.media
			media.Lock()
			in.sources[501] = source{layer: c.layer(), repair: true} // as the offer would declare it
			media.Unlock()
			c.camera.frame(true)
			lost := c.camera.make(false)
			c.camera.frames(2)
			request := waitRTCP(c.publisher, "a request for the lost packet", func(n *rtcp.TransportLayerNack) bool { return true })
			if request.MediaSSRC != 500 || len(request.Nacks) != 1 || request.Nacks[0].PacketID != lost.SequenceNumber || request.Nacks[0].LostPackets != 0 {
				t.Fatalf("%+v", request)
			}
			repaired := lost
			if rtx {
				repaired = lost.Clone()
				repaired.PayloadType, repaired.SSRC, repaired.SequenceNumber = 97, 501, 7
				repaired.Payload = append(binary.BigEndian.AppendUint16(nil, lost.SequenceNumber), lost.Payload...)
			}
			c.publisher.push(repaired, c.engine.Now())
			c.publisher.push(repaired, c.engine.Now()) // a second copy goes nowhere
			c.camera.frame(false)
			got := c.viewer.take(5) // key, 2, 3, late 1, 4
			base := got[0].SequenceNumber
			for i, want := range []uint16{0, 2, 3, 1, 4} {
				if got[i].SequenceNumber != base+want {
					t.Fatalf("packet %d has number %d, want %d", i, got[i].SequenceNumber-base, want)
				}
			}
			unbroken(t, []*rtp.Packet{got[0], got[3], got[1], got[2], got[4]})
			if !bytes.Equal(got[3].Payload[7:], lost.Payload[7:]) || got[3].PayloadType != 96 {
				t.Fatalf("%x was forwarded for %x", got[3].Payload, lost.Payload)
			}
			// What was repaired can be sent on again.
			c.viewer.report(c.engine.Now(), nack(got[3].SSRC, got[3].SequenceNumber))
			if again := c.viewer.take(1)[0]; !bytes.Equal(again.Payload[2:], got[3].Payload) {
				t.Fatalf("%x, want %x", again.Payload[2:], got[3].Payload)
			}
			if n := c.keyframesAsked(); n != 0 {
				t.Fatalf("%d keyframes were asked for", n)
			}
		})
	}
}

func TestFinalLossNeedsKeyframe(t *testing.T) {
	c := newCall(t)
	c.camera.frame(true)
	c.camera.make(false) // lost
	c.camera.frame(false)
	got := waitRTCP(c.publisher, "a keyframe request", func(*rtcp.PictureLossIndication) bool { return true })
	if got.MediaSSRC != 500 {
		t.Fatalf("%+v", got)
	}
}

func TestBigGapNeedsKeyframe(t *testing.T) {
	c := newCall(t)
	c.camera.frame(true)
	c.camera.seq += 200
	c.camera.frame(false)
	waitRTCP(c.publisher, "a keyframe request", func(p *rtcp.PictureLossIndication) bool { return p.MediaSSRC == 500 })
}

// TestAudioGapIsKept: the receiver of sound must be able to tell that a packet is lost, to conceal it.
func TestAudioGapIsKept(t *testing.T) {
	e := newEngine(t)
	p := newWire(t, e, "s", withDirection(audioLine("0", 600), "sendonly"))
	p.publish("voice", video.Lines{AudioMID: "0"})
	v := newWire(t, e, "s", receivePair("a", "v")...)
	v.subscribe(video.Subscription{StreamID: "voice", Audio: true})
	voice := p.opus(600)
	voice.frame(false)
	voice.make(false)
	voice.frame(false)
	got := v.take(2)
	if got[1].SequenceNumber != got[0].SequenceNumber+2 || got[1].Timestamp != got[0].Timestamp+2*960 {
		t.Fatalf("%d at %d after %d at %d: the receiver cannot tell that a packet is lost",
			got[1].SequenceNumber, got[1].Timestamp, got[0].SequenceNumber, got[0].Timestamp)
	}
}

// watch subscribes a real client to a stream and returns its video track.
func (p *peer) watch(id video.StreamID) *webrtc.TrackRemote {
	p.t.Helper()
	tracks := make(chan *webrtc.TrackRemote, 2)
	p.pc.OnTrack(func(tr *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		if tr.Kind() == webrtc.RTPCodecTypeVideo {
			tracks <- tr
		}
	})
	if err := p.transport.Subscribe(video.Subscription{StreamID: id, Audio: true, Video: true}); err != nil {
		p.t.Fatal(err)
	}
	p.addReceiveLines(1)
	p.negotiate()
	within(p.t, p.connected, "the connection")
	return within(p.t, tracks, "the remote track")
}

// TestLateForItsRun: what is older than the keyframe a viewer began with is of no use to it.
func TestLateForItsRun(t *testing.T) {
	c := newCall(t)
	c.camera.frame(false)
	late := c.camera.make(false)
	c.camera.frame(true)
	before := c.sent()
	c.publisher.push(late, c.engine.Now())
	if c.sent() != before {
		t.Fatal("a packet from before the keyframe was forwarded")
	}
	c.camera.frame(false)
	unbroken(t, c.viewer.take(2))
}

// TestOldNumbersAfterChangeOfSource: once a line carries another stream, the numbers of the former mean nothing, even where the
// new source has used the same ones.
func TestOldNumbersAfterChangeOfSource(t *testing.T) {
	e := newEngine(t)
	p := newWire(t, e, "s", withDirection(videoLine("0", 500), "sendonly"), withDirection(videoLine("1", 501), "sendonly"))
	p.publish("one", video.Lines{VideoMID: "0"})
	p.publish("two", video.Lines{VideoMID: "1"})
	v := newWire(t, e, "s", receivePair("a", "v")...)
	one, two := p.vp8(500), p.vp8(501)
	v.subscribe(video.Subscription{StreamID: "one", Video: true})
	one.frame(true)
	one.frames(3)
	former := v.take(4)[2]
	v.transport.Unsubscribe("one")
	v.subscribe(video.Subscription{StreamID: "two", Video: true})
	two.frame(true)
	two.frames(3)
	now := v.take(4)[2]
	v.report(e.Now(), nack(former.SSRC, former.SequenceNumber))
	if n := e.Stats().PacketsRetransmitted; n != 0 {
		t.Fatal("a packet of the new source was sent as one of the former")
	}
	v.report(e.Now(), nack(now.SSRC, now.SequenceNumber))
	if again := v.take(1)[0]; !bytes.Equal(again.Payload[2:], now.Payload) {
		t.Fatalf("%x, want %x", again.Payload, now.Payload)
	}
}
