//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
)

// runCheck runs the short scenario and fails if something is not so that is so on any machine.
func (p *plan) runCheck(ctx context.Context) error {
	f, err := p.one(ctx, measurement{short, viewerSide, "rotunda"})
	if err != nil {
		return err
	}
	fmt.Printf("%.1f pictures/s, longest pause %.1f s, sound made up %.1f %%\n", f.FrameRate, f.LongestGap, 100*f.Concealed)
	if err := f.judge(); err != nil {
		for _, n := range f.Notes {
			fmt.Printf("%.1f s %s: %s\n", n.At, n.Who, n.Text)
		}
		return err
	}
	return nil
}

// judge says what is wrong with the short scenario.
func (f *figures) judge() error {
	const limited, dark, light = 3, 7, 8 // s
	var faults []error
	fault := func(wrong bool, format string, args ...any) {
		if wrong {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	fault(f.rate(0, limited) < 50_000, "%.0f bit/s came before anything was wrong", f.rate(0, limited))
	fault(f.rate(limited+1, dark) > 1.3*500_000, "%.0f bit/s came through 500 kbit/s", f.rate(limited+1, dark))
	fault(f.longestGap(dark, light+3) < 0.5, "pictures came while the link was dead: the longest pause is %.1f s", f.longestGap(dark, light+3))
	fault(f.LinkLoss == 0, "the link lost nothing")
	fault(f.lastGap() > 2, "the picture stands at the end, for %.1f s", f.lastGap())
	fault(f.rate(f.Length-5, f.Length) < 50_000, "%.0f bit/s came at the end", f.rate(f.Length-5, f.Length))
	return errors.Join(faults...)
}

// lastGap is how long the picture stands at the end.
func (f *figures) lastGap() float64 {
	if n := len(f.Gaps); n > 0 && f.Gaps[n-1].Until >= f.Length {
		return f.Gaps[n-1].Until - f.Gaps[n-1].From
	}
	return 0
}
