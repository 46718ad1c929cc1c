package sfu

import (
	"slices"
	"testing"

	"github.com/pion/rtp"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// TestKeyframesLeaveRoomForSound: on a path that carries little, a large keyframe comes bit by bit, with sound in between, and whole.
func TestKeyframesLeaveRoomForSound(t *testing.T) {
	c := newNarrowCall(t, 3*testMb)
	c.run(3 * oneSec)
	c.path.rate = 300 * testKb
	c.until("the lowest layer is sent", 3*oneSec, func() bool { return c.layer == 2 })
	c.run(5 * oneSec)
	for range 3 {
		c.worstSound, c.pictureNumbers = 0, nil
		c.burst[2] = 15 // 16 kB, which the path carries in 0.4 s
		c.run(2 * oneSec)
		if c.worstSound > 100*testMS {
			t.Errorf("sound was held up for %d ms", c.worstSound/testMS)
		}
		for i, n := range c.pictureNumbers[1:] {
			if before := c.pictureNumbers[i]; n != before+1 {
				t.Errorf("packet %d came after %d", n, before)
			}
		}
	}
	if c.layer != 2 {
		t.Errorf("layer %d", c.layer)
	}
}

// TestPacer: what is held, and when it leaves.
func TestPacer(t *testing.T) {
	s := newStage(t, 1)
	s.engine.stop()
	all := s.engine.transports(nil)
	viewer := all[slices.IndexFunc(all, func(other *Transport) bool { return other != s.publisher })]
	p, b := &viewer.out.pacer, newBatch(s.engine)
	locked := func(f func()) { viewer.router.media.Lock(); f(); viewer.router.media.Unlock(); b.flush() }
	sent := func() uint64 { return s.engine.Stats().PacketsSent }
	send := func(packets int) {
		for range packets {
			s.next()
			s.receive()
		}
	}
	before := sent()
	send(50)
	if n := sent() - before; n != 50 || p.count != 0 {
		t.Fatalf("%d of 50 were sent without a limit, %d are held", n, p.count)
	}
	locked(func() { p.limit(100*testKb, s.engine.Now()) })
	before = sent()
	send(50)
	if n := sent() - before; n > 5 || p.count != 50-int(n) {
		t.Fatalf("%d were sent at once, %d are held", n, p.count)
	}
	if got := s.engine.ticker.paced.take(nil); len(got) != 1 || got[0] != viewer {
		t.Errorf("the ticker was told of %d connections", len(got))
	}
	before = sent()
	send(mostHeld)
	if n := sent() - before; p.count != mostHeld || n == 0 {
		t.Errorf("%d are held, %d left", p.count, n)
	}
	locked(func() { p.limit(0, s.engine.Now()) })
	before = sent()
	if send(1); p.count != mostHeld { // behind those that wait
		t.Errorf("%d are held", p.count)
	}
	more := false
	locked(func() { more = viewer.pump(b, s.engine.Now()) })
	if n := sent() - before; n != mostHeld+1 || p.count != 0 || more {
		t.Errorf("%d left when there was no limit any more, %d are held", n, p.count)
	}
	locked(func() { p.limit(0, s.engine.Now()) })
	if p.ring != nil {
		t.Error("it keeps its memory")
	}
}

// TestSuspendedPictures: they wait, for a while and not again at once, and sound does not. What is cut off meanwhile is gone, and cannot be
// asked for.
func TestSuspendedPictures(t *testing.T) {
	e := stillEngine(t)
	p := newWire(t, e, "s", withDirection(audioLine("0", 600), "sendonly"), withDirection(videoLine("1", 500), "sendonly"))
	p.publish("stream", video.Lines{AudioMID: "0", VideoMID: "1"})
	voice, camera := p.opus(600), p.vp8(500)
	v := newWire(t, e, "s", receivePair("a", "v")...)
	v.subscribe(video.Subscription{StreamID: "stream", Audio: true, Video: true})
	now := e.Now()
	pictures := func(n int) { // and a packet of sound with each
		for i := range n {
			p.push(camera.make(i == 0), now)
			p.push(voice.make(false), now)
		}
	}
	pacer := &v.transport.out.pacer
	pump := func() {
		b := newBatch(e)
		v.burst(func() { v.transport.pump(b, now); pacer.limit(0, now) })
		b.flush()
	}
	came := func(what string, of func(), want int) (packets []*rtp.Packet) {
		t.Helper()
		before := e.Stats().PacketsSent
		of()
		if got := int(e.Stats().PacketsSent - before); got != want {
			t.Fatalf("%s: %d packets were sent, want %d", what, got, want)
		}
		return v.take(want)
	}
	last := came("before", func() { pictures(3) }, 6)[4].SequenceNumber
	v.burst(func() { pacer.suspend(now) })
	came("suspended", func() { pictures(3) }, 3)
	now += suspendFor - 1
	came("before it is over", pump, 0)
	now++
	came("when it is over", pump, 3)
	now--
	came("what was read before that", func() { pictures(1) }, 2)
	now++
	for range 10 { // suspicion goes on
		v.burst(func() { pacer.suspend(now) })
		now += suspendFor / 2
	}
	came("suspended for as long as may be", func() { pictures(1) }, 2)
	now += suspendRest + suspendFor
	v.burst(func() { pacer.suspend(now) })
	came("after a rest", func() { pictures(2) }, 2)
	v.burst(func() { v.transport.out.forwarders[1].cutOff() })
	v.burst(func() { pacer.resume() })
	came("what was cut off", pump, 0)
	key := came("then", func() { pictures(2) }, 4)[0]
	if lost := key.SequenceNumber - last - 1; lost != 3+1+1+2 || !isKey(key) {
		t.Errorf("a picture that is a keyframe: %v, and %d are missing before it", isKey(key), lost)
	}
	came("asked for", func() { v.report(now+oneSec, nack(key.SSRC, key.SequenceNumber-1)) }, 0)
	came("asked for", func() { v.report(now+oneSec, nack(key.SSRC, key.SequenceNumber-3)) }, 1)
	pump()
	if pacer.ring != nil {
		t.Error("it keeps its memory")
	}
}

// TestPutWide: the number is where it was put, for both forms of extensions.
func TestPutWide(t *testing.T) {
	f := &forwarder{wide: 3, depends: 9, header: 20}
	for _, descriptor := range [][]byte{nil, make([]byte, 5), make([]byte, 40)} {
		b := make([]byte, maxOutgoing)
		putHeader(b, 96, true, 7, 8, 9)
		f.putExtensions(b, 0, descriptor, 0)
		putWide(b, 0xabcd)
		var p rtp.Packet
		if err := p.Unmarshal(b[:f.headerSize(descriptor)+1]); err != nil {
			t.Fatal(err)
		}
		if got := p.GetExtension(3); !slices.Equal(got, []byte{0xab, 0xcd}) {
			t.Errorf("with a descriptor of %d bytes: % x", len(descriptor), got)
		}
	}
}
