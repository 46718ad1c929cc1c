package storetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var background = context.Background()

// Server is a PostgreSQL of its own: a cluster in a temporary folder, reached through a socket there. What was committed
// survives its death, but not that of the machine.
type Server struct {
	dir      string
	bin      string
	watchdog *os.File // when this end is closed, by us or by our death, the cluster is stopped and removed
}

// StartServer starts a PostgreSQL for one test, which may stop it and start it again. It goes when the test ends.
func StartServer(tb testing.TB) *Server {
	tb.Helper()
	s, err := makeServer()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.watchdog.Close() })
	if err := s.Start(); err != nil {
		tb.Fatal(err)
	}
	return s
}

func makeServer() (*Server, error) {
	bin, err := findPrograms()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("/tmp", "rtpg") // paths of sockets are short
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, bin: bin}
	if err := s.watch(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if os.Geteuid() == 0 {
		if out, err := exec.CommandContext(background, "chown", "postgres", dir).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("give %s to the user postgres: %w\n%s", dir, err, out)
		}
	}
	return s, s.run("initdb", "-D", s.data(), "-U", "test", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
}

// findPrograms looks where Debian keeps them, and in the path.
func findPrograms() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	if len(found) > 0 {
		newest := slices.MaxFunc(found, func(a, b string) int { return release(a) - release(b) })
		return filepath.Dir(newest), nil
	}
	path, err := exec.LookPath("initdb")
	if err != nil {
		return "", errors.New("these tests need PostgreSQL and found none: install it with 'sudo apt-get install postgresql'")
	}
	return filepath.Dir(path), nil
}

// release is the number in /usr/lib/postgresql/15/bin/initdb, or 0.
func release(path string) int {
	number, _ := strconv.Atoi(strings.Split(path, "/")[4])
	return number
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// Start starts the cluster and returns when it answers.
func (s *Server) Start() error {
	err := s.run("pg_ctl", "-D", s.data(), "-w", "-t", "30", "-l", filepath.Join(s.dir, "log"), "-o",
		"-k "+s.dir+" -c listen_addresses='' -c fsync=off -c full_page_writes=off -c max_connections=300", "start")
	if err != nil {
		log, _ := os.ReadFile(filepath.Join(s.dir, "log"))
		return fmt.Errorf("%w\n%s", err, log)
	}
	return nil
}

// Stop stops the cluster as a crash would: connections break and what was not committed is gone.
func (s *Server) Stop() error {
	return s.run("pg_ctl", "-D", s.data(), "-m", "immediate", "stop")
}

// Socket is the path of the socket the cluster listens on.
func (s *Server) Socket() string { return filepath.Join(s.dir, ".s.PGSQL.5432") }

func (s *Server) run(program string, args ...string) error {
	if out, err := s.command(program, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", program, err, out)
	}
	return nil
}

// command makes a command of PostgreSQL's. It refuses root, who must lend it another user.
func (s *Server) command(program string, args ...string) *exec.Cmd {
	words := append([]string{filepath.Join(s.bin, program)}, args...)
	if os.Geteuid() == 0 {
		words = append([]string{"runuser", "-u", "postgres", "--"}, words...)
	}
	cmd := exec.CommandContext(background, words[0], words[1:]...)
	cmd.Dir = s.dir
	return cmd
}

// watch starts a process that outlives this one by a moment, to clean up after it.
func (s *Server) watch() error {
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	stop := s.command("pg_ctl", "-D", s.data(), "-m", "immediate", "stop")
	cmd := exec.CommandContext(background, "sh", append([]string{
		"-c", `cat >/dev/null; dir=$1; shift; "$@"; rm -rf "$dir"`, "sh", s.dir,
	}, stop.Args...)...)
	cmd.Stdin = read
	if err := cmd.Start(); err != nil {
		return errors.Join(fmt.Errorf("watch PostgreSQL: %w", err), read.Close(), write.Close())
	}
	s.watchdog = write
	return errors.Join(read.Close(), cmd.Process.Release())
}
