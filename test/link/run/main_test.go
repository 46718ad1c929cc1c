//go:build linux

package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestRunPutsAProgramBehindTheLink(t *testing.T) {
	folder := t.TempDir()
	out := filepath.Join(folder, "out")
	p := plan{settings: "delay 1ms", command: []string{"sh", "-c", "cat /proc/net/dev >$0; echo $LINK_NEAR $LINK_FAR >>$0; exit 3", out}}
	if err := p.run(t.Context()); err == nil || err.Error() != "exit status 3" {
		t.Errorf("it ended with %v", err)
	}
	said, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(said), "eth0:") || strings.Count(string(said), "198.1") != 2 {
		t.Errorf("it saw\n%s", said)
	}
}

func TestControlChangesTheLink(t *testing.T) {
	folder := t.TempDir()
	p := plan{control: filepath.Join(folder, "control")}
	in, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p.command = []string{"sh", "-c", fmt.Sprintf("exec cat /proc/%d/fd/%d", os.Getpid(), in.Fd())}
	ended := make(chan error, 1)
	go func() { ended <- p.run(t.Context()) }()
	conn := connect(t, p.control)
	answers := bufio.NewScanner(conn)
	for order, want := range map[string]string{
		"down delay 5ms rate 1mbit": "ok",
		"colour red":                "error: colour: there is no such setting",
		"state":                     "up came 0 passed 0 lost 0 overflown 0 bytes 0 late 0 backlog 0s; down came 0 ",
	} {
		if _, err := fmt.Fprintln(conn, order); err != nil {
			t.Fatal(err)
		}
		if !answers.Scan() || !strings.HasPrefix(answers.Text(), want) {
			t.Errorf("%s: answer is %q", order, answers.Text())
		}
	}
	_ = write.Close() // the program ends
	if err := <-ended; err != nil {
		t.Error(err)
	}
	_ = in.Close()
}

func connect(t *testing.T, path string) net.Conn {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); <-tick.C {
		if conn, err := net.Dial("unix", path); err == nil {
			_ = conn.SetDeadline(deadline)
			t.Cleanup(func() { _ = conn.Close() })
			return conn
		}
	}
	t.Fatal("nobody listens for control")
	return nil
}

func TestRunTellsFaults(t *testing.T) {
	folder := t.TempDir()
	script := filepath.Join(folder, "script")
	if err := os.WriteFile(script, []byte("at 1s colour red"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, p := range map[string]plan{
		"what should run?": {},
		"-set: loss":       {command: []string{"true"}, settings: "loss"},
		"script: line 1":   {command: []string{"true"}, script: script},
		"no such file":     {command: []string{"true"}, script: "/nowhere"},
		"executable file":  {command: []string{"no-such-program"}},
	} {
		if err := p.run(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q in it", err, want)
		}
	}
}
