package sfu

import (
	"slices"
	"testing"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// demandAt lets time tell the publisher of the scene what is wanted.
func (s *scene) demandAt(now int64) {
	s.publisher.burst(func() { s.publisher.transport.all[0].track.tellDemand(now) })
}

// stillScene is a scene without ticker, all layers of which were seen.
func stillScene(t *testing.T) (*scene, *wire) {
	t.Helper()
	e := stillEngine(t)
	s := newScene(t, e, "f", "h", "q")
	v := newWire(t, e, "session", receivePair("a", "v")...)
	s.step(true)
	return s, v
}

func TestDemandIsTold(t *testing.T) {
	s, v := stillScene(t)
	now := s.publisher.engine.Now()
	told := func(want ...string) {
		t.Helper()
		if got := s.publisher.demanded(); !slices.Equal(got, want) {
			t.Fatalf("told %q, want %q", got, want)
		}
	}
	s.demandAt(now)
	s.demandAt(now + demandLinger - 1)
	told()
	s.demandAt(now + demandLinger)
	told("camera 0") // nobody watches
	want := video.Subscription{StreamID: "camera", Video: true, MaxWidth: 300, MaxHeight: 160}
	v.subscribe(want)
	told("camera 0", "camera 1") // at once
	want.MaxWidth, want.MaxHeight = 700, 390
	v.subscribe(want)
	told("camera 0", "camera 1", "camera 2") // 640 x 360 will do
	want.MaxWidth, want.MaxHeight = 0, 0
	v.subscribe(want)
	told("camera 0", "camera 1", "camera 2", "camera 3")
	want.Hidden = true
	v.subscribe(want)
	later := s.publisher.engine.Now()
	s.demandAt(later)
	s.demandAt(later + demandLinger/2)
	want.Hidden = false
	v.subscribe(want) // back before it was told
	s.demandAt(later + 2*demandLinger)
	told("camera 0", "camera 1", "camera 2", "camera 3")
	s.publisher.transport.Record("camera", nil, new(counter))
	v.transport.Unsubscribe("camera")
	s.demandAt(later + 3*demandLinger)
	s.demandAt(later + 5*demandLinger)
	told("camera 0", "camera 1", "camera 2", "camera 3") // a recording takes the best
}

// unread returns how many packets were sent since it was last asked.
func (s *scene) unread() int {
	sent := int(s.publisher.engine.Stats().PacketsSent)
	n := sent - s.read
	s.read = sent
	return n
}

// TestSizeChoosesLayer: a viewer gets the smallest picture that covers the size at which it is shown, and none while it is not seen.
func TestSizeChoosesLayer(t *testing.T) {
	s, v := stillScene(t)
	for _, c := range []struct {
		width, height, layer int
		quality              video.Quality
	}{
		{320, 180, 2, ""},
		{350, 195, 2, ""}, // nobody sees a tenth
		{400, 225, 1, ""},
		{640, 360, 1, ""},
		{1000, 560, 0, ""},
		{4000, 2250, 0, ""},
		{1000, 560, 1, video.QualityMedium}, // the stricter counts
		{300, 160, 2, video.QualityMedium},
		{0, 0, 0, ""},
	} {
		v.subscribe(video.Subscription{StreamID: "camera", Video: true, Quality: c.quality, MaxWidth: c.width, MaxHeight: c.height})
		s.step(true)
		s.step(false)
		packets := v.take(s.unread())
		wantOrigins(t, packets[len(packets)-1:], c.layer)
	}
	v.subscribe(video.Subscription{StreamID: "camera", Video: true, Hidden: true})
	s.step(true)
	if n := s.unread(); n != 0 {
		t.Fatalf("%d packets were sent of a picture nobody sees", n)
	}
	v.subscribe(video.Subscription{StreamID: "camera", Video: true})
	s.step(true)
	if p := v.take(1)[0]; !isKey(p) {
		t.Fatal("what is seen again does not begin with a keyframe")
	}
}

// TestLayerResumesWithItsFirstKeyframe: a layer that was paused is forwarded from where it begins again, without another keyframe.
func TestLayerResumesWithItsFirstKeyframe(t *testing.T) {
	s, v := stillScene(t)
	best := (*s.publisher.transport.in.tracks["0"].order.Load())[0]
	best.heard.Store(1)
	v.subscribe(video.Subscription{StreamID: "camera", Video: true})
	s.layers[1].frame(true)
	s.layers[1].frame(false)
	wantOrigins(t, v.take(s.unread()), 1, 1, 1) // from the history on
	asked := s.publisher.engine.Stats().KeyframeRequests
	s.layers[0].frame(true)
	s.layers[1].frame(false)
	s.layers[0].frame(false)
	wantOrigins(t, v.take(s.unread()), 0, 0)
	if n := s.publisher.engine.Stats().KeyframeRequests - asked; n != 0 {
		t.Errorf("%d more keyframes were asked for", n)
	}
}
