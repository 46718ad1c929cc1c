package quality

import (
	"slices"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// gathering are the samples of a step.
type gathering struct {
	at     time.Time
	client video.Client
	ends   [2][]*video.QualitySample // by client and by server
}

func (g *gathering) add(client video.Client, sample *video.QualitySample) {
	end := placeOf(sources, sample.Source)
	g.client = client
	g.ends[end] = append(g.ends[end], sample)
}

func (g *gathering) step() video.QualityStep {
	return video.QualityStep{At: g.at, Client: g.client, ByClient: merge(g.ends[0]), ByServer: merge(g.ends[1])}
}

// merge makes one sample of several of one end, oldest first: counts are added up, round trips, jitter and what the path carries are means over the time
// they are known of, and of all else the last holds. It returns nil for none.
func merge(samples []*video.QualitySample) *video.QualitySample {
	if len(samples) == 0 {
		return nil
	}
	if len(samples) == 1 {
		return samples[0]
	}
	slices.SortStableFunc(samples, func(a, b *video.QualitySample) int { return a.At.Compare(b.At) })
	sum := &video.QualitySample{}
	var roundTrip, available mean
	var tracks []*mergedTrack
	byTrack := map[entry]*mergedTrack{}
	for _, s := range samples {
		sum.Source, sum.At = s.Source, s.At
		sum.Interval += s.Interval
		if s.Path != "" {
			sum.Path = s.Path
		}
		roundTrip.add(float64(s.RoundTrip), s.Interval)
		available.add(float64(s.Available), s.Interval)
		for i := range s.Tracks {
			t := &s.Tracks[i]
			id := entry{id: t.TrackID}
			if t.Publishes {
				id.layer = t.Layer
			}
			if byTrack[id] == nil {
				byTrack[id] = &mergedTrack{}
				tracks = append(tracks, byTrack[id])
			}
			byTrack[id].add(t, s.Interval)
		}
	}
	sum.RoundTrip, sum.Available = time.Duration(roundTrip.value()), int64(available.value())
	for _, m := range tracks {
		m.sum.Jitter, m.sum.RoundTrip = time.Duration(m.jitter.value()), time.Duration(m.roundTrip.value())
		sum.Tracks = append(sum.Tracks, m.sum)
	}
	return sum
}

// mergedTrack is what several samples say of a track.
type mergedTrack struct {
	sum               video.TrackQuality
	jitter, roundTrip mean
}

func (m *mergedTrack) add(t *video.TrackQuality, interval time.Duration) {
	before := m.sum
	m.sum = *t
	for i, n := range numbers(&m.sum) {
		if n != &m.sum.Width && n != &m.sum.Height {
			*n += *numbers(&before)[i]
		}
	}
	if m.sum.Width == 0 {
		m.sum.Width, m.sum.Height = before.Width, before.Height
	}
	m.sum.Frozen += before.Frozen
	m.sum.Concealed += before.Concealed
	m.sum.Paused += before.Paused
	if m.sum.LimitedBy == "" {
		m.sum.LimitedBy = before.LimitedBy
	}
	m.jitter.add(float64(t.Jitter), interval)
	m.roundTrip.add(float64(t.RoundTrip), interval)
}

// mean is over the time that something was known.
type mean struct {
	sum  float64
	over time.Duration
}

func (m *mean) add(value float64, over time.Duration) {
	if value != 0 {
		m.sum += value * float64(over)
		m.over += over
	}
}

func (m *mean) value() float64 {
	if m.over == 0 {
		return 0
	}
	return m.sum / float64(m.over)
}
