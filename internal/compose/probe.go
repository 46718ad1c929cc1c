package compose

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

const (
	probeTimeout = time.Minute

	// lengthTolerance is how much the file's length may be off: a packet of sound and a frame.
	lengthTolerance = 250 * time.Millisecond
)

// readable tries to decode the beginning of a recording. One that cannot be read, or at which ffmpeg hangs or dies, is unreadable.
func (t Tools) readable(ctx context.Context, input Input) error {
	looking, cancel := context.WithTimeoutCause(ctx, t.patience, errors.New("ffmpeg hangs at it"))
	defer cancel()
	decoded := false
	kind, frames := "a", "-frames:a"
	if input.Recording.Type == video.Video {
		kind, frames = "v", "-frames:v"
	}
	c := command{
		program: t.FFmpeg, dir: filepath.Dir(input.Path),
		args: []string{"-i", input.Path, "-map", "0:" + kind + ":0", frames, "2", "-f", "null", "-"},
		got:  func(at time.Duration) { decoded = decoded || at > 0 },
	}
	err := c.run(looking)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil && failureOf(err).Code == video.CompositionFailedNoFFmpeg:
		return err
	case err != nil:
		return unreadable{err}
	case !decoded:
		return unreadable{errors.New("nothing in it can be decoded")}
	}
	return nil
}

// made is what ffprobe says of a file.
type made struct {
	Streams []struct {
		Type   string `json:"codec_type"`
		Codec  string `json:"codec_name"`
		Width  int    `json:"width"`
		Height int    `json:"height"`
		Start  string `json:"start_time"`
	} `json:"streams"`
	Format struct {
		Duration string `json:"duration"`
	} `json:"format"`
}

func (t Tools) probe(ctx context.Context, path string) (made, error) {
	ctx, cancel := context.WithTimeout(ctx, t.patience)
	defer cancel()
	var m made
	said, err := exec.CommandContext(ctx, t.FFprobe, "-v", "error", "-of", "json",
		"-show_entries", "stream=codec_type,codec_name,width,height,start_time:format=duration", path).Output()
	if err != nil {
		return m, fmt.Errorf("look at what was made: %w", err)
	}
	if err := json.Unmarshal(said, &m); err != nil {
		return m, fmt.Errorf("look at what was made: %w", err)
	}
	return m, nil
}

func (m made) length() time.Duration { return fromSeconds(m.Format.Duration) }

func fromSeconds(s string) time.Duration {
	f, _ := strconv.ParseFloat(s, 64)
	return time.Duration(f * float64(time.Second))
}

// check says what is wrong with the file, whatever ffmpeg's exit code was.
func (m made) check(want output, length time.Duration) error {
	if off := (m.length() - length).Abs(); off > lengthTolerance {
		return fmt.Errorf("the file is %v long, and should be %v", m.length(), length)
	}
	picture, sound := 0, 0
	for _, s := range m.Streams {
		switch {
		case s.Type == "video" && s.Codec == want.videoCodec && s.Width == want.width && s.Height == want.height:
			picture++
		case s.Type == "audio" && s.Codec == want.audioCodec:
			sound++
		default:
			return fmt.Errorf("the file has a stream that should not be there: %s %s %dx%d", s.Type, s.Codec, s.Width, s.Height)
		}
	}
	if picture != count(want.pictured) || sound != count(want.heard) {
		return fmt.Errorf("the file has %d pictures and %d sounds, and should have %d and %d", picture, sound, count(want.pictured), count(want.heard))
	}
	return nil
}

func count(there bool) int {
	if there {
		return 1
	}
	return 0
}

// skew is how far apart sound and picture begin.
func (m made) skew() time.Duration {
	var starts []time.Duration
	for _, s := range m.Streams {
		starts = append(starts, fromSeconds(s.Start))
	}
	if len(starts) != 2 {
		return 0
	}
	return (starts[0] - starts[1]).Abs()
}
