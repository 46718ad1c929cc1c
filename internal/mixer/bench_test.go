package mixer

import (
	"slices"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// BenchmarkMix measures a frame (20 ms) of a mix, by who talks and who listens; those who talk listen as well, if so many do.
func BenchmarkMix(b *testing.B) {
	for name, who := range map[string]struct{ talkers, listeners int }{
		"0-talk-100-listen": {0, 100}, "1-talk-0-listen": {1, 0}, "1-talk-2-listen": {1, 2}, "1-talk-100-listen": {1, 100},
		"3-talk-50-listen": {3, 50}, "10-talk-10-listen": {10, 10},
	} {
		b.Run(name, func(b *testing.B) {
			r := newRig(b)
			packets := voicePackets(b)
			var c counter
			var sources []*Source
			for i := range max(who.talkers, who.listeners) {
				owner := r.mix.participant(video.ParticipantID(string(rune('A' + i))))
				made := newSource(&r.engine.counts)
				s := &Source{mix: r.mix, queue: made.queue, source: made, owner: owner}
				owner.sources = append(owner.sources, s)
				if i < who.talkers {
					sources = append(sources, s)
				}
				if i < who.listeners {
					owner.listeners = append(owner.listeners, &Listener{mix: r.mix, to: &c, owner: owner})
				}
			}
			b.ReportAllocs()
			var took []time.Duration
			for n := 0; b.Loop(); n++ {
				for _, s := range sources {
					p := packets[n%40]
					p.Number, p.Timestamp, p.Arrived = uint64(n), uint32(n*frameSize), r.now
					s.Take(&p)
				}
				began := time.Now()
				r.mix.advance((r.now-r.mix.epoch)/rigFrameNS + 1)
				took = append(took, time.Since(began))
				r.now += rigFrameNS
			}
			slices.Sort(took) // the median tells more than the mean where other programs run
			b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1000, "median-µs/frame")
		})
	}
}

// BenchmarkOpen is what a session's mix costs to begin.
func BenchmarkOpen(b *testing.B) {
	e := New(Config{})
	if err := e.Prepare(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		m, err := e.Open()
		if err != nil {
			b.Fatal(err)
		}
		m.Close()
	}
	if err := e.Close(); err != nil {
		b.Fatal(err)
	}
}
