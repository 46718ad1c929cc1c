package compose

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

const second = time.Second

// One is there from the start, another comes, and the first goes: the grid follows, and so does the sound.
func TestReflow(t *testing.T) {
	s := newStudio(t)
	s.picture("a", 0, 4*second, "red")
	s.tone("a", 0, 4*second, 440)
	s.picture("b", 2*second, 4*second, "lime")
	s.tone("b", 2*second, 4*second, 1000)
	f := s.compose(nil)
	f.sees(1*second, 320, 180, red)
	f.sees(1*second, 10, 350, red) // the frame is full
	f.sees(3*second, 160, 180, red)
	f.sees(3*second, 480, 180, lime)
	f.sees(3*second, 160, 40, bare) // bars above
	f.sees(5*second, 160, 180, lime)
	f.sees(5*second, 480, 180, lime)
	f.hears(1*second, map[int]bool{440: true, 1000: false})
	f.hears(3*second, map[int]bool{440: true, 1000: true})
	f.hears(5*second, map[int]bool{440: false, 1000: true})
	if got := f.done.Duration; (got - 6*second).Abs() > 100*time.Millisecond {
		t.Errorf("it is %v long", got)
	}
	if len(f.done.Warnings) > 0 || f.done.SizeBytes == 0 || f.done.Speed == 0 {
		t.Errorf("it says %+v", f.done)
	}
}

func TestFixedGrid(t *testing.T) {
	s := newStudio(t)
	s.picture("a", 0, 6*second, "red", Gap{Span{2 * second, 4 * second}, GapDisabled})
	s.picture("b", second, 5*second, "lime")
	f := s.compose(func(c *video.Composition) { c.Settings.Grid, c.AudioSources = video.GridFixed, nil })
	f.sees(500*time.Millisecond, 160, 180, red)
	f.sees(500*time.Millisecond, 480, 180, bare)
	f.sees(3*second, 160, 180, bare) // the camera is off, and its place is kept
	f.sees(3*second, 480, 180, lime)
	f.sees(5*second, 160, 180, red)
}

// Pictures of another shape fill their cells, and nothing of them lies beside.
func TestCrop(t *testing.T) {
	s := newStudio(t)
	s.record(take{
		who: "a", kind: video.Video, length: 3 * second,
		source: "color=c=red:s=320x180:r=25,drawbox=x=0:w=40:h=180:c=blue:t=fill,drawbox=x=280:w=40:h=180:c=blue:t=fill",
	})
	s.picture("b", second, 2*second, "lime")
	f := s.compose(func(c *video.Composition) {
		c.Layout = map[string]video.Region{
			"left": {X: 40, Y: 20, Width: 160, Height: 160, VideoSources: []string{s.recordings[0].ID}},
			"over": {X: 120, Y: 100, Z: 1, Width: 200, Height: 200, VideoSources: []string{s.recordings[1].ID}},
		}
		c.Settings.Fit, c.AudioSources = video.FitCrop, nil
	})
	f.sees(400*time.Millisecond, 44, 24, red) // the blue sides are cut off
	f.sees(400*time.Millisecond, 196, 176, red)
	f.sees(400*time.Millisecond, 36, 100, bare)
	f.sees(400*time.Millisecond, 204, 100, bare)
	f.sees(400*time.Millisecond, 100, 16, bare)
	f.sees(2*second, 150, 150, lime) // the higher region lies over it
	f.sees(2*second, 60, 60, red)
	f.sees(2*second, 314, 294, lime)
}

// A picture that changes its size goes on in its cell, at the right time, and so do the others.
func TestSizeChange(t *testing.T) {
	s := newStudio(t)
	s.record(take{who: "a", kind: video.Video, length: 2 * second, source: "color=c=red:s=320x180:r=25"})
	s.picture("b", 0, 4*second, "lime")
	grown := filepath.Join(s.dir, "grown.webm")
	s.ffmpeg("-f", "lavfi", "-i", "color=c=blue:s=640x360:r=25:d=2", "-c:v", "libvpx", "-deadline", "realtime", "-b:v", "300k", grown)
	joint, first := filepath.Join(s.dir, "joint.txt"), filepath.Join(s.dir, s.recordings[0].ID+".webm")
	must(t, os.WriteFile(joint, []byte("file "+quoted(first)+"\nfile "+quoted(grown)+"\n"), 0o600))
	s.ffmpeg("-f", "concat", "-safe", "0", "-i", joint, "-c", "copy", grown+".webm")
	must(t, os.Rename(grown+".webm", first))
	s.index(s.recordings[0].ID, 4*second)
	f := s.compose(func(c *video.Composition) { c.AudioSources = nil })
	for at, want := range map[time.Duration]rgb{second: red, 3 * second: blue} {
		f.sees(at, 160, 180, want)
		f.sees(at, 10, 100, want)
		f.sees(at, 10, 80, bare)
		f.sees(at, 480, 180, lime)
	}
}

// Recordings that follow each other share a lane: the files of one codec are read one after the other.
func TestLanes(t *testing.T) {
	s := newStudio(t)
	for i, codec := range []string{"vp8", "h264", "vp8", "h264"} {
		colour := []string{"red", "lime", "blue", "yellow"}[i]
		s.record(take{
			who: video.ParticipantID(colour), kind: video.Video, at: time.Duration(i) * 1500 * time.Millisecond, length: 1500 * time.Millisecond,
			source: "color=c=" + colour + ":s=320x180:r=25", codec: codec,
		})
	}
	f := s.compose(func(c *video.Composition) { c.AudioSources = nil })
	for i, want := range []rgb{red, lime, blue, yellow} {
		f.sees(time.Duration(i)*1500*time.Millisecond+200*time.Millisecond, 320, 180, want)
		f.sees(time.Duration(i)*1500*time.Millisecond+1200*time.Millisecond, 320, 180, want)
	}
	line := Arrange(s.inputs(t))
	if got := lanes(line, map[int]bool{0: true, 1: true, 2: true, 3: true}); len(got) != 2 {
		t.Errorf("there are %d lanes", len(got))
	}
}

// The flash and the beep of a participant who comes late and is away meanwhile stay together.
func TestInStep(t *testing.T) {
	s := newStudio(t)
	s.tone("a", 0, 12*second, 300)
	gap := Gap{Span{3 * second, 5500 * time.Millisecond}, GapDisabled}
	s.record(take{
		who: "b", kind: video.Video, at: 1234 * time.Millisecond, length: 10 * second, gaps: []Gap{gap},
		source: "color=c=black:s=320x180:r=25,drawbox=c=white:t=fill:enable='lt(mod(t,2),0.2)'",
	})
	s.record(take{
		who: "b", kind: video.Audio, at: 1254 * time.Millisecond, length: 9980 * time.Millisecond,
		gaps:   []Gap{{Span{gap.From - 20*time.Millisecond, gap.Until - 20*time.Millisecond}, GapDisabled}},
		source: "sine=frequency=1500:sample_rate=48000:samples_per_frame=960,volume='lt(mod(t+0.021,2),0.2)':eval=frame",
	})
	f := s.compose(nil)
	flashes, beeps := f.flashes(), f.beeps(1500)
	want := []float64{1.234, 3.234, 7.234, 9.234} // that at 5.234 is in the gap; the first beep begins with its recording
	if len(flashes) != len(want) || len(beeps) != len(want) {
		t.Fatalf("flashes at %v, beeps at %v", flashes, beeps)
	}
	for i, at := range want {
		if math.Abs(flashes[i]-at) > 0.04 || math.Abs(beeps[i]-at) > 0.04 || math.Abs(flashes[i]-beeps[i]) > 0.04 {
			t.Errorf("flash at %.3f, beep at %.3f, want %.3f", flashes[i], beeps[i], at)
		}
	}
	if f.done.Offset > 40*time.Millisecond {
		t.Errorf("it reports an offset of %v", f.done.Offset)
	}
}

// A recording that cannot be read is left out, and said so; the others are there.
func TestDamaged(t *testing.T) {
	s := newStudio(t)
	s.picture("a", 0, 2*second, "red")
	s.tone("a", 0, 2*second, 440)
	s.picture("b", 0, 2*second, "lime")
	s.tone("b", 0, 2*second, 1000)
	s.picture("c", 0, 2*second, "blue")
	garbage := func(i, from int) {
		path := filepath.Join(s.dir, s.recordings[i].ID+".webm")
		content, err := os.ReadFile(path)
		must(t, err)
		for j := from; j < len(content); j++ {
			content[j] = byte(j * 37)
		}
		must(t, os.WriteFile(path, content, 0o600))
	}
	garbage(2, 0)
	garbage(3, 200)
	must(t, os.Remove(filepath.Join(s.dir, s.recordings[4].ID+".webm")))
	f := s.compose(nil)
	f.sees(second, 320, 180, red)
	f.sees(second, 10, 180, red)
	f.hears(second, map[int]bool{440: true, 1000: false})
	for i, warning := range f.done.Warnings {
		if want := "recording " + s.recordings[i+2].ID + " was left out: "; !strings.HasPrefix(warning, want) || strings.Contains(warning, s.dir) {
			t.Errorf("warning %d is %q, want %q, and no path", i, warning, want)
		}
	}
	if len(f.done.Warnings) != 3 {
		t.Errorf("warnings are %q", f.done.Warnings)
	}

	s.recordings = s.recordings[2:]
	tools, err := FindTools(t.Context())
	must(t, err)
	r := &rendering{tools: tools, media: s, job: s.job(nil), dir: t.TempDir(), progress: func(int) {}}
	_, _, err = r.render(t.Context())
	if _, final := errors.AsType[hopeless](err); !final {
		t.Errorf("nothing can be read, and the error is %v", err)
	}
}

// A damaged end costs what was in it: the picture stands, and the sound is silent.
func TestDamagedEnd(t *testing.T) {
	s := newStudio(t)
	s.picture("a", 0, 4*second, "red")
	s.picture("b", 0, 4*second, "lime")
	path := filepath.Join(s.dir, s.recordings[0].ID+".webm")
	content, err := os.ReadFile(path)
	must(t, err)
	must(t, os.WriteFile(path, content[:len(content)/2], 0o600))
	s.recordings[0].SizeBytes = int64(len(content))
	f := s.compose(func(c *video.Composition) { c.AudioSources = nil })
	if w := f.done.Warnings; len(w) != 1 || !strings.HasPrefix(w[0], "recording "+s.recordings[0].ID+" is damaged: ") {
		t.Errorf("warnings are %q", w)
	}
	f.sees(second, 160, 180, red)
	f.sees(3800*time.Millisecond, 480, 180, lime)
}

func TestFormats(t *testing.T) {
	s := newStudio(t)
	s.picture("a", 0, 2*second, "red")
	s.tone("a", 0, 2*second, 440)
	for _, format := range video.CompositionFormats {
		f := s.compose(func(c *video.Composition) { c.Format, c.Width = format, 641 })
		f.hears(second, map[int]bool{440: true})
		if format.Pictured() {
			f.sees(second, 320, 180, red)
		}
		if head, err := os.ReadFile(f.path); err != nil || format == video.FormatMP4 && bytes.Index(head, []byte("moov")) > bytes.Index(head, []byte("mdat")) {
			t.Errorf("%s does not begin with what players need first (%v)", format, err)
		}
	}
	s.recordings = s.recordings[1:]
	f := s.compose(nil) // nobody is seen
	f.sees(second, 320, 180, bare)
	f.hears(second, map[int]bool{440: true})
}

// The same recordings and layout make the same file.
func TestSameAgain(t *testing.T) {
	s := newStudio(t)
	s.contexts["a"] = `{"name": "Ada"}`
	s.record(take{who: "a", kind: video.Video, length: 3 * second, source: "testsrc=s=320x180:r=25"})
	s.record(take{who: "b", kind: video.Video, at: second, length: 2 * second, source: "mandelbrot=s=320x240:r=25"})
	s.tone("a", 0, 3*second, 440)
	for _, format := range []video.CompositionFormat{video.FormatMP4, video.FormatWebM} {
		var files [2][]byte
		for i := range files {
			f := s.compose(func(c *video.Composition) { c.Format, c.Settings.Labels = format, true })
			var err error
			files[i], err = os.ReadFile(f.path)
			must(t, err)
		}
		if !bytes.Equal(files[0], files[1]) {
			t.Errorf("%s differs from time to time", format)
		}
	}
}

// Names stand in the lower left corner of each cell, and whoever is muted has a mark in the upper right one.
func TestLabels(t *testing.T) {
	s := newStudio(t)
	s.contexts["a"] = `{"name": "ÄÖ: 'x' %{n} [0];,\\ \u0000WWWWWWWWWWWWWWWWWWWWWWWW"}`
	s.picture("a", 0, 4*second, "lime")
	s.tone("a", 0, 4*second, 440, Gap{Span{second, 3 * second}, GapCensored})
	s.picture("b", 0, 4*second, "blue") // has no name and no sound
	f := s.compose(func(c *video.Composition) { c.Settings.Labels = true })
	count := func(at time.Duration, from, until [2]int, is func(rgb) bool) (n int) {
		picture := f.frame(at)
		for y := from[1]; y < until[1]; y++ {
			for x := from[0]; x < until[0]; x++ {
				if is(picture.at(x, y)) {
					n++
				}
			}
		}
		return n
	}
	marked := func(c rgb) bool { return c.near(rgb{200, 30, 40}) }
	for at, muted := range map[time.Duration]bool{500 * time.Millisecond: false, 2 * second: true, 3500 * time.Millisecond: false} {
		if n := count(at, [2]int{8, 326}, [2]int{200, 352}, white.near); n < 50 {
			t.Errorf("at %v, %d pixels of the label are white", at, n)
		}
		if n := count(at, [2]int{328, 326}, [2]int{520, 352}, white.near); n > 0 {
			t.Errorf("at %v, one without a name has a label of %d white pixels", at, n)
		}
		if n := count(at, [2]int{280, 0}, [2]int{320, 40}, marked); (n > 50) != muted {
			t.Errorf("at %v, %d pixels of the mark are red, want muted %t", at, n, muted)
		}
		if n := count(at, [2]int{600, 0}, [2]int{640, 40}, marked); n > 0 {
			t.Errorf("at %v, a stream without sound has a mark of %d pixels", at, n)
		}
	}
}

// A minute and a half of camera and microphone off is as much of the bare frame and silence; what comes after is in its place. A voice
// that is heard all the time goes on where two slices of the sound meet.
func TestLongAway(t *testing.T) {
	s := newStudio(t)
	away := Gap{Span{2 * second, 92 * second}, GapDisabled}
	s.picture("a", 0, 96*second, "red", away)
	s.record(take{
		who: "a", kind: video.Audio, length: 96 * second, gaps: []Gap{away},
		source: "sine=frequency=1500:sample_rate=48000:samples_per_frame=960,volume='gte(t,94)':eval=frame",
	})
	s.tone("b", 7*time.Millisecond, 95*second, 100)
	f := s.compose(func(c *video.Composition) { c.Width, c.Height = 64, 36 })
	f.sees(second, 32, 18, red)
	f.sees(50*second, 32, 18, bare)
	f.sees(93*second, 32, 18, red)
	if beeps := f.beeps(1500); len(beeps) != 1 || math.Abs(beeps[0]-94) > 0.04 {
		t.Errorf("beeps at %v", beeps)
	}
	for at := 55 * second; at < 65*second; at += second / 50 {
		raw := f.sound()[2*samplesAt(at) : 2*samplesAt(at+second/25)]
		if level := toneLevel(raw, 100); level < 0.6 { // mono is lowered by 3 dB in stereo
			t.Errorf("at %v, a voice has level %.2f", at, level)
		}
		steepest := 0
		for i := 2; i < len(raw); i += 2 {
			d := int(int16(uint16(raw[i])|uint16(raw[i+1])<<8)) - int(int16(uint16(raw[i-2])|uint16(raw[i-1])<<8))
			steepest = max(steepest, d, -d)
		}
		if steepest > 200 { // a sine of 100 Hz at an eighth of full scale has 54
			t.Errorf("at %v, there is a click: %d", at, steepest)
		}
	}
}

// One picture can be in several regions, whose rows and columns are limited; of equal regions the later name lies on top.
func TestRegions(t *testing.T) {
	s := newStudio(t)
	for i, colour := range []string{"red", "lime", "blue"} {
		s.picture(colour, time.Duration(i)*40*time.Millisecond, 2*second, colour)
	}
	f := s.compose(func(c *video.Composition) {
		c.AudioSources = nil
		c.Layout = map[string]video.Region{
			"back":  {VideoSources: []string{s.recordings[2].ID}},
			"strip": {Y: 270, Height: 90, MaxColumns: 2, MaxRows: 1, VideoSources: []string{video.AllSources}},
			"under": {Z: -1, VideoSources: []string{s.recordings[1].ID}},
			"upper": {X: 480, Z: 7, Width: 160, Height: 90, VideoSources: []string{s.recordings[0].ID, video.AllSources}, MaxColumns: 1, MaxRows: 1},
		}
	})
	f.sees(second, 320, 100, blue)
	f.sees(second, 160, 315, red)
	f.sees(second, 480, 315, lime) // there is no cell for the third
	f.sees(second, 40, 315, blue)  // beside the picture is what lies under the region
	f.sees(second, 560, 45, red)
}

// Sound whose times say that its clock ran slow or fast stays where they say, in steps too small to be noticed.
func TestDrift(t *testing.T) {
	for scale, want := range map[string]float64{"1.002": 28.056, "0.998": 27.944} {
		s := newStudio(t)
		id := s.record(take{
			who: "a", kind: video.Audio, length: 30 * second,
			source: "sine=frequency=1500:sample_rate=48000:samples_per_frame=960,volume='gte(t,27.99)':eval=frame",
		})
		file := filepath.Join(s.dir, id+".webm")
		s.ffmpeg("-itsscale", scale, "-i", file, "-c", "copy", "-f", "webm", file+".drifted")
		must(t, os.Rename(file+".drifted", file))
		s.index(id, 29900*time.Millisecond)
		f := s.compose(func(c *video.Composition) { c.Format = video.FormatOgg })
		if beeps := f.beeps(1500); len(beeps) != 1 || math.Abs(beeps[0]-want) > 0.03 {
			t.Errorf("at %s of its speed, it beeps at %v, want %.3f", scale, beeps, want)
		}
	}
}
