package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// patience is how long the server may take to forget those who left.
const patience = time.Minute

// metrics are the names of what the server tells, in the order of a sample.
var metrics = [...]string{
	"process_resident_memory_bytes", "go_memstats_heap_inuse_bytes", "go_goroutines",
	"rotunda_media_transports", "rotunda_media_sessions", "rotunda_media_packets_sent_total",
}

// Places of a sample.
const (
	memory = iota
	heap
	goroutines
	transports
	sessions
	packets
	handles
	measures
)

// sample is all that is measured, at one moment.
type sample [measures]float64

// probe looks into a running server through its metrics listener and /proc.
type probe struct {
	url     string
	process int
}

// fresh keeps no connection, which would count as a handle and two goroutines of the server.
var fresh = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

func (p probe) get(ctx context.Context, path string) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+path, nil)
	if err != nil {
		return nil, err
	}
	response, err := fresh.Do(request)
	if err != nil {
		return nil, fmt.Errorf("look into the server: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		_ = response.Body.Close()
		return nil, fmt.Errorf("look into the server: %s", response.Status)
	}
	return response.Body, nil
}

func (p probe) look(ctx context.Context) (s sample, err error) {
	open, err := openHandles(p.process)
	if err != nil {
		return s, err
	}
	s[handles] = float64(open)
	body, err := p.get(ctx, "/metrics")
	if err != nil {
		return s, err
	}
	defer func() { _ = body.Close() }()
	found := 0
	for lines := bufio.NewScanner(body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		for i, m := range metrics {
			if name == m {
				if s[i], err = strconv.ParseFloat(value, 64); err != nil {
					return s, fmt.Errorf("read metrics: %w", err)
				}
				found++
			}
		}
	}
	if found != len(metrics) {
		return s, fmt.Errorf("read metrics: %d of %d are there", found, len(metrics))
	}
	return s, nil
}

// openHandles counts the handles of a process, but for those of SQLite: it keeps the connections to its database that it once needed, a few at most.
func openHandles(process int) (n int, err error) {
	dir := fmt.Sprintf("/proc/%d/fd", process)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, fmt.Errorf("count file handles: %w", err)
	}
	for _, e := range entries {
		target, err := os.Readlink(filepath.Join(dir, e.Name()))
		if err == nil && !strings.HasPrefix(filepath.Base(target), "rotunda.db") { // otherwise it was closed meanwhile
			n++
		}
	}
	return n, nil
}

// collect has the server collect its garbage, so that the heap is what is really in use.
func (p probe) collect(ctx context.Context) error {
	body, err := p.get(ctx, "/debug/pprof/heap?gc=1")
	if err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, body)
	return body.Close()
}

// rest waits until the server is at rest and looks at it then: nobody is there, nothing changes any more, and, given how it was before,
// it is as it was. If that does not come, the last look is what it is judged by.
func (p probe) rest(ctx context.Context, before *sample) (sample, error) {
	const steady = 5 // looks in a row
	var last sample
	for end, same := time.Now().Add(patience), 0; ; {
		if err := p.collect(ctx); err != nil {
			return last, err
		}
		now, err := p.look(ctx)
		if err != nil {
			return last, err
		}
		if same++; now[goroutines] != last[goroutines] || now[handles] != last[handles] || now[transports]+now[sessions] > 0 {
			same = 0
		}
		last = now
		if same >= steady && (before == nil || len(grownAtRest(*before, now)) == 0) {
			return last, nil
		}
		if time.Now().After(end) {
			if before == nil {
				return last, fmt.Errorf("the server did not come to rest within %v: %v", patience, now)
			}
			return last, nil
		}
		if err := pause(ctx, 300*time.Millisecond); err != nil {
			return last, err
		}
	}
}

// during looks every few seconds while something runs, and says once a minute how things stand.
func (p probe) during(ctx context.Context, duration time.Duration, load func(context.Context) error) (samples []sample, err error) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- load(ctx) }()
	every := min(5*time.Second, duration/60)
	tick := time.NewTicker(every)
	defer tick.Stop()
	begun := time.Now()
	told, sent := begun, float64(0)
	for {
		select {
		case err := <-ended:
			cancel()
			return samples, err
		case <-tick.C:
		}
		s, err := p.look(ctx)
		if err != nil {
			cancel()
			return nil, errors.Join(err, <-ended)
		}
		if len(samples) == 0 {
			sent = s[packets]
		}
		samples = append(samples, s)
		if now := time.Now(); now.Sub(told) >= time.Minute-every/2 {
			fmt.Fprintf(os.Stderr, "%4.0f min  memory %s  heap %s  goroutines %.0f  handles %.0f  connections %.0f  sessions %.0f  %.0f packets/s\n",
				now.Sub(begun).Minutes(), mebibytes(s[memory]), mebibytes(s[heap]), s[goroutines], s[handles], s[transports], s[sessions],
				(s[packets]-sent)/now.Sub(told).Seconds())
			told, sent = now, s[packets]
		}
	}
}

func mebibytes(n float64) string { return fmt.Sprintf("%.1f MiB", n/(1<<20)) }
