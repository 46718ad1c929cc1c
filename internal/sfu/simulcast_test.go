package sfu

import (
	"slices"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"github.com/rotunda-rtc/rotunda/internal/packet"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Sources of the layers, best first. The last byte tells them apart in what is forwarded.
const (
	ssrcHigh = 0x1001 + iota
	ssrcMedium
	ssrcLow
)

// scene is a camera sent in three layers.
type scene struct {
	publisher *wire
	layers    [3]*encoder // best first
	read      int
}

func newScene(t *testing.T, e *Engine, rids ...string) *scene {
	t.Helper()
	s := &scene{publisher: newWire(t, e, "session", simulcastLine("0", rids...))}
	s.publisher.publish("camera", video.Lines{VideoMID: "0"})
	for i, rid := range []string{"f", "h", "q"} {
		c := s.publisher.vp8(uint32(ssrcHigh + i))
		c.extensions = map[uint8]string{idMID: "0", idRID: rid}
		c.width, c.height = 1280>>i, 720>>i
		c.timestamp, c.seq, c.picture = uint32(i)*0x70000000, uint16(i)*20000, uint16(i)*10000
		s.layers[i] = c
	}
	return s
}

func (s *scene) step(key bool) {
	for _, l := range s.layers {
		l.frame(key)
	}
}

func origins(packets []*rtp.Packet) (out []int) {
	for _, p := range packets {
		ssrc, _ := origin(p)
		out = append(out, int(ssrc)-ssrcHigh&0xff)
	}
	return out
}

func wantOrigins(t *testing.T, packets []*rtp.Packet, want ...int) {
	t.Helper()
	if got := origins(packets); !slices.Equal(got, want) {
		t.Fatalf("layers %v, want %v", got, want)
	}
}

func TestQualityChoosesLayer(t *testing.T) {
	e := newEngine(t)
	s := newScene(t, e, "f", "h", "q")
	v := newWire(t, e, "session", receivePair("a", "v")...)
	want := func(q video.Quality) {
		t.Helper()
		v.subscribe(video.Subscription{StreamID: "camera", Video: true, Quality: q})
	}
	want("")
	s.step(true)
	s.step(false)
	all := v.take(2)
	wantOrigins(t, all, 0, 0)
	for _, c := range []struct {
		quality  video.Quality
		from, to int
	}{{video.QualityLow, 0, 2}, {video.QualityMedium, 2, 1}, {video.QualityHigh, 1, 0}, {video.QualityLow, 0, 2}, {video.QualityHigh, 2, 0}} {
		want(c.quality)
		waitRTCP(s.publisher, "a keyframe request of the wanted layer", func(p *rtcp.PictureLossIndication) bool {
			return p.MediaSSRC == uint32(ssrcHigh+c.to)
		})
		s.step(false)
		s.step(false)
		for i, l := range s.layers { // keyframes of others change nothing
			if i != c.to {
				l.frame(true)
			}
		}
		s.layers[c.to].frame(true)
		s.step(false)
		got := v.take(5)
		wantOrigins(t, got, c.from, c.from, c.from, c.to, c.to)
		if !isKey(got[3]) {
			t.Fatal("the switch is not at a keyframe")
		}
		all = append(all, got...)
	}
	unbroken(t, all)
	v.report(e.Now(), nack(all[5].SSRC, all[5].SequenceNumber)) // of the low layer, long after the switch
	if again := v.take(1)[0]; string(again.Payload[2:]) != string(all[5].Payload) {
		t.Fatal("a packet of an earlier layer cannot be sent again")
	}
}

// TestSwitchKeepsTime: the layers of one camera have clocks of their own; their reports tie them together.
func TestSwitchKeepsTime(t *testing.T) {
	e := newEngine(t)
	s := newScene(t, e, "f", "h", "q")
	v := newWire(t, e, "session", receivePair("a", "v")...)
	v.subscribe(video.Subscription{StreamID: "camera", Video: true})
	s.step(true)
	s.layers[0].frame(false) // so that the keyframes are history
	s.layers[1].make(false)
	s.layers[2].make(false)
	for _, l := range s.layers {
		s.publisher.report(e.Now(), &rtcp.SenderReport{SSRC: l.ssrc, NTPTime: 0xe0000000_00000000, RTPTime: l.timestamp})
	}
	top := s.layers[0].timestamp
	v.subscribe(video.Subscription{StreamID: "camera", Video: true, Quality: video.QualityLow})
	for range 30 { // a second during which nothing comes
		for _, l := range s.layers {
			l.make(false)
		}
	}
	s.layers[2].frame(true)
	got := v.take(3)[1:]
	wantOrigins(t, got, 0, 2)
	if want := top + 31*3000; got[1].Timestamp < want-2 || got[1].Timestamp > want+2 {
		t.Fatalf("the picture taken 31 frames later is at %d, want %d", got[1].Timestamp-top, want-top)
	}
}

func TestStoppedLayerIsReplaced(t *testing.T) {
	e := newEngine(t)
	s := newScene(t, e, "f", "h", "q")
	v := newWire(t, e, "session", receivePair("a", "v")...)
	v.subscribe(video.Subscription{StreamID: "camera", Video: true})
	s.step(true)
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	stopped := time.Now()
	var packets []*rtp.Packet
	for returned := false; ; {
		key := map[uint32]bool{}
		for asked := true; asked; {
			select {
			case p := <-s.publisher.rtcp:
				if p, ok := p.(*rtcp.PictureLossIndication); ok {
					key[p.MediaSSRC] = true
				}
			case p := <-v.rtp:
				packets = append(packets, p)
			case <-ticker.C:
				asked = false
			}
		}
		for i, l := range s.layers {
			if i > 0 || returned {
				l.frame(key[l.ssrc])
			}
		}
		last := origins(packets[max(len(packets)-1, 0):])
		switch took := time.Since(stopped); {
		case !returned && slices.Contains(last, 1):
			if took > 1400*time.Millisecond {
				t.Fatalf("it took %v to replace the top layer", took)
			}
			returned, stopped = true, time.Now()
		case returned && slices.Contains(last, 0):
			unbroken(t, packets)
			return
		case took > 3*time.Second:
			t.Fatalf("stuck with layer %v, top layer returned: %v", last, returned)
		}
	}
}

// TestStoppedLayerIsToldByTheOthers: that a layer has stopped is known from the pictures of the others, and what is sent again of it
// does not hide that.
func TestStoppedLayerIsToldByTheOthers(t *testing.T) {
	s, _ := stillScene(t)
	top := (*s.publisher.transport.in.tracks["0"].order.Load())[0]
	lost := s.layers[0].make(false)
	s.layers[0].frame(false)
	stopped := s.publisher.engine.Now()
	for n := range int64(missingPictures) {
		s.publisher.push(s.layers[1].make(false), stopped+n)
		s.publisher.push(s.layers[2].make(false), stopped+n)
	}
	if !top.active(stopped + shortSilence - 1) {
		t.Error("it counts as stopped too soon")
	}
	s.publisher.push(lost, stopped+shortSilence-1)
	s.publisher.push(s.layers[2].make(false), stopped+shortSilence)
	if top.active(stopped + shortSilence) {
		t.Error("it does not count as stopped")
	}
	s.publisher.push(s.layers[0].make(false), stopped+shortSilence)
	if !top.active(stopped + 2*shortSilence) {
		t.Error("it does not count as sent again")
	}
}

// TestPicturesAreNotAskedOfFullUplink: while a client's pictures come ever later, those that got lost are not asked for.
func TestPicturesAreNotAskedOfFullUplink(t *testing.T) {
	s, _ := stillScene(t)
	camera := (*s.publisher.transport.in.tracks["0"].order.Load())[0]
	at := s.publisher.engine.Now()
	send := func(late int64) {
		at += 33 * msec
		s.publisher.push(s.layers[0].make(false), at+late)
	}
	for range 30 {
		send(0)
	}
	send(uplinkQueue - 20*msec)
	if !camera.repairs(at + uplinkQueue) {
		t.Error("nothing is asked for although the queue is short")
	}
	send(uplinkQueue + 20*msec)
	if camera.repairs(at + uplinkQueue) {
		t.Error("lost pictures are asked for although the queue is long")
	}
	send(0)
	if !camera.repairs(at) {
		t.Error("nothing is asked for after the queue")
	}
}

func TestLayersAreRankedBySize(t *testing.T) {
	e := newEngine(t)
	s := newScene(t, e, "q", "h", "f") // lowest first
	v := newWire(t, e, "session", receivePair("a", "v")...)
	v.subscribe(video.Subscription{StreamID: "camera", Video: true})
	for _, l := range []int{2, 1, 0} {
		s.layers[l].frame(true)
	}
	wantOrigins(t, v.take(1), 2)     // the first that came
	for origins(v.take(1))[0] != 0 { // then the largest from its keyframe, which is recent; others if the ticker was there before it
	}
	s.step(false)
	wantOrigins(t, v.take(1), 0)
	v.subscribe(video.Subscription{StreamID: "camera", Video: true, Quality: video.QualityLow})
	s.step(true)
	s.step(false)
	wantOrigins(t, v.take(3), 0, 2, 2)
}

func TestWish(t *testing.T) {
	const now = clockStart
	for _, c := range []struct {
		name   string
		active []bool // of the layers, best first
		q      video.Quality
		want   int // -1: none
	}{
		{"no layers", nil, video.QualityHigh, -1},
		{"high of three", []bool{true, true, true}, video.QualityHigh, 0},
		{"medium of three", []bool{true, true, true}, video.QualityMedium, 1},
		{"low of three", []bool{true, true, true}, video.QualityLow, 2},
		{"medium of two", []bool{true, true}, video.QualityMedium, 1},
		{"low of two", []bool{true, true}, video.QualityLow, 1},
		{"medium of one", []bool{true}, video.QualityMedium, 0},
		{"low of one", []bool{true}, video.QualityLow, 0},
		{"high, top stopped", []bool{false, true, true}, video.QualityHigh, 1},
		{"high, only low sent", []bool{false, false, true}, video.QualityHigh, 2},
		{"medium stopped", []bool{true, false, true}, video.QualityMedium, 2},
		{"medium and low stopped", []bool{true, false, false}, video.QualityMedium, 0},
		{"low stopped", []bool{true, true, false}, video.QualityLow, 1},
		{"nothing sent", []bool{false, false, false}, video.QualityLow, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			var layers []*layer
			for i, active := range c.active {
				l := &layer{serial: i}
				l.heard.Store(int64(now) - int64(layerSilence))
				if active {
					l.heard.Add(1)
				}
				layers = append(layers, l)
			}
			tr := &track{}
			tr.order.Store(&layers)
			tr.open.Store(true)
			got := -1
			rungs := tr.ladder(int64(now))
			if i := (&forwarder{kind: video.Video, source: tr, enabled: true, want: video.Subscription{Quality: c.q}}).wish(); i >= 0 {
				got = rungs[i].layer.serial
			}
			if got != c.want {
				t.Fatalf("layer %d, want %d", got, c.want)
			}
		})
	}
}

// TestPacketsOfNoLayer: packets without a rid, or with one that was not offered, take no layer's place.
func TestPacketsOfNoLayer(t *testing.T) {
	e := newEngine(t)
	s := newScene(t, e, "f", "h", "q")
	v := newWire(t, e, "session", receivePair("a", "v")...)
	v.subscribe(video.Subscription{StreamID: "camera", Video: true})
	stray := s.publisher.vp8(0x2009)
	for _, x := range []map[uint8]string{{idMID: "0"}, {idMID: "0", idRID: "x"}, {idMID: "9", idRID: "f"}, {idRID: "x"}} {
		stray.extensions = x
		stray.ssrc++
		stray.frame(true)
	}
	s.step(true)
	s.step(false)
	wantOrigins(t, v.take(2), 0, 0)
	if n := len(*s.publisher.transport.all[0].track.order.Load()); n != 3 {
		t.Fatalf("%d layers", n)
	}
}

// TestSourceChanges: a client may go on under another SSRC, with numbers and times of its own.
func TestSourceChanges(t *testing.T) {
	e := newEngine(t)
	l := withDirection(videoLine("0", 500), "sendonly")
	l.extensions[extMID] = idMID
	p := newWire(t, e, "session", l)
	p.publish("camera", video.Lines{VideoMID: "0"})
	v := newWire(t, e, "session", receivePair("a", "v")...)
	v.subscribe(video.Subscription{StreamID: "camera", Video: true})
	camera := p.vp8(500)
	camera.frame(true)
	camera.frames(3)
	got := v.take(4)
	next := p.vp8(777)
	next.extensions = map[uint8]string{idMID: "0"}
	next.seq, next.timestamp, next.picture = 60000, 3, 9
	next.frame(false)
	waitRTCP(p, "a keyframe request to the new source", func(p *rtcp.PictureLossIndication) bool { return p.MediaSSRC == 777 })
	next.frame(true)
	next.frames(3)
	got = append(got, v.take(4)...)
	unbroken(t, got)
	p.transport.router.media.Lock()
	n := len(p.transport.in.sources)
	p.transport.router.media.Unlock()
	if n != 1 {
		t.Fatalf("%d sources are remembered", n)
	}
	v.report(e.Now(), nack(got[6].SSRC, got[6].SequenceNumber))
	if again := v.take(1)[0]; string(again.Payload[2:]) != string(got[6].Payload) {
		t.Fatal("a packet of the new source cannot be sent again")
	}
	if !packet.NewerTimestamp(got[4].Timestamp, got[3].Timestamp) {
		t.Fatal("time goes back")
	}
}
