package compose

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

const (
	// niceness of ffmpeg: live media comes first.
	niceness = 10

	// stalledAfter is how long ffmpeg may take without getting on.
	stalledAfter = 3 * time.Minute

	// goneWithin is how long a killed process may keep its pipes open.
	goneWithin = 5 * time.Second

	tailBytes = 4 << 10 // of what it says on stderr
)

// command is one run of ffmpeg.
type command struct {
	program string
	args    []string
	dir     string
	got     func(time.Duration) // hears how much of the output there is; may be nil

	patience time.Duration // how long it may stand still; 0: stalledAfter
}

// run carries it out, and kills it with all it started when ctx ends or it stands still. An error has the last of what it said.
func (c command) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	args := append([]string{"-hide_banner", "-nostdin", "-y", "-v", "warning", "-progress", "pipe:1", "-stats_period", "0.5"}, c.args...)
	child := exec.CommandContext(ctx, c.program, args...)
	child.Dir = c.dir
	child.WaitDelay = goneWithin
	var said tail
	child.Stderr = &said
	detach(child)
	child.Cancel = func() error { return killGroup(child) }
	progress, err := child.StdoutPipe()
	if err != nil {
		return fmt.Errorf("start ffmpeg: %w", err)
	}
	// The child dies with the thread that started it, so that it does not outlive a killed server.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err = child.Start()
	if cause := context.Cause(ctx); err != nil && cause != nil { // it ended before this began
		return cause
	}
	if err != nil {
		return coded{video.CompositionFailedNoFFmpeg, fmt.Errorf("start ffmpeg: %w", err)}
	}
	lower(child)
	patience := c.patience
	if patience == 0 {
		patience = stalledAfter
	}
	stalled := time.AfterFunc(patience, func() { cancel(errStalled) })
	defer stalled.Stop()
	ended := watch(progress, func(at time.Duration) {
		stalled.Reset(patience)
		if c.got != nil {
			c.got(at)
		}
	})
	err = child.Wait()
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	switch {
	case said.has("No space left on device"), said.has("Disk quota exceeded"): // whatever its exit code is
		return errDiskFull
	case err != nil:
		return coded{video.CompositionFailedFFmpeg, fmt.Errorf("ffmpeg failed (%w): %s", err, c.named(said.last()))}
	case !ended:
		return coded{video.CompositionFailedFFmpeg, fmt.Errorf("ffmpeg ended early: %s", c.named(said.last()))}
	}
	return nil
}

// named leaves out where the files are that are named: reasons are read by others than the operator.
func (c command) named(said string) string {
	return strings.ReplaceAll(said, c.dir+string(filepath.Separator), "")
}

// watch reads ffmpeg's progress until it closes it, and reports whether ffmpeg said that it came to its end.
func watch(progress io.Reader, got func(time.Duration)) (ended bool) {
	var last int64 = -1
	for lines := bufio.NewScanner(progress); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), "=")
		switch name {
		case "out_time_us":
			if us, err := strconv.ParseInt(value, 10, 64); err == nil && us > last {
				last = us
				got(micros(us))
			}
		case "progress":
			ended = value == "end"
		}
	}
	return ended
}

// tail keeps the last of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if over := len(t.text) - tailBytes; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(p), nil
}

func (t *tail) last() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return lastLine(string(t.text))
}

func (t *tail) has(text string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Contains(string(t.text), text)
}
