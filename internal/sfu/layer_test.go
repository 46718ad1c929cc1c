package sfu

import (
	"slices"
	"testing"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// TestLayersAreTold: each switch of what a client is sent is told once, with the stream, and a new subscription anew.
func TestLayersAreTold(t *testing.T) {
	e := newEngine(t)
	s := newScene(t, e, "f", "h", "q")
	v := newWire(t, e, "session", receivePair("a", "v")...)
	want := func(q video.Quality) {
		t.Helper()
		v.subscribe(video.Subscription{StreamID: "camera", Video: true, Quality: q})
	}
	told := func(layers ...string) {
		t.Helper()
		eventually(t, "the layers to be told", func() bool {
			s.step(true)
			return slices.Equal(v.sent(), layers)
		})
	}
	want(video.QualityHigh)
	told("camera f")
	want(video.QualityLow)
	told("camera f", "camera q")
	v.transport.Unsubscribe("camera")
	want(video.QualityLow)
	told("camera f", "camera q", "camera q")
}

func TestTheOnlyLayerHasNoName(t *testing.T) {
	c := newCall(t)
	c.camera.frame(true)
	eventually(t, "the layer to be told", func() bool { return slices.Equal(c.viewer.sent(), []string{"camera "}) })
}
