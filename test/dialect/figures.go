package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// probe looks into the server, and at the machine.
type probe struct {
	url     string // of its metrics
	process int
	stage   *stage
}

// reading is what has been counted at a moment.
type reading struct {
	at                time.Time
	user, system, all float64 // seconds of processors: the server's, and everybody's
	own               float64 // this program's
	sent              float64 // packets
	transports        float64
	overruns          float64
	pictures          float64 // packets of video that all people got
}

// figures are what a room took.
type figures struct {
	user, system, processor float64 // cores
	generator, others       float64 // cores that were taken by this program, and by all but it and the server
	sent                    float64 // packets a second
	connections             float64
	pictures                float64 // part of the video that arrived
	overruns                float64 // times that the mix left sound out
}

// disturbed is whether other programs kept the room from being what it should be.
func (f figures) disturbed() bool { return f.pictures < enough || f.overruns > 0 }

const heading = "room          talk  server (user+system)   sent/s  µs/packet sent  connections  video arrived  processors: people here, others"

func (f figures) row(kind kind, talking int) string {
	row := fmt.Sprintf("%-12s %5d  %6.3f (%.3f+%.3f)  %7.0f  %14.1f  %11.0f  %12.1f%%  %23.2f, %.2f", kind, talking, f.processor, f.user, f.system,
		f.sent, f.processor/f.sent*1e6, f.connections, f.pictures*100, f.generator, f.others)
	if f.disturbed() {
		row += "  disturbed"
	}
	return row
}

// over measures for some time.
func (p probe) over(ctx context.Context, duration time.Duration) (figures, error) {
	before, err := p.read(ctx)
	if err != nil {
		return figures{}, err
	}
	select {
	case <-ctx.Done():
		return figures{}, ctx.Err()
	case <-time.After(duration):
	}
	after, err := p.read(ctx)
	if err != nil {
		return figures{}, err
	}
	took := after.at.Sub(before.at).Seconds()
	f := figures{
		user: (after.user - before.user) / took, system: (after.system - before.system) / took, generator: (after.own - before.own) / took,
		sent: (after.sent - before.sent) / took, connections: after.transports,
	}
	f.processor = f.user + f.system
	f.others = max(0, (after.all-before.all)/took-f.processor-f.generator) // the kernel counts the whole more coarsely than processes
	f.pictures, f.overruns = (after.pictures-before.pictures)/took/p.stage.everything(), after.overruns-before.overruns
	return f, nil
}

// tick is the unit of /proc/PID/stat and /proc/stat on Linux, in seconds.
const tick = 0.01

func (p probe) read(ctx context.Context) (reading, error) {
	r := reading{at: time.Now(), pictures: float64(p.stage.arrived.Load())}
	var err error
	if r.user, r.system, err = usageOf(p.process); err != nil {
		return r, err
	}
	user, system, err := usageOf(os.Getpid())
	if err != nil {
		return r, err
	}
	r.own = user + system
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return r, err
	}
	line, _, _ := strings.Cut(string(stat), "\n")
	for i, word := range strings.Fields(line)[1:9] { // user nice system idle iowait irq softirq steal
		if n, err := strconv.ParseFloat(word, 64); err == nil && i != 3 && i != 4 {
			r.all += n * tick
		}
	}
	return r, p.readMetrics(ctx, map[string]*float64{
		"rotunda_media_packets_sent_total": &r.sent, "rotunda_media_transports": &r.transports, "rotunda_mix_overruns_total": &r.overruns,
	})
}

func usageOf(process int) (user, system float64, err error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", process))
	if err != nil {
		return 0, 0, err
	}
	_, rest, _ := strings.Cut(string(stat), ") ") // the name may hold spaces
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, 0, fmt.Errorf("%d words in stat of process %d", len(fields), process)
	}
	if user, err = strconv.ParseFloat(fields[11], 64); err != nil {
		return 0, 0, err
	}
	system, err = strconv.ParseFloat(fields[12], 64)
	return user * tick, system * tick, err
}

func (p probe) get(ctx context.Context, path string) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+path, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("look into the server: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		_ = response.Body.Close()
		return nil, fmt.Errorf("look into the server: %s", response.Status)
	}
	return response.Body, nil
}

func (p probe) readMetrics(ctx context.Context, wanted map[string]*float64) error {
	body, err := p.get(ctx, "/metrics")
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()
	found := 0
	lines := bufio.NewScanner(body)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if to := wanted[name]; to != nil {
			if *to, err = strconv.ParseFloat(value, 64); err != nil {
				return fmt.Errorf("read metrics: %w", err)
			}
			found++
		}
	}
	if found != len(wanted) {
		return fmt.Errorf("read metrics: %d of %d are there", found, len(wanted))
	}
	return lines.Err()
}

// awaitEmpty returns when the server has forgotten everybody who left.
func (p probe) awaitEmpty(ctx context.Context) error {
	for end := time.Now().Add(setUp); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		var transports, mixes float64
		if err := p.readMetrics(ctx, map[string]*float64{"rotunda_media_transports": &transports, "rotunda_mixes": &mixes}); err != nil {
			return err
		}
		if transports+mixes == 0 {
			return nil
		}
	}
	return fmt.Errorf("the server keeps connections %v after everybody left", setUp)
}
