package compose

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// FrameRate is how many frames a second compositions have.
const FrameRate = 25

// frameAt is the number of the frame that a time falls on.
func frameAt(t time.Duration) int { return int(math.Round(t.Seconds() * FrameRate)) }

// Placement shows a track in a cell, from a frame up to another.
type Placement struct {
	Track       int
	From, Until int
	Cell        Cell
}

// Arrangement is what a region shows, in order of track and time.
type Arrangement struct {
	Region     string
	Placements []Placement
}

// Lay says which cell of which region shows whom when. Regions come in the order they are drawn.
func Lay(line Timeline, c video.Composition) []Arrangement {
	names := slices.SortedFunc(maps.Keys(c.Layout), func(a, b string) int {
		return cmp.Or(cmp.Compare(c.Layout[a].Z, c.Layout[b].Z), cmp.Compare(a, b))
	})
	arrangements := make([]Arrangement, 0, len(names))
	for _, name := range names {
		region := c.Layout[name]
		g := gridOf(region, even(c.Width), even(c.Height))
		stage := stage{line: line, grid: g, order: chosen(line, video.Video, region.VideoSources)}
		placements := stage.reflow()
		if c.Settings.Grid == video.GridFixed {
			placements = stage.fixed()
		}
		arrangements = append(arrangements, Arrangement{name, joined(placements)})
	}
	return arrangements
}

// chosen are the tracks of a kind that sources name: those named by id in the order of their names, then the rest as they came.
func chosen(line Timeline, kind video.Kind, sources []string) []int {
	var order []int
	take := func(wanted func(video.Recording) bool) {
		for i, t := range line.Tracks {
			if t.Recording.Type == kind && wanted(t.Recording) && !slices.Contains(order, i) {
				order = append(order, i)
			}
		}
	}
	for _, source := range sources {
		if source != video.AllSources {
			take(func(r video.Recording) bool { return r.ID == source })
		}
	}
	if slices.Contains(sources, video.AllSources) {
		take(func(video.Recording) bool { return true })
	}
	return order
}

// stage is a region while it is being laid out.
type stage struct {
	line  Timeline
	grid  grid
	order []int
}

// showing are the frames in which a track has a picture.
func (s stage) showing(track int) []Span {
	t := s.line.Tracks[track]
	return without(t.Span, t.Off)
}

// edges are all frames at which spans begin or end.
func edges(of [][]Span) []int {
	var all []int
	for _, spans := range of {
		for _, span := range spans {
			all = append(all, frameAt(span.From), frameAt(span.Until))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// covers reports whether a frame is within the spans.
func covers(spans []Span, frame int) bool {
	return slices.ContainsFunc(spans, func(s Span) bool { return frameAt(s.From) <= frame && frame < frameAt(s.Until) })
}

// reflow divides the region anew whenever somebody comes or goes.
func (s stage) reflow() []Placement {
	shown := make([][]Span, len(s.order))
	for i, track := range s.order {
		shown[i] = s.showing(track)
	}
	marks := edges(shown)
	var placements []Placement
	for i := range max(len(marks)-1, 0) {
		var present []int
		for j, track := range s.order {
			if covers(shown[j], marks[i]) && len(present) < s.grid.capacity() {
				present = append(present, track)
			}
		}
		for j, cell := range s.grid.cells(len(present)) {
			placements = append(placements, Placement{present[j], marks[i], marks[i+1], cell})
		}
	}
	return placements
}

// fixed divides the region once, for the largest number there at once. A picture stays where it is for as long as it is
// recorded, and a camera that is off leaves its cell empty.
func (s stage) fixed() []Placement {
	recorded := make([][]Span, len(s.order))
	for i, track := range s.order {
		recorded[i] = []Span{s.line.Tracks[track].Span}
	}
	marks := edges(recorded)
	most := 0
	for _, mark := range marks {
		n := 0
		for _, spans := range recorded {
			if covers(spans, mark) {
				n++
			}
		}
		most = max(most, n)
	}
	cells := s.grid.cells(min(most, s.grid.capacity()))
	seats := newSeats(len(cells))
	var placements []Placement
	for i := range max(len(marks)-1, 0) {
		for j, track := range s.order {
			if !covers(recorded[j], marks[i]) {
				seats.free(track)
			}
		}
		for j, track := range s.order {
			if !covers(recorded[j], marks[i]) {
				continue
			}
			if seat, ok := seats.take(track, s.line.Tracks[track]); ok {
				placements = append(placements, s.visible(track, marks[i], marks[i+1], cells[seat])...)
			}
		}
	}
	return placements
}

// visible leaves out the frames in which the track has no picture.
func (s stage) visible(track, from, until int, cell Cell) []Placement {
	var placements []Placement
	for _, span := range s.showing(track) {
		a, b := max(from, frameAt(span.From)), min(until, frameAt(span.Until))
		if a < b {
			placements = append(placements, Placement{track, a, b, cell})
		}
	}
	return placements
}

// seats are the cells of a fixed grid and who has them.
type seats struct {
	taken []int // the track, or -1
	last  map[string]int
}

func newSeats(n int) *seats {
	s := &seats{taken: make([]int, n), last: make(map[string]int)}
	for i := range s.taken {
		s.taken[i] = -1
	}
	return s
}

func (s *seats) free(track int) {
	if i := slices.Index(s.taken, track); i >= 0 {
		s.taken[i] = -1
	}
}

// take keeps a track where it is, brings a stream back to where it was, and else gives it the first cell that is free.
func (s *seats) take(track int, t Track) (int, bool) {
	if i := slices.Index(s.taken, track); i >= 0 {
		return i, true
	}
	stream := string(t.Recording.ParticipantID) + "\x00" + t.Recording.StreamKey
	i, known := s.last[stream]
	if !known || s.taken[i] >= 0 {
		i = slices.Index(s.taken, -1)
	}
	if i < 0 {
		return 0, false
	}
	s.taken[i], s.last[stream] = track, i
	return i, true
}

// joined puts placements in order and makes one of those that follow each other in the same cell.
func joined(placements []Placement) []Placement {
	slices.SortFunc(placements, func(a, b Placement) int {
		return cmp.Or(cmp.Compare(a.Track, b.Track), cmp.Compare(a.From, b.From))
	})
	var all []Placement
	for _, p := range placements {
		if last := len(all) - 1; last >= 0 && all[last].Track == p.Track && all[last].Until == p.From && all[last].Cell == p.Cell {
			all[last].Until = p.Until
		} else if p.From < p.Until {
			all = append(all, p)
		}
	}
	return all
}
