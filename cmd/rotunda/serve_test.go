package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestFirstAndLaterStarts(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "data")
	first := start(t, dir, "--demo")
	key := first.key()
	if !regexp.MustCompile(`^KEY[0-9a-f]{32}_[0-9A-Za-z_-]{32}$`).MatchString(key) {
		t.Errorf("first start printed no key: %s", first.stdout)
	}
	if !strings.Contains(first.lines["data"], dir) || !strings.Contains(first.lines["data"], "made now") {
		t.Errorf("data: %s", first.lines["data"])
	}
	first.call("GET", "/healthz", "", "", http.StatusOK, nil)
	var room struct{ ID string }
	first.call("POST", "/v2/rooms", key, `{"unique_name": "tea"}`, http.StatusCreated, &room)
	link := first.lines["open"]
	first.stop()
	if strings.Contains(first.stderr.String(), key) {
		t.Error("the key is in the log")
	}

	second := start(t, dir, "--demo")
	if strings.Contains(second.stdout, "KEY") || !strings.Contains(second.lines["API key"], "rotunda key create --data "+dir) {
		t.Errorf("second start printed: %s", second.lines["API key"])
	}
	if strings.Contains(second.lines["data"], "made now") {
		t.Errorf("second start made the data directory: %s", second.lines["data"])
	}
	second.call("GET", "/v2/rooms/"+room.ID, key, "", http.StatusOK, nil)
	_, before, _ := strings.Cut(link, "/#demo=")
	if _, after, _ := strings.Cut(second.lines["open"], "/#demo="); after != before || before == "" {
		t.Errorf("the demo link changed from %s to %s", link, second.lines["open"])
	}
	if runtime.GOOS == "windows" {
		return
	}
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if info, err := entry.Info(); err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("others have access to %s: %v", path, info.Mode())
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestGreetingHasSixLinesAndTheSetupLink(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir)
	if n := strings.Count(s.stdout, "\n"); n != 7 {
		t.Errorf("%d lines:\n%s", n, s.stdout)
	}
	link := regexp.MustCompile(`^` + s.url + `/portal/setup#([0-9A-Za-z_-]{43})  `).FindStringSubmatch(s.lines["setup"])
	if link == nil {
		t.Fatalf("setup: %s", s.lines["setup"])
	}
	s.stop()
	if again := start(t, dir); strings.Contains(again.lines["setup"], link[1]) {
		t.Error("the next start prints the same link")
	} else {
		s = again
	}
	_, secret, _ := strings.Cut(strings.Fields(s.lines["setup"])[0], "#")
	s.call("POST", "/v2/portal_session/actions/use_link", "", `{"link_secret":"`+link[1]+`","password":"correct horse battery","email":"a@b","name":"A"}`,
		http.StatusForbidden, nil)
	s.call("POST", "/v2/portal_session/actions/use_link", "", `{"link_secret":"`+secret+`","password":"correct horse battery","email":"a@b","name":"A"}`,
		http.StatusCreated, nil)

	code, listed, stderr := command(t, nil, "member", "list", "--data="+dir)
	if code != 0 || !strings.Contains(listed, "a@b") {
		t.Errorf("listed %q, %s", listed, stderr)
	}
	code, reset, stderr := command(t, nil, "member", "reset", "A@B", "--data="+dir)
	if code != 0 {
		t.Fatal(stderr)
	}
	_, secret, _ = strings.Cut(strings.TrimSpace(reset), "/portal/password#")
	s.call("POST", "/v2/portal_session/actions/use_link", "", `{"link_secret":"`+secret+`","password":"staple battery horse"}`, http.StatusCreated, nil)
	s.call("POST", "/v2/portal_session", "", `{"email":"a@b","password":"correct horse battery"}`, http.StatusUnauthorized, nil)
	s.stop()
	if s = start(t, dir); s.lines["setup"] != "" {
		t.Errorf("with an owner, still %s", s.lines["setup"])
	}
}

func TestConfiguredKey(t *testing.T) {
	const key = "tea-at-four-for-everybody"
	dir := t.TempDir()
	s := start(t, dir, "--api-key="+key)
	if strings.Contains(s.stdout, "KEY") || strings.Contains(s.stdout, key) {
		t.Errorf("a key was printed:\n%s", s.stdout)
	}
	s.call("GET", "/v2/rooms", key, "", http.StatusOK, nil)
	s.call("GET", "/v2/rooms", key+"x", "", http.StatusUnauthorized, nil)
	s.stop()

	s = start(t, dir)
	s.call("GET", "/v2/rooms", key, "", http.StatusUnauthorized, nil)
	s.call("GET", "/v2/rooms", s.key(), "", http.StatusOK, nil)
}

func TestKeyCreateBesideARunningServer(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir)
	code, stdout, stderr := command(t, []string{"ROTUNDA_DATA=" + dir}, "key", "create", "--name=backend")
	if code != 0 {
		t.Fatal(stderr)
	}
	s.call("GET", "/v2/rooms", strings.TrimSpace(stdout), "", http.StatusOK, nil)
}

func TestKeyCreateNeedsAServersDirectory(t *testing.T) {
	dir := t.TempDir()
	code, _, stderr := command(t, nil, "key", "create", "--data="+dir)
	if code != 1 || !strings.Contains(stderr, "--data") {
		t.Errorf("ended with %d: %s", code, stderr)
	}
	if entries, _ := os.ReadDir(dir); len(entries) > 0 {
		t.Errorf("it left %v", entries)
	}
}

func TestDemo(t *testing.T) {
	s := start(t, t.TempDir(), "--demo")
	link := regexp.MustCompile(`^` + s.url + `/#demo=([0-9A-Za-z_-]{43})$`).FindStringSubmatch(s.lines["open"])
	if link == nil {
		t.Fatalf("open: %s", s.lines["open"])
	}
	var tokens struct {
		RoomID string `json:"room_id"`
		Token  string
	}
	s.call("POST", "/demo/token", "", fmt.Sprintf(`{"secret": %q}`, link[1]), http.StatusCreated, &tokens)
	var room struct {
		UniqueName      string `json:"unique_name"`
		MaxParticipants int    `json:"max_participants"`
	}
	s.call("GET", "/v2/rooms/"+tokens.RoomID, s.key(), "", http.StatusOK, &room)
	if room.UniqueName != "demo" || room.MaxParticipants != 50 {
		t.Errorf("demo room %+v", room)
	}
	s.call("POST", "/demo/token", "", `{"secret": "guess"}`, http.StatusForbidden, nil)
}

func TestNoDemoUnlessAsked(t *testing.T) {
	s := start(t, t.TempDir())
	s.call("POST", "/demo/token", "", `{"secret": ""}`, http.StatusNotFound, nil)
	if strings.Contains(s.stdout, "demo") {
		t.Errorf("printed:\n%s", s.stdout)
	}
}

// Every way a start can fail says first what failed, and last what to do.
func TestFailedStarts(t *testing.T) {
	busy := start(t, t.TempDir(), "--metrics=127.0.0.1:0")
	_, busyPort, _ := strings.Cut(busy.url, "//")
	media, err := net.ListenPacket("udp4", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer media.Close()
	mediaPort := media.LocalAddr().(*net.UDPAddr).Port
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	damaged := t.TempDir()
	if err := os.WriteFile(filepath.Join(damaged, "rotunda.db"), []byte(strings.Repeat("no database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	foreign := t.TempDir()
	start(t, foreign).stop()
	if err := os.Remove(filepath.Join(foreign, "root.key")); err != nil {
		t.Fatal(err)
	}
	inUse := strings.TrimSuffix(busy.lines["data"], " (made now)")

	for _, c := range []struct {
		name string
		args []string
		want []string
	}{
		{"HTTP port in use", []string{"--http=" + busyPort}, []string{"listen on " + busyPort, "--http"}},
		{"metrics port in use", []string{"--metrics=" + busyPort}, []string{"listen on " + busyPort, "--metrics"}},
		{"media port in use", []string{fmt.Sprintf("--rtc-udp-port=%d", mediaPort)}, []string{fmt.Sprint("media port ", mediaPort), "--rtc-udp-port"}},
		{"data directory in use", []string{"--data=" + inUse}, []string{"data directory", "in use by another server", "--data"}},
		{"data directory is a file", []string{"--data=" + file}, []string{"make data directory", "--data"}},
		{"damaged database", []string{"--data=" + damaged}, []string{"database", "damaged"}},
		{"another root key", []string{"--data=" + foreign}, []string{"signing key", "root key"}},
		{"an address of another machine", []string{"--http=192.0.2.77:8080"}, []string{"listen on 192.0.2.77:8080", "--http"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := append([]string{"serve", "--http=127.0.0.1:0", "--rtc-udp-port=0", "--metrics=off", "--data=" + t.TempDir()}, c.args...)
			code, stdout, stderr := command(t, nil, args...)
			if code != 1 {
				t.Errorf("ended with %d", code)
			}
			if strings.Contains(stdout, "KEY") {
				t.Errorf("a start that failed printed a key:\n%s", stdout)
			}
			for _, want := range c.want {
				if !strings.Contains(stderr, want) {
					t.Errorf("%q does not say %q", stderr, want)
				}
			}
		})
	}

	busy.call("GET", "/healthz", "", "", http.StatusOK, nil)
}

func TestSignalsStopAtOnceWhenIdle(t *testing.T) {
	for _, sig := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		t.Run(sig.String(), func(t *testing.T) {
			s := startProcess(t, t.TempDir(), "--drain-timeout=30s")
			if err := s.cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			// wait gives up long before the drain timeout would end
			if code := s.wait(); code != 0 {
				t.Errorf("ended with %d:\n%s", code, s.stderr)
			}
		})
	}
}

// hang begins a request that the server waits for when it stops.
func hang(t *testing.T, s *server) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_, err = fmt.Fprintf(conn, "POST /v2/rooms HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"+
		"Content-Type: application/json\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n", s.key())
	if err != nil {
		t.Fatal(err)
	}
	// The server asks for the body once it is in the handler.
	if _, err := io.ReadFull(conn, make([]byte, len("HTTP/1.1 100 Continue"))); err != nil {
		t.Fatal(err)
	}
}

func TestStopWaitsNoLongerThanItMay(t *testing.T) {
	s := startProcess(t, t.TempDir(), "--drain-timeout=1s")
	hang(t, s)
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := s.wait(); code != 0 {
		t.Errorf("ended with %d:\n%s", code, s.stderr)
	}
	if !strings.Contains(s.stderr.String(), "requests were cut off") {
		t.Errorf("the log says nothing of it:\n%s", s.stderr)
	}
}

func TestSecondSignalStopsAtOnce(t *testing.T) {
	s := startProcess(t, t.TempDir(), "--drain-timeout=1h")
	hang(t, s)
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	s.await("stopping")
	ended := make(chan struct{})
	go func() { // again until it is heard: the line is written a moment before the next signal counts
		again := time.NewTicker(20 * time.Millisecond)
		defer again.Stop()
		for {
			select {
			case <-again.C:
				_ = s.cmd.Process.Signal(syscall.SIGTERM)
			case <-ended:
				return
			}
		}
	}()
	code := s.wait()
	close(ended)
	if code != -1 {
		t.Errorf("ended with %d, not by the signal", code)
	}
}

func TestMetricsListener(t *testing.T) {
	port := freePort(t)
	s := start(t, t.TempDir(), "--metrics="+port)
	answer, err := client.Get("http://" + port + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	for _, want := range []string{"rotunda_build_info", "rotunda_media_transports 0", "go_goroutines"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
	page, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	served := regexp.MustCompile(`(?m)^# TYPE (rotunda_\w+)`).FindAllStringSubmatch(string(text), -1)
	if rows := strings.Count(string(page), "| `rotunda_"); rows != len(served) {
		t.Errorf("%d metrics are served, %d described", len(served), rows)
	}
	for _, metric := range served {
		if !strings.Contains(string(page), "| `"+metric[1]+"` |") {
			t.Errorf("docs/operating.md does not describe %s", metric[1])
		}
	}
	checkDashboard(t, string(text))
	s.call("GET", "/metrics/nope", "", "", http.StatusNotFound, nil)
}

// freePort returns an address nobody uses. It is on a loopback IP of its own, so that no connection another program makes
// meanwhile takes the port.
func freePort(t *testing.T) string {
	t.Helper()
	ip := net.IPv4(127, byte(1+rand.N(254)), byte(rand.N(255)), byte(1+rand.N(254)))
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: ip})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// What cannot work however often it is tried ends with a code of its own, so that a service is not started again and again.
func TestWrongCommandLinesAndSettings(t *testing.T) {
	for _, c := range []struct {
		args, env []string
		want      string
	}{
		{[]string{"serve", "--demo", "--http=0.0.0.0:0"}, nil, "--demo=public"},
		{[]string{"serve", "--log-level=loud"}, nil, "--log-level must be one of"},
		{[]string{"serve", "--drain-timeout=5"}, nil, "--drain-timeout must be a time from 1s to 1h, such as"},
		{[]string{"serve", "--history-retention=1m"}, nil, "from 1h to 87600h"},
		{[]string{"serve", "--config=" + t.TempDir() + "/none"}, nil, "no such file"},
		{[]string{"serve"}, []string{"ROTUNDA_RATE_LIMIT=5"}, "ROTUNDA_RATE_LIMIT must be"},
		{[]string{"serve", "--htp=:1"}, nil, "--http\"?; see rotunda serve --help"},
		{[]string{"serv"}, nil, "\"serve\"?; see rotunda --help"},
		{[]string{"key"}, nil, "see rotunda key --help"},
		{[]string{"key", "create", "--rights=king"}, nil, "see rotunda key create --help"},
		{[]string{"key", "create", "--expires=yesterday"}, nil, "--expires \"yesterday\" is no time to come"},
		{[]string{"erase", "--yes"}, nil, "--participant=ID or --context=TEXT; see rotunda erase --help"},
		{[]string{"migrate", "plan", "--database-url=mysql://x"}, nil, "--database-url must be"},
	} {
		code, _, stderr := command(t, c.env, c.args...)
		if code != 2 || !strings.Contains(stderr, c.want) {
			t.Errorf("%v ended with %d and said %q, want 2 and %q", c.args, code, stderr, c.want)
		}
	}
}
