package quality

import (
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// A page of a long time is made of no more minutes than one answer may read, and no step of it lacks a part.
func TestPagesOfDays(t *testing.T) {
	const days = 5
	s := &shelf{minutes: map[time.Time]video.QualityMinute{}}
	k := New(Config{Store: s, Engine: &mixer{}})
	first, packs := began.Truncate(time.Hour), newEncoder()
	for i := range days * 24 * 60 {
		at := first.Add(time.Duration(i) * time.Minute)
		m := minute{samples: []video.QualitySample{{
			Source: video.QualityByServer, At: at.Add(time.Minute), Interval: time.Minute, Connection: video.Connection{Path: video.PathUDP},
		}}}
		s.minutes[at] = video.QualityMinute{At: at, Data: packs.encode(m, at)}
	}
	query, pages := video.QualityQuery{Resolution: time.Hour, Limit: 250}, 0
	for next := first; ; pages++ {
		some, from := steps(t, k, query)
		for _, step := range some {
			if !step.At.Equal(next) || step.ByServer.Interval != time.Hour {
				t.Fatalf("step %v is of %v, want %v", step.At, step.ByServer.Interval, next)
			}
			next = next.Add(time.Hour)
		}
		if query.At.From = from; from.IsZero() {
			if want := first.Add(days * 24 * time.Hour); !next.Equal(want) {
				t.Fatalf("walked to %v, want %v", next, want)
			}
			break
		}
	}
	if pages == 0 || len(s.reads) != pages+1 || s.reads[0] != maxRead {
		t.Errorf("%d pages, read at once: %v", pages+1, s.reads)
	}
}

func TestMerge(t *testing.T) {
	id := video.TrackID{StreamID: "s", Kind: video.Video}
	sample := func(at int, rtt time.Duration, tracks ...video.TrackQuality) *video.QualitySample {
		return &video.QualitySample{
			At: began.Add(time.Duration(at) * time.Second), Interval: 10 * time.Second, Connection: video.Connection{RoundTrip: rtt}, Tracks: tracks,
		}
	}
	track := func(layer string, q video.TrackQuality) video.TrackQuality {
		q.TrackID, q.Layer = id, layer
		return q
	}
	got := merge([]*video.QualitySample{
		sample(20, 40*time.Millisecond, track("l", video.TrackQuality{Packets: 1, Frozen: time.Second, Jitter: 4 * time.Millisecond})),
		sample(10, 0, track("h", video.TrackQuality{Packets: 2, Width: 640, Height: 360, LimitedBy: video.LimitedByCPU, Jitter: 2 * time.Millisecond})),
		sample(30, 20*time.Millisecond, track("l", video.TrackQuality{Packets: 4, Frozen: time.Second})),
	})
	want := track("l", video.TrackQuality{
		Packets: 7, Width: 640, Height: 360, LimitedBy: video.LimitedByCPU, Frozen: 2 * time.Second, Jitter: 3 * time.Millisecond,
	})
	if got.Interval != 30*time.Second || got.RoundTrip != 30*time.Millisecond || len(got.Tracks) != 1 || got.Tracks[0] != want {
		t.Errorf("%+v", got)
	}
	// Layers that are published stay apart.
	id.Publishes = true
	got = merge([]*video.QualitySample{sample(10, 0, track("h", video.TrackQuality{}), track("l", video.TrackQuality{})), sample(20, 0, track("h", video.TrackQuality{}))})
	if len(got.Tracks) != 2 {
		t.Errorf("%+v", got.Tracks)
	}
	if merge(nil) != nil {
		t.Error("something of nothing")
	}
}
