// Package packettest makes real media for tests: pictures and sound encoded by ffmpeg and cut into packets by Pion.
package packettest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4/pkg/media/ivfreader"
	"github.com/pion/webrtc/v4/pkg/media/oggreader"

	"github.com/rotunda-rtc/rotunda/internal/packet"
)

// payloadSize is what browsers put into a packet at most, about.
const payloadSize = 1200

// Clip is encoded media: moving pictures at 25 frames a second, or a tone in packets of 20 ms.
type Clip struct {
	Codec     packet.Codec
	ClockRate uint32
	Step      uint32 // of RTP timestamps, from frame to frame
	Frames    [][]byte
	File      []byte // the same in the container ffmpeg made, for comparison
}

// encoders are ffmpeg's, set as a browser would: no frame waits for a later one. They give the same each time; libvpx
// does so at negative speeds only.
var encoders = map[packet.Codec][]string{
	packet.CodecVP8:  {"-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "-8", "-lag-in-frames", "0", "-auto-alt-ref", "0", "-f", "ivf"},
	packet.CodecVP9:  {"-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-lag-in-frames", "0", "-auto-alt-ref", "0", "-f", "ivf"},
	packet.CodecAV1:  {"-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used", "8", "-lag-in-frames", "0", "-f", "ivf"},
	packet.CodecH264: {"-c:v", "libx264", "-profile:v", "baseline", "-preset", "ultrafast", "-tune", "zerolatency", "-x264-params", "aud=1:scenecut=0", "-f", "h264"},
}

var made sync.Map // of clips, by their arguments

// Video encodes moving pictures. keyframes is the distance of key frames, in frames.
func Video(tb testing.TB, codec packet.Codec, width, height, frames, keyframes int) *Clip {
	tb.Helper()
	args := []string{"-f", "lavfi", "-i", fmt.Sprintf("testsrc2=s=%dx%d:r=25", width, height), "-frames:v", fmt.Sprint(frames), "-pix_fmt", "yuv420p", "-b:v", "600k", "-g", fmt.Sprint(keyframes)}
	c := encode(tb, codec, append(args, encoders[codec]...))
	c.ClockRate, c.Step = 90000, 3600
	if len(c.Frames) != frames {
		tb.Fatalf("%s: %d frames instead of %d", codec, len(c.Frames), frames)
	}
	return c
}

// Tone encodes a sine of 440 Hz to Opus.
func Tone(tb testing.TB, packets int) *Clip {
	tb.Helper()
	c := encode(tb, packet.CodecOpus, []string{
		"-f", "lavfi", "-i", "sine=f=440:r=48000", "-t", fmt.Sprintf("%.2f", float64(packets+2)/50), "-ac", "2",
		"-c:a", "libopus", "-b:a", "32k", "-page_duration", "20000", "-f", "ogg",
	})
	c.ClockRate, c.Step = 48000, 960
	c.Frames = c.Frames[:packets]
	return c
}

func encode(tb testing.TB, codec packet.Codec, args []string) *Clip {
	tb.Helper()
	once, _ := made.LoadOrStore(fmt.Sprint(codec, args), sync.OnceValues(func() (*Clip, error) {
		out, _, err := run(append(args, "-"), nil)
		if err != nil {
			return nil, err
		}
		frames, err := split(codec, out)
		return &Clip{Codec: codec, Frames: frames, File: out}, err
	}))
	c, err := once.(func() (*Clip, error))()
	if err != nil {
		tb.Fatal(err)
	}
	clip := *c
	return &clip
}

// FFmpeg runs ffmpeg, which must have nothing to complain about, and returns what it writes to its standard output.
func FFmpeg(tb testing.TB, input []byte, args ...string) []byte {
	tb.Helper()
	out, complaints, err := run(args, input)
	if err != nil {
		tb.Fatal(err)
	}
	if complaints != "" {
		tb.Fatalf("ffmpeg %v: %s", args, complaints)
	}
	return out
}

func run(args []string, input []byte) (out []byte, complaints string, err error) {
	cmd := exec.CommandContext(context.Background(), "ffmpeg", append([]string{"-hide_banner", "-v", "warning"}, args...)...)
	if input != nil {
		cmd.Stdin = bytes.NewReader(input)
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if out, err = cmd.Output(); err != nil {
		err = fmt.Errorf("ffmpeg (Debian package ffmpeg) %v: %w: %s", args, err, stderr.String())
	}
	return out, stderr.String(), err
}

func split(codec packet.Codec, file []byte) ([][]byte, error) {
	var frames [][]byte
	switch codec {
	case packet.CodecH264:
		delimiter := []byte{0, 0, 0, 1, 9}
		for _, unit := range bytes.Split(file, delimiter)[1:] {
			frames = append(frames, append(bytes.Clone(delimiter), unit...))
		}
		return frames, nil
	case packet.CodecOpus:
		r, _, err := oggreader.NewWith(bytes.NewReader(file))
		if err != nil {
			return nil, err
		}
		for page := 0; ; page++ {
			data, _, err := r.ParseNextPage()
			if errors.Is(err, io.EOF) {
				return frames, nil
			} else if err != nil {
				return nil, err
			}
			if page > 0 { // the first holds comments
				frames = append(frames, data)
			}
		}
	}
	r, _, err := ivfreader.NewWith(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	for {
		data, _, err := r.ParseNextFrame()
		if errors.Is(err, io.EOF) {
			return frames, nil
		} else if err != nil {
			return nil, err
		}
		frames = append(frames, data)
	}
}

// Cutter turns frames into packets as a sender does.
type Cutter struct {
	payloader rtp.Payloader
	Next      packet.Media // what the next packet carries, but for its payload, marker and what a payload tells
}

// NewCutter returns one whose first packet has this number, and the first frame this timestamp.
func NewCutter(c *Clip, number uint64, timestamp uint32) *Cutter {
	cutter := &Cutter{Next: packet.Media{Codec: c.Codec, ClockRate: c.ClockRate, Number: number, Timestamp: timestamp}}
	switch c.Codec {
	case packet.CodecOpus:
		cutter.payloader = &codecs.OpusPayloader{}
	case packet.CodecVP8:
		cutter.payloader = &codecs.VP8Payloader{EnablePictureID: true}
	case packet.CodecVP9:
		cutter.payloader = &codecs.VP9Payloader{FlexibleMode: true}
	case packet.CodecAV1:
		cutter.payloader = &codecs.AV1Payloader{}
	case packet.CodecH264:
		cutter.payloader = &codecs.H264Payloader{}
	}
	return cutter
}

// Cut returns the packets of a frame, with Next's times, and moves on by step.
func (c *Cutter) Cut(frame []byte, step uint32) []packet.Media {
	payloads := c.payloader.Payload(payloadSize, frame)
	packets := make([]packet.Media, len(payloads))
	for i, p := range payloads {
		packets[i] = c.Next
		packets[i].Payload = p
		packets[i].Marker = i == len(payloads)-1 && c.Next.Codec != packet.CodecOpus // there it marks the end of a silence (RFC 3551 section 4.1)
		c.Next.Number++
	}
	c.Next.Timestamp += step
	return packets
}
