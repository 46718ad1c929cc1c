package sfu

import (
	"slices"
	"testing"

	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

const (
	testMS  = int64(1e6)
	oneSec  = 1000 * testMS
	testKb  = 1000
	testMb  = 1000 * testKb
	halfRTT = 25 * testMS
)

// path to a viewer with a queue, on invented time.
type narrowPath struct {
	rate  float64 // bit/s
	queue int64   // longest wait (ns)
	free  int64
}

// carry returns when a packet arrives, 0 if it is lost.
func (n *narrowPath) carry(now int64, size int) int64 {
	n.free = max(n.free, now)
	if n.free-now > n.queue {
		return 0
	}
	n.free += int64(float64(size) * 8e9 / n.rate)
	return n.free + halfRTT
}

// delivery is a packet that is on its way to the viewer.
type delivery struct {
	packet *rtp.Packet
	at     int64
}

// narrowCall is a camera in three layers with sound, and a viewer behind a narrow path who tells what arrives.
type narrowCall struct {
	t      *testing.T
	now    int64
	start  int64
	scene  *scene
	sound  *encoder
	viewer *wire
	path   narrowPath
	sent   uint64
	asked  uint64 // keyframes, so far
	flying []delivery

	recorder *twcc.Recorder
	rates    [3]float64 // of the layers, best first (bit/s)
	credit   [3]float64
	burst    [3]int // packets of a keyframe still to be sent

	lastSound, worstSound int64
	sounds, soundsSent    int
	lastPicture           int64
	worstPicture          int64
	layer                 int // of the last picture packet that came, best is 0
	octets                int // that came since it was set to 0
	padding               int // packets that came
	pictureNumbers        []uint16
}

func newNarrowCall(t *testing.T, rate float64) *narrowCall {
	e := stillEngine(t)
	s := newScene(t, e, "f", "h", "q")
	a := newWire(t, e, "session", withDirection(audioLine("0", 600), "sendonly"))
	a.publish("voice", video.Lines{AudioMID: "0"})
	lines := append(receivePair("a", "v"), receivePair("b", "w")...)
	for _, l := range lines {
		withNumbers(l)
	}
	c := &narrowCall{
		t: t, now: e.Now(), scene: s, sound: a.opus(600), viewer: newWire(t, e, "session", lines...), path: narrowPath{rate: rate, queue: 300 * testMS},
		recorder: twcc.NewRecorder(9), rates: [3]float64{1600 * testKb, 500 * testKb, 150 * testKb}, layer: -1,
	}
	c.start = c.now
	c.viewer.subscribe(video.Subscription{StreamID: "voice", Audio: true})
	c.viewer.subscribe(video.Subscription{StreamID: "camera", Video: true})
	return c
}

// run lets so much time pass, in steps of 5 ms.
func (c *narrowCall) run(span int64) {
	c.t.Helper()
	for end := c.now + span; c.now < end; c.now += 5 * testMS {
		at := (c.now - c.start) / testMS
		if at%20 == 0 {
			p := c.sound.make(false)
			p.Payload = append(p.Payload, make([]byte, 80)...)
			c.sound.wire.push(p, c.now)
			c.soundsSent++
		}
		c.pictures()
		c.time(at)
		c.collect()
		c.arrive()
		if at%100 == 50 {
			c.feedback()
		}
	}
}

// pictures sends what is due of each layer, one packet a frame, and twenty more behind a keyframe that was asked for.
func (c *narrowCall) pictures() {
	key := [3]bool{}
	for asked := c.viewer.engine.Stats().KeyframeRequests; c.asked < asked; { // time stands still until what was asked for has come
		if p, ok := within(c.t, c.scene.publisher.rtcp, "a keyframe request").(*rtcp.PictureLossIndication); ok {
			key[p.MediaSSRC-ssrcHigh] = true
			c.asked++
		}
	}
	for i, l := range c.scene.layers {
		if key[i] {
			c.burst[i] = int(c.rates[i] / 8000 / 10)
		}
		c.credit[i] += c.rates[i] * 5 / 8000
		for ; c.credit[i] > 0 || c.burst[i] > 0; key[i] = false {
			p := l.make(key[i])
			tail := slices.Clone(p.Payload[len(p.Payload)-3:])
			p.Payload = append(append(p.Payload, make([]byte, 1000)...), tail...)
			c.scene.publisher.push(p, c.now)
			if c.burst[i] > 0 {
				c.burst[i]--
			} else {
				c.credit[i] -= 1050
			}
		}
	}
}

// time does what the ticker would.
func (c *narrowCall) time(at int64) {
	b := newBatch(c.viewer.engine)
	c.viewer.transport.router.media.Lock()
	c.viewer.transport.pump(b, c.now)
	c.viewer.transport.router.media.Unlock()
	if at%100 == 0 {
		for _, w := range []*wire{c.scene.publisher, c.sound.wire, c.viewer} {
			switched, _ := w.transport.tick(b, nil, c.now, true, false)
			w.transport.tellLayers(switched)
		}
	}
	b.flush()
}

// collect takes what the server sent, and puts it on its way.
func (c *narrowCall) collect() {
	c.t.Helper()
	sent := c.viewer.engine.Stats().PacketsSent
	for _, p := range c.viewer.take(int(sent - c.sent)) {
		if at := c.path.carry(c.now, p.MarshalSize()+sealOverhead+28); at != 0 {
			c.flying = append(c.flying, delivery{p, at})
		}
	}
	c.sent = sent
}

// arrive lets come what is there by now.
func (c *narrowCall) arrive() {
	for len(c.flying) > 0 && c.flying[0].at <= c.now {
		d := c.flying[0]
		c.flying = c.flying[1:]
		p := d.packet
		c.octets += p.MarshalSize()
		c.recorder.Record(p.SSRC, wideNumber(c.t, p), d.at/1000)
		switch p.PayloadType {
		case 111:
			if c.lastSound != 0 {
				c.worstSound = max(c.worstSound, d.at-c.lastSound)
			}
			c.lastSound = d.at
			c.sounds++
		case 96:
			if c.lastPicture != 0 {
				c.worstPicture = max(c.worstPicture, d.at-c.lastPicture)
			}
			c.lastPicture = d.at
			c.pictureNumbers = append(c.pictureNumbers, p.SequenceNumber)
			ssrc, _ := origin(p)
			c.layer = int(ssrc) - ssrcHigh&0xff
		case 97:
			c.padding++
		}
	}
}

func (c *narrowCall) feedback() {
	if packets := c.recorder.BuildFeedbackPacket(); len(packets) > 0 {
		c.viewer.report(c.now, packets...)
	}
}

// until lets time pass until the condition holds, and returns how much did.
func (c *narrowCall) until(what string, most int64, holds func() bool) int64 {
	c.t.Helper()
	from := c.now
	for !holds() {
		if c.now-from > most {
			c.t.Fatalf("after %d ms still not: %s", (c.now-from)/testMS, what)
		}
		c.run(50 * testMS)
	}
	return c.now - from
}

// TestNarrowPath: the path of a viewer breaks down to a tenth and comes back.
func TestNarrowPath(t *testing.T) {
	c := newNarrowCall(t, 3*testMb)
	c.run(5 * oneSec)
	if c.layer != 0 || c.padding != 0 {
		t.Fatalf("layer %d, %d packets of padding, where everything has its place", c.layer, c.padding)
	}
	c.path.rate = 300 * testKb
	c.worstPicture, c.worstSound = 0, 0
	down := c.until("the lowest layer is sent", 1500*testMS, func() bool { return c.layer == 2 })
	c.run(2 * oneSec)
	c.octets, c.sounds, c.soundsSent = 0, 0, 0
	c.run(15 * oneSec)
	if rate := float64(c.octets) * 8 / 15; c.layer != 2 || rate < 180*testKb || rate > 300*testKb {
		t.Errorf("layer %d, %.0f bit/s, on a path of 300 kbit/s", c.layer, rate)
	}
	if c.sounds < c.soundsSent*99/100 {
		t.Errorf("%d of %d packets of sound came", c.sounds, c.soundsSent)
	}
	t.Logf("down after %d ms; longest gap in sound %d ms, in the picture %d ms", down/testMS, c.worstSound/testMS, c.worstPicture/testMS)
	if c.worstSound > 500*testMS || c.worstPicture > 2*oneSec {
		t.Error("that is too long")
	}
	c.path.rate = 3 * testMb
	up := c.until("the best layer is back", 10*oneSec, func() bool { return c.layer == 0 })
	t.Logf("up after %d ms, with %d packets of padding in all", up/testMS, c.padding)
	c.run(2 * oneSec)
	c.padding = 0
	c.run(5 * oneSec)
	if c.padding != 0 || c.layer != 0 {
		t.Errorf("layer %d, %d packets of padding although nothing more is wanted", c.layer, c.padding)
	}
	if got := c.viewer.paused(); len(got) > 2 {
		t.Errorf("told of pauses: %q", got)
	}
}

// TestPictureYieldsToSound: where there is only room for sound the picture is paused, the viewer is told, and it comes back.
func TestPictureYieldsToSound(t *testing.T) {
	c := newNarrowCall(t, 3*testMb)
	c.run(3 * oneSec)
	c.path.rate = 110 * testKb
	c.until("the viewer is told of the pause", 3*oneSec, func() bool { return slices.Contains(c.viewer.paused(), "camera paused") })
	c.run(2 * oneSec)
	c.sounds, c.soundsSent, c.lastPicture, c.worstSound = 0, 0, 0, 0
	c.run(10 * oneSec)
	if c.lastPicture != 0 || c.sounds < c.soundsSent*98/100 || c.worstSound > 300*testMS {
		t.Errorf("%d of %d packets of sound came, gaps up to %d ms, the last of the picture %d ms ago", c.sounds, c.soundsSent, c.worstSound/testMS, (c.now-c.lastPicture)/testMS)
	}
	c.path.rate = 3 * testMb
	up := c.until("the picture is back", 10*oneSec, func() bool { return c.layer == 0 && c.lastPicture != 0 })
	t.Logf("up after %d ms", up/testMS)
	if got := c.viewer.paused(); got[len(got)-1] != "camera resumed" {
		t.Errorf("told of pauses: %q", got)
	}
}
