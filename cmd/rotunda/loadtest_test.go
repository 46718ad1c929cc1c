package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/rotunda-rtc/rotunda/internal/loadtest"
)

// loadTest runs the command against a server and returns its report.
func loadTest(t *testing.T, s *server, args ...string) (*loadtest.Report, string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "report.json")
	args = append([]string{
		"loadtest", s.url, "--publishers=2", "--subscribers=3", "--ramp-up=200ms", "--duration=1s", "--json=" + file,
		"--server-pid=" + strconv.Itoa(s.cmd.Process.Pid),
	}, args...)
	code, stdout, stderr := command(t, []string{"ROTUNDA_API_KEY=" + s.key()}, args...)
	if code != 0 {
		t.Fatalf("ended with %d:\n%s%s\n%s", code, stdout, stderr, s.stderr)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var report loadtest.Report
	if err := json.Unmarshal(content, &report); err != nil {
		t.Fatalf("%v:\n%s", err, content)
	}
	for _, part := range []string{`"plan"`, `"joins"`, `"packets"`, `"delivery"`, `"latency_ms"`, `"server"`, `"generator"`, `"errors"`} {
		if !strings.Contains(string(content), "\n  "+part) {
			t.Errorf("the JSON has no %s:\n%s", part, content)
		}
	}
	return &report, stdout + stderr
}

// What publishers send is what subscribers get, every packet of it.
func TestLoadtestAddsUp(t *testing.T) {
	s := startProcess(t, t.TempDir())
	r, said := loadTest(t, s)
	if r.Joins.Joined != 5 || r.Joins.Failed != 0 || len(r.Errors) != 0 {
		t.Errorf("joins %+v, errors %v", r.Joins, r.Errors)
	}
	for name, times := range map[string]loadtest.Times{"first": r.Joins.First, "picture": r.Joins.Picture, "whole": r.Joins.Whole} {
		if times.Count != 3 || times.P50 <= 0 || times.P99 < times.P50 || times.Max < times.P99 {
			t.Errorf("%s: %+v", name, times)
		}
	}
	if r.Joins.Published.Count != 2 || r.Joins.Published.P50 <= 0 {
		t.Errorf("publishing: %+v", r.Joins.Published)
	}
	if r.Delivery.Received == 0 || r.Delivery.Received != r.Delivery.Expected {
		t.Errorf("delivered %d of %d", r.Delivery.Received, r.Delivery.Expected)
	}
	p := r.Packets
	if p.Received != p.Forwarded || p.Lost != 0 || p.Unauthentic != 0 || p.Decrypted == 0 {
		t.Errorf("packets: %+v", p)
	}
	// 50 packets of sound and 136 of video a second of each publisher, to three subscribers each.
	if ratio := float64(p.Received) / float64(p.Sent); p.Sent == 0 || ratio < 2.5 || ratio > 3.5 {
		t.Errorf("%d packets were sent and %d received", p.Sent, p.Received)
	}
	if l := r.Latency; l.Samples == 0 || l.P50 <= 0 || l.P95 < l.P50 || l.P99 < l.P95 || l.Max < l.P99 {
		t.Errorf("latency %+v", l)
	}
	if r.Generator.Cores <= 0 && runtime.GOOS == "linux" {
		t.Errorf("generator %+v", r.Generator)
	}
	if runtime.GOOS == "linux" && (r.Server == nil || r.Server.Cores <= 0 || r.Server.MicrosPerPacket <= 0 || r.Server.MemoryBytes == 0) {
		t.Errorf("server %+v", r.Server)
	}
	for _, line := range []string{"/5  sent ", "5 joined, 0 failed", "CPU per forwarded packet", "(100.000 %)"} {
		if !strings.Contains(said, line) {
			t.Errorf("no %q in:\n%s", line, said)
		}
	}
	var rooms []any
	s.call("GET", "/v2/rooms", s.key(), "", 200, &rooms)
	if len(rooms) != 0 {
		t.Errorf("rooms are left behind: %v", rooms)
	}
}

// What the emulated network loses is missing where nobody asks for it again, and is mended where they do.
func TestLoadtestEmulatesANetwork(t *testing.T) {
	s := startProcess(t, t.TempDir())
	sound, _ := loadTest(t, s, "--video-kbps=0", "--loss=10", "--delay=10ms")
	missing := 1 - float64(sound.Delivery.Received)/float64(sound.Delivery.Expected)
	if sound.Delivery.Expected < 200 || missing < 0.08 || missing > 0.35 { // 0.19 by the odds of both ways
		t.Errorf("%.0f %% of sound is missing: %+v", 100*missing, sound.Delivery)
	}
	if sound.Packets.EmulatedUp == 0 || sound.Packets.EmulatedDn == 0 || sound.Packets.Forwarded <= sound.Packets.Received {
		t.Errorf("packets %+v", sound.Packets)
	}
	if sound.Latency.P50 < 20 {
		t.Errorf("two delays of 10 ms make a latency of %v ms", sound.Latency.P50)
	}
	video, _ := loadTest(t, s, "--audio-kbps=0", "--loss=5")
	missing = 1 - float64(video.Delivery.Received)/float64(video.Delivery.Expected)
	if video.Packets.Repaired == 0 || video.Packets.Resent == 0 || missing > 0.05 {
		t.Errorf("%.1f %% of video is missing: %+v", 100*missing, video.Packets)
	}
}

// With churn people come back and get media again; with simulcast they get the layer they ask for.
func TestLoadtestChurnAndSimulcast(t *testing.T) {
	s := startProcess(t, t.TempDir())
	r, _ := loadTest(t, s, "--churn=240", "--simulcast=3", "--quality=low")
	if r.Joins.Left == 0 || r.Joins.Joined < 5+r.Joins.Left/2 || r.Joins.Failed != 0 || len(r.Errors) != 0 {
		t.Errorf("joins %+v, errors %v", r.Joins, r.Errors)
	}
	if p := r.Packets; p.Received == 0 || p.Sent < 100 {
		t.Errorf("packets %+v", p)
	}
}

// underWay starts a load test with three people, and returns when all of them are in a session.
func underWay(ctx context.Context, t *testing.T, s *server, args ...string) (session string, ended chan int, said *lockedBuffer) {
	t.Helper()
	ended, said = make(chan int, 1), new(lockedBuffer)
	args = append([]string{"loadtest", s.url, "--subscribers=2", "--ramp-up=0s", "--api-key=" + s.key()}, args...)
	go func() { ended <- run(ctx, args, nil, said, said) }()
	eventually(t, "three people are in", func() bool {
		var sessions []struct {
			ID string `json:"id"`
		}
		s.call("GET", "/v2/room_sessions?filter[active]=true", s.key(), "", 200, &sessions)
		if len(sessions) == 0 {
			return false
		}
		session = sessions[0].ID
		var people []any
		s.call("GET", "/v2/room_sessions/"+session+"/participants", s.key(), "", 200, &people)
		return len(people) == 3
	})
	return session, ended, said
}

// Whoever is thrown out while it runs makes it fail, and the report is there nonetheless.
func TestLoadtestLosesParticipants(t *testing.T) {
	s := start(t, t.TempDir())
	file := filepath.Join(t.TempDir(), "report.json")
	session, ended, said := underWay(t.Context(), t, s, "--duration=3s", "--json="+file)
	s.call("POST", "/v2/room_sessions/"+session+"/actions/kick", s.key(), `{"participants": "all"}`, 200, nil)
	if code := <-ended; code != 1 || !strings.Contains(said.String(), "rotunda: load test: participants") {
		t.Errorf("ended with %d:\n%s", code, said)
	}
	if content, err := os.ReadFile(file); err != nil || !strings.Contains(string(content), "4001 kicked") {
		t.Errorf("%v:\n%s", err, content)
	}
}

// An interrupted run leaves nobody and no room behind.
func TestLoadtestIsInterrupted(t *testing.T) {
	s := start(t, t.TempDir())
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	session, ended, said := underWay(ctx, t, s, "--duration=5m")
	interrupt()
	if code := <-ended; code != 1 || !strings.Contains(said.String(), "interrupted") {
		t.Errorf("ended with %d:\n%s", code, said)
	}
	var rooms []any
	s.call("GET", "/v2/rooms", s.key(), "", 200, &rooms)
	if len(rooms) != 0 {
		t.Errorf("rooms are left behind: %v", rooms)
	}
	eventually(t, "the session has ended", func() bool {
		var after struct {
			Active bool `json:"active"`
		}
		s.call("GET", "/v2/room_sessions/"+session, s.key(), "", 200, &after)
		return !after.Active
	})
}

func TestLoadtestFails(t *testing.T) {
	s := start(t, t.TempDir())
	for _, c := range []struct {
		args   []string
		code   int
		stderr string
	}{
		{nil, 2, "<url>"},
		{[]string{s.url}, 2, "an API key is needed"},
		{[]string{s.url, "--api-key=" + s.key(), "--subscribers=50"}, 2, "a room holds 50"},
		{[]string{s.url, "--api-key=no-such-key"}, 1, "401"},
		{[]string{s.url, "--api-key=" + s.key(), "--server-pid=1073741824"}, 1, "usage of process"},
		{[]string{"http://" + freePort(t), "--api-key=x"}, 1, "refused"},
	} {
		code, _, stderr := command(t, nil, append([]string{"loadtest"}, c.args...)...)
		if code != c.code || !strings.Contains(stderr, c.stderr) {
			t.Errorf("%v: ended with %d\n%s", c.args, code, stderr)
		}
	}
}

// docs/loadtest.md names every flag with its default, and every part of the JSON.
func TestLoadtestIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/loadtest.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{} // by the first cell: the whole row
	for line := range strings.Lines(string(page)) {
		if cells := strings.Split(line, "|"); len(cells) > 2 {
			rows[strings.Trim(cells[1], " `")] = line
		}
	}
	parser := kong.Must(new(commands), kong.Vars{"key_name": ""})
	flags := 0
	for _, c := range parser.Model.Children {
		if c.Name != "loadtest" {
			continue
		}
		for _, f := range c.Flags {
			flags++
			row := rows["--"+f.Name]
			if row == "" || f.Default != "" && f.Name != "nack" && !strings.Contains(row, "| `"+f.Default+"` |") {
				t.Errorf("--%s (default %q) is not in the table as it is: %q", f.Name, f.Default, row)
			}
		}
	}
	if flags < 10 {
		t.Errorf("the command has %d flags", flags)
	}
	report := reflect.TypeFor[loadtest.Report]()
	for i := range report.NumField() {
		if name := report.Field(i).Tag.Get("json"); rows[name] == "" {
			t.Errorf("%s of the JSON is not in the table", name)
		}
	}
}

func TestLoadtestProgress(t *testing.T) {
	var terminal, file strings.Builder
	live, plain := progressLine{w: &terminal, live: true}, progressLine{w: &file}
	for i := range 2 * plainEvery {
		p := loadtest.Progress{Elapsed: time.Duration(i) * time.Second, Seats: 5, SentPerSecond: 1000}
		if i > 0 {
			p.SentPerSecond = 10
		}
		live.show(p)
		plain.show(p)
	}
	live.end()
	plain.end()
	if lines := strings.Split(terminal.String(), "\r"); len(lines) != 2*plainEvery+1 || len(lines[2]) != len(lines[1]) || !strings.HasSuffix(lines[10], "\n") {
		t.Errorf("on a terminal each line must cover the one before: %q", lines)
	}
	if text := file.String(); strings.Count(text, "\n") != 2 || strings.Contains(text, "\r") {
		t.Errorf("elsewhere: %q", text)
	}
}
