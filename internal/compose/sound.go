package compose

import (
	"fmt"
	"strings"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

const (
	sampleRate = 48000

	// slice is how much sound is mixed at once. ffmpeg holds the silence of a gap in memory, 23 MB a minute.
	slice = time.Minute

	// preroll is decoded before a slice, because Opus needs some to sound right.
	preroll = 200 * time.Millisecond

	// headroom is what the mix is lowered by in its files and raised by after them, where a limiter follows.
	headroom = 4
)

// mix is one slice of the sound: what to read, from where, and the script. Its output is [sound].
type mix struct {
	inputs []mixInput
	length time.Duration
	script string
}

type mixInput struct {
	path string
	from time.Duration // container time to begin at
}

// mixes divides the sound of the tracks that sources name. All slices together are as long as the timeline, to the sample.
func mixes(line Timeline, sources []string) []mix {
	tracks := chosen(line, video.Audio, sources)
	var all []mix
	for from := time.Duration(0); from < line.Length; from += slice {
		all = append(all, mixed(line, tracks, Span{from, min(from+slice, line.Length)}))
	}
	return all
}

func mixed(line Timeline, tracks []int, span Span) mix {
	m := mix{length: span.Until - span.From}
	var b, voices strings.Builder
	samples := samplesAt(span.Until) - samplesAt(span.From)
	for _, i := range tracks {
		t := line.Tracks[i]
		if t.Until <= span.From || t.From >= span.Until {
			continue
		}
		n := len(m.inputs)
		m.inputs = append(m.inputs, mixInput{t.Path, max(0, span.From-t.From-preroll)})
		// What is early or late by 30 ms is cut or filled with silence; less is stretched, by at most 1 %.
		fmt.Fprintf(&b, "[%d:a:0]asetpts=PTS+(%s)/TB,aresample=osr=%d:ocl=stereo:osf=fltp:async=480:min_hard_comp=0.03:first_pts=0,apad,atrim=end_sample=%d,asetpts=N[v%d];\n",
			n, seconds(t.From-span.From), sampleRate, samples, n)
		fmt.Fprintf(&voices, "[v%d]", n)
	}
	switch n := len(m.inputs); n {
	case 0:
		fmt.Fprintf(&b, "anullsrc=r=%d:cl=stereo,atrim=end_sample=%d[sound]", sampleRate, samples)
	default:
		fmt.Fprintf(&b, "%samix=inputs=%d:normalize=0:duration=longest,volume=1/%d,aformat=sample_fmts=s16,atrim=end_sample=%d[sound]", voices.String(), n, headroom, samples)
	}
	m.script = b.String()
	return m
}

func samplesAt(t time.Duration) int64 {
	return int64(t/time.Second)*sampleRate + int64(t%time.Second)*sampleRate/int64(time.Second)
}

// loudness is the script that brings the mix back to its level. in is the input it is read from.
func loudness(in int) string {
	return fmt.Sprintf("[%d:a:0]volume=%d,alimiter=limit=0.95:level=0:latency=1[sound]", in, headroom)
}
