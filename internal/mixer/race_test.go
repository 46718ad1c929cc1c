//go:build race

package mixer

func init() { driftFor /= 6 } // the race detector makes it ten times as slow, and looks for something else
