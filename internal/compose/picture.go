package compose

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

const (
	background = "0x101418"

	// hiddenSide is how large a picture is made that nobody sees: what is not shown shall cost little.
	hiddenSide = 16
)

// picture is the part of ffmpeg's work that is seen: its inputs and the script.
type picture struct {
	lanes  []lane
	names  []string // what the labels say; label i is read from a file of its own
	marked bool     // the mark of the muted is one more input, after the lanes
	script string
}

// painter writes the script.
type painter struct {
	line   Timeline
	fit    video.Fit
	width  int
	height int
	frames int
	b      strings.Builder
	done   string // label of the frame as far as it is painted
	made   int    // labels so far
}

// paint makes the script that shows the arrangements. Its output is [picture], frames long.
func paint(line Timeline, arrangements []Arrangement, c video.Composition, canLabel bool) picture {
	p := &painter{line: line, fit: c.Settings.Fit, width: even(c.Width), height: even(c.Height), frames: frameAt(line.Length)}
	seen := make(map[int]bool)
	for _, a := range arrangements {
		for _, placement := range a.Placements {
			seen[placement.Track] = true
		}
	}
	out := picture{lanes: lanes(line, seen)}
	tags := tagsOf(line, arrangements, c, canLabel, p)
	branches := p.sources(out.lanes, arrangements)
	marks := p.markSources(len(out.lanes), tags)
	out.marked = len(marks) > 0

	p.done = "frame"
	fmt.Fprintf(&p.b, "color=c=%s:s=%dx%d:r=%d:d=%s,format=yuv420p[%s];\n", background, p.width, p.height, FrameRate, p.span(), p.done)
	for i := range arrangements {
		for _, branch := range branches[i] {
			p.show(branch)
		}
		for _, tag := range tags[i] {
			if tag.text != "" {
				p.write(tag, len(out.names))
				out.names = append(out.names, tag.text)
			}
			if len(tag.muted) > 0 {
				p.mark(tag, marks[0])
				marks = marks[1:]
			}
		}
	}
	fmt.Fprintf(&p.b, "[%s]trim=end_frame=%d,setsar=1[picture]", p.done, p.frames)
	out.script = p.b.String()
	return out
}

// span is the length of the picture in seconds.
func (p *painter) span() string { return fmt.Sprintf("%.2f", float64(p.frames)/FrameRate) }

func (p *painter) label() string {
	p.made++
	return fmt.Sprintf("l%d", p.made)
}

// branch is what a lane shows in a region, in cells of any size or, if it is to be cropped, of one.
type branch struct {
	label      string
	placements []Placement
	crop       bool
}

// sources begins a branch for each lane and region (and size), by region.
func (p *painter) sources(lanes []lane, arrangements []Arrangement) [][]branch {
	branches := make([][]branch, len(arrangements))
	for n, l := range lanes {
		var all []*branch
		for i, a := range arrangements {
			for _, placements := range p.divided(l, a) {
				branches[i] = append(branches[i], branch{p.label(), placements, p.fit == video.FitCrop})
			}
		}
		for i := range branches {
			for j := range branches[i] {
				if b := &branches[i][j]; len(b.placements) > 0 && slices.Contains(l.tracks, b.placements[0].Track) {
					all = append(all, b)
				}
			}
		}
		fmt.Fprintf(&p.b, "[%d:v:0]setpts=PTS+%s/TB,fps=%d:start_time=%s,split=%d", n, seconds(l.from), FrameRate, seconds(l.from), len(all))
		for _, b := range all {
			fmt.Fprintf(&p.b, "[%s]", b.label)
		}
		p.b.WriteString(";\n")
		for _, b := range all {
			p.scale(b)
		}
	}
	return branches
}

// divided are the placements of a lane in a region: all in one, or by size where a cell of each size has a canvas of its own.
func (p *painter) divided(l lane, a Arrangement) [][]Placement {
	var parts [][]Placement
	for _, placement := range a.Placements {
		if !slices.Contains(l.tracks, placement.Track) {
			continue
		}
		i := slices.IndexFunc(parts, func(part []Placement) bool {
			return p.fit != video.FitCrop || part[0].Cell.W == placement.Cell.W && part[0].Cell.H == placement.Cell.H
		})
		if i < 0 {
			parts = append(parts, nil)
			i = len(parts) - 1
		}
		parts[i] = append(parts[i], placement)
	}
	return parts
}

// scale brings the branch's pictures to the size of the cell, inside it or, cropped, around it. It ends in yuva420p: with
// another format overlay would have ffmpeg insert a scaler of a fixed size, which undoes all later changes.
func (p *painter) scale(b *branch) {
	w := during(b.placements, hiddenSide, func(c Cell) int { return c.W })
	h := during(b.placements, hiddenSide, func(c Cell) int { return c.H })
	fit, round := "min", "floor"
	if b.crop {
		fit, round = "max", "ceil"
	}
	scaled := p.label()
	fmt.Fprintf(&p.b, "[%s]scale=eval=frame:flags=bilinear:w='max(2,2*%s(%s(%s,a*(%s))/2))':h='max(2,2*%s(%s(%s,(%s)/a)/2))',setsar=1,format=yuva420p[%s];\n",
		b.label, round, fit, w, h, round, fit, h, w, scaled)
	b.label = scaled
	if !b.crop {
		return
	}
	cell, canvas, cropped := b.placements[0].Cell, p.label(), p.label()
	fmt.Fprintf(&p.b, "color=c=%s:s=%dx%d:r=%d:d=%s,format=yuv420p[%s];\n", background, cell.W, cell.H, FrameRate, p.span(), canvas)
	fmt.Fprintf(&p.b, "[%s][%s]overlay=x='(W-w)/2':y='(H-h)/2':eval=frame:eof_action=pass:repeatlast=0:enable='%s',format=yuva420p[%s];\n",
		canvas, b.label, shownDuring(b.placements), cropped)
	b.label = cropped
}

// show lays the branch on the frame while it is placed.
func (p *painter) show(b branch) {
	x := during(b.placements, 0, func(c Cell) int { return c.X })
	y := during(b.placements, 0, func(c Cell) int { return c.Y })
	w := during(b.placements, 0, func(c Cell) int { return c.W })
	h := during(b.placements, 0, func(c Cell) int { return c.H })
	painted := p.label()
	fmt.Fprintf(&p.b, "[%s][%s]overlay=x='%s+(%s-w)/2':y='%s+(%s-h)/2':eval=frame:eof_action=pass:repeatlast=0:enable='%s'[%s];\n",
		p.done, b.label, x, w, y, h, shownDuring(b.placements), painted)
	p.done = painted
}
