package compose

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
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

	// seam is how much two slices overlap, and are blended. Packets have times in whole milliseconds, so that a voice is begun up to one
	// too early or late; without the blending that would click.
	seam = 20 * time.Millisecond

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

// mixes divides the sound of the tracks that sources name. Each slice but the last ends a seam after the next begins; all together are
// as long as the timeline, to the sample.
func mixes(line Timeline, sources []string) []mix {
	tracks := chosen(line, video.Audio, sources)
	var all []mix
	for from := time.Duration(0); from < line.Length; from += slice {
		all = append(all, mixed(line, tracks, Span{from, min(from+slice+seam, line.Length)}))
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
		// What is early or late by 20 ms is cut or filled with silence; less is put right where the next slice begins. An async of more than
		// 1, which stretches, shifts all that follows by half a second when it begins to (ffmpeg 5.1).
		fmt.Fprintf(&b, "[%d:a:0]asetpts=PTS+(%s)/TB,aresample=%d:async=1:min_hard_comp=0.02:first_pts=0,aformat=sample_fmts=fltp:channel_layouts=stereo,apad,atrim=end_sample=%d,asetpts=N[v%d];\n",
			n, seconds(t.From-span.From), sampleRate, samples, n)
		fmt.Fprintf(&voices, "[v%d]", n)
	}
	switch n := len(m.inputs); n {
	case 0:
		fmt.Fprintf(&b, "anullsrc=r=%d:cl=stereo,atrim=end_sample=%d[sound]", sampleRate, samples)
	default:
		fmt.Fprintf(&b, "%samix=inputs=%d:normalize=0:duration=longest,volume=1/%d,aformat=sample_fmts=s16:channel_layouts=stereo,atrim=end_sample=%d[sound]", voices.String(), n, headroom, samples)
	}
	m.script = b.String()
	return m
}

func samplesAt(t time.Duration) int64 {
	return int64(t/time.Second)*sampleRate + int64(t%time.Second)*sampleRate/int64(time.Second)
}

// bytesPerSample of a mix: two channels of 16 bits.
const bytesPerSample = 4

// stitch puts slices together. Samples are 16 bits, little-endian, in stereo.
type stitch struct {
	to   io.Writer
	tail []byte // of the slice before, where the next one begins
}

// add blends the beginning of a slice with the end of the one before, and keeps its own end back for the next.
func (s *stitch) add(slice io.Reader) error {
	held := int(samplesAt(seam)) * bytesPerSample
	head := make([]byte, len(s.tail))
	if _, err := io.ReadFull(slice, head); err != nil {
		return fmt.Errorf("a slice of the sound is too short: %w", err)
	}
	blend(head, s.tail)
	content := io.MultiReader(bytes.NewReader(head), slice)
	// What is read runs held bytes ahead of what is written.
	ahead := make([]byte, held, held+stitchBytes)
	n, err := io.ReadFull(content, ahead)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return err
	}
	ahead = ahead[:n]
	for err == nil {
		var more int
		more, err = io.ReadFull(content, ahead[n:n+stitchBytes:n+stitchBytes])
		whole := ahead[:n+more]
		if _, err := s.to.Write(whole[:more]); err != nil {
			return err
		}
		copy(ahead[:n], whole[more:])
	}
	s.tail = ahead
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

const stitchBytes = 64 << 10

// end writes what the last slice kept back.
func (s *stitch) end() error {
	_, err := s.to.Write(s.tail)
	return err
}

// blend fades from before to after, into after.
func blend(after, before []byte) {
	frames := len(after) / bytesPerSample
	for i := 0; i+1 < len(after); i += 2 {
		a, b := int(int16(binary.LittleEndian.Uint16(after[i:]))), int(int16(binary.LittleEndian.Uint16(before[i:])))
		frame := i / bytesPerSample
		binary.LittleEndian.PutUint16(after[i:], uint16(int16((a*frame+b*(frames-frame))/frames)))
	}
}

// loudness is the script that brings the mix back to its level. in is the input it is read from.
func loudness(in int) string {
	return fmt.Sprintf("[%d:a:0]volume=%d,alimiter=limit=0.95:level=0:latency=1[sound]", in, headroom)
}
