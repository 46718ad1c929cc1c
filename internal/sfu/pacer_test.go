package sfu

import (
	"slices"
	"testing"

	"github.com/pion/rtp"
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
	viewer := s.engine.transports(nil)[slices.IndexFunc(s.engine.transports(nil), func(other *Transport) bool { return other != s.publisher })]
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
	locked(func() { p.limit(100 * testKb) })
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
	locked(func() { p.limit(0) })
	before = sent()
	if send(1); p.count != mostHeld { // behind those that wait
		t.Errorf("%d are held", p.count)
	}
	more := false
	locked(func() { more = viewer.pump(b, s.engine.Now()) })
	if n := sent() - before; n != mostHeld+1 || p.count != 0 || more {
		t.Errorf("%d left when there was no limit any more, %d are held", n, p.count)
	}
	locked(func() { p.limit(0) })
	if p.ring != nil {
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
