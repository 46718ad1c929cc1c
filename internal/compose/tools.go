package compose

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Tools are the programs that compositions are made with.
type Tools struct {
	FFmpeg, FFprobe string // paths
	Version         string // as ffmpeg says it
	Font            string // of labels; empty: there is none, or ffmpeg cannot write

	patience time.Duration // with which a file is looked at
}

// The oldest ffmpeg that will do is 5.1. It is known by its libavfilter, because development builds have no version.
const (
	minRelease = "5.1"
	minMajor   = 8
	minMinor   = 44
)

const findTimeout = 20 * time.Second

// encoders are what all formats need.
var encoders = []string{"libx264", "aac", "libvpx-vp9", "libopus"}

// FindTools looks for ffmpeg and ffprobe in the PATH. Its error says what is missing, and what to do.
func FindTools(ctx context.Context) (Tools, error) {
	ctx, cancel := context.WithTimeout(ctx, findTimeout)
	defer cancel()
	t := Tools{patience: probeTimeout}
	var err error
	if t.FFmpeg, err = exec.LookPath("ffmpeg"); err == nil {
		t.FFprobe, err = exec.LookPath("ffprobe")
	}
	if err != nil {
		return t, fmt.Errorf("compositions need ffmpeg %s or later, with ffprobe, in the PATH: %w", minRelease, err)
	}
	said, err := exec.CommandContext(ctx, t.FFmpeg, "-version").Output()
	if err != nil {
		return t, fmt.Errorf("ask %s for its version: %w", t.FFmpeg, err)
	}
	if t.Version, err = versionOf(string(said)); err != nil {
		return t, err
	}
	has, err := exec.CommandContext(ctx, t.FFmpeg, "-hide_banner", "-encoders").Output()
	if err != nil {
		return t, fmt.Errorf("ask %s for its encoders: %w", t.FFmpeg, err)
	}
	for _, encoder := range encoders {
		if !bytes.Contains(has, []byte(" "+encoder+" ")) {
			return t, fmt.Errorf("ffmpeg %s was built without %s, which compositions need", t.Version, encoder)
		}
	}
	filters, err := exec.CommandContext(ctx, t.FFmpeg, "-hide_banner", "-filters").Output()
	if err != nil {
		return t, fmt.Errorf("ask %s for its filters: %w", t.FFmpeg, err)
	}
	if bytes.Contains(filters, []byte(" drawtext ")) {
		t.Font = findFont()
	}
	return t, nil
}

var (
	versionLine = regexp.MustCompile(`(?m)^ffmpeg version (\S+)`)
	filterLine  = regexp.MustCompile(`(?m)^libavfilter\s+(\d+)\.\s*(\d+)\.`)
)

func versionOf(said string) (string, error) {
	version, filter := versionLine.FindStringSubmatch(said), filterLine.FindStringSubmatch(said)
	if version == nil || filter == nil {
		return "", errors.New("what is called ffmpeg does not say its version")
	}
	major, _ := strconv.Atoi(filter[1])
	minor, _ := strconv.Atoi(filter[2])
	if major < minMajor || major == minMajor && minor < minMinor {
		return "", fmt.Errorf("ffmpeg %s is too old: compositions need %s or later", version[1], minRelease)
	}
	return version[1], nil
}

// fonts are where distributions keep one that has Latin, Greek and Cyrillic letters; the first found is taken.
var fonts = []string{
	"/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf",
	"/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
	"/usr/share/fonts/dejavu-sans-fonts/DejaVuSans.ttf",
	"/usr/share/fonts/dejavu/DejaVuSans.ttf",
	"/usr/share/fonts/TTF/DejaVuSans.ttf",
	"/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf",
	"/usr/share/fonts/liberation/LiberationSans-Regular.ttf",
	"/System/Library/Fonts/Supplemental/Arial.ttf",
	`C:\Windows\Fonts\arial.ttf`,
}

func findFont() string {
	i := slices.IndexFunc(fonts, func(path string) bool {
		file, err := os.Stat(filepath.FromSlash(path))
		return err == nil && file.Mode().IsRegular()
	})
	if i < 0 {
		return ""
	}
	return fonts[i]
}

// lastLine is the last line of what a program said, for reasons that people read.
func lastLine(said string) string {
	lines := strings.FieldsFunc(said, func(r rune) bool { return r == '\n' || r == '\r' })
	for _, line := range slices.Backward(lines) {
		if line = strings.TrimSpace(line); line != "" {
			return line
		}
	}
	return "it said nothing"
}
