package compose

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// studio makes recordings as the recorder would, and keeps compositions.
type studio struct {
	t          *testing.T
	dir        string
	begin      time.Time
	recordings []video.Recording
	contexts   map[video.ParticipantID]string
}

func newStudio(t *testing.T) *studio {
	t.Helper()
	return &studio{t: t, dir: t.TempDir(), begin: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC), contexts: make(map[video.ParticipantID]string)}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// take is one recording to make.
type take struct {
	who    video.ParticipantID
	kind   video.Kind
	at     time.Duration // after the session began
	length time.Duration
	source string // ffmpeg's, for the picture or the sound
	codec  string // of the picture; empty: vp8
	gaps   []Gap
}

func (s *studio) ffmpeg(args ...string) {
	s.t.Helper()
	ffmpeg(s.t, s.dir, args...)
}

func ffmpeg(t testing.TB, dir string, args ...string) []byte {
	t.Helper()
	c := exec.Command("ffmpeg", append([]string{"-hide_banner", "-nostdin", "-y", "-v", "error"}, args...)...)
	c.Dir = dir
	var said strings.Builder
	c.Stderr = &said
	out, err := c.Output()
	if err != nil {
		t.Fatalf("ffmpeg %s: %v: %s", strings.Join(args, " "), err, said.String())
	}
	return out
}

// record makes the file and index of a take. What lies in its gaps is cut out, as a recorder leaves it out.
func (s *studio) record(k take) string {
	s.t.Helper()
	r := video.Recording{
		ID: fmt.Sprintf("00000000-0000-4000-8000-%012d", len(s.recordings)+1), ParticipantID: k.who, StreamKey: "self", Type: k.kind, Codec: "opus",
		Status: video.RecordingCompleted, StartedAt: s.begin.Add(k.at), Duration: k.length,
	}
	cut := "1"
	for _, gap := range k.gaps {
		cut += fmt.Sprintf("*not(gte(t,%s)*lt(t,%s))", seconds(gap.From), seconds(gap.Until))
	}
	if k.kind == video.Video {
		r.Codec = "vp8"
		encoder := []string{"-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "300k", "-f", "webm"}
		if k.codec == "h264" {
			r.Codec = k.codec
			encoder = []string{"-c:v", "libx264", "-preset", "ultrafast", "-f", "matroska"}
		}
		s.ffmpeg(append(append([]string{"-f", "lavfi", "-i", k.source, "-t", seconds(k.length), "-vf", "select='" + cut + "'", "-vsync", "vfr"}, encoder...), r.ID+".webm")...)
	} else {
		s.ffmpeg("-f", "lavfi", "-i", k.source, "-t", seconds(k.length), "-af", "aselect='"+cut+"'", "-c:a", "libopus", "-b:a", "48k", "-frame_duration", "20", "-f", "webm", r.ID+".webm")
	}
	s.recordings = append(s.recordings, r)
	s.index(r.ID, k.length, k.gaps...)
	return r.ID
}

// index writes the index of a recording.
func (s *studio) index(id string, length time.Duration, gaps ...Gap) {
	s.t.Helper()
	r := &s.recordings[slices.IndexFunc(s.recordings, func(r video.Recording) bool { return r.ID == id })]
	r.Duration = length
	lines := []any{map[string]any{"version": 1, "recording": r.ID, "kind": r.Type, "codec": r.Codec, "start": r.StartedAt.UnixMicro()}}
	for at := time.Duration(0); at < length; at += 10 * time.Second {
		lines = append(lines, map[string]any{"at": at.Microseconds(), "wall": r.StartedAt.Add(at).UnixMicro()})
	}
	for _, gap := range gaps {
		lines = append(lines, map[string]any{"at": gap.From.Microseconds(), "gap": gap.Reason, "until": gap.Until.Microseconds()})
	}
	lines = append(lines, map[string]any{"end": length.Microseconds()})
	var index strings.Builder
	for _, line := range lines {
		must(s.t, json.NewEncoder(&index).Encode(line))
	}
	must(s.t, os.WriteFile(filepath.Join(s.dir, r.ID+".index.jsonl"), []byte(index.String()), 0o600))
}

// inputs are the recordings as a timeline takes them.
func (s *studio) inputs(t *testing.T) []Input {
	t.Helper()
	var inputs []Input
	for _, r := range s.recordings {
		file, at, err := s.Open(t.Context(), r, "")
		must(t, err)
		index, err := indexAt(at)
		must(t, err)
		inputs = append(inputs, Input{Recording: r, Path: file, Index: index})
	}
	return inputs
}

// picture takes a colour.
func (s *studio) picture(who string, at, length time.Duration, colour string, gaps ...Gap) string {
	s.t.Helper()
	return s.record(take{
		who: video.ParticipantID(who), kind: video.Video, at: at, length: length, gaps: gaps, source: "color=c=" + colour + ":s=320x180:r=25",
	})
}

// tone takes a sine.
func (s *studio) tone(who string, at, length time.Duration, hertz int, gaps ...Gap) string {
	s.t.Helper()
	return s.record(take{
		who: video.ParticipantID(who), kind: video.Audio, at: at, length: length, gaps: gaps, source: fmt.Sprintf("sine=frequency=%d:sample_rate=48000:samples_per_frame=960", hertz),
	})
}

func (s *studio) Room(video.Recording) int64 { return 0 }

func (s *studio) Open(_ context.Context, r video.Recording, _ string) (file, index string, err error) {
	file = filepath.Join(s.dir, r.ID+".webm")
	if _, err := os.Stat(file); err != nil {
		return "", "", video.Errorf(video.CodeNotFound, "no file: %w", err)
	}
	return file, filepath.Join(s.dir, r.ID+".index.jsonl"), nil
}

func (s *studio) kept(id string) string { return filepath.Join(s.dir, "kept-"+id) }

func (s *studio) Keep(_ context.Context, c video.Composition, path string) error {
	return os.Rename(path, s.kept(c.ID))
}

func (s *studio) Remove(_ context.Context, c video.Composition) error {
	return os.RemoveAll(s.kept(c.ID))
}

// job is a composition of everything, as changed.
func (s *studio) job(change func(*video.Composition)) video.CompositionJob {
	c := video.Composition{
		ID: video.NewUUID(), Format: video.FormatMP4, Width: 640, Height: 360, AudioSources: []string{video.AllSources},
		Layout:   map[string]video.Region{"main": {VideoSources: []string{video.AllSources}}},
		Settings: video.CompositionSettings{Grid: video.GridReflow, Fit: video.FitLetterbox}, Attempts: 1,
	}
	if change != nil {
		change(&c)
	}
	return video.CompositionJob{Composition: c, Recordings: s.recordings, Contexts: s.contexts}
}

// film is a composition that was made. It is decoded once, when it is first looked at or listened to.
type film struct {
	t      *testing.T
	path   string
	done   video.Composition
	frames func() []byte // filmRate a second
	sound  func() []byte
}

const filmRate = 5

func newFilm(t *testing.T, path string, done video.Composition) film {
	return film{
		t: t, path: path, done: done,
		frames: sync.OnceValue(func() []byte {
			return ffmpeg(t, ".", "-i", path, "-vf", fmt.Sprintf("select='not(mod(n,%d))'", FrameRate/filmRate), "-vsync", "0", "-f", "rawvideo", "-pix_fmt", "rgb24", "-")
		}),
		sound: sync.OnceValue(func() []byte {
			return ffmpeg(t, ".", "-i", path, "-map", "0:a:0", "-ac", "1", "-ar", "48000", "-f", "s16le", "-")
		}),
	}
}

func (s *studio) compose(change func(*video.Composition)) film {
	s.t.Helper()
	tools, err := FindTools(s.t.Context())
	must(s.t, err)
	r := &rendering{tools: tools, media: s, job: s.job(change), dir: s.t.TempDir(), progress: func(int) {}}
	done, path, err := r.render(s.t.Context())
	if err != nil {
		script, _ := os.ReadFile(filepath.Join(r.dir, "script.txt"))
		s.t.Fatalf("%v\n%s", err, script)
	}
	return newFilm(s.t, path, done)
}

type rgb struct{ r, g, b int }

func (c rgb) near(d rgb) bool {
	far := func(a, b int) bool { return a-b > 40 || b-a > 40 }
	return !far(c.r, d.r) && !far(c.g, d.g) && !far(c.b, d.b)
}

var (
	red    = rgb{254, 0, 0}
	lime   = rgb{0, 255, 0}
	blue   = rgb{0, 0, 254}
	yellow = rgb{255, 255, 0}
	white  = rgb{255, 255, 255}
	bare   = rgb{0x10, 0x14, 0x18}
)

// frame is the picture at a time.
type frame struct {
	width  int
	pixels []byte
}

func (f film) frame(at time.Duration) frame {
	f.t.Helper()
	width := even(f.done.Width)
	size := 3 * width * even(f.done.Height)
	all, n := f.frames(), int(at.Seconds()*filmRate+0.01)
	if len(all) < (n+1)*size {
		f.t.Fatalf("there is no frame at %v", at)
	}
	return frame{width, all[n*size : (n+1)*size]}
}

func (f frame) at(x, y int) rgb {
	i := 3 * (y*f.width + x)
	if i+2 >= len(f.pixels) {
		return rgb{-999, -999, -999}
	}
	return rgb{int(f.pixels[i]), int(f.pixels[i+1]), int(f.pixels[i+2])}
}

// sees says what colour is to be at a point at a time.
func (f film) sees(at time.Duration, x, y int, want rgb) {
	f.t.Helper()
	if got := f.frame(at).at(x, y); !got.near(want) {
		f.t.Errorf("at %v, %d,%d is %v, want %v", at, x, y, got, want)
	}
}

// level is how strong a tone is over a tenth of a second, about 1 for one that is as loud as ffmpeg's sine.
func (f film) level(at time.Duration, hertz int) float64 {
	f.t.Helper()
	raw := f.sound()
	from := 2 * int(samplesAt(at))
	raw = raw[min(from, len(raw)):min(from+2*sampleRate/10, len(raw))]
	return toneLevel(raw, hertz)
}

func toneLevel(raw []byte, hertz int) float64 {
	var re, im float64
	for i := 0; i+1 < len(raw); i += 2 {
		v := float64(int16(uint16(raw[i])|uint16(raw[i+1])<<8)) / 32768
		a := 2 * math.Pi * float64(hertz) * float64(i/2) / sampleRate
		re, im = re+v*math.Cos(a), im+v*math.Sin(a)
	}
	return math.Hypot(re, im) * 2 / float64(max(len(raw)/2, 1)) * 8 // sine is made at an eighth of full scale
}

// hears says which tones are to be there at a time, of those given.
func (f film) hears(at time.Duration, tones map[int]bool) {
	f.t.Helper()
	for hertz, want := range tones {
		if level := f.level(at, hertz); (level > 0.5) != want || !want && level > 0.05 {
			f.t.Errorf("at %v, %d Hz has level %.3f, want heard %t", at, hertz, level, want)
		}
	}
}

// flashes are the times at which the middle of the frame becomes bright, in seconds.
func (f film) flashes() (at []float64) {
	f.t.Helper()
	grey := ffmpeg(f.t, ".", "-i", f.path, "-vf", "crop=2:2,scale=1:1", "-f", "rawvideo", "-pix_fmt", "gray", "-")
	for i, level := range grey {
		if level > 128 && (i == 0 || grey[i-1] <= 128) {
			at = append(at, float64(i)/FrameRate)
		}
	}
	return at
}

// beeps are the times at which a tone begins, in seconds.
func (f film) beeps(hertz int) (at []float64) {
	f.t.Helper()
	const window = sampleRate / 200 // 5 ms
	raw, loud := f.sound(), false
	for n := 0; (n+1)*window*2 <= len(raw); n++ {
		level := toneLevel(raw[n*window*2:(n+1)*window*2], hertz)
		if !loud && level > 0.5 {
			at = append(at, float64(n)/200)
		}
		loud = level > 0.5 || loud && level > 0.2
	}
	return at
}
