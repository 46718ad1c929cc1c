//go:build linux

// Command run runs a program behind a bad network: it sees nothing of this machine but one address, over a link that a schedule,
// and whoever writes to the control socket, make worse and better.
//
//	go run ./test/link/run -set 'delay 50ms loss 10%' -- sh -c 'curl http://$LINK_NEAR:8080/healthz'
//
// The program finds this machine at LINK_NEAR and itself at LINK_FAR. Servers on this machine must listen at that address or at all.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/rotunda-rtc/rotunda/test/link"
)

type plan struct {
	seed     uint64
	settings string
	script   string
	control  string
	command  []string
}

func main() {
	var p plan
	flag.Uint64Var(&p.seed, "seed", 1, "of all lots: the same `number` treats the same packets the same")
	flag.StringVar(&p.settings, "set", "", "`settings` from the beginning, such as 'delay 50ms down loss 10%'")
	flag.StringVar(&p.script, "script", "", "a `file` with a schedule, which begins with the program")
	flag.StringVar(&p.control, "control", "", "listen at this `path`, a Unix socket: a line of settings changes them, 'state' tells counts")
	flag.Parse()
	p.command = flag.Args()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := p.run(ctx)
	stop()
	if exit, failed := errors.AsType[*exec.ExitError](err); failed && exit.Exited() {
		os.Exit(exit.ExitCode())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "link:", err)
		os.Exit(1)
	}
}

func (p *plan) run(ctx context.Context) (err error) {
	if len(p.command) == 0 {
		return errors.New("what should run? run [flags] -- PROGRAM [ARGUMENT...]")
	}
	schedule, err := p.schedule()
	if err != nil {
		return err
	}
	start, err := link.ParseSettings(p.settings, link.Step{})
	if err != nil {
		return fmt.Errorf("-set: %w", err)
	}
	here, err := link.Here()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, here.Close()) }()
	l, err := link.Open(link.Options{Seed: p.seed, Up: start.Up, Down: start.Down, Near: here})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	if p.control != "" {
		c, err := listen(ctx, p.control, l)
		if err != nil {
			return err
		}
		defer c.close()
	}
	return p.within(ctx, l, schedule)
}

func (p *plan) schedule() (link.Schedule, error) {
	if p.script == "" {
		return nil, nil
	}
	file, err := os.Open(p.script)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	schedule, err := link.ParseSchedule(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.script, err)
	}
	return schedule, nil
}

// within runs the program while the schedule is played.
func (p *plan) within(ctx context.Context, l *link.Link, schedule link.Schedule) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	command := exec.CommandContext(ctx, p.command[0], p.command[1:]...)
	command.Env = append(os.Environ(), "LINK_NEAR="+l.NearAddress().String(), "LINK_FAR="+l.FarAddress().String())
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	if err := l.Far.Do(command.Start); err != nil {
		return err
	}
	played := make(chan error, 1)
	go func() { played <- l.Play(ctx, schedule) }()
	err := command.Wait()
	stop()
	if fault := <-played; !errors.Is(fault, context.Canceled) {
		err = errors.Join(err, fault)
	}
	return err
}
