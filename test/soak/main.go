// Command soak has a crowd of people in a server's rooms for a long time and fails if anything grows, stays or becomes negative: memory,
// goroutines, file handles, connections, sessions, counters. It starts a server of its own on fresh data. People join, publish, watch, change
// their minds, lose their sockets and networks, and leave in every way there is, at random; they are muted, kicked and sent home over REST.
// One session at a time is recorded, and its recordings are deleted. Everything is on loopback and ends by itself.
//
//	go run ./test/soak -for 30m -- --some-flag-of=serve
package main

import (
	"context"
	"debug/buildinfo"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"slices"
	"syscall"
	"time"

	"github.com/rotunda-rtc/rotunda/test/rig"
)

// warmUp is a first round that nobody judges: what is made once, on first use, is there afterwards.
const warmUp = 12 * time.Second

// How long the server keeps those who are gone, and sessions that are empty: short, so that much of it happens.
const (
	grace  = 3 * time.Second
	linger = time.Second
)

type plan struct {
	binary   string
	duration time.Duration
	rooms    int
	people   int
	seed     uint64
	racing   bool   // the binary was built with the race detector
	profiles string // folder for what the heap holds at rest, before and after; "" for none
	flags    []string
}

func main() {
	var p plan
	flag.StringVar(&p.binary, "server", "bin/rotunda", "the `binary` to load")
	flag.DurationVar(&p.duration, "for", 30*time.Minute, "how `long`; 1m to 24h")
	flag.IntVar(&p.rooms, "rooms", 17, "rooms; a fifth of the people are in the first, the others spread over the rest")
	flag.IntVar(&p.people, "people", 200, "people there are at a time")
	flag.StringVar(&p.profiles, "profiles", "", "the `folder` to keep profiles of the heap in: before.pb.gz and after.pb.gz, to compare with go tool pprof")
	flag.Uint64Var(&p.seed, "seed", rand.Uint64(), "makes the same choices as a run before")
	flag.Parse()
	p.flags = flag.Args()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := p.run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

func (p *plan) check() error {
	if p.duration < time.Minute || p.duration > 24*time.Hour {
		return errors.New("-for is 1m to 24h")
	}
	if p.rooms < 2 || p.people < 5 || p.people > 200*p.rooms/17 {
		return errors.New("-rooms is 2 or more, and -people 5 or more, and so many that rooms hold them")
	}
	return nil
}

func (p *plan) run(ctx context.Context) (err error) {
	if err := p.check(); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "soak: -seed %d\n", p.seed)
	data, err := os.MkdirTemp("", "rotunda-soak-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(data) }()
	binary, err := filepath.Abs(p.binary)
	if err != nil {
		return err
	}
	if p.racing, err = isRaceBuilt(binary); err != nil {
		return err
	}
	metrics, err := rig.FreeAddress(ctx)
	if err != nil {
		return err
	}
	server, err := rig.Start(ctx, rig.Options{Binary: binary, Data: data, Flags: append([]string{
		"--metrics", metrics, "--rate-limit", "0", "--resume-grace", grace.String(), "--linger", linger.String(),
	}, p.flags...)})
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, server.Stop())
		if err != nil && ctx.Err() == nil {
			fmt.Fprintln(os.Stderr, server.Log())
		}
	}()
	api, err := newClient(ctx, server)
	if err != nil {
		return err
	}
	return p.soak(ctx, api, probe{"http://" + metrics, server.Process()})
}

// soak loads the server and judges what that showed.
func (p *plan) soak(ctx context.Context, api *client, at probe) error {
	if err := p.load(ctx, api, warmUp, new(tally), func(bool) {}); err != nil {
		return fmt.Errorf("warm up: %w", err)
	}
	before, err := at.rest(ctx, nil)
	if err != nil {
		return err
	}
	if err := p.keep(ctx, at, "before"); err != nil {
		return err
	}
	standing, err := at.gauges(ctx)
	if err != nil {
		return err
	}
	var came tally
	samples, err := at.during(ctx, p.duration, func(ctx context.Context, full func(bool)) error {
		return p.load(ctx, api, p.duration, &came, full)
	})
	if err != nil {
		return err
	}
	if err := api.deleteRest(ctx, &came); err != nil {
		return err
	}
	after, err := at.rest(ctx, &before)
	if err != nil {
		return err
	}
	if err := p.keep(ctx, at, "after"); err != nil {
		return err
	}
	staying, err := api.nobodyLeft(ctx, &came)
	if err != nil {
		return err
	}
	left, err := at.gauges(ctx)
	if err != nil {
		return err
	}
	v := judge(p.duration, before, samples, after, p.racing)
	v.faults = slices.Concat(v.faults, came.faults(), staying, changed(standing, left))
	v.print(os.Stdout)
	fmt.Println(came.String())
	return v.err()
}

// keep writes a profile of the heap, if that is wanted.
func (p *plan) keep(ctx context.Context, at probe, name string) error {
	if p.profiles == "" {
		return nil
	}
	profile, err := at.heapProfile(ctx)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(p.profiles, name+".pb.gz"), profile, 0o600)
}

// isRaceBuilt reports whether a binary has the race detector, whose shadow memory grows with all memory that was ever used.
func isRaceBuilt(binary string) (bool, error) {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return false, fmt.Errorf("read binary: %w", err)
	}
	return slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}), nil
}
