package loadtest

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// A percentile is the value itself or a little more, whatever the size of the durations.
func TestHistogramFollowsWhatItCounts(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for _, scale := range []time.Duration{20 * time.Microsecond, time.Millisecond, time.Second, 20 * time.Minute} {
		var h, other histogram
		var all []time.Duration
		for i := range 2000 {
			d := time.Duration(random.Int64N(int64(scale))).Truncate(time.Microsecond)
			all = append(all, d)
			if i%2 == 0 {
				h.add(d)
			} else {
				other.add(d)
			}
		}
		h.merge(&other)
		slices.Sort(all)
		for _, percent := range []float64{50, 95, 99, 100} {
			want := all[int(percent/100*float64(len(all)))-1]
			got := h.percentile(percent)
			if got < want || got > want+want/halves+time.Microsecond {
				t.Errorf("below %v: p%v is %v, want %v", scale, percent, got, want)
			}
		}
		if h.most != all[len(all)-1] || h.count != 2000 {
			t.Errorf("below %v: the longest of %d is %v, want %v", scale, h.count, h.most, all[len(all)-1])
		}
	}
}

func TestHistogramOfNothing(t *testing.T) {
	var h histogram
	if got := h.percentile(99); got != 0 {
		t.Errorf("p99 of nothing is %v", got)
	}
	h.add(-time.Second) // the wall clock was set back
	h.add(1000 * time.Hour)
	if got := h.percentile(50); got != 0 {
		t.Errorf("p50 of a negative duration is %v", got)
	}
	if got := h.percentile(100); got != 1000*time.Hour {
		t.Errorf("p100 is %v", got)
	}
}

func TestTimes(t *testing.T) {
	var all []time.Duration
	for i := range 200 {
		all = append(all, time.Duration(200-i)*time.Millisecond)
	}
	if got, want := timesOf(all), (Times{P50: 100, P99: 198, Max: 200, Count: 200}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := timesOf(nil); got != (Times{}) {
		t.Errorf("of none: %+v", got)
	}
}
