// Command dialect measures what a room on the Janus dialect costs the server, beside the same room on our own protocol. It starts a server
// on fresh data, has people with camera and microphone in a room who all watch each other, first on our protocol and then on the dialect, and
// compares processor time. The people are the same code for both, but for signalling: on our protocol each has one connection and hears the
// others by their streams, on the dialect each has one connection for each stream, and hears a mix. What mixing takes
// is what the room takes beyond the same room in which all are silent, where nothing is mixed. It fails if the dialect takes more than twice as
// much beside mixing.
//
//	go run ./test/dialect -people 10 -for 20s
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/restclient"
	"github.com/rotunda-rtc/rotunda/test/rig"
)

// allowed is how much the dialect may cost beside mixing, in parts of the same room on our protocol.
const allowed = 2.0

// attempts is how often a room is measured if other programs disturb.
const attempts = 20

type plan struct {
	binary   string
	people   int
	talking  []int
	rounds   int
	twice    bool
	duration time.Duration
}

func main() {
	var p plan
	flag.StringVar(&p.binary, "server", "bin/rotunda", "the `binary` to measure")
	flag.IntVar(&p.people, "people", 10, "how many are in the room")
	talking := flag.String("talking", "2,10", "how many of them talk, without a pause; `numbers`, each measured by itself, after a room in which nobody does")
	flag.IntVar(&p.rounds, "rounds", 2, "how often each room is measured")
	flag.BoolVar(&p.twice, "twice", false, "on the dialect, subscribe to the sound of streams too, though it is in the mix")
	flag.DurationVar(&p.duration, "for", 20*time.Second, "how `long` each is measured")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := p.check(*talking)
	if err == nil {
		err = p.run(ctx)
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "dialect:", err)
		os.Exit(1)
	}
}

func (p *plan) check(talking string) error {
	p.talking = []int{0}
	for word := range strings.SplitSeq(talking, ",") {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 || n > p.people {
			return errors.New("-talking is numbers of people in the room, such as 2,10")
		}
		p.talking = append(p.talking, n)
	}
	switch {
	case p.people < 2 || p.people > 50:
		return errors.New("-people is 2 to 50")
	case p.rounds < 1 || p.rounds > 100:
		return errors.New("-rounds is 1 to 100")
	case p.duration < 2*time.Second || p.duration > 10*time.Minute:
		return errors.New("-for is 2s to 10m")
	}
	return nil
}

func (p *plan) run(ctx context.Context) (err error) {
	data, err := os.MkdirTemp("", "rotunda-dialect-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(data) }()
	binary, err := filepath.Abs(p.binary)
	if err != nil {
		return err
	}
	metrics, err := rig.FreeAddress(ctx)
	if err != nil {
		return err
	}
	server, err := rig.Start(ctx, rig.Options{Binary: binary, Data: data, Flags: []string{"--metrics", metrics, "--rate-limit", "0"}})
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, server.Stop()); err != nil {
			fmt.Fprint(os.Stderr, server.Log())
		}
	}()
	key, err := server.Run(ctx, "key", "create", "--name", "dialect")
	if err != nil {
		return err
	}
	api := &restclient.Client{URL: server.URL, Key: strings.TrimSpace(string(key)), HTTP: http.DefaultClient}
	stage, err := newStage(ctx, p.people)
	if err != nil {
		return err
	}
	stage.twice = p.twice
	look := probe{"http://" + metrics, server.Process(), stage}
	return p.compare(ctx, api, stage, look)
}

// compare measures both kinds of room in turn and prints what they took.
func (p *plan) compare(ctx context.Context, api *restclient.Client, stage *stage, look probe) error {
	fmt.Printf("%d people, each with a camera of %d packets/s, all watching each other; figures of the server, processor time in cores\n\n",
		p.people, pictureRate*pictureParts)
	fmt.Println(heading)
	var silent [2]float64 // what each kind takes where nobody talks
	for _, talking := range p.talking {
		var took [2]float64
		for range p.rounds {
			for _, kind := range []kind{onOurs, onDialect} {
				f, err := p.undisturbed(ctx, api, stage, look, kind, talking)
				if err != nil {
					return fmt.Errorf("the room on %s: %w", kind, err)
				}
				took[kind] += f.processor / float64(p.rounds)
			}
		}
		if talking == 0 {
			silent = took
		}
		fmt.Printf("%d talk: the dialect takes %.3f cores, ours %.3f; mixing %.3f\n", talking, took[onDialect], took[onOurs], took[onDialect]-silent[onDialect])
	}
	ratio := silent[onDialect] / silent[onOurs]
	fmt.Printf("beside mixing the dialect takes %.2f times what ours takes (allowed: %g)\n", ratio, allowed)
	if ratio > allowed {
		return errors.New("the dialect costs too much")
	}
	return nil
}

// undisturbed measures until nothing disturbs, and prints what comes out.
func (p *plan) undisturbed(ctx context.Context, api *restclient.Client, stage *stage, look probe, kind kind, talking int) (figures, error) {
	for range attempts {
		f, err := p.measure(ctx, api, stage, look, kind, talking)
		if err != nil {
			return f, err
		}
		fmt.Println(f.row(kind, talking))
		if !f.disturbed() {
			return f, nil
		}
	}
	return figures{}, fmt.Errorf("%d times not all that was sent could be forwarded: the machine is too busy", attempts)
}

// measure fills a room, measures, and empties it.
func (p *plan) measure(ctx context.Context, api *restclient.Client, stage *stage, look probe, kind kind, talking int) (f figures, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, err := openRoom(ctx, api, stage, kind, talking)
	if r != nil {
		defer func() { err = errors.Join(err, r.empty(), look.awaitEmpty(context.WithoutCancel(ctx))) }()
	}
	if err != nil {
		return f, err
	}
	if err := stage.awaitMedia(ctx); err != nil {
		return f, err
	}
	return look.over(ctx, p.duration)
}
