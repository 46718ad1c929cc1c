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
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// patience is how long the server may take to forget those who left.
const patience = time.Minute

// metrics are the names of what the server tells, in the order of a sample.
var metrics = [...]string{
	"process_resident_memory_bytes", "go_gc_heap_live_bytes", "go_goroutines",
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
		if strings.HasPrefix(value, "-") {
			return s, fmt.Errorf("a measure is negative: %s", lines.Text())
		}
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

// gauges are those of our own that say how many of something there are; all should be at rest what they were before.
func (p probe) gauges(ctx context.Context) (map[string]float64, error) {
	body, err := p.get(ctx, "/metrics")
	if err != nil {
		return nil, err
	}
	defer func() { _ = body.Close() }()
	found, gauge := map[string]float64{}, ""
	for lines := bufio.NewScanner(body); lines.Scan(); {
		words := strings.Fields(lines.Text())
		switch {
		case len(words) == 4 && words[1] == "TYPE":
			gauge = ""
			if words[3] == "gauge" && strings.HasPrefix(words[2], "rotunda_") && !strings.HasSuffix(words[2], "_ratio") {
				gauge = words[2]
			}
		case gauge != "" && len(words) == 2 && strings.HasPrefix(words[0], gauge):
			if found[words[0]], err = strconv.ParseFloat(words[1], 64); err != nil {
				return nil, fmt.Errorf("read metrics: %w", err)
			}
		}
	}
	if len(found) == 0 {
		return nil, errors.New("read metrics: there are no gauges")
	}
	return found, nil
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

// heapProfile has the server collect its garbage, so that the heap is what is really in use, and returns what that is.
func (p probe) heapProfile(ctx context.Context) ([]byte, error) {
	body, err := p.get(ctx, "/debug/pprof/heap?gc=1")
	if err != nil {
		return nil, err
	}
	profile, err := io.ReadAll(body)
	return profile, errors.Join(err, body.Close())
}

// rest waits until nobody is there any more and, given how it was before, until all is as it was, and returns the least of some looks in a row:
// what looks at the server is there itself for a moment. If that does not come, the last looks are what it is judged by.
func (p probe) rest(ctx context.Context, before *sample) (sample, error) {
	const enough = 8 // looks in a row
	var looks []sample
	for end := time.Now().Add(patience); ; {
		if _, err := p.heapProfile(ctx); err != nil {
			return sample{}, err
		}
		now, err := p.look(ctx)
		if err != nil {
			return now, err
		}
		looks = append(looks[max(0, len(looks)-enough+1):], now)
		lowest := least(looks)
		nobody := func(s sample) bool { return s[transports]+s[sessions] == 0 }
		calm := len(looks) == enough && !slices.ContainsFunc(looks, func(s sample) bool { return !nobody(s) })
		switch {
		case calm && (before == nil || len(grownAtRest(rows[1:], *before, lowest)) == 0):
			return lowest, nil
		case time.Now().After(end) && before == nil:
			return lowest, fmt.Errorf("the server did not come to rest within %v: %v", patience, now)
		case time.Now().After(end):
			return lowest, nil
		}
		if err := pause(ctx, 250*time.Millisecond); err != nil {
			return lowest, err
		}
	}
}

// least is the smallest of each measure.
func least(looks []sample) sample {
	lowest := looks[0]
	for _, s := range looks[1:] {
		for i := range lowest {
			lowest[i] = min(lowest[i], s[i])
		}
	}
	return lowest
}

// during looks every few seconds while something runs, and says once a minute how things stand.
func (p probe) during(ctx context.Context, duration time.Duration, load func(ctx context.Context, full func(bool)) error) (samples []sample, err error) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	var full atomic.Bool // only what is seen meanwhile is judged
	go func() { ended <- load(ctx, full.Store) }()
	every := min(5*time.Second, duration/40)
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
		_, err := p.heapProfile(ctx)
		var s sample
		if err == nil {
			s, err = p.look(ctx)
		}
		if err != nil {
			cancel()
			return nil, errors.Join(err, <-ended)
		}
		if !full.Load() {
			sent = s[packets]
			continue
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
