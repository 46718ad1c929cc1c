package sfu

import (
	"bytes"
	"testing"

	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// A viewer decrypts a source that goes on for more than two rollovers of its numbers, over changes of the publisher's source,
// and what it asks for again from before a rollover.
func TestNumbersRollOver(t *testing.T) {
	for _, rtx := range []bool{false, true} {
		t.Run(map[bool]string{true: "with RTX", false: "without"}[rtx], func(t *testing.T) {
			lines := receivePair("a", "v")
			if !rtx {
				lines[1].formats[0].rtx = 0
			}
			c := newCall(t, lines...)
			c.camera.seq = 65_000
			c.camera.frame(true)
			last := c.viewer.take(1)[0]
			const total, chunk = 140_000, 100
			for n := 0; n < total; n += chunk {
				if n == 70_000 { // the numbers of the publisher begin elsewhere; those of the viewer go on
					c.publisher.transport.SetGate(c.stream, video.Video, false)
					c.camera.seq += 20_000
					c.publisher.transport.SetGate(c.stream, video.Video, true)
					c.camera.frame(true)
					last = c.viewer.take(1)[0]
				}
				c.camera.frames(chunk)
				got := c.viewer.take(chunk)
				for i, p := range got {
					if p.SequenceNumber != last.SequenceNumber+1 {
						t.Fatalf("after %d packets number %d follows %d", n+i, p.SequenceNumber, last.SequenceNumber)
					}
					last = p
				}
				if end := got[chunk-1].SequenceNumber; end < chunk { // rolled over in between
					lost := got[0]
					c.viewer.report(c.engine.Now(), nack(lost.SSRC, lost.SequenceNumber))
					again := c.viewer.take(1)[0].Payload
					if rtx {
						again = again[2:]
					}
					if !bytes.Equal(again, lost.Payload) {
						t.Fatalf("packet %d came again as another", lost.SequenceNumber)
					}
				}
			}
		})
	}
}

// What arrives twice, or again after a long time, is sent on once.
func TestReplaysAreDropped(t *testing.T) {
	c := newCall(t)
	c.camera.frame(true)
	first := c.camera.make(false)
	plain, err := first.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := c.publisher.encrypt.EncryptRTP(nil, plain, nil)
	if err != nil {
		t.Fatal(err)
	}
	arrive := func() {
		c.publisher.burst(func() { c.publisher.transport.receiveRTP(bytes.Clone(sealed), &c.publisher.scratch, c.engine.Now()) })
	}
	arrive()
	sent := c.sent()
	arrive()
	c.camera.frames(2)
	arrive()
	c.camera.frames(1000)
	arrive()
	forged := bytes.Clone(sealed)
	forged[len(forged)-1] ^= 1
	sealed = forged
	arrive()
	if n := c.sent() - sent; n != 1002 {
		t.Errorf("%d packets were sent, want 1002", n)
	}
}

// The longest packets that are taken reach the viewer whole, also where RTX and the seal make them longer, and longer ones harm nobody.
func TestLongestPackets(t *testing.T) {
	c := newCall(t)
	c.camera.frame(true)
	c.viewer.take(1)
	long := c.camera.make(false)
	long.Payload = append(long.Payload, make([]byte, packet.MaxSize-16-packet.HeaderSize-len(long.Payload))...)
	c.publisher.push(long, c.engine.Now())
	got := c.viewer.take(1)[0]
	if !bytes.Equal(got.Payload[4:], long.Payload[4:]) {
		t.Fatalf("%d bytes arrived of %d", len(got.Payload), len(long.Payload))
	}
	c.viewer.report(c.engine.Now(), nack(got.SSRC, got.SequenceNumber))
	if again := c.viewer.take(1)[0]; !bytes.Equal(again.Payload[2:], got.Payload) {
		t.Fatalf("%d bytes came again of %d", len(again.Payload), len(got.Payload))
	}
	longer := c.camera.make(false)
	longer.Payload = append(longer.Payload, make([]byte, packet.MaxSize)...)
	c.publisher.push(longer, c.engine.Now())
	c.camera.frame(true)
	if next := c.viewer.take(1)[0]; !isKey(next) {
		t.Error("a packet that is too long was sent on")
	}
}

// What left the history does not come again as what has the same sequence number a cycle of numbers later. Without RTX two contents
// would be sealed under one number.
func TestResendKnowsPacketsApart(t *testing.T) {
	for name, between := range map[string]func(*call){
		"a cycle of numbers while the viewer gets nothing": func(c *call) {
			c.publisher.transport.SetGate(c.stream, video.Video, false)
			c.camera.frames(1 << 16)
		},
		"a cycle of numbers, most of which are lost": func(c *call) {
			for range 16 {
				c.camera.seq += 4098
				c.camera.frame(false)
			}
			c.viewer.take(16)
		},
	} {
		t.Run(name, func(t *testing.T) {
			lines := receivePair("a", "v")
			lines[1].formats[0].rtx = 0
			c := newCall(t, lines...)
			c.camera.frame(true)
			c.camera.frames(9)
			got := c.viewer.take(10)
			between(c)
			for _, p := range got {
				c.viewer.report(c.engine.Now(), nack(p.SSRC, p.SequenceNumber))
			}
			if n := c.resent(); n != 0 {
				t.Fatalf("%d packets came again, the first with %x", n, c.viewer.take(1)[0].Payload)
			}
		})
	}
}

// So it is with a layer that another source took over, whose numbers are the same.
func TestResendKnowsSourcesApart(t *testing.T) {
	e := newEngine(t)
	s := newScene(t, e, "f", "h", "q")
	lines := receivePair("a", "v")
	lines[1].formats[0].rtx = 0
	v := newWire(t, e, "session", lines...)
	v.subscribe(video.Subscription{StreamID: "camera", Video: true})
	high := s.layers[0]
	high.frame(true)
	high.frames(9)
	got := v.take(10)
	s.step(false)
	v.subscribe(video.Subscription{StreamID: "camera", Video: true, Quality: video.QualityLow})
	s.step(true)
	v.take(2) // the last of one, the first of the other
	high.ssrc, high.seq = 0x2001, high.seq-12
	high.frames(10)
	for _, p := range got {
		v.report(e.Now(), nack(p.SSRC, p.SequenceNumber))
	}
	if n := e.Stats().PacketsRetransmitted; n != 0 {
		t.Fatalf("%d packets came again from a source that is gone, the first %x", n, v.take(1)[0].Payload)
	}
}

// Gaps that could cost a client its rollover counter are closed, at a keyframe.
func TestLongGapsAreClosed(t *testing.T) {
	c := newCall(t)
	c.camera.frame(true)
	c.camera.seq += 1000
	c.camera.frame(false)
	got := c.viewer.take(2)
	if d := got[1].SequenceNumber - got[0].SequenceNumber; d != 1001 {
		t.Fatalf("a gap of 1000 became %d", d-1)
	}
	for range 3 {
		c.camera.seq += 30_000
		c.camera.frame(false)
		c.camera.frame(true)
		c.camera.frame(false)
		got = append(got[1:], c.viewer.take(2)...)
		unbroken(t, got[len(got)-3:])
	}
}
