//go:build linux

// Command quality measures calls over bad networks: the real server, two real Chromiums, and test/link between them. One person publishes a
// camera in simulcast and a microphone, another watches; one of the two is behind the bad link. Every 200 ms both are asked for their statistics.
//
//	go run ./test/link/quality -out DIR [-scenarios loss,drop] [-sides viewer] [-servers rotunda,janus]
//
// DIR gets results.json, table.md, a graph of each scenario (SVG), and the servers' logs. Measurements that are in results.json already and are not
// made anew stay, so that one of them can be repeated. With -check it runs one short scenario, and fails if what must be so is not.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

type plan struct {
	setup
	out                       string
	scenarios, sides, servers []string
	as                        string
	patience                  time.Duration
	calmer, check             bool
}

func main() {
	var p plan
	var scenarios, sides, servers string
	flag.StringVar(&p.binary, "server", "bin/rotunda", "the `binary` to measure")
	flag.StringVar(&p.sdk, "sdk", "sdk/web/dist", "the `folder` of the built web SDK")
	flag.StringVar(&p.out, "out", ".cache/bench-link", "the `folder` of the results")
	flag.StringVar(&scenarios, "scenarios", "loss,drop,tcp,outage,address", "which `scenarios`")
	flag.StringVar(&sides, "sides", "viewer,publisher", "`who` is behind the bad link")
	flag.StringVar(&servers, "servers", "rotunda,janus", "which `servers`; Janus is Debian's")
	flag.StringVar(&p.as, "as", "", "`name` of our server in the results, such as one of a build to compare with")
	flag.Uint64Var(&p.seed, "seed", 1, "of the link's lots")
	flag.DurationVar(&p.patience, "patience", 0, "wait for so `long` at most until the machine has little else to do")
	flag.BoolVar(&p.calmer, "calmer", false, "keep an older measurement if the machine was less busy then")
	flag.BoolVar(&p.check, "check", false, "one short scenario with our server, and fail if it goes wrong")
	flag.Parse()
	p.scenarios, p.sides, p.servers = strings.Split(scenarios, ","), strings.Split(sides, ","), strings.Split(servers, ",")
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := p.run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "quality:", err)
		os.Exit(1)
	}
}

func (p *plan) run(ctx context.Context) (err error) {
	if err := p.prepare(ctx); err != nil {
		return err
	}
	if p.check {
		return p.runCheck(ctx)
	}
	chosen, err := p.choose()
	if err != nil {
		return err
	}
	results, err := load(p.out)
	if err != nil {
		return err
	}
	var faults []error
	for _, m := range chosen {
		fmt.Printf("%s, bad link at the %s, %s: ", m.scenario.Name, m.bad, m.peer)
		f, err := p.one(ctx, m)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			fmt.Println("failed:", err)
			faults = append(faults, fmt.Errorf("%s %s %s: %w", m.scenario.Name, m.bad, m.peer, err))
			continue
		}
		fmt.Printf("%.1f pictures/s, longest pause %.2f s, sound made up %.1f %%, processors %.0f %% busy\n", f.FrameRate, f.LongestGap, 100*f.Concealed, 100*f.Busy)
		results.put(f, p.calmer)
		if err := results.write(p.out); err != nil {
			return err
		}
	}
	return errors.Join(faults...)
}

func (p *plan) prepare(ctx context.Context) (err error) {
	if p.binary, err = filepath.Abs(p.binary); err != nil {
		return err
	}
	for _, built := range []string{p.binary, filepath.Join(p.sdk, "index.js")} {
		if _, err := os.Stat(built); err != nil {
			return fmt.Errorf("%w: run make build", err)
		}
	}
	if err := os.MkdirAll(p.out, 0o755); err != nil {
		return err
	}
	p.folder = p.out
	p.capture, err = film(ctx, ".cache/link-film")
	return err
}

// measurement is one thing to measure.
type measurement struct {
	scenario scenario
	bad      side
	peer     string
}

func (p *plan) choose() ([]measurement, error) {
	var all []measurement
	for _, name := range p.scenarios {
		i := slices.IndexFunc(scenarios, func(s scenario) bool { return s.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no scenario %q", name)
		}
		for _, s := range p.sides {
			if s != string(viewerSide) && s != string(publisherSide) {
				return nil, fmt.Errorf("a side is viewer or publisher, not %q", s)
			}
			for _, peer := range p.servers {
				if peer != "rotunda" && peer != "janus" {
					return nil, fmt.Errorf("a server is rotunda or janus, not %q", peer)
				}
				all = append(all, measurement{scenarios[i], side(s), peer})
			}
		}
	}
	return all, nil
}

func (p *plan) one(ctx context.Context, m measurement) (*figures, error) {
	if p.patience > 0 {
		awaitCalm(ctx, p.patience)
	}
	ctx, cancel := context.WithTimeout(ctx, m.scenario.Length+3*joinTime)
	defer cancel()
	r, err := p.measure(ctx, m.scenario, m.bad, m.peer)
	if err != nil {
		return nil, err
	}
	name := m.peer
	if p.as != "" && name == "rotunda" {
		name = p.as
	}
	return reduce(m.scenario, m.bad, name, r)
}
