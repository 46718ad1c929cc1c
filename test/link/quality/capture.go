//go:build linux

package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// capture is what a browser plays in a loop in place of a camera and a microphone.
type capture struct{ video, audio string }

// film makes the files unless they are there: some seconds of things that move, with a band of noise, so that there is something to
// encode; and a tone without a pause, so that what is missing of it can be counted. Twenty pictures a second leave small machines some room,
// and so does a film that need not be decoded.
func film(ctx context.Context, folder string) (capture, error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return capture{}, err
	}
	video, err := made(
		ctx, folder, "y4m",
		"-f", "lavfi", "-i", fmt.Sprintf("testsrc2=s=%dx%d:r=%d:d=5", filmWidth, filmHeight, filmRate),
		"-f", "lavfi", "-i", fmt.Sprintf("color=c=gray:s=%dx%d:r=%d:d=5,noise=alls=20:allf=t:all_seed=7", filmWidth, filmHeight/8, filmRate),
		"-filter_complex", "[0][1]overlay=x=0:y=H-h,format=yuv420p", "-f", "yuv4mpegpipe",
	)
	if err != nil {
		return capture{}, err
	}
	audio, err := made(
		ctx, folder, "wav",
		"-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=1", "-af", "volume=6dB,tremolo=f=5:d=0.5", "-ac", "1",
		"-c:a", "pcm_s16le", "-f", "wav",
	)
	return capture{video, audio}, err
}

// What the camera gives: 960x540 is three simulcast layers.
const (
	filmWidth, filmHeight = 960, 540
	filmRate              = 20 // a second
)

func made(ctx context.Context, folder, ending string, recipe ...string) (string, error) {
	name := fmt.Sprintf("%x", sha256.Sum256(fmt.Append(nil, recipe)))[:16]
	path := filepath.Join(folder, name+"."+ending)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	program, err := findProgram("ffmpeg")
	if err != nil {
		return "", err
	}
	unfinished := fmt.Sprintf("%s.%d", path, os.Getpid())
	line := append([]string{"-hide_banner", "-nostdin", "-y", "-v", "error"}, append(recipe, unfinished)...)
	if said, err := exec.CommandContext(ctx, program, line...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("film: %w\n%s", err, said)
	}
	return path, os.Rename(unfinished, path)
}
