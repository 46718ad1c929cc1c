//go:build linux

package main

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/test/link"
)

var began = time.Unix(1_000_000, 0)

// clock is a time of the schedule as pages tell it.
func clock(seconds float64) float64 { return float64(began.UnixMilli()) + 1000*seconds }

// sampled is a page's sample.
func sampled(at float64, reports ...report) (s struct {
	At      float64  `json:"at"`
	Reports []report `json:"reports"`
},
) {
	s.At, s.Reports = clock(at), reports
	return s
}

// steady is a call of so many seconds: ten pictures a second but for the pause, 1 Mbit/s but for the pause, and a tenth of the sound made up in the first half.
func steady(length, pauseFrom, pauseUntil float64) *raw {
	r := &raw{began: began, asked: began.Add(-3 * time.Second), busy: 0.5}
	var bytes, samples, concealed, frames float64
	for i := -10; i <= int(10*length)+5; i++ {
		at := float64(i) / 10
		paused := at > pauseFrom && at < pauseUntil
		if !paused {
			r.viewer.Frames = append(r.viewer.Frames, clock(at))
			bytes, frames = bytes+12_500, frames+1
		}
		samples += 4800
		if at <= length/2 {
			concealed += 480
		}
		if i%2 == 0 {
			r.viewer.Samples = append(r.viewer.Samples, sampled(
				at,
				report{Type: "inbound-rtp", Kind: "video", SSRC: 1, BytesReceived: bytes, FramesDecoded: frames, FrameHeight: 540, NackCount: 3},
				report{Type: "inbound-rtp", Kind: "audio", SSRC: 2, TotalSamplesReceived: samples, ConcealedSamples: concealed},
				report{Type: "candidate-pair", CurrentRoundTripTime: 0.05},
			))
			r.publisher.Samples = append(r.publisher.Samples, sampled(
				at,
				report{Type: "outbound-rtp", Kind: "video", SSRC: 3, BytesSent: 2 * bytes, FramesEncoded: frames},
				report{Type: "outbound-rtp", Kind: "video", SSRC: 4, BytesSent: bytes, FramesEncoded: frames / 2},
			))
		}
		if at >= 0 {
			r.link = append(r.link, linkSample{
				at: began.Add(time.Duration(at * float64(time.Second))), tcp: int64(i) * 1000,
				down: link.State{Counts: link.Counts{Came: uint64(10 * i), Lost: uint64(i)}, Backlog: 7 * time.Millisecond},
			})
		}
	}
	return r
}

func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if !(math.Abs(got-want) <= within) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func TestReduce(t *testing.T) {
	sc := scenario{Name: "x", Title: "x", Length: 20 * time.Second, Script: "at 0s rate 2mbit\nat 10s outage on\nat 12s outage off"}
	f, err := reduce(sc, viewerSide, "rotunda", steady(20, 10, 13))
	if err != nil {
		t.Fatal(err)
	}
	near(t, "join", f.Join, 2, 1e-3)
	near(t, "frames", float64(f.Frames), 170, 2)
	near(t, "frame rate", f.FrameRate, 8.5, 0.1)
	near(t, "longest gap", f.LongestGap, 3, 0.01)
	near(t, "gaps over half a second", float64(f.GapsOverHalf), 1, 0)
	near(t, "concealed", f.Concealed, 0.05, 0.001)
	near(t, "worst second", f.WorstSecond, 0.1, 0.001)
	near(t, "bit rate", f.BitRate, 850_000, 20_000)
	near(t, "height", float64(f.Height), 540, 0)
	near(t, "RTT", f.RTT, 50, 0.1)
	near(t, "encoded a second", f.SentFrames, 8.5, 0.2)
	near(t, "queue delay", f.QueueDelay, 7, 0)
	near(t, "loss of the link", f.LinkLoss, 0.1, 1e-9)
	if f.NACKs != 0 { // all three were before the beginning
		t.Errorf("%d NACKs", f.NACKs)
	}
	if len(f.Changes) != 2 {
		t.Fatalf("changes are %+v", f.Changes)
	}
	near(t, "gap of the first change", f.Changes[0].LongestGap, 2, 0.01)
	near(t, "gap of the second", f.Changes[1].LongestGap, 1, 0.01)
	near(t, "rate regained", f.Changes[1].Regained, 1.8, 0.21)
	if f.Changes[0].Regained != -1 {
		t.Errorf("the rate was regained in an outage, after %v s", f.Changes[0].Regained)
	}
	middle := f.Series[len(f.Series)/4]
	near(t, "rate in between", middle.BitRate, 1_000_000, 1000)
	near(t, "sent in between", middle.Sent, 3_000_000, 3000)
}

// A page that is disconnected tells of no sound any more: it is missing.
func TestReduceMissesSound(t *testing.T) {
	r := steady(20, 30, 30)
	for i := range r.viewer.Samples {
		if r.viewer.Samples[i].At > clock(15) {
			r.viewer.Samples[i].Reports = nil
		}
	}
	f, err := reduce(scenario{Name: "x", Length: 20 * time.Second, Script: "at 0s clear"}, viewerSide, "janus", r)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "concealed", f.Concealed, 0.05+0.25, 0.01)
	near(t, "worst second", f.WorstSecond, 1, 0)
}

func TestPauseUntilTheEndIsSeen(t *testing.T) {
	f, err := reduce(scenario{Name: "x", Length: 20 * time.Second, Script: "at 0s clear"}, viewerSide, "janus", steady(20, 12, 30))
	if err != nil {
		t.Fatal(err)
	}
	near(t, "longest gap", f.LongestGap, 8, 0.01)
	near(t, "gap at the end", f.lastGap(), 8, 0.01)
}

func TestReduceOfTCP(t *testing.T) {
	sc := scenario{Name: "x", Length: 20 * time.Second, Script: "at 0s clear", TCPFrom: 5 * time.Second, TCPUntil: 15 * time.Second}
	f, err := reduce(sc, viewerSide, "janus", steady(20, 30, 30))
	if err != nil {
		t.Fatal(err)
	}
	near(t, "rate of TCP", f.TCPBitRate, 8*205_000/10, 1)
	near(t, "TCP in between", f.Series[10].TCP, 80_000, 1)
	if len(f.Changes) != 2 || f.Changes[0].At != 5 || f.Changes[1].At != 15 {
		t.Errorf("changes are %+v", f.Changes)
	}
}

func TestCountersAddConnections(t *testing.T) {
	c := counters{}
	first := report{Connection: 0, Type: "inbound-rtp", Kind: "video", SSRC: 1, BytesReceived: 100, FrameHeight: 540}
	c.add([]report{first})
	again := report{Connection: 1, Type: "inbound-rtp", Kind: "video", SSRC: 1, BytesReceived: 10, FrameHeight: 270}
	if got := c.add([]report{again}); got.BytesReceived != 110 || got.height != 270 {
		t.Errorf("%v bytes, height %d", got.BytesReceived, got.height)
	}
	if got := c.add(nil); got.BytesReceived != 110 || got.height != 0 {
		t.Errorf("without connections %v bytes, height %d", got.BytesReceived, got.height)
	}
}

func TestJudge(t *testing.T) {
	// 1 Mbit/s comes through 500 kbit/s, and pictures come while the link is dead.
	f, err := reduce(short, viewerSide, "rotunda", steady(25, 30, 30))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.judge(); err == nil || !strings.Contains(err.Error(), "through 500 kbit/s") || !strings.Contains(err.Error(), "dead") {
		t.Errorf("error is %v", err)
	}
	if f, err = reduce(short, viewerSide, "rotunda", steady(25, 3, 8)); err != nil {
		t.Fatal(err)
	}
	if err := f.judge(); err != nil {
		t.Error(err)
	}
	if f, err = reduce(short, viewerSide, "rotunda", steady(25, 3, 30)); err != nil {
		t.Fatal(err)
	}
	if err := f.judge(); err == nil || !strings.Contains(err.Error(), "stands at the end") {
		t.Errorf("error is %v", err)
	}
}

func TestResultsAreWritten(t *testing.T) {
	folder := t.TempDir()
	r, err := load(folder)
	if err != nil || len(r) != 0 {
		t.Fatalf("an empty folder has %d results: %v", len(r), err)
	}
	for _, peer := range []string{"janus", "rotunda"} {
		f, err := reduce(scenarios[1], viewerSide, peer, steady(65, 20, 23))
		if err != nil {
			t.Fatal(err)
		}
		r.put(f, false)
		again := *f
		again.Busy = 0.9
		r.put(&again, true)
	}
	if err := r.write(folder); err != nil {
		t.Fatal(err)
	}
	again, err := load(folder)
	if err != nil || len(again) != 2 || again[0].Busy != 0.5 {
		t.Fatalf("%d results: %v", len(again), err)
	}
	again.put(&figures{Scenario: "drop", Side: viewerSide, Peer: "janus", Busy: 1}, false)
	if again[0].Busy != 1 {
		t.Error("a new measurement did not replace the old one")
	}
	graph, err := os.ReadFile(filepath.Join(folder, "drop-viewer.svg"))
	if err != nil {
		t.Fatal(err)
	}
	wellFormed(t, string(graph))
	if len(graph) > 60_000 || strings.Contains(string(graph), "NaN") || strings.Count(string(graph), "<path") < 8 {
		t.Errorf("the graph has %d bytes", len(graph))
	}
	table, err := os.ReadFile(filepath.Join(folder, "table.md"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(table)), "\n")
	if len(lines) != 4 || !strings.HasPrefix(lines[2], "| drop | viewer | rotunda | 2.0 s |") {
		t.Errorf("the table is\n%s", table)
	}
	for _, line := range lines {
		if strings.Count(line, "|") != strings.Count(lines[0], "|") {
			t.Errorf("a line has other columns: %s", line)
		}
	}
}

func wellFormed(t *testing.T, text string) {
	t.Helper()
	for decoder := xml.NewDecoder(strings.NewReader(text)); ; {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func TestScenariosAreInOrder(t *testing.T) {
	for _, sc := range append(scenarios, short) {
		schedule, err := sc.schedule()
		if err != nil {
			t.Error(err)
			continue
		}
		if schedule[0].At != 0 || schedule[len(schedule)-1].At >= sc.Length || sc.TCPUntil >= sc.Length {
			t.Errorf("%s does not begin at once, or is over too soon", sc.Name)
		}
	}
}

func TestChooseRefusesWhatIsUnknown(t *testing.T) {
	for want, p := range map[string]plan{
		`no scenario "rain"`: {scenarios: []string{"rain"}},
		`not "roof"`:         {scenarios: []string{"loss"}, sides: []string{"roof"}},
		`not "nobody"`:       {scenarios: []string{"loss"}, sides: []string{"viewer"}, servers: []string{"nobody"}},
	} {
		if _, err := p.choose(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q in it", err, want)
		}
	}
}
