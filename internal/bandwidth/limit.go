package bandwidth

import "math"

// limit remembers at which rates the path was full.
type limit struct{ mean, deviation float64 }

func (l *limit) add(rate float64) {
	if l.mean == 0 || math.Abs(rate-l.mean) > 3*l.deviation {
		*l = limit{rate, 0.1 * rate}
		return
	}
	off := rate - l.mean
	l.mean += 0.2 * off
	l.deviation = max(l.deviation+0.2*(math.Abs(off)-l.deviation), 0.02*l.mean)
}

// passed forgets the limit when more got through.
func (l *limit) passed(rate float64) {
	if rate > l.mean+3*l.deviation {
		*l = limit{}
	}
}

// near reports whether a rate is so close to the limit that it must be approached with care.
func (l *limit) near(rate float64) bool {
	return l.mean != 0 && math.Abs(rate-l.mean) <= 3*l.deviation
}
