package compose

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"
)

// endless is ffmpeg at work until it is stopped.
func endless(t *testing.T) (command, *office) {
	t.Helper()
	tools, err := FindTools(t.Context())
	must(t, err)
	o := &office{studio: &studio{t: t}, dir: t.TempDir()}
	return command{program: tools.FFmpeg, args: []string{"-re", "-f", "lavfi", "-i", "anullsrc", "-f", "null", "-"}, dir: o.dir}, o
}

func TestStandingStill(t *testing.T) {
	c, o := endless(t)
	c.patience = 2 * time.Second
	at := make(chan struct{}, 1)
	c.got = func(time.Duration) {
		select {
		case at <- struct{}{}:
		default:
		}
	}
	ended := make(chan error, 1)
	go func() { ended <- c.run(t.Context()) }()
	<-at
	must(t, syscall.Kill(o.untilBusy(), syscall.SIGSTOP))
	if err := <-ended; !errors.Is(err, errStalled) {
		t.Errorf("it ended with %v", err)
	}
	o.untilIdle()
}

func TestDeadline(t *testing.T) {
	c, o := endless(t)
	ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errDeadline)
	defer cancel()
	if err := c.run(ctx); !errors.Is(err, errDeadline) {
		t.Errorf("it ended with %v", err)
	}
	o.untilIdle()
}

// What is stopped before ffmpeg is started was stopped, and did not fail.
func TestStoppedBefore(t *testing.T) {
	c, _ := endless(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errClosing)
	if err := c.run(ctx); !errors.Is(err, errClosing) {
		t.Errorf("it ended with %v", err)
	}
}

func TestRunSaysWhy(t *testing.T) {
	c, _ := endless(t)
	c.args = []string{"-i", "nothing.webm", "-f", "null", "-"}
	if err := c.run(t.Context()); err == nil || !strings.Contains(err.Error(), "nothing.webm: No such file or directory") {
		t.Errorf("it ended with %v", err)
	}
	c.program = "/nowhere/ffmpeg"
	if err := c.run(t.Context()); err == nil || !strings.Contains(err.Error(), "start ffmpeg") {
		t.Errorf("it ended with %v", err)
	}
}

func TestTail(t *testing.T) {
	var said tail
	for range 3000 {
		_, _ = said.Write([]byte("line\n"))
	}
	_, _ = said.Write([]byte("\nlast words\r\n  \n"))
	if got := said.last(); got != "last words" || len(said.text) > tailBytes {
		t.Errorf("kept %d bytes, the last line %q", len(said.text), got)
	}
}

// The exit code of ffmpeg is not believed: the file must be what was asked for.
func TestCheck(t *testing.T) {
	s := newStudio(t)
	s.picture("a", 0, 2*second, "red")
	s.tone("a", 0, 2*second, 440)
	f := s.compose(nil)
	tools, err := FindTools(t.Context())
	must(t, err)
	is, err := tools.probe(t.Context(), f.path)
	must(t, err)
	right := outputOf(s.job(nil).Composition)
	must(t, is.check(right, 2*second))
	for what, change := range map[string]func(*output){
		"another size":    func(o *output) { o.width = 1280 },
		"another codec":   func(o *output) { o.audioCodec = "opus" },
		"no sound wanted": func(o *output) { o.heard = false },
		"a sound too few": func(o *output) { o.audioCodec, o.heard = "x", true },
	} {
		wrong := right
		change(&wrong)
		if is.check(wrong, 2*second) == nil {
			t.Errorf("%s passes", what)
		}
	}
	if is.check(right, 3*second) == nil {
		t.Error("another length passes")
	}
}
