package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// asProgram makes this test binary behave as rotunda, for what only a process of its own can show.
const asProgram = "BE_ROTUNDA"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		_ = os.Unsetenv(asProgram)
		main()
	}
	goleak.VerifyTestMain(m, goleak.IgnoreCurrent())
}

// server is a running server: in this process (stop by cancel) or in one of its own (stop by signals).
type server struct {
	t      *testing.T
	url    string
	lines  map[string]string // what it printed, by label
	stdout string
	stderr *lockedBuffer
	cancel context.CancelFunc
	cmd    *exec.Cmd
	code   chan int
}

// start runs serve with free ports on a directory and returns when it has printed its greeting.
func start(t *testing.T, dir string, args ...string) *server {
	t.Helper()
	return launch(t, dir, false, args...)
}

func startProcess(t *testing.T, dir string, args ...string) *server {
	t.Helper()
	return launch(t, dir, true, args...)
}

func launch(t *testing.T, dir string, process bool, args ...string) *server {
	t.Helper()
	args = append([]string{"serve", "--http=127.0.0.1:0", "--rtc-udp-port=0", "--metrics=off", "--data=" + dir}, args...)
	out, in := io.Pipe()
	s := &server{t: t, lines: map[string]string{}, stderr: new(lockedBuffer), code: make(chan int, 1)}
	if process {
		s.cmd = exec.Command(os.Args[0], args...)
		s.cmd.Env = append(os.Environ(), asProgram+"=1")
		s.cmd.Stdout, s.cmd.Stderr = in, s.stderr
		if err := s.cmd.Start(); err != nil {
			t.Fatal(err)
		}
		go func() { _ = s.cmd.Wait(); _ = in.Close(); s.code <- s.cmd.ProcessState.ExitCode() }()
		s.cancel = func() { _ = s.cmd.Process.Kill() }
	} else {
		var ctx context.Context
		ctx, s.cancel = context.WithCancel(context.Background())
		go func() { code := run(ctx, args, nil, in, s.stderr); _ = in.Close(); s.code <- code }()
	}
	t.Cleanup(func() {
		s.cancel()
		if s.code != nil {
			s.wait()
		}
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		s.stdout += lines.Text() + "\n"
		label, value := lines.Text()[:8], strings.TrimSpace(lines.Text()[8:])
		s.lines[strings.TrimSpace(label)] = value
		if _, last := s.lines["open"]; last || s.lines["API"] != "" {
			break
		}
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	s.url = s.lines["web"]
	if s.url == "" {
		t.Fatalf("the server did not start:\n%s%s", s.stdout, s.stderr)
	}
	return s
}

// wait returns the exit code.
func (s *server) wait() int {
	s.t.Helper()
	select {
	case code := <-s.code:
		s.code = nil
		return code
	case <-time.After(20 * time.Second):
		s.t.Fatalf("the server does not end:\n%s", s.stderr)
		return -1
	}
}

// stop ends a server of this process and expects that to go well.
func (s *server) stop() {
	s.t.Helper()
	s.cancel()
	if code := s.wait(); code != 0 {
		s.t.Fatalf("the server ended with code %d:\n%s", code, s.stderr)
	}
}

// key is the API key the server printed.
func (s *server) key() string {
	key, _, _ := strings.Cut(s.lines["API key"], " ")
	return key
}

// call makes a request with an API key, expects a status, and decodes the answer's data.
func (s *server) call(method, path, key, body string, status int, data any) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	answer, err := client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if answer.StatusCode != status {
		s.t.Fatalf("%s %s answered %d %s, want %d", method, path, answer.StatusCode, text, status)
	}
	if data != nil {
		if err := json.Unmarshal(text, &struct {
			Data any `json:"data"`
		}{data}); err != nil {
			s.t.Fatalf("%s: %v", text, err)
		}
	}
}

// client keeps no connections, so that none outlives its server.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}

// command runs a command line that ends by itself.
func command(t *testing.T, env []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var out, errs bytes.Buffer
	code = run(ctx, args, env, &out, &errs)
	return code, out.String(), errs.String()
}

type lockedBuffer struct {
	mu    sync.Mutex
	buf   bytes.Buffer
	grown chan struct{} // closed by the next write; nil unless somebody waits
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.grown != nil {
		close(b.grown)
		b.grown = nil
	}
	return b.buf.Write(p)
}

// await returns once these words were written, and reports false if they are not within half a minute.
func (b *lockedBuffer) await(words string) bool {
	over := time.After(30 * time.Second)
	for {
		b.mu.Lock()
		if bytes.Contains(b.buf.Bytes(), []byte(words)) {
			b.mu.Unlock()
			return true
		}
		if b.grown == nil {
			b.grown = make(chan struct{})
		}
		grown := b.grown
		b.mu.Unlock()
		select {
		case <-grown:
		case <-over:
			return false
		}
	}
}

// eventually returns once something is so of which other processes and the disk send no word.
func eventually(t testing.TB, what string, so func() bool) {
	t.Helper()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	over := time.After(20 * time.Second)
	for !so() {
		select {
		case <-look.C:
		case <-over:
			t.Fatalf("still not so: %s", what)
		}
	}
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func TestCommandLine(t *testing.T) {
	for _, c := range []struct {
		args   []string
		code   int
		stdout string
		stderr string
	}{
		{nil, 0, "Usage: rotunda", ""},
		{[]string{"--help"}, 0, "serve", ""},
		{[]string{"serve", "--help"}, 0, "$ROTUNDA_RTC_UDP_PORT", ""},
		{[]string{"version"}, 0, "rotunda " + version, ""},
		{[]string{"frobnicate"}, 2, "", "frobnicate"},
		{[]string{"serve", "--frobnicate"}, 2, "", "--frobnicate"},
		{[]string{"serve", "--http=here"}, 2, "", "--http must be HOST:PORT"},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			code, stdout, stderr := command(t, nil, c.args...)
			if code != c.code || !strings.Contains(stdout, c.stdout) || !strings.Contains(stderr, c.stderr) {
				t.Errorf("ended with %d\n%s%s", code, stdout, stderr)
			}
		})
	}
}
