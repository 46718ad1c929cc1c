//go:build linux

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rotunda-rtc/rotunda/test/link"
)

var browserFlags = []string{
	"--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
	"--disable-component-update", "--disable-sync", "--disable-default-apps", "--disable-extensions", "--disable-dev-shm-usage",
	"--autoplay-policy=no-user-gesture-required", "--disable-background-timer-throttling", "--disable-backgrounding-occluded-windows",
	"--disable-renderer-backgrounding", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", "--remote-debugging-pipe",
}

// browser is a Chromium with one page, worked over the DevTools protocol on a pipe.
type browser struct {
	command *exec.Cmd
	to      *os.File
	session string
	profile string

	mutex   sync.Mutex // guards:
	last    int
	waiting map[int]chan answer
	dead    error
	reading sync.WaitGroup
}

type answer struct {
	ID     int             `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Message string `json:"message"`
	} `json:"error"`
}

// startBrowser starts one in a namespace. The caller must close it.
func startBrowser(in *link.Namespace, c capture) (_ *browser, err error) {
	program, err := findProgram("chromium", "chromium-browser", "google-chrome")
	if err != nil {
		return nil, err
	}
	b := &browser{waiting: map[int]chan answer{}}
	if b.profile, err = os.MkdirTemp("", "rotunda-link-browser-"); err != nil {
		return nil, err
	}
	flags := append([]string{
		"--user-data-dir=" + b.profile, "--use-file-for-fake-video-capture=" + c.video, "--use-file-for-fake-audio-capture=" + c.audio,
	}, browserFlags...)
	b.command = exec.Command(program, append(flags, "about:blank")...) //nolint:noctx // close ends it, whatever became of the context
	b.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	theirIn, ourOut, err1 := os.Pipe()
	ourIn, theirOut, err2 := os.Pipe()
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	b.to = ourOut
	b.command.ExtraFiles = []*os.File{theirIn, theirOut} // 3 and 4
	err = in.Do(b.command.Start)
	_, _ = theirIn.Close(), theirOut.Close()
	if err != nil {
		return nil, errors.Join(err, ourIn.Close(), ourOut.Close())
	}
	b.reading.Go(func() { b.read(ourIn) })
	return b, nil
}

func findProgram(names ...string) (string, error) {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is needed and was not found: test/machine.sh test installs it", strings.Join(names, " or "))
}

// open goes to a page and returns when its scripts have run.
func (b *browser) open(ctx context.Context, url string) error {
	var target struct{ TargetID string }
	if err := b.call(ctx, "", "Target.createTarget", params{"url": "about:blank"}, &target); err != nil {
		return err
	}
	var attached struct{ SessionID string }
	if err := b.call(ctx, "", "Target.attachToTarget", params{"targetId": target.TargetID, "flatten": true}, &attached); err != nil {
		return err
	}
	b.session = attached.SessionID
	if err := b.call(ctx, b.session, "Page.navigate", params{"url": url}, nil); err != nil {
		return err
	}
	return until(ctx, "the page is there", func() (bool, error) {
		var there bool
		err := b.eval(ctx, `document.readyState === "complete" && "probe" in globalThis`, &there)
		return there, err
	})
}

type params map[string]any

// eval evaluates an expression in the page, waits for it if it is a promise, and decodes its value.
func (b *browser) eval(ctx context.Context, expression string, value any) error {
	var got struct {
		Result struct {
			Value json.RawMessage `json:"value"`
		} `json:"result"`
		ExceptionDetails *struct {
			Text      string `json:"text"`
			Exception struct {
				Description string `json:"description"`
			} `json:"exception"`
		} `json:"exceptionDetails"`
	}
	err := b.call(ctx, b.session, "Runtime.evaluate", params{
		"expression": expression, "awaitPromise": true, "returnByValue": true,
	}, &got)
	switch {
	case err != nil:
		return err
	case got.ExceptionDetails != nil:
		return fmt.Errorf("the page: %s %s", got.ExceptionDetails.Text, got.ExceptionDetails.Exception.Description)
	case value == nil:
		return nil
	}
	return json.Unmarshal(got.Result.Value, value)
}

func (b *browser) call(ctx context.Context, session, method string, p params, result any) error {
	back := make(chan answer, 1)
	b.mutex.Lock()
	if b.dead != nil {
		b.mutex.Unlock()
		return b.dead
	}
	b.last++
	id := b.last
	b.waiting[id] = back
	frame := params{"id": id, "method": method, "params": p}
	if session != "" {
		frame["sessionId"] = session
	}
	content, err := json.Marshal(frame)
	if err == nil {
		_, err = b.to.Write(append(content, 0))
	}
	b.mutex.Unlock()
	if err != nil {
		return fmt.Errorf("browser: %w", err)
	}
	select {
	case <-ctx.Done():
		return fmt.Errorf("browser: %s: %w", method, ctx.Err())
	case a, ok := <-back:
		switch {
		case !ok:
			return errors.New("the browser ended")
		case a.Error != nil:
			return fmt.Errorf("browser: %s: %s", method, a.Error.Message)
		case result == nil:
			return nil
		}
		return json.Unmarshal(a.Result, result)
	}
}

// read gives answers to those who wait for them, until the browser ends.
func (b *browser) read(from *os.File) {
	defer func() { _ = from.Close() }()
	frames := bufio.NewReader(from)
	for {
		content, err := frames.ReadBytes(0)
		if err != nil {
			b.end(err)
			return
		}
		var a answer
		if json.Unmarshal(content[:len(content)-1], &a) != nil || a.ID == 0 {
			continue
		}
		b.mutex.Lock()
		if back := b.waiting[a.ID]; back != nil {
			back <- a
			delete(b.waiting, a.ID)
		}
		b.mutex.Unlock()
	}
}

func (b *browser) end(err error) {
	if errors.Is(err, io.EOF) {
		err = errors.New("the browser ended")
	}
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.dead = err
	for _, back := range b.waiting {
		close(back)
	}
	clear(b.waiting)
}

// close ends the browser and all its processes.
func (b *browser) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	_ = b.call(ctx, "", "Browser.close", nil, nil)
	cancel()
	_ = syscall.Kill(-b.command.Process.Pid, syscall.SIGKILL) // what it left behind, or all of it if it hangs
	_ = b.command.Wait()
	_ = b.to.Close()
	b.reading.Wait()
	_ = os.RemoveAll(b.profile)
}

// until asks again and again, until the answer is yes or the context ends.
func until(ctx context.Context, what string, ask func() (bool, error)) error {
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for {
		yes, err := ask()
		if yes && err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("not in time: %s", what), err)
		case <-tick.C:
		}
	}
}
