//go:build linux

package link

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"
)

// Options say what link to make.
type Options struct {
	Seed     uint64     // of all lots
	Up, Down Conditions // at the beginning
	// Near is where the near side is, such as Here; nil makes a namespace. It stays the caller's, and may have several links.
	Near *Namespace
}

// Link is a network between two namespaces. Its methods may be called from any goroutine.
type Link struct {
	// Near is the side of the server, Far the side of the client.
	Near, Far *Namespace
	ownsNear  bool
	network   netip.Prefix
	nearEnd   *device
	farEnd    *device
	pump      *pump

	mutex sync.Mutex // guards:
	now   Step       // what holds
	host  byte       // the last part of the far side's address
}

const (
	nearHost     = 1
	firstFarHost = 2
	lastFarHost  = 254
)

// Open makes a link. The caller must Close it.
func Open(o Options) (_ *Link, err error) {
	if err := errors.Join(o.Up.Check(), o.Down.Check()); err != nil {
		return nil, fmt.Errorf("link: %w", err)
	}
	l := &Link{Near: o.Near, now: Step{Up: o.Up, Down: o.Down}, host: firstFarHost}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("link: %w", err), l.Close())
		}
	}()
	if l.Near == nil {
		if l.Near, err = NewNamespace(); err != nil {
			return nil, err
		}
		l.ownsNear = true
	}
	if l.Far, err = NewNamespace(); err != nil {
		return nil, err
	}
	if l.network, err = freeNetwork(l.Near, l.Far); err != nil {
		return nil, err
	}
	if l.nearEnd, err = openDevice(l.Near, "link%d", l.address(nearHost)); err != nil {
		return nil, err
	}
	// Browsers take an interface whose name begins with tun for a VPN.
	if l.farEnd, err = openDevice(l.Far, "eth%d", l.address(firstFarHost)); err != nil {
		return nil, err
	}
	if l.pump, err = startPump(l.nearEnd, l.farEnd, o.Seed, o.Up, o.Down); err != nil {
		return nil, err
	}
	return l, nil
}

func (l *Link) address(host byte) netip.Addr {
	parts := l.network.Addr().As4()
	parts[3] = host
	return netip.AddrFrom4(parts)
}

// NearAddress is where the far side reaches the near one.
func (l *Link) NearAddress() netip.Addr { return l.address(nearHost) }

// FarAddress is where the near side reaches the far one now.
func (l *Link) FarAddress() netip.Addr {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.address(l.host)
}

// Now is what holds.
func (l *Link) Now() Step {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.now
}

// Set lets other conditions hold.
func (l *Link) Set(up, down Conditions) error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.set(Step{Up: up, Down: down})
}

// Apply changes what settings name, which are written as for ParseSettings.
func (l *Link) Apply(settings string) error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	step, err := ParseSettings(settings, l.now)
	if err != nil {
		return err
	}
	return l.set(step)
}

// SwitchAddress takes the far side's address away and gives it another one, as when a phone leaves a Wi-Fi: sockets that are bound to
// the old one hear and say nothing any more.
func (l *Link) SwitchAddress() error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.switchAddress()
}

func (l *Link) switchAddress() error {
	next := l.host + 1
	if next > lastFarHost {
		next = firstFarHost
	}
	if err := l.farEnd.readdress(l.address(next)); err != nil {
		return err
	}
	l.host = next
	return nil
}

func (l *Link) set(step Step) error {
	if err := errors.Join(step.Up.Check(), step.Down.Check()); err != nil {
		return err
	}
	err := l.pump.ask(func(now int64) {
		l.pump.up.change(now, step.Up)
		l.pump.down.change(now, step.Down)
	})
	if err != nil {
		return err
	}
	l.now.Up, l.now.Down = step.Up, step.Down
	if step.NewAddress {
		return l.switchAddress()
	}
	return nil
}

// Play carries out a schedule that begins now, and returns after its last step.
func (l *Link) Play(ctx context.Context, s Schedule) error {
	if err := s.Check(); err != nil {
		return err
	}
	began := time.Now()
	for _, step := range s {
		timer := time.NewTimer(time.Until(began.Add(step.At)))
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
		l.mutex.Lock()
		err := l.set(step)
		l.mutex.Unlock()
		if err != nil {
			return err
		}
	}
	return nil
}

// State is what a link has done so far in one direction, and what waits.
type State struct {
	Counts
	Backlog time.Duration // how long a packet that comes now waits for those before it
}

// State tells both directions' state.
func (l *Link) State() (up, down State, err error) {
	err = l.pump.ask(func(now int64) {
		up = State{Backlog: l.pump.up.backlog(now), Counts: l.pump.up.counts}
		down = State{Backlog: l.pump.down.backlog(now), Counts: l.pump.down.counts}
	})
	return up, down, err
}

// Close takes the link away. Programs that still run on its sides are alone from then on.
func (l *Link) Close() error {
	var errs []error
	if l.pump != nil {
		errs = append(errs, l.pump.close())
	}
	for _, d := range []*device{l.nearEnd, l.farEnd} {
		if d != nil {
			errs = append(errs, d.close())
		}
	}
	if l.Far != nil {
		errs = append(errs, l.Far.Close())
	}
	if l.ownsNear {
		errs = append(errs, l.Near.Close())
	}
	return errors.Join(errs...)
}
