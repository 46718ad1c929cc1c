// Command load measures what the REST API bears. It starts a server of its own on fresh data, and sends it requests at a rate that does
// not wait for answers, three quarters reads and the rest writes, while people come and go and each of their events is posted to one of many
// webhook endpoints, some of which hang. Then it raises the rate until the server no longer keeps up. Everything is on loopback and
// ends by itself.
//
//	go run ./test/load -rate 1000 -for 30s -raise -- --some-flag-of=serve
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/rotunda-rtc/rotunda/test/rig"
)

// What a run may be at most.
const (
	maxRate      = 50_000
	maxDuration  = 10 * time.Minute
	maxEndpoints = 1000
)

// serveFlags let webhooks reach receivers on this machine, and take away the limit that is to protect from such as this.
var serveFlags = []string{"--metrics", "off", "--webhook-allow-private", "--rate-limit", "0"}

type plan struct {
	binary    string
	data      string // where the server's data goes; empty: a temporary directory
	database  string // URL of PostgreSQL; empty: SQLite
	rate      int    // requests a second
	duration  time.Duration
	rooms     int
	endpoints int
	hanging   int     // of the endpoints
	visits    float64 // of people, a second; each is four events or so
	raise     bool
	limit     time.Duration // of p99, beyond which the server does not keep up
	flags     []string      // of serve
}

func main() {
	var p plan
	flag.StringVar(&p.binary, "server", "bin/rotunda", "the `binary` to measure")
	flag.StringVar(&p.data, "data", "", "keep the server's data in this `directory`, on the disk to measure (default: a temporary one)")
	flag.StringVar(&p.database, "database", "", "`URL` of an empty PostgreSQL database, or \"postgres\" for one started here (default: SQLite)")
	flag.IntVar(&p.rate, "rate", 1000, "requests a `second`")
	flag.DurationVar(&p.duration, "for", 30*time.Second, "how `long` each rate is held")
	flag.IntVar(&p.rooms, "rooms", 1000, "rooms there are from the start")
	flag.IntVar(&p.endpoints, "endpoints", 200, "webhook endpoints, each a server of its own; 0: no webhooks and no visits")
	flag.IntVar(&p.hanging, "hanging", 20, "how many of them never answer")
	flag.Float64Var(&p.visits, "visits", 20, "people a second who join a room and leave it")
	flag.BoolVar(&p.raise, "raise", false, "then raise the rate by a quarter until the server does not keep up")
	flag.DurationVar(&p.limit, "limit", 50*time.Millisecond, "the p99 beyond which it does not")
	flag.Parse()
	p.flags = flag.Args()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := p.run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func (p *plan) check() error {
	switch {
	case p.rate < 1 || p.rate > maxRate:
		return fmt.Errorf("-rate is 1 to %d", maxRate)
	case p.duration < time.Second || p.duration > maxDuration:
		return fmt.Errorf("-for is 1s to %v", maxDuration)
	case p.rooms < 1 || p.rooms > 100_000:
		return errors.New("-rooms is 1 to 100000")
	case p.endpoints < 0 || p.endpoints > maxEndpoints || p.hanging < 0 || p.hanging > p.endpoints:
		return fmt.Errorf("-endpoints is 0 to %d, -hanging not more than that", maxEndpoints)
	case p.visits < 0 || p.visits > 1000:
		return errors.New("-visits is 0 to 1000")
	}
	return nil
}

func (p *plan) run(ctx context.Context) (err error) {
	if err := p.check(); err != nil {
		return err
	}
	if p.data == "" {
		if p.data, err = os.MkdirTemp("", "rotunda-load-"); err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(p.data) }()
	}
	if p.database == "postgres" {
		cluster, err := rig.StartPostgres(ctx)
		if err != nil {
			return err
		}
		defer cluster.Stop()
		if p.database, err = cluster.Database(ctx, "load"); err != nil {
			return err
		}
	}
	binary, err := filepath.Abs(p.binary)
	if err != nil {
		return err
	}
	server, err := rig.Start(ctx, rig.Options{Binary: binary, Data: p.data, Database: p.database, Flags: append(serveFlags, p.flags...)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	return p.measure(ctx, server)
}

// measure holds the rate, and raises it if asked to.
func (p *plan) measure(ctx context.Context, server *rig.Server) error {
	hooks, err := openEndpoints(ctx, p.endpoints, p.hanging)
	if err != nil {
		return err
	}
	defer hooks.close()
	api, err := newClient(ctx, server)
	if err != nil {
		return err
	}
	rooms, err := p.prepare(ctx, api, hooks)
	if err != nil {
		return err
	}
	for rate := p.rate; ; rate += max(rate/4, 1) {
		before := usageOf(server.Process())
		hooks.forget()
		visits := startVisits(ctx, server.URL, rooms, p.visits)
		sent := hold(ctx, rate, p.duration, newMix(api, rooms))
		came := visits.stop()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		used := usageOf(server.Process()).since(before, sent.took)
		kept := sent.report(os.Stdout, p.limit)
		fmt.Printf("  %s\n  %s\n  %s\n\n", came, hooks, used)
		if !kept || !p.raise || rate >= maxRate {
			return nil
		}
	}
}

// prepare makes the rooms, each with one of the endpoints.
func (p *plan) prepare(ctx context.Context, api *client, hooks *endpoints) ([]room, error) {
	rooms := make([]room, p.rooms)
	for i := range rooms {
		fields := rig.Object{"unique_name": fmt.Sprintf("load %d", i), "webhook_timeout_secs": 2}
		if url := hooks.url(i); url != "" {
			fields["webhook_event_url"] = url
		}
		made, err := api.make(ctx, "POST", "/rooms", fields)
		if err != nil {
			return nil, fmt.Errorf("make a room: %w", err)
		}
		rooms[i].id, _ = made["id"].(string)
		token, err := api.make(ctx, "POST", "/rooms/"+rooms[i].id+"/actions/generate_join_client_token", rig.Object{"token_ttl_secs": 3600})
		if err != nil {
			return nil, fmt.Errorf("make a token: %w", err)
		}
		rooms[i].token, _ = token["token"].(string)
	}
	return rooms, nil
}

type room struct{ id, token string }
