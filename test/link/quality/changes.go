//go:build linux

package main

// afterChanges says how the call took each change of the link.
func (f *figures) afterChanges(changes []float64) {
	if len(changes) == 0 {
		return
	}
	wanted := 0.8 * f.rate(max(0, changes[0]-5), changes[0])
	for i, at := range changes {
		until := f.Length
		if i+1 < len(changes) {
			until = changes[i+1]
		}
		f.Changes = append(f.Changes, after{At: at, LongestGap: f.longestGap(at, until), Regained: f.regained(wanted, at, until)})
	}
}

// longestGap is the longest time without a picture that touches a span, as far as it is in it.
func (f *figures) longestGap(from, until float64) float64 {
	longest := 0.0
	for _, g := range f.Gaps {
		longest = max(longest, min(g.Until, until)-max(g.From, from))
	}
	return longest
}

// rate is the mean rate of a span, of the points that end in it.
func (f *figures) rate(from, until float64) float64 {
	bits, length := 0.0, 0.0
	for i, p := range f.Series {
		span := p.At
		if i > 0 {
			span -= f.Series[i-1].At
		}
		if p.At > from && p.At <= until {
			bits, length = bits+span*p.BitRate, length+span
		}
	}
	if length == 0 {
		return 0
	}
	return bits / length
}

// regained is after how long a second with a rate ends, or -1.
func (f *figures) regained(wanted, from, until float64) float64 {
	for _, p := range f.Series {
		if p.At >= from+1 && p.At <= until && f.rate(p.At-1, p.At) >= wanted {
			return p.At - from
		}
	}
	return -1
}
