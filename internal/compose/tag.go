package compose

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

const (
	maxName = 40 // characters of a label

	// A cell that is smaller has no label, and no mark.
	minTaggedWidth, minTaggedHeight = 80, 48

	tagMargin = 8 // from the edges of the cell, in pixels
)

// fontSize of the labels in a frame.
func fontSize(height int) int { return min(max(height/36, 12), 24) }

// tag is what is written over a track's picture.
type tag struct {
	text  string
	shown []Placement
	muted []Placement
}

// tagsOf are the labels and marks of each arrangement.
func tagsOf(line Timeline, arrangements []Arrangement, c video.Composition, canLabel bool, p *painter) [][]tag {
	tags := make([][]tag, len(arrangements))
	if !c.Settings.Labels {
		return tags
	}
	for i, a := range arrangements {
		byTrack := make(map[int][]Placement)
		var order []int
		for _, placement := range a.Placements {
			if placement.Cell.W < minTaggedWidth || placement.Cell.H < minTaggedHeight {
				continue
			}
			if byTrack[placement.Track] == nil {
				order = append(order, placement.Track)
			}
			byTrack[placement.Track] = append(byTrack[placement.Track], placement)
		}
		for _, track := range order {
			t := tag{shown: byTrack[track], muted: mutedPlacements(line, track, byTrack[track])}
			if canLabel {
				t.text = fitting(line.Tracks[track].Name, t.shown, fontSize(p.height))
			}
			tags[i] = append(tags[i], t)
		}
	}
	return tags
}

// mutedPlacements are the parts of placements in which the sound of the track's stream is muted or not there. A stream that never
// has sound is not muted.
func mutedPlacements(line Timeline, track int, placements []Placement) []Placement {
	var heard []Span
	hasSound := false
	for _, t := range line.Tracks {
		if t.Recording.Type == video.Audio && sameStream(t, line.Tracks[track]) {
			hasSound = true
			heard = append(heard, without(t.Span, t.Muted)...)
		}
	}
	if !hasSound {
		return nil
	}
	var muted []Placement
	for _, span := range without(line.Tracks[track].Span, heard) {
		if frameAt(span.Until)-frameAt(span.From) < FrameRate/2 {
			continue // sound and picture rarely begin at the same moment
		}
		for _, p := range placements {
			if from, until := max(p.From, frameAt(span.From)), min(p.Until, frameAt(span.Until)); from < until {
				muted = append(muted, Placement{track, from, until, p.Cell})
			}
		}
	}
	return joined(muted)
}

// fitting is as much of a name as the narrowest of the cells has room for.
func fitting(name string, cells []Placement, size int) string {
	narrowest := cells[0].Cell.W
	for _, p := range cells {
		narrowest = min(narrowest, p.Cell.W)
	}
	room := (narrowest - 4*tagMargin) * 100 / size
	used, fits := 0, 0
	for at, r := range name {
		if used += percentWide(r); used > room {
			return name[:fits] + "…"
		}
		if used+percentWide('…') <= room {
			fits = at + utf8.RuneLen(r)
		}
	}
	return name
}

// percentWide is how wide a letter is at the most, in percent of the size of the font, by those of DejaVu, which is a wide one.
func percentWide(r rune) int {
	switch {
	case unicode.Is(unicode.M, r):
		return 0
	case strings.ContainsRune(" .,:;'|!ijlIftr", r):
		return 42
	case strings.ContainsRune("MWmw@%…—", r), unicode.In(r, unicode.Cyrillic, unicode.Armenian, unicode.Georgian),
		r >= 0x1100 && !unicode.In(r, unicode.Latin, unicode.Greek):
		return 111
	case unicode.IsUpper(r):
		return 80
	}
	return 65
}

// write has ffmpeg write the label of that number in the lower left corner.
func (p *painter) write(t tag, number int) {
	x := during(t.shown, 0, func(c Cell) int { return c.X + 2*tagMargin })
	y := during(t.shown, 0, func(c Cell) int { return c.Y + c.H - 2*tagMargin })
	painted := p.label()
	fmt.Fprintf(&p.b, "[%s]drawtext=fontfile=%s:textfile=%s:expansion=none:fontsize=%d:fontcolor=white:box=1:boxcolor=black@0.5:boxborderw=%d:x='%s':y='%s-th':enable='%s'[%s];\n",
		p.done, fontFile, nameFile(number), fontSize(p.height), tagMargin, x, y, shownDuring(t.shown), painted)
	p.done = painted
}

const (
	fontFile = "label.ttf"
	markFile = "muted.png"
)

func nameFile(number int) string { return fmt.Sprintf("name%d.txt", number) }

// markSources gives each tag that has one a mark of its own: their labels, in order.
func (p *painter) markSources(input int, tags [][]tag) []string {
	var labels []string
	for _, region := range tags {
		for _, t := range region {
			if len(t.muted) > 0 {
				labels = append(labels, p.label())
			}
		}
	}
	if len(labels) > 0 {
		fmt.Fprintf(&p.b, "[%d:v:0]format=yuva420p,split=%d[%s];\n", input, len(labels), strings.Join(labels, "]["))
	}
	return labels
}

// mark lays the mark in the upper right corner.
func (p *painter) mark(t tag, label string) {
	x := during(t.muted, 0, func(c Cell) int { return c.X + c.W - tagMargin })
	y := during(t.muted, 0, func(c Cell) int { return c.Y + tagMargin })
	painted := p.label()
	fmt.Fprintf(&p.b, "[%s][%s]overlay=x='%s-w':y='%s':eval=frame:enable='%s'[%s];\n", p.done, label, x, y, shownDuring(t.muted), painted)
	p.done = painted
}

// nameFields are where applications put the name of a participant, if their context is a JSON object.
var nameFields = []string{"name", "display_name", "displayName", "username", "identity"}

// NameOf reads a participant's name from their context: a JSON object's name, or a short text that is no JSON.
func NameOf(context string) string {
	var value any
	name := context
	if json.Unmarshal([]byte(context), &value) == nil {
		name = ""
		switch value := value.(type) {
		case float64:
			name = context
		case string:
			name = value
		case map[string]any:
			for _, field := range nameFields {
				if text, _ := value[field].(string); text != "" {
					name = text
					break
				}
			}
		}
	}
	name = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(name, ""), func(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) }), " ")
	if runes := []rune(name); len(runes) > maxName {
		name = string(runes[:maxName-1]) + "…"
	}
	return name
}
