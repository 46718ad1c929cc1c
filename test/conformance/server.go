package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"
)

// apiKey is configured, so that it is known before the server runs.
const apiKey = "KEY-of-the-conformance-suite-0001"

// server is a running binary with data of its own.
type server struct {
	command *exec.Cmd
	exited  chan error
	url     string
	data    string
	dsn     string

	mutex  sync.Mutex // guards what the process writes
	out    bytes.Buffer
	errors bytes.Buffer
}

// output guards a buffer that a process writes while others read it.
type output struct {
	mutex *sync.Mutex
	to    *bytes.Buffer
}

func (o output) Write(p []byte) (int, error) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return o.to.Write(p)
}

var webLine = regexp.MustCompile(`(?m)^web\s+(\S+)$`)

// startServer starts the binary on free ports, and returns when it is healthy. An empty dsn is SQLite.
func startServer(ctx context.Context, binary, data, dsn string) (*server, error) {
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, err
	}
	s := &server{data: data, dsn: dsn, exited: make(chan error, 1)}
	s.command = exec.CommandContext(ctx, binary, "serve", "--http", "127.0.0.1:0", "--rtc-udp-port", "0", "--metrics", "off",
		"--linger", "300ms", "--log-level", "warn")
	s.command.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + data, "ROTUNDA_API_KEY=" + apiKey}, s.place()...)
	s.command.Stdout, s.command.Stderr = output{&s.mutex, &s.out}, output{&s.mutex, &s.errors}
	if err := s.command.Start(); err != nil {
		return nil, fmt.Errorf("start server: %w: run make build", err)
	}
	go func() { s.exited <- s.command.Wait() }()
	if err := s.awaitHealth(ctx); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

// place are the settings that say where the server's data is, for it and for commands that work on it.
func (s *server) place() []string {
	place := []string{"ROTUNDA_DATA=" + s.data}
	if s.dsn != "" {
		place = append(place, "ROTUNDA_DATABASE="+s.dsn)
	}
	return place
}

// environment is what the SDKs and the tests read.
func (s *server) environment() []string {
	return append(s.place(), "TELNYX_BASE_URL="+s.url+"/v2", "TELNYX_API_KEY="+apiKey)
}

func (s *server) awaitHealth(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("the server did not become healthy:\n%s", s.faults())
		case err := <-s.exited:
			s.exited <- err
			return fmt.Errorf("the server ended at its start:\n%s", s.faults())
		case <-tick.C:
		}
		s.mutex.Lock()
		found := webLine.FindStringSubmatch(s.out.String())
		s.mutex.Unlock()
		if found == nil {
			continue
		}
		s.url = found[1]
		if healthy(ctx, s.url) {
			return nil
		}
	}
}

func healthy(ctx context.Context, url string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/healthz", nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// stop ends the server as an operator would, and is an error if it does not end well.
func (s *server) stop() error {
	_ = s.command.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-s.exited:
		s.exited <- err
		if err != nil {
			return fmt.Errorf("the server ended with %w", err)
		}
	case <-time.After(15 * time.Second):
		_ = s.command.Process.Kill()
		return errors.New("the server did not stop within 15 s")
	}
	if strings.Contains(s.faults(), "level=ERROR") {
		return errors.New("the server logged an error")
	}
	return nil
}

// faults is what the server logged.
func (s *server) faults() string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.errors.String()
}
