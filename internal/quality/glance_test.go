package quality

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// rates are the bits per second of a participant's own video, as looking at the session shows them, and over how long they were measured.
func rates(k *Keeper) (interval time.Duration, octets int64) {
	for _, n := range k.Glance("session") {
		for _, t := range n.Sample.Tracks {
			if n.ParticipantID == "alice" && t.Publishes {
				return n.Sample.Interval, t.Octets
			}
		}
	}
	return 0, 0
}

func TestGlance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine := &mixer{begun: time.Now()}
		k := New(Config{Store: &shelf{minutes: map[time.Time]video.QualityMinute{}}, Engine: engine})
		k.Joined(video.Participant{ID: "alice", SessionID: "session"}, video.Client{Name: "sdk"})
		k.Published("session", video.Stream{ID: "own", ParticipantID: "alice", Key: "self"})
		if n := len(k.Glance("session")); n != 0 {
			t.Errorf("%d samples before anything was measured", n)
		}
		time.Sleep(glanceEvery)
		if interval, octets := rates(k); interval != glanceEvery || octets != 2<<28 {
			t.Errorf("%d octets over %s", octets, interval)
		}
		time.Sleep(glanceEvery / 2)
		for range 10 { // as many as look, it is measured once
			if interval, octets := rates(k); interval != glanceEvery || octets != 2<<28 {
				t.Errorf("soon after: %d octets over %s", octets, interval)
			}
		}
		if looks := engine.looks.Load(); looks != 2 {
			t.Errorf("the engine was asked %d times", looks)
		}
		if other := k.Glance("another"); len(other) != 0 {
			t.Errorf("of another session: %v", other)
		}
		// After a while nothing is known any more but what is measured anyway.
		time.Sleep(glanceKept + glanceEvery)
		if interval, _ := rates(k); interval != 0 {
			t.Errorf("measured over %s, from a look long ago", interval)
		}
		k.measure()
		time.Sleep(glanceKept + glanceEvery)
		if interval, octets := rates(k); interval < glanceKept || octets == 0 {
			t.Errorf("the last sample says %d octets over %s", octets, interval)
		}
		if len(k.glances) != 1 {
			t.Errorf("%d sessions are remembered", len(k.glances))
		}
	})
}
