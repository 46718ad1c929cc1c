package sfu

import "testing"

// BenchmarkTotals reads the figures of a session of one who publishes and twenty who receive.
func BenchmarkTotals(b *testing.B) {
	s := newStage(b, 20)
	for b.Loop() {
		s.engine.Totals()
	}
}
