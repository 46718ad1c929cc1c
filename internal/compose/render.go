package compose

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Media has the files of recordings and compositions.
type Media interface {
	// Room is about how many bytes of the directory's disk Open takes.
	Room(recording video.Recording) int64
	// Open makes a recording's file and index readable, at two paths, and may use the directory for that, which goes afterwards.
	// A recording whose file is gone is video.CodeNotFound, one whose file makes no sense ErrDamaged; another error may pass.
	Open(ctx context.Context, recording video.Recording, dir string) (file, index string, err error)
	// Keep takes over the file of a composition and returns when it is safe. It replaces what was kept before.
	Keep(ctx context.Context, composition video.Composition, path string) error
	// Remove deletes what was kept of a composition, if anything was.
	Remove(ctx context.Context, composition video.Composition) error
}

// A job may take this long, and this much longer for each second of the result.
const (
	baseDeadline   = 10 * time.Minute
	deadlineFactor = 10
)

// output is what the file has to be.
type output struct {
	extension              string
	pictured, heard        bool
	width, height          int
	videoCodec, audioCodec string // as ffprobe calls them
	video, audio, muxer    []string
}

var (
	h264 = []string{"-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-pix_fmt", "yuv420p", "-g", "50", "-threads:v", "4"}
	vp9  = []string{"-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-row-mt", "1", "-crf", "34", "-b:v", "0", "-pix_fmt", "yuv420p", "-g", "50", "-threads:v", "4"}
	aac  = []string{"-c:a", "aac", "-b:a", "128k", "-ar", "48000"}
	opus = []string{"-c:a", "libopus", "-b:a", "96k"}
)

func outputOf(c video.Composition) output {
	o := output{pictured: c.Format.Pictured(), heard: len(c.AudioSources) > 0, extension: "." + string(c.Format)}
	if o.pictured {
		o.width, o.height = even(c.Width), even(c.Height)
	}
	switch c.Format {
	case video.FormatWebM:
		o.videoCodec, o.audioCodec, o.video, o.audio = "vp9", "opus", vp9, opus
	case video.FormatOgg:
		o.audioCodec, o.audio = "opus", opus
	case video.FormatM4A:
		o.audioCodec, o.audio, o.muxer = "aac", aac, []string{"-movflags", "+faststart"}
	default:
		o.videoCodec, o.audioCodec, o.video, o.audio, o.muxer = "h264", "aac", h264, aac, []string{"-movflags", "+faststart"}
	}
	return o
}

// rendering is a job being carried out.
type rendering struct {
	tools    Tools
	media    Media
	job      video.CompositionJob
	dir      string // of its own; removed afterwards by whoever made it
	progress func(percent int)
	log      *slog.Logger

	warnings []string
}

// render makes the file and returns the composition as it is then, and where the file is.
func (r *rendering) render(ctx context.Context) (video.Composition, string, error) {
	begun := time.Now()
	done := r.job.Composition
	inputs, err := r.inputs(ctx)
	if err != nil {
		return done, "", err
	}
	line := Arrange(inputs)
	ctx, cancel := context.WithTimeoutCause(ctx, baseDeadline+deadlineFactor*line.Length, errDeadline)
	defer cancel()
	want := outputOf(done)
	path := filepath.Join(r.dir, "composition"+want.extension)
	if err := r.make(ctx, line, want, path); err != nil {
		return done, "", err
	}
	looked, err := r.tools.probe(ctx, path)
	if cause := context.Cause(ctx); cause != nil {
		return done, "", cause
	}
	if err == nil {
		err = looked.check(want, line.Length)
	}
	if err != nil {
		return done, "", coded{video.CompositionFailedFFmpeg, err}
	}
	file, err := os.Stat(path)
	if err != nil {
		return done, "", fmt.Errorf("look at what was made: %w", err)
	}
	done.SizeBytes, done.Duration, done.Warnings = file.Size(), looked.length(), r.warnings
	if want.pictured && want.heard {
		done.Offset = line.Offset + looked.skew()
	}
	done.Speed = line.Length.Seconds() / time.Since(begun).Seconds()
	return done, path, nil
}

func (r *rendering) warn(format string, args ...any) {
	r.warnings = append(r.warnings, fmt.Sprintf(format, args...))
}

// inputs opens the recordings and leaves out those that cannot be read, with a warning.
func (r *rendering) inputs(ctx context.Context) ([]Input, error) {
	for _, id := range r.job.Missing {
		r.warn("recording %s was left out: it was deleted", id)
	}
	var inputs []Input
	for _, recording := range r.job.Recordings {
		input, err := r.open(ctx, recording)
		damage, damaged := errors.AsType[unreadable](err)
		switch {
		case err == nil:
			err = r.tools.readable(ctx, input)
			damage, damaged = errors.AsType[unreadable](err)
		case !damaged:
			err = premature{coded{video.CompositionFailedStorage, fmt.Errorf("open recording %s: %w", recording.ID, err)}}
		}
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case damaged:
			r.warn("recording %s was left out: %v", recording.ID, damage.error)
		case err != nil:
			return nil, err
		default:
			inputs = append(inputs, input)
		}
	}
	if len(inputs) == 0 {
		return nil, hopeless{coded{video.CompositionFailedUnread, fmt.Errorf("none of its recordings can be read: %s", strings.Join(r.warnings, "; "))}}
	}
	return inputs, nil
}

func (r *rendering) open(ctx context.Context, recording video.Recording) (Input, error) {
	input := Input{Recording: recording, Name: NameOf(r.job.Contexts[recording.ParticipantID])}
	if recording.Status == video.RecordingFailed {
		return input, unreadable{fmt.Errorf("it failed (%s)", recording.FailedReason)}
	}
	file, indexFile, err := r.media.Open(ctx, recording, r.dir)
	switch {
	case err == nil:
	case video.CodeOf(err) == video.CodeNotFound:
		return input, unreadable{errors.New("its file is gone")}
	case errors.Is(err, ErrDamaged):
		return input, unreadable{err}
	default:
		return input, err
	}
	if input.Path, err = filepath.Abs(file); err != nil { // ffmpeg runs in a directory of its own
		return input, fmt.Errorf("find its file: %w", err)
	}
	damage, err := damageOf(ctx, file, recording)
	switch {
	case err != nil:
		return input, err
	case damage != "" && r.job.Attempts >= video.CompositionAttempts: // it may be what the others failed of
		return input, unreadable{errors.New("it is damaged: " + damage)}
	case damage != "":
		r.warn("recording %s is damaged: %s", recording.ID, damage)
	}
	if input.Index, err = indexAt(indexFile); err != nil {
		r.warn("recording %s has no index that can be read: it is placed by the time it began", recording.ID)
		input.Index = Index{Start: recording.StartedAt}
	}
	if input.length() < time.Second/FrameRate {
		return input, unreadable{errors.New("it is empty")}
	}
	return input, nil
}

func indexAt(path string) (Index, error) {
	file, err := os.Open(path)
	if err != nil {
		return Index{}, err
	}
	defer func() { _ = file.Close() }()
	return ReadIndex(file)
}

// soundShare is the part of the work, in percent, that mixing takes of a composition with a picture.
const soundShare = 10

// make runs ffmpeg: for each slice of the sound, and then for everything.
func (r *rendering) make(ctx context.Context, line Timeline, want output, path string) error {
	share := 0
	if want.heard {
		if share = soundShare; !want.pictured {
			share = 50
		}
		if err := r.mix(ctx, line, share); err != nil {
			return err
		}
	}
	args, err := r.final(line, want)
	if err != nil {
		return err
	}
	return command{
		program: r.tools.FFmpeg, args: append(args, path), dir: r.dir,
		got: func(at time.Duration) { r.progress(share + part(at, line.Length, 99-share)) },
	}.run(ctx)
}

// part is how much of share is done.
func part(at, length time.Duration, share int) int {
	return int(min(max(at, 0), length) * time.Duration(share) / max(length, 1))
}

// soundFile has the mix, as samples and nothing else.
const soundFile = "sound.pcm"

// always is how ffmpeg is called. It would fail at the end if most of what it decoded had errors.
var always = []string{"-copyts", "-filter_complex_threads", "2", "-max_error_rate", "1"}

// mix makes the sound, slice by slice.
func (r *rendering) mix(ctx context.Context, line Timeline, share int) (err error) {
	file, err := os.OpenFile(filepath.Join(r.dir, soundFile), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write the sound: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	whole := stitch{to: file}
	for i, m := range mixes(line, r.job.AudioSources) {
		before := time.Duration(i) * slice
		err := r.mixSlice(ctx, m, &whole, func(at time.Duration) { r.progress(part(before+at, line.Length, share)) })
		if err != nil {
			return fmt.Errorf("mix the sound from %v: %w", before, err)
		}
	}
	return whole.end()
}

func (r *rendering) mixSlice(ctx context.Context, m mix, whole *stitch, got func(time.Duration)) (err error) {
	const script, samples = "slice.txt", "slice.pcm"
	if err := r.write(script, m.script); err != nil {
		return err
	}
	args := slices.Clone(always)
	for _, input := range m.inputs {
		args = append(args, "-noaccurate_seek", "-threads", "1", "-ss", seconds(input.from), "-t", seconds(m.length+2*preroll+time.Second), "-i", input.path)
	}
	args = append(args, "-filter_complex_script", script, "-map", "[sound]", "-f", "s16le", samples)
	if err := (command{program: r.tools.FFmpeg, args: args, dir: r.dir, got: got}).run(ctx); err != nil {
		return err
	}
	file, err := os.Open(filepath.Join(r.dir, samples))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return whole.add(file)
}

// final is the command that makes the file of the pictures and the mixed sound.
func (r *rendering) final(line Timeline, want output) ([]string, error) {
	args := slices.Clone(always)
	var scripts []string
	inputs := 0
	if want.pictured {
		p := paint(line, Lay(line, r.job.Composition), r.job.Composition, r.tools.Font != "")
		if r.job.Settings.Labels && r.tools.Font == "" {
			r.warn("there are no names: the server has no font that ffmpeg can write with")
		}
		if err := r.furnish(line, p); err != nil {
			return nil, err
		}
		for i := range p.lanes {
			// Without reinit_filter 0 a picture that changes its size makes ffmpeg begin anew, with wrong times.
			args = append(args, "-reinit_filter", "0", "-threads", "2", "-f", "concat", "-safe", "0", "-i", laneFile(i))
		}
		inputs = len(p.lanes)
		if p.marked {
			args = append(args, "-i", markFile)
			inputs++
		}
		scripts = append(scripts, p.script)
	}
	if want.heard {
		args = append(args, "-f", "s16le", "-ar", strconv.Itoa(sampleRate), "-ac", "2", "-i", soundFile)
		scripts = append(scripts, loudness(inputs))
	}
	if err := r.write("script.txt", strings.Join(scripts, ";\n")); err != nil {
		return nil, err
	}
	args = append(args, "-filter_complex_script", "script.txt")
	if want.pictured {
		args = append(append(args, "-map", "[picture]"), want.video...)
	}
	if want.heard {
		args = append(append(args, "-map", "[sound]"), want.audio...)
	}
	args = append(args, "-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact")
	return append(args, want.muxer...), nil
}

func laneFile(i int) string { return fmt.Sprintf("lane%d.txt", i) }

// furnish writes the files that the script names.
func (r *rendering) furnish(line Timeline, p picture) error {
	for i, l := range p.lanes {
		if err := r.write(laneFile(i), l.list(line)); err != nil {
			return err
		}
	}
	for i, name := range p.names {
		if err := r.write(nameFile(i), name); err != nil {
			return err
		}
	}
	if len(p.names) > 0 {
		font, err := os.ReadFile(r.tools.Font)
		if err != nil {
			return fmt.Errorf("read font: %w", err)
		}
		if err := r.write(fontFile, string(font)); err != nil {
			return err
		}
	}
	if !p.marked {
		return nil
	}
	mark, err := mutedMark(fontSize(r.job.Height) + tagMargin)
	if err != nil {
		return fmt.Errorf("draw mark: %w", err)
	}
	return r.write(markFile, string(mark))
}

func (r *rendering) write(name, content string) error {
	if err := os.WriteFile(filepath.Join(r.dir, name), []byte(content), 0o600); err != nil {
		return fmt.Errorf("write ffmpeg's script: %w", err)
	}
	return nil
}
