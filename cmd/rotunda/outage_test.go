package main

import (
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/store/storetest"
)

// The database of a server under load crashes and comes back. The server goes on, and afterwards the record is as whole as if
// the server had been killed.
func TestDatabaseCrashesUnderLoad(t *testing.T) {
	crashes := 1
	if n, err := strconv.Atoi(os.Getenv("CRASHES")); err == nil {
		crashes = n
	}
	postgres := storetest.StartServer(t)
	args := []string{"--database-url=" + postgres.Database(t, "template1")}
	dir := t.TempDir()
	if code, _, stderr := command(t, nil, "migrate", "apply", "--data="+dir, args[0]); code != 0 {
		t.Fatal(stderr)
	}
	args = append(args, "--api-key="+sessionKey, "--webhook-allow-private", "--linger=200ms", "--rate-limit=0")
	c := newCrowd(t)
	for range crashes {
		s := startProcess(t, dir, args...)
		stop := c.run(s.url)
		pause(t, 500*time.Millisecond)
		if err := postgres.Stop(); err != nil {
			t.Fatal(err)
		}
		stop()
		stop = c.run(s.url)
		pause(t, time.Second)
		stop()
		if err := postgres.Start(); err != nil {
			t.Fatal(err)
		}
		back := time.Now()
		for room := struct{ ID string }{}; ask(s.url, "POST", "/v2/rooms", "", "", &room) != 201; {
			if time.Since(back) > 10*time.Second {
				t.Fatalf("the server does not find its database again:\n%s", s.stderr)
			}
			pause(t, 10*time.Millisecond)
		}
		stop = c.run(s.url)
		pause(t, 500*time.Millisecond)
		if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		code := s.wait()
		stop()
		if code != 0 {
			t.Errorf("ended with %d:\n%s", code, s.stderr)
		}
		over := time.Now()
		s = start(t, dir, args...)
		c.check(s, over)
		s.stop()
	}
}
