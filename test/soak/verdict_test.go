package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

// quiet is a run in which nothing grows: 80 samples, some of them between rounds.
func quiet() (before sample, samples []sample) {
	before = sample{memory: 50 * mebibyte, heap: 16 * mebibyte, goroutines: 25, handles: 24}
	steady := sample{memory: 80 * mebibyte, heap: 40 * mebibyte, goroutines: 200, handles: 60, transports: 16, sessions: 2}
	for i := range 80 {
		s := steady
		if i%10 == 9 { // a moment between rounds
			s = before
		}
		samples = append(samples, s)
	}
	return before, samples
}

func TestFlatRunPasses(t *testing.T) {
	before, samples := quiet()
	v := judge(brief, before, samples, before, false)
	if err := v.err(); err != nil {
		t.Error(err)
	}
	var table strings.Builder
	v.print(&table)
	for _, part := range []string{"80.0 MiB", "92.0 MiB", "last third", "sessions"} {
		if !strings.Contains(table.String(), part) {
			t.Errorf("no %q in:\n%s", part, table.String())
		}
	}
}

// Whatever grows while people come and go, or stays when they have gone, fails the run and is named.
func TestGrowthFails(t *testing.T) {
	for _, r := range rows {
		before, samples := quiet()
		more := 2 * (r.allowed(samples[10][r.measure], brief) - samples[10][r.measure])
		for i := range samples {
			samples[i][r.measure] += more * float64(i) / float64(len(samples)) * 2
		}
		if err := judge(brief, before, samples, before, false).err(); err == nil || !strings.HasPrefix(err.Error(), r.name+" grew") {
			t.Errorf("%s grows: %v", r.name, err)
		}
		before, samples = quiet()
		after := before
		after[r.measure] += r.atRest + 1
		if err := judge(brief, before, samples, after, false).err(); err == nil || !strings.HasPrefix(err.Error(), r.name+": ") {
			t.Errorf("%s stays: %v", r.name, err)
		}
	}
}

func TestLook(t *testing.T) {
	var text strings.Builder
	for i, m := range metrics {
		fmt.Fprintf(&text, "# TYPE %s gauge\n%s %de+01\n%s_other 7\n", m, m, i+1, m)
	}
	answer := text.String()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, answer) }))
	defer server.Close()
	s, err := probe{server.URL, os.Getpid()}.look(context.Background())
	if err != nil || s[memory] != 10 || s[packets] != 60 || s[handles] < 3 {
		t.Errorf("%v, %v", s, err)
	}
	answer = strings.ReplaceAll(answer, metrics[goroutines], "renamed")
	if _, err := (probe{server.URL, os.Getpid()}).look(context.Background()); err == nil {
		t.Error("a metric that is not there is taken as zero")
	}
}

// In a short run memory may still be growing into its place; in a long one it may not.
func TestBriefRunLeavesMemoryRoom(t *testing.T) {
	before, samples := quiet()
	for i := range samples[40:] {
		samples[40+i][memory] += 20 * mebibyte
	}
	if err := judge(brief-1, before, samples, before, false).err(); err != nil {
		t.Errorf("a short run: %v", err)
	}
	if judge(brief, before, samples, before, false).err() == nil {
		t.Error("a long run passes")
	}
}

// What a race detector keeps is not judged; everything else is.
func TestRaceBuiltServerMayKeepMemory(t *testing.T) {
	before, samples := quiet()
	after := before
	after[memory] *= 4
	if err := judge(brief, before, samples, after, true).err(); err != nil {
		t.Error(err)
	}
	after[handles] += 10
	if judge(brief, before, samples, after, true).err() == nil {
		t.Error("handles that stay pass")
	}
}

func TestNegativeMeasuresAndChangedGaugesFail(t *testing.T) {
	value := "0"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for _, m := range metrics {
			fmt.Fprintf(w, "# TYPE %s gauge\n%s %s\n", m, m, value)
		}
	}))
	defer server.Close()
	p := probe{server.URL, os.Getpid()}
	before, err := p.gauges(t.Context())
	if err != nil || len(before) != 3 {
		t.Fatal(before, err)
	}
	value = "2"
	after, err := p.gauges(t.Context())
	if err != nil || len(changed(before, after)) != 3 || len(changed(after, after)) != 0 {
		t.Error(changed(before, after), err)
	}
	value = "-1"
	if _, err := p.look(t.Context()); err == nil || !strings.Contains(err.Error(), "negative") {
		t.Errorf("a negative measure: %v", err)
	}
}
