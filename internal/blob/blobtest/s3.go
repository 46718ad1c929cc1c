// Package blobtest gives tests a real server that speaks S3.
package blobtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"
)

// Keys of every server.
const (
	AccessKey = "tester"
	SecretKey = "a secret of tests"
)

// Server is a versitygw over a directory.
type Server struct {
	Address string // host and port, the same after a Stop and a Start
	Dir     string // has a directory for each bucket, which has a file for each object

	tb      testing.TB
	sidecar string
	command *exec.Cmd
}

// New starts a server, which stops with the test.
func New(tb testing.TB) *Server {
	tb.Helper()
	port, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	s := &Server{Address: port.Addr().String(), Dir: tb.TempDir(), tb: tb, sidecar: tb.TempDir()}
	_ = port.Close()
	tb.Cleanup(s.Stop)
	s.Start()
	return s
}

// Start starts a server that was stopped, with what it held.
func (s *Server) Start() {
	s.tb.Helper()
	s.command = exec.Command(program(s.tb), "--port", s.Address, "--access", AccessKey, "--secret", SecretKey, "--quiet", //nolint:noctx // it ends with Stop
		"posix", "--sidecar", s.sidecar, s.Dir)
	if err := s.command.Start(); err != nil {
		s.tb.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		answer, err := http.Get("http://" + s.Address) //nolint:noctx // on this machine
		if err == nil {
			_ = answer.Body.Close()
			http.DefaultClient.CloseIdleConnections()
			return
		}
		if time.Now().After(deadline) {
			s.tb.Fatalf("the S3 server does not start: %v", err)
		}
	}
}

// Stop kills the server. It may be called again.
func (s *Server) Stop() {
	if s.command == nil {
		return
	}
	_ = s.command.Process.Kill()
	_ = s.command.Wait()
	s.command = nil
}

// Bucket makes a new bucket and returns its name.
func (s *Server) Bucket() string {
	s.tb.Helper()
	dir, err := os.MkdirTemp(s.Dir, "bucket")
	if err != nil {
		s.tb.Fatal(err)
	}
	return filepath.Base(dir)
}

// built is the one program of the test binary.
var built = sync.OnceValues(build)

func program(tb testing.TB) string {
	tb.Helper()
	path, err := built()
	if err != nil {
		tb.Fatal(err)
	}
	return path
}

// build builds the program that test/s3 pins, unless it is there from before; make does so too.
func build() (string, error) {
	_, here, _, _ := runtime.Caller(0)
	root := filepath.Join(filepath.Dir(here), "..", "..", "..")
	pinned, err := os.ReadFile(filepath.Join(root, "test", "s3", "go.sum"))
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(pinned)
	path := filepath.Join(root, ".cache", "versitygw-"+hex.EncodeToString(sum[:4]))
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	made := fmt.Sprintf("%s.%d", path, os.Getpid())
	build := exec.Command("go", "build", "-C", filepath.Join(root, "test", "s3"), "-o", made, "tool") //nolint:noctx // it takes as long as it takes
	if said, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the S3 server: %w\n%s", err, said)
	}
	return path, os.Rename(made, path)
}
