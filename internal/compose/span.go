package compose

import (
	"slices"
	"time"
)

// Span is a time from its start up to, not including, its end.
type Span struct{ From, Until time.Duration }

// union puts spans in order and joins those that touch. Empty ones go.
func union(spans []Span) []Span {
	spans = slices.DeleteFunc(slices.Clone(spans), func(s Span) bool { return s.Until <= s.From })
	slices.SortFunc(spans, func(a, b Span) int { return int(a.From - b.From) })
	var joined []Span
	for _, s := range spans {
		if last := len(joined) - 1; last >= 0 && s.From <= joined[last].Until {
			joined[last].Until = max(joined[last].Until, s.Until)
		} else {
			joined = append(joined, s)
		}
	}
	return joined
}

// without is what is left of whole when the spans are taken away.
func without(whole Span, spans []Span) []Span {
	var left []Span
	at := whole.From
	for _, s := range union(spans) {
		if s.From > at {
			left = append(left, Span{at, min(s.From, whole.Until)})
		}
		at = max(at, s.Until)
		if at >= whole.Until {
			break
		}
	}
	return union(append(left, Span{at, whole.Until}))
}
