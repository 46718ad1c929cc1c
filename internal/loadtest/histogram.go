package loadtest

import (
	"math/bits"
	"time"
)

// histogram counts durations in steps of three percent, from 1 µs to hours, without keeping them. The zero value is ready.
type histogram struct {
	steps [64 * halves]uint64
	count uint64
	most  time.Duration
}

const halves = 32 // steps from one power of two to the next

// stepOf is the step a duration belongs to: exact up to 32 µs, then by its five highest bits.
func stepOf(d time.Duration) int {
	us := uint64(max(d, 0) / time.Microsecond)
	if us < halves {
		return int(us)
	}
	shift := bits.Len64(us) - 6
	return (shift+1)*halves + int(us>>shift) - halves
}

// upTo is the longest duration of a step.
func upTo(step int) time.Duration {
	if step < halves {
		return time.Duration(step) * time.Microsecond
	}
	shift := step/halves - 1
	us := (uint64(step%halves+halves)+1)<<shift - 1
	return time.Duration(us) * time.Microsecond
}

func (h *histogram) add(d time.Duration) {
	h.steps[min(stepOf(d), len(h.steps)-1)]++
	h.count++
	h.most = max(h.most, d)
}

func (h *histogram) merge(other *histogram) {
	for i, n := range other.steps {
		h.steps[i] += n
	}
	h.count += other.count
	h.most = max(h.most, other.most)
}

// percentile is a duration that so many percent do not exceed; 0 of none.
func (h *histogram) percentile(percent float64) time.Duration {
	rank := uint64(percent / 100 * float64(h.count))
	seen := uint64(0)
	for i, n := range h.steps {
		seen += n
		if n > 0 && seen >= max(rank, 1) {
			return min(upTo(i), h.most)
		}
	}
	return 0
}
