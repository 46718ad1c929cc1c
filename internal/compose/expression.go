package compose

import (
	"fmt"
	"slices"
	"strconv"
)

// step is the value of something from a frame on.
type step struct{ frame, value int }

// stepped is a function of time in ffmpeg's language: the value of the last step, and otherwise before the first. It is a
// balanced tree, so that its depth stays small however many steps there are. Its thresholds lie between two frames.
func stepped(otherwise int, steps []step) string {
	if len(steps) == 0 {
		return strconv.Itoa(otherwise)
	}
	mid := len(steps) / 2
	before, after := stepped(otherwise, steps[:mid]), stepped(steps[mid].value, steps[mid+1:])
	if before == after {
		return before
	}
	// Half a frame before the step: what ffmpeg rounds does not matter then.
	halves := 2*steps[mid].frame - 1
	return fmt.Sprintf("if(lt(t,%s),%s,%s)", strconv.FormatFloat(float64(halves)/(2*FrameRate), 'f', 2, 64), before, after)
}

// during is what of holds during each placement, and otherwise in between.
func during(placements []Placement, otherwise int, of func(Cell) int) string {
	placements = slices.Clone(placements)
	slices.SortFunc(placements, func(a, b Placement) int { return a.From - b.From })
	var steps []step
	for _, p := range placements {
		if last := len(steps) - 1; last >= 0 && steps[last].frame == p.From {
			steps = steps[:last] // one ends where the next begins
		}
		steps = append(steps, step{p.From, of(p.Cell)}, step{p.Until, otherwise})
	}
	return stepped(otherwise, steps)
}

// shownDuring is 1 during the placements and 0 in between.
func shownDuring(placements []Placement) string {
	return during(placements, 0, func(Cell) int { return 1 })
}
