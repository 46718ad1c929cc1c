package compose

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

var update = flag.Bool("update", false, "write the golden files anew")

var begun = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// input is a recording from one time to another, in milliseconds after the session began.
func input(number int, who string, kind video.Kind, from, until int, gaps ...Gap) Input {
	codec := map[video.Kind]string{video.Audio: "opus", video.Video: "vp8"}[kind]
	start := begun.Add(time.Duration(from) * time.Millisecond)
	return Input{
		Recording: video.Recording{
			ID: fmt.Sprintf("00000000-0000-4000-8000-%012d", number), ParticipantID: video.ParticipantID(who), StreamKey: "self",
			Type: kind, Codec: codec, StartedAt: start,
		},
		Name: who, Path: fmt.Sprintf("/media/%d's.webm", number),
		Index: Index{Start: start, End: time.Duration(until-from) * time.Millisecond, Gaps: gaps},
	}
}

// A call of three: one is there all the time and switches the camera off, one comes, goes and comes back, one shares a screen.
func call() []Input {
	screen := input(7, "Ada", video.Video, 40_000, 70_000)
	screen.Recording.StreamKey, screen.Recording.Codec = "presentation", "h264"
	return []Input{
		input(1, "Ada", video.Audio, 0, 90_000, Gap{Span{20 * second, 30 * second}, GapDisabled}),
		input(2, "Ada", video.Video, 20, 90_000, Gap{Span{25 * second, 35 * second}, GapDisabled}, Gap{Span{50 * second, 51 * second}, GapLost}),
		input(3, "Bob", video.Audio, 10_000, 45_000),
		input(4, "Bob", video.Video, 10_040, 45_000),
		input(5, "Bob", video.Audio, 60_000, 80_000),
		input(6, "Bob", video.Video, 60_000, 80_000, Gap{Span{5 * second, 12 * second}, GapLost}),
		screen,
	}
}

// The whole plan is held by golden files: 'go test ./internal/compose -update' writes them, and the difference is to be read.
func TestGolden(t *testing.T) {
	for name, change := range map[string]func(*video.Composition){
		"reflow": func(*video.Composition) {},
		"fixed":  func(c *video.Composition) { c.Settings.Grid = video.GridFixed },
		"crop":   func(c *video.Composition) { c.Settings.Fit, c.Settings.Labels = video.FitCrop, false },
		"regions": func(c *video.Composition) {
			c.Layout = map[string]video.Region{
				"stage":  {Width: 960, VideoSources: []string{"00000000-0000-4000-8000-000000000007"}},
				"people": {X: 960, Z: 1, MaxColumns: 1, MaxRows: 2, VideoSources: []string{"00000000-0000-4000-8000-000000000006", video.AllSources}},
			}
		},
	} {
		c := video.Composition{
			Format: video.FormatMP4, Width: 1280, Height: 720, AudioSources: []string{video.AllSources},
			Layout:   map[string]video.Region{"main": {VideoSources: []string{video.AllSources}}},
			Settings: video.CompositionSettings{Grid: video.GridReflow, Fit: video.FitLetterbox, Labels: true},
		}
		change(&c)
		line := Arrange(call())
		var b strings.Builder
		for i, track := range line.Tracks {
			fmt.Fprintf(&b, "track %d: %s %s %s %v to %v, off %v, muted %v\n", i, track.Name, track.Recording.StreamKey, track.Recording.Type, track.From, track.Until, track.Off, track.Muted)
		}
		arrangements := Lay(line, c)
		for _, a := range arrangements {
			fmt.Fprintf(&b, "region %s\n", a.Region)
			for _, p := range a.Placements {
				fmt.Fprintf(&b, "  track %d frames %d to %d at %d,%d %dx%d\n", p.Track, p.From, p.Until, p.Cell.X, p.Cell.Y, p.Cell.W, p.Cell.H)
			}
		}
		p := paint(line, arrangements, c, true)
		for i, l := range p.lanes {
			fmt.Fprintf(&b, "lane %d\n%s", i, l.list(line))
		}
		fmt.Fprintf(&b, "names %q\npicture\n%s\n", p.names, p.script)
		for i, m := range mixes(line, c.AudioSources) {
			fmt.Fprintf(&b, "sound %d of %v\n", i, m.length)
			for _, in := range m.inputs {
				fmt.Fprintf(&b, "  %s from %v\n", in.path, in.from)
			}
			fmt.Fprintf(&b, "%s\n", m.script)
		}
		path := filepath.Join("testdata", name+".golden")
		if *update {
			must(t, os.MkdirAll("testdata", 0o755))
			must(t, os.WriteFile(path, []byte(b.String()), 0o644))
		}
		want, err := os.ReadFile(path)
		must(t, err)
		if b.String() != string(want) {
			t.Errorf("%s has changed:\n%s", path, b.String())
		}
	}
}

// Whatever happens in a session, every cell lies within its region, no two that are shown at once overlap, and none is shown
// when it has no picture.
func TestLayoutHolds(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		var inputs []Input
		for n := range 1 + r.IntN(20) {
			from := r.IntN(20_000)
			until := from + 1 + r.IntN(20_000)
			at := time.Duration(r.IntN(until-from)) * time.Millisecond
			reason := []GapReason{GapDisabled, GapLost}[r.IntN(2)]
			inputs = append(inputs, input(n, fmt.Sprint(n%7), video.Video, from, until, Gap{Span{at, at + time.Duration(r.IntN(5000))*time.Millisecond}, reason}))
		}
		line := Arrange(inputs)
		c := video.Composition{
			Width: 16 + r.IntN(1265), Height: 16 + r.IntN(705),
			Settings: video.CompositionSettings{Grid: video.GridModes[r.IntN(2)]},
		}
		region := video.Region{VideoSources: []string{video.AllSources}, MaxColumns: r.IntN(4), MaxRows: r.IntN(4)}
		region.X, region.Y = r.IntN(c.Width-15), r.IntN(c.Height-15)
		if r.IntN(2) == 0 {
			region.Width, region.Height = 16+r.IntN(c.Width-region.X-15), 16+r.IntN(c.Height-region.Y-15)
		}
		c.Layout = map[string]video.Region{"r": region}
		placements := Lay(line, c)[0].Placements
		if err := fault(line, placements, gridOf(region, even(c.Width), even(c.Height))); err != "" {
			t.Fatalf("seed %d, %+v: %s", seed, c, err)
		}
		if fmt.Sprint(placements) != fmt.Sprint(Lay(line, c)[0].Placements) {
			t.Fatalf("seed %d: it differs from time to time", seed)
		}
	}
}

func fault(line Timeline, placements []Placement, g grid) string {
	shown := make(map[int]int)
	for i, p := range placements {
		c := p.Cell
		if c.W < 2 || c.H < 2 || c.X%2+c.Y%2+c.W%2+c.H%2 != 0 || c.X < even(g.X) || c.Y < even(g.Y) || c.X+c.W > g.X+g.W || c.Y+c.H > g.Y+g.H {
			return fmt.Sprintf("cell %+v is not within %+v", c, g)
		}
		track := line.Tracks[p.Track]
		for frame := p.From; frame < p.Until; frame++ {
			if !covers(without(track.Span, track.Off), frame) {
				return fmt.Sprintf("track %d is shown at frame %d, when it has no picture", p.Track, frame)
			}
		}
		shown[p.Track] += p.Until - p.From
		for _, q := range placements[i+1:] {
			apart := q.Until <= p.From || p.Until <= q.From ||
				q.Cell.X >= c.X+c.W || c.X >= q.Cell.X+q.Cell.W || q.Cell.Y >= c.Y+c.H || c.Y >= q.Cell.Y+q.Cell.H
			if !apart {
				return fmt.Sprintf("%+v and %+v overlap", p, q)
			}
		}
	}
	if g.capacity() >= len(line.Tracks) { // there is room for everyone
		for i, track := range line.Tracks {
			want := 0
			for _, span := range without(track.Span, track.Off) {
				want += frameAt(span.Until) - frameAt(span.From)
			}
			if shown[i] != want {
				return fmt.Sprintf("track %d is shown in %d frames, want %d", i, shown[i], want)
			}
		}
	}
	return ""
}

func TestGridShapes(t *testing.T) {
	whole := Cell{0, 0, 1280, 720}
	for _, c := range []struct{ n, columns, rows, wantColumns, wantRows int }{
		{1, 1000, 1000, 1, 1},
		{2, 1000, 1000, 2, 1},
		{3, 1000, 1000, 2, 2},
		{5, 1000, 1000, 3, 2},
		{9, 1000, 1000, 3, 3},
		{10, 1000, 1000, 4, 3},
		{6, 1, 1000, 1, 6},
		{6, 1000, 1, 6, 1},
		{4, 3, 2, 2, 2},
	} {
		if columns, rows := (grid{whole, c.columns, c.rows}).shape(c.n); columns != c.wantColumns || rows != c.wantRows {
			t.Errorf("%d pictures in at most %dx%d: %dx%d, want %dx%d", c.n, c.columns, c.rows, columns, rows, c.wantColumns, c.wantRows)
		}
	}
	if got, want := (grid{whole, 9, 9}).cells(3)[2], (Cell{320, 360, 640, 360}); got != want {
		t.Errorf("the third of three is at %+v, want %+v", got, want)
	}
}

// A wall clock that is set while the session goes on does not move what came after it.
func TestClockSet(t *testing.T) {
	for _, set := range []time.Duration{-10 * time.Second, 90 * time.Second} {
		first, second := input(1, "a", video.Audio, 0, 60_000), input(2, "b", video.Audio, 35_000, 60_000)
		for at := time.Duration(0); at < time.Minute; at += 10 * time.Second {
			wall := begun.Add(at)
			if at >= 20*time.Second {
				wall = wall.Add(set)
			}
			first.Index.Points = append(first.Index.Points, Point{at, wall})
		}
		second.Index.Start = second.Index.Start.Add(set)
		if got := Arrange([]Input{first, second}).Tracks[1].From; got != 35*time.Second {
			t.Errorf("the clock was set by %v, and the second begins at %v", set, got)
		}
	}
}

func TestOffset(t *testing.T) {
	sound, picture := input(1, "a", video.Audio, 0, 60_000), input(2, "a", video.Video, 100, 60_000)
	for at := time.Duration(0); at < 60*second; at += 10 * second {
		sound.Index.Points = append(sound.Index.Points, Point{at, begun.Add(at)})
		drifted := at + at/1000 // 1000 ppm
		picture.Index.Points = append(picture.Index.Points, Point{drifted, begun.Add(100*time.Millisecond + at)})
	}
	if got := Arrange([]Input{sound, picture}).Offset; (got - 50*time.Millisecond).Abs() > time.Millisecond {
		t.Errorf("the offset is %v", got)
	}
	picture.Recording.StreamKey = "presentation"
	if got := Arrange([]Input{sound, picture}).Offset; got != 0 {
		t.Errorf("the offset of other streams is %v", got)
	}
}

func TestReadIndex(t *testing.T) {
	index, err := ReadIndex(strings.NewReader(`{"version":1,"recording":"x","start":1772600767000000,"codec":"vp8"}
{"at":0,"wall":1772600767000000}
{"at":500000,"gap":"lost","until":1500000}
{"at":500000,"size":"640x360"}
{"hello":"world"}
{"at":10000000,"wall":17726007770`))
	must(t, err)
	if len(index.Points) != 1 || !slices.Equal(index.Gaps, []Gap{{Span{500 * time.Millisecond, 1500 * time.Millisecond}, GapLost}}) || index.End != 0 ||
		!index.Start.Equal(time.UnixMicro(1772600767000000)) {
		t.Errorf("read %+v", index)
	}
	for _, bad := range []string{"", "{}", "nonsense\n", `{"at":0,"wall":1}`} {
		if _, err := ReadIndex(strings.NewReader(bad)); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestNames(t *testing.T) {
	for context, want := range map[string]string{
		"":                          "",
		"Ada":                       "Ada",
		`"Ada"`:                     "Ada",
		`{"name":"Ada","id":7}`:     "Ada",
		`{"id":7,"username":"ada"}`: "ada",
		`{"id":7}`:                  "",
		`[1]`:                       "",
		"42":                        "42",
		" a\n\x00\x1b[31m\tb ":      "a [31m b",
		"\xff\xfe":                  "",
		"\u202eevil":                "evil",
		strings.Repeat("é", 50):     strings.Repeat("é", 39) + "…",
	} {
		if got := NameOf(context); got != want {
			t.Errorf("%q is called %q, want %q", context, got, want)
		}
	}
}

// A label is no wider than its cell, whatever it is made of: ffmpeg does not break or cut it.
func TestFitting(t *testing.T) {
	cells := []Placement{{Cell: Cell{W: 400, H: 100}}, {Cell: Cell{W: 212, H: 100}}} // 180 pixels within
	for name, want := range map[string]string{
		"":                            "",
		"Ada Lovelace":                "Ada Lovelace",
		strings.Repeat("l", 21):       strings.Repeat("l", 21),
		strings.Repeat("l", 22):       strings.Repeat("l", 18) + "…",
		strings.Repeat("W", 8):        strings.Repeat("W", 8),
		strings.Repeat("W", 9):        strings.Repeat("W", 7) + "…",
		strings.Repeat("漢", 9):        strings.Repeat("漢", 7) + "…",
		strings.Repeat("e\u0301", 13): strings.Repeat("e\u0301", 13),
		"Жюли Щукина":                 "Жюли Щу…",
	} {
		if got := fitting(name, cells, 20); got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
	}
	if got := fitting("Ada", []Placement{{Cell: Cell{W: minTaggedWidth, H: 100}}}, 24); got != "A…" && got != "Ada" {
		t.Errorf("in the smallest cell it is %q", got)
	}
}

// Thousands of changes make an expression that is no deeper than it must be, and one step has the value it should.
func TestStepped(t *testing.T) {
	if got, want := stepped(1, []step{{25, 2}, {50, 1}}), "if(lt(t,1.98),if(lt(t,0.98),1,2),1)"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := stepped(3, []step{{25, 3}}); got != "3" {
		t.Errorf("got %s", got)
	}
	var steps []step
	for i := range 4000 {
		steps = append(steps, step{i * 10, i})
	}
	depth, deepest := 0, 0
	for _, c := range stepped(-1, steps) {
		switch c {
		case '(':
			depth++
		case ')':
			depth--
		}
		deepest = max(deepest, depth)
	}
	if deepest > 14 || depth != 0 {
		t.Errorf("it is %d deep", deepest)
	}
}

// Slices of any length are put together to the sample.
func TestStitch(t *testing.T) {
	held := int(samplesAt(seam))
	sound := func(samples int, value int16) *bytes.Reader {
		var b []byte
		for range 2 * samples {
			b = binary.LittleEndian.AppendUint16(b, uint16(value))
		}
		return bytes.NewReader(b)
	}
	for _, length := range []int{held, held + 1, 3 * held, stitchBytes / bytesPerSample, stitchBytes/bytesPerSample + held, 100_003} {
		var out bytes.Buffer
		s := stitch{to: &out}
		must(t, s.add(sound(length, 1000)))
		must(t, s.add(sound(length, 2000)))
		must(t, s.add(sound(held+5, 3000)))
		must(t, s.end())
		if got, want := out.Len()/bytesPerSample, 2*(length-held)+held+5; got != want {
			t.Errorf("three slices, two of %d, are %d samples, want %d", length, got, want)
		}
		last := int16(0)
		for i := 0; i < out.Len(); i += 2 {
			v := int16(binary.LittleEndian.Uint16(out.Bytes()[i:]))
			if v < last || length > 2*held && v-last > 3 && i > 0 {
				t.Fatalf("slices of %d: sample %d is %d after %d", length, i, v, last)
			}
			last = v
		}
		if last != 3000 {
			t.Errorf("it ends with %d", last)
		}
	}
	s := stitch{to: new(bytes.Buffer)}
	must(t, s.add(sound(2*held, 1)))
	if err := s.add(sound(held-1, 1)); err == nil {
		t.Error("a slice shorter than a seam is taken")
	}
}
