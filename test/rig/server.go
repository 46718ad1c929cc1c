package rig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Options say what to start.
type Options struct {
	Binary   string   // path of bin/rotunda
	Data     string   // its data directory; made if it does not exist
	Database string   // URL of an empty PostgreSQL database; empty for SQLite
	APIKey   string   // an admin key, known before the server runs; empty: the server makes one
	Flags    []string // of serve, beyond those that give it free ports
}

// Server is a running binary.
type Server struct {
	URL string // such as http://127.0.0.1:41234

	options Options
	command *exec.Cmd
	exited  chan error // holds how the process ended; whoever reads puts it back

	mutex sync.Mutex // guards what the process writes
	said  bytes.Buffer
	log   bytes.Buffer
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

// Start starts the binary on free ports of 127.0.0.1, after migrating a PostgreSQL database, and returns when it is healthy. The
// process is killed when ctx ends; the caller must Stop it.
func Start(ctx context.Context, options Options) (*Server, error) {
	if err := os.MkdirAll(options.Data, 0o700); err != nil {
		return nil, err
	}
	s := &Server{options: options, exited: make(chan error, 1)}
	if options.Database != "" {
		if _, err := s.Run(ctx, "migrate", "apply"); err != nil {
			return nil, err
		}
	}
	s.command = s.program(ctx, append([]string{"serve", "--http", "127.0.0.1:0", "--rtc-udp-port", "0", "--log-level", "warn"}, options.Flags...)...)
	if options.APIKey != "" {
		s.command.Env = append(s.command.Env, "ROTUNDA_API_KEY="+options.APIKey)
	}
	s.command.Stdout, s.command.Stderr = output{&s.mutex, &s.said}, output{&s.mutex, &s.log}
	if err := s.command.Start(); err != nil {
		return nil, fmt.Errorf("start server: %w: run make build", err)
	}
	go func() { s.exited <- s.command.Wait() }()
	if err := s.awaitHealth(ctx); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

func (s *Server) program(ctx context.Context, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, s.options.Binary, args...)
	command.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.options.Data}, s.Place()...)
	return command
}

// Place is the environment that leads commands of the binary to the server's data.
func (s *Server) Place() []string {
	place := []string{"ROTUNDA_DATA=" + s.options.Data}
	if s.options.Database != "" {
		place = append(place, "ROTUNDA_DATABASE_URL="+s.options.Database)
	}
	return place
}

// Run carries out a command of the binary on the server's data and returns what it printed.
func (s *Server) Run(ctx context.Context, args ...string) ([]byte, error) {
	out, err := s.program(ctx, args...).Output()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		return nil, fmt.Errorf("rotunda %s: %w\n%s", strings.Join(args, " "), err, failed.Stderr)
	}
	return out, err
}

// Process is the id of the server's process.
func (s *Server) Process() int { return s.command.Process.Pid }

func (s *Server) awaitHealth(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("the server did not become healthy:\n%s", s.Log())
		case err := <-s.exited:
			s.exited <- err
			return fmt.Errorf("the server ended at its start:\n%s", s.Log())
		case <-tick.C:
		}
		s.mutex.Lock()
		found := webLine.FindStringSubmatch(s.said.String())
		s.mutex.Unlock()
		if found == nil {
			continue
		}
		s.URL = found[1]
		if healthy(ctx, s.URL) {
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

// Stop ends the server as an operator would, and is an error if it does not end well.
func (s *Server) Stop() error {
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
	if strings.Contains(s.Log(), "level=ERROR") {
		return errors.New("the server logged an error")
	}
	return nil
}

// Log is what the server logged.
func (s *Server) Log() string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.log.String()
}

// FreeAddress returns an address of loopback that nobody listens on, for --metrics: the server does not say which port its metrics got.
func FreeAddress(ctx context.Context) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}
