// Command soak keeps a server under media load for a long time and fails if anything grows: memory, goroutines, file handles, connections,
// sessions. It starts a server of its own on fresh data. In its rooms people publish, watch, leave and come back, some of them in
// simulcast over a network that loses and delays; one session at a time is recorded, and its recordings are deleted. Everything is on
// loopback and ends by itself.
//
//	go run ./test/soak -for 30m -- --some-flag-of=serve
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/rotunda-rtc/rotunda/test/rig"
)

// warmUp is a first round that nobody judges: what is made once, on first use, is there afterwards.
const warmUp = 4 * time.Second

type plan struct {
	binary      string
	duration    time.Duration
	rooms       int // of each kind of load
	publishers  int // in each room
	subscribers int
	kbps        int     // of video
	churn       float64 // participants a minute, of each kind
	flags       []string
}

func main() {
	var p plan
	flag.StringVar(&p.binary, "server", "bin/rotunda", "the `binary` to load")
	flag.DurationVar(&p.duration, "for", 30*time.Minute, "how `long`; 1m to 24h")
	flag.IntVar(&p.rooms, "rooms", 2, "rooms with simulcast on a bad network, and as many without")
	flag.IntVar(&p.publishers, "publishers", 2, "publishers in each room")
	flag.IntVar(&p.subscribers, "subscribers", 6, "subscribers in each room")
	flag.IntVar(&p.kbps, "video-kbps", 1200, "bit rate of video")
	flag.Float64Var(&p.churn, "churn", 30, "people a minute who leave the rooms of each kind and come back as others")
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
	return nil // the rest is what a load test checks
}

func (p *plan) run(ctx context.Context) (err error) {
	if err := p.check(); err != nil {
		return err
	}
	data, err := os.MkdirTemp("", "rotunda-soak-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(data) }()
	binary, err := filepath.Abs(p.binary)
	if err != nil {
		return err
	}
	metrics, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	server, err := rig.Start(ctx, rig.Options{Binary: binary, Data: data, Flags: append([]string{"--metrics", metrics}, p.flags...)})
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
	if err := p.load(ctx, api, warmUp, new(tally)); err != nil {
		return fmt.Errorf("warm up: %w", err)
	}
	before, err := at.rest(ctx, nil)
	if err != nil {
		return err
	}
	var came tally
	samples, err := at.during(ctx, p.duration, func(ctx context.Context) error { return p.load(ctx, api, p.duration, &came) })
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
	v := judge(p.duration, before, samples, after)
	v.faults = append(v.faults, came.faults()...)
	v.print(os.Stdout)
	fmt.Println(came.String())
	return v.err()
}

// freeAddress is one that nobody listens on: the server does not say which port its metrics got.
func freeAddress(ctx context.Context) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}
