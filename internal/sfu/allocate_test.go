package sfu

import (
	"slices"
	"testing"

	"github.com/pion/rtcp"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// TestSpread: who gets which rung of a budget. Bids are in the order of their importance.
func TestSpread(t *testing.T) {
	camera := []rung{{bitrate: 100e3}, {bitrate: 400e3}, {bitrate: 1500e3}}
	screen := []rung{{bitrate: 300e3}, {bitrate: 2000e3}}
	for _, c := range []struct {
		name    string
		bids    []bid
		budget  int64
		want    []int
		nothing bool // there is nothing more to be had
	}{
		{"nothing for anybody", []bid{{rungs: camera, wish: 2, flowing: -1}}, 50e3, []int{-1}, false},
		{"each its lowest first", []bid{{rungs: screen, wish: 1, flowing: -1}, {rungs: camera, wish: 2, flowing: -1}}, 450e3, []int{0, 0}, false},
		{"the first before the second", []bid{{rungs: screen, wish: 1, flowing: -1}, {rungs: camera, wish: 2, flowing: -1}}, 400e3, []int{0, -1}, false},
		{"what is too dear for the first the second may have", []bid{{rungs: screen, wish: 1, flowing: -1}, {rungs: camera, wish: 2, flowing: -1}}, 1000e3, []int{0, 1}, false},
		{"round by round", []bid{{rungs: camera, wish: 2, flowing: -1}, {rungs: camera, wish: 2, flowing: -1}}, 1000e3, []int{1, 1}, false},
		{"no more than is wanted", []bid{{rungs: camera, wish: 1, flowing: -1}, {rungs: camera, wish: 0, flowing: -1}}, 1e9, []int{1, 0}, true},
		{"what flows is kept a little below its rate", []bid{{rungs: camera, wish: 2, flowing: 1}}, 370e3, []int{1}, false},
		{"and not taken up there", []bid{{rungs: camera, wish: 2, flowing: 0}}, 370e3, []int{0}, false},
		{"not even a little above", []bid{{rungs: camera, wish: 2, flowing: 0}}, 410e3, []int{0}, false},
		{"what was not measured has a price too", []bid{{rungs: []rung{{}}, flowing: -1}}, 100e3, []int{-1}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := downlink{bids: slices.Clone(c.bids)}
			left := c.budget
			for i := range d.bids {
				d.bids[i].got = -1
			}
			next := d.spread(&left)
			var got []int
			for _, b := range d.bids {
				got = append(got, b.got)
			}
			if !slices.Equal(got, c.want) || left < 0 || (next == 0) != c.nothing {
				t.Errorf("they get %v, want %v; %d are left, the next costs %d", got, c.want, left, next)
			}
		})
	}
}

// TestImportance: whose bid comes first.
func TestImportance(t *testing.T) {
	make := func(name video.StreamID, priority int, speaks bool, height int) bid {
		return bid{f: &forwarder{priority: priority, source: &track{stream: name, speaks: speaks}}, rungs: []rung{{height: height}}}
	}
	bids := []bid{make("small", 0, false, 180), make("large", 0, false, 720), make("small voice", 0, true, 180), make("screen", 1, false, 90), make("large voice", 0, true, 360)}
	slices.SortStableFunc(bids, compareBids)
	var got []video.StreamID
	for _, b := range bids {
		got = append(got, b.f.source.stream)
	}
	if !slices.Equal(got, []video.StreamID{"screen", "large voice", "small voice", "large", "small"}) {
		t.Errorf("the order is %q", got)
	}
}

func TestSpeaking(t *testing.T) {
	e := newEngine(t)
	s := newScene(t, e, "f")
	picture := s.publisher.transport.all[0].track
	for _, c := range []struct {
		session video.SessionID
		streams []video.StreamID
		want    bool
	}{
		{"session", []video.StreamID{"elsewhere", "camera"}, true}, {"none", nil, true}, {"session", nil, false}, {"session", []video.StreamID{"camera"}, true},
	} {
		if e.Speaking(c.session, c.streams); picture.speaks != c.want {
			t.Errorf("after Speaking(%q, %q) it is %t", c.session, c.streams, picture.speaks)
		}
	}
	s.publisher.transport.Unpublish("camera")
	if s.publisher.publish("another", video.Lines{VideoMID: "0"}); picture.speaks {
		t.Error("another stream over the same line speaks")
	}
	s.publisher.transport.Unpublish("another")
	if s.publisher.publish("camera", video.Lines{VideoMID: "0"}); !picture.speaks {
		t.Error("the same stream does not speak any more")
	}
}

func TestParseREMB(t *testing.T) {
	head := []byte{0x8f, 206, 0, 5, 0, 0, 0, 1, 0, 0, 0, 0}
	for _, c := range []struct {
		name string
		tail []byte
		want int64 // 0: refused
	}{
		{"1 Mbit/s", []byte{'R', 'E', 'M', 'B', 1, 2<<2 | 3, 0xd0, 0x90, 0, 0, 0, 7}, 1_000_000},
		{"nothing", []byte{'R', 'E', 'M', 'B', 1, 0, 0, 0, 0, 0, 0, 7}, 1},
		{"more than there is", []byte{'R', 'E', 'M', 'B', 1, 0xff, 0xff, 0xff, 0, 0, 0, 7}, 200_000_000},
		{"something else", []byte{'A', 'B', 'C', 'D', 1, 0, 0, 0, 0, 0, 0, 7}, 0},
		{"too short", []byte{'R', 'E', 'M', 'B'}, 0},
	} {
		got, ok := parseREMB(append(slices.Clone(head), c.tail...))
		if got != c.want || ok != (c.want != 0) {
			t.Errorf("%s: %d %v, want %d", c.name, got, ok, c.want)
		}
	}
}

// TestClientEstimates: of a client without transport-wide feedback its own estimate is taken.
func TestClientEstimates(t *testing.T) {
	e := stillEngine(t)
	s := newScene(t, e, "f", "h", "q")
	v := newWire(t, e, "session", receivePair("a", "v")...)
	v.subscribe(video.Subscription{StreamID: "camera", Video: true})
	s.step(true)
	s.step(false)
	wantOrigins(t, v.take(2), 0, 0)
	now := e.Now()
	tick := func() {
		now += 100 * testMS
		for _, w := range []*wire{s.publisher, v} {
			b := newBatch(e)
			switched, _ := w.transport.tick(b, nil, now, true, false)
			w.transport.tellLayers(switched)
			b.flush()
		}
	}
	v.report(now, &rtcp.ReceiverEstimatedMaximumBitrate{Bitrate: 1000, SSRCs: []uint32{1}})
	for range 3 {
		for _, l := range s.layers {
			l.wire.push(l.make(false), now)
		}
		tick()
	}
	if got := v.paused(); !slices.Equal(got, []string{"camera paused"}) {
		t.Fatalf("told with an estimate of 1 kbit/s: %q", got)
	}
	v.report(now, &rtcp.ReceiverEstimatedMaximumBitrate{Bitrate: 9e6, SSRCs: []uint32{1}})
	tick()
	if got := v.paused(); !slices.Equal(got, []string{"camera paused", "camera resumed"}) {
		t.Fatalf("told with an estimate of 9 Mbit/s: %q", got)
	}
}

// TestRepairsAreBounded: a client that asks again and again for what the path does not carry gets a share of it.
func TestRepairsAreBounded(t *testing.T) {
	o := &outbound{downlink: downlink{reported: true}}
	d, now := &o.downlink, int64(clockStart)
	for range 20 { // an estimate of 2 Mbit/s
		for i := range int64(25) {
			d.estimator.Received(now+i*4e6, now+i*4e6+20e6, 1000, 0)
		}
		now += 100e6
		d.estimator.Decide(now, 4e6, 0)
	}
	granted := 0
	for range 1000 {
		now += 1e6
		for range 10 { // 96 Mbit/s are asked for
			if o.repairs(video.Video, 1200, now) {
				granted += 1200
			}
		}
	}
	if rate := granted * 8; rate < 800e3 || rate > 1300e3 {
		t.Errorf("%d bit/s were sent again on a path of %d", rate, d.estimator.Estimate())
	}
}

// TestRepairsOfUnknownPaths: a client that tells nothing of its path gets a share of what it was sent of late.
func TestRepairsOfUnknownPaths(t *testing.T) {
	f := &forwarder{kind: video.Video}
	o := &outbound{forwarders: []*forwarder{f}}
	now := int64(clockStart)
	second := func() (rate int) { // 2 Mbit/s are sent, and 96 asked for
		for range 1000 {
			now += testMS
			f.octets += 250
			for range 10 {
				if o.repairs(video.Video, 1200, now) {
					rate += 9600
				}
			}
		}
		return rate
	}
	if rate := second(); rate < 400e3 || rate > 700e3 {
		t.Errorf("%d bit/s were sent again before anything was measured", rate)
	}
	second()
	if rate := second(); rate < 900e3 || rate > 1100e3 {
		t.Errorf("%d bit/s were sent again beside 2,000,000", rate)
	}
	now += 60 * oneSec
	second()
	if rate := second(); rate < 900e3 || rate > 1100e3 {
		t.Errorf("%d bit/s were sent again after a minute in which nothing was asked for", rate)
	}
}

// TestNoRepairsWhilePicturesAreHeld: pictures that were lost would hold up sound.
func TestNoRepairsWhilePicturesAreHeld(t *testing.T) {
	o := &outbound{}
	now := int64(clockStart)
	o.pacer.suspend(now)
	if o.repairs(video.Video, 1200, now) || !o.repairs(video.Audio, 200, now) {
		t.Error("a picture is sent again, or sound is not")
	}
	if now += suspendFor; !o.repairs(video.Video, 1200, now) {
		t.Error("a picture is not sent again afterwards")
	}
}

// TestTooMuchDoesNotBeginAgain: encoders make keyframes of all layers at once, the largest first. The one that was cut off stays so.
func TestTooMuchDoesNotBeginAgain(t *testing.T) {
	e := stillEngine(t)
	s := newScene(t, e, "f", "h", "q")
	v := newWire(t, e, "session", receivePair("a", "v")...)
	v.subscribe(video.Subscription{StreamID: "camera", Video: true})
	s.step(true)
	s.step(false)
	wantOrigins(t, v.take(2), 0, 0)
	v.burst(func() {
		f := v.transport.out.forwarders[1]
		f.cutOff()
		f.aim(f.source.ladder(e.Now())[0])
	})
	sent := e.Stats().PacketsSent
	s.step(true)
	s.step(false)
	if n := e.Stats().PacketsSent - sent; n != 2 {
		t.Fatalf("%d packets were sent, want the two of the smallest layer", n)
	}
	wantOrigins(t, v.take(2), 2, 2)
}
