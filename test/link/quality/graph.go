//go:build linux

package main

import (
	"fmt"
	"math"
	"strings"
)

// The places of a graph, in pixels.
const (
	graphWidth, graphHeight = 860, 450
	plotLeft, plotRight     = 56, 846
	rateTop, rateBottom     = 46, 230
	frameTop, frameBottom   = 262, 340
	laneTop, laneHeight     = 362, 12
)

var colours = map[string]string{"rotunda": "#1769c4", "janus": "#d9730d", "tcp": "#8b8f98", "capacity": "#b9c0cc"}

// colourOf is a colour for whatever was measured under a name of its own, too.
func colourOf(name string) string {
	if colour, known := colours[name]; known {
		return colour
	}
	others := []string{"#2c8c4a", "#8a3fb5", "#b8324f"}
	return others[len(name)%len(others)]
}

// graph draws what servers made of one scenario: rates, each of the second before, with the capacity of the link,
// pictures a second, and for each server a lane in which pauses of the picture are dark and sound that was made up is red.
func graph(sc scenario, all []*figures) string {
	g := &drawing{length: all[0].Length, top: topRate(all)}
	g.add(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="system-ui, sans-serif" font-size="12">`, graphWidth, graphHeight)
	g.add(`<rect width="100%%" height="100%%" fill="#fff"/>`)
	g.text(plotLeft, 20, "start", "#111", fmt.Sprintf("%s — behind it: the %s", sc.Title, all[0].Side))
	g.axes()
	g.capacity(all[0].Capacity)
	if sc.TCPUntil > 0 {
		g.line(all[0].Series, colours["tcp"], "3 3", func(p point) float64 { return g.rateY(p.TCP) })
	}
	for i, f := range all {
		g.line(f.Series, colourOf(f.Peer), "", func(p point) float64 { return g.rateY(f.rate(p.At-1, p.At)) })
		g.line(f.Series, colourOf(f.Peer), "", func(p point) float64 { return frameY(p.FrameRate) })
		g.lane(laneTop+i*(laneHeight+8), f)
	}
	g.legend(sc, all)
	g.add(`</svg>`)
	return g.b.String()
}

type drawing struct {
	b      strings.Builder
	length float64 // s
	top    float64 // of the scale of rates, bit/s
}

func (g *drawing) add(format string, args ...any) {
	fmt.Fprintf(&g.b, format, args...)
	g.b.WriteByte('\n')
}

var escaped = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

func (g *drawing) text(x, y float64, anchor, colour, text string) {
	g.add(`<text x="%.0f" y="%.0f" text-anchor="%s" fill="%s">%s</text>`, x, y, anchor, colour, escaped.Replace(text))
}

func (g *drawing) x(at float64) float64 {
	return plotLeft + (plotRight-plotLeft)*min(max(at/g.length, 0), 1)
}

func (g *drawing) rateY(rate float64) float64 {
	return rateBottom - (rateBottom-rateTop)*min(rate/g.top, 1)
}

const topFrames = 25.0

func frameY(frames float64) float64 {
	return frameBottom - (frameBottom-frameTop)*min(frames/topFrames, 1)
}

// topRate is the largest rate on the scale: somewhat more than what came, or than what the link takes.
func topRate(all []*figures) float64 {
	top := 500_000.0
	for _, f := range all {
		for _, s := range f.Capacity {
			top = max(top, 1.1*float64(s.Rate))
		}
		for i := range f.Series {
			top = max(top, 1.1*f.Series[i].BitRate)
		}
	}
	return math.Ceil(min(top, 5_000_000)/500_000) * 500_000
}

func (g *drawing) axes() {
	for rate := 0.0; rate <= g.top; rate += 1_000_000 {
		g.rule(g.rateY(rate))
		g.text(plotLeft-6, g.rateY(rate)+4, "end", "#555", fmt.Sprintf("%.0f", rate/1e6))
	}
	g.text(plotLeft, rateTop-10, "start", "#555", "Mbit/s")
	for frames := 0.0; frames <= topFrames; frames += 10 {
		g.rule(frameY(frames))
		g.text(plotLeft-6, frameY(frames)+4, "end", "#555", fmt.Sprintf("%.0f", frames))
	}
	g.text(plotLeft, frameTop-8, "start", "#555", "pictures a second")
	for at := 0.0; at <= g.length; at += 5 {
		g.text(g.x(at), graphHeight-18, "middle", "#555", fmt.Sprintf("%.0f s", at))
	}
}

func (g *drawing) rule(y float64) {
	g.add(`<path d="M%d %.1fH%d" stroke="#e4e7ec"/>`, plotLeft, y, plotRight)
}

// capacity draws what the link takes as a grey area, and outages as gaps in all of it.
func (g *drawing) capacity(steps []step) {
	for i, s := range steps {
		from, until := g.x(s.At), g.x(g.length)
		if i+1 < len(steps) {
			until = g.x(steps[i+1].At)
		}
		switch {
		case s.Down:
			g.add(`<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="#f6d9d5"/>`, from, rateTop, until-from, frameBottom-rateTop)
		case s.Rate > 0:
			y := g.rateY(float64(s.Rate))
			g.add(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="#eef1f5"/>`, from, y, until-from, rateBottom-y)
			g.add(`<path d="M%.1f %.1fH%.1f" stroke="%s" stroke-width="2"/>`, from, y, until, colours["capacity"])
		}
		if i > 0 {
			g.add(`<path d="M%.1f %dV%d" stroke="#9aa3b2" stroke-dasharray="2 3"/>`, from, rateTop, frameBottom)
		}
	}
}

func (g *drawing) line(series []point, colour, dashes string, y func(point) float64) {
	var path strings.Builder
	for i, p := range series {
		fmt.Fprintf(&path, "%c%.1f %.1f", "ML"[min(i, 1)], g.x(p.At), y(p))
	}
	g.add(`<path d="%s" fill="none" stroke="%s" stroke-width="1.4" stroke-dasharray="%s"/>`, path.String(), colour, dashes)
}

func (g *drawing) lane(y int, f *figures) {
	g.add(`<rect x="%d" y="%d" width="%d" height="%d" fill="#eaf3ea"/>`, plotLeft, y, plotRight-plotLeft, laneHeight)
	for _, gap := range f.Gaps {
		g.add(`<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="#333"/>`, g.x(gap.From), y, g.x(gap.Until)-g.x(gap.From), laneHeight*2/3)
	}
	last := 0.0
	for _, p := range f.Series {
		if p.Concealed > 0.02 {
			g.add(`<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="#d33" opacity="%.2f"/>`,
				g.x(last), y+laneHeight*2/3, g.x(p.At)-g.x(last), laneHeight/3, min(1, 0.3+p.Concealed))
		}
		last = p.At
	}
	g.text(plotLeft-6, float64(y)+10, "end", colourOf(f.Peer), f.Peer)
}

func (g *drawing) legend(sc scenario, all []*figures) {
	names := []string{}
	for _, f := range all {
		names = append(names, f.Peer)
	}
	if sc.TCPUntil > 0 {
		names = append(names, "tcp")
	}
	x := float64(plotRight)
	for _, name := range names {
		g.text(x, 20, "end", colourOf(name), "■ "+name)
		x -= 80
	}
	g.text(plotLeft, graphHeight-4, "start", "#777", "below: pauses of the picture dark, sound that was made up red")
}
