package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/restclient"
	"github.com/rotunda-rtc/rotunda/internal/video"
	"github.com/rotunda-rtc/rotunda/test/rig"
)

// kind is what a room's people speak.
type kind int

const (
	onOurs kind = iota
	onDialect
)

func (k kind) String() string { return [...]string{"our protocol", "the dialect"}[k] }

// setUp is how long the people may take to join and to watch each other.
const setUp = 30 * time.Second

// seat is what somebody needs to come in.
type seat struct {
	stage           *stage
	url             string // of the server
	room, token, id string
	number          int
	talks           bool
}

// guest is somebody in a room. Its methods are called one after another.
type guest interface {
	// enter joins and publishes.
	enter(ctx context.Context) error
	// watch subscribes to everybody else, who have all entered.
	watch(ctx context.Context) error
	// stay keeps the connection until ctx ends, and leaves.
	stay(ctx context.Context) error
	// close frees what is left.
	close()
}

// room is a room with its guests.
type room struct {
	guests  []guest
	dismiss context.CancelFunc
	staying sync.WaitGroup
	ends    chan error // how each one's stay ended
}

// openRoom makes a room and lets the guests in. The room is to be emptied if there is one, with an error too.
func openRoom(ctx context.Context, api *restclient.Client, stage *stage, kind kind, talking int) (*room, error) {
	var made, token struct {
		ID    string `json:"id"`
		Token string `json:"token"`
	}
	if err := api.Call(ctx, "POST", "/rooms", rig.Object{"unique_name": video.NewUUID(), "max_participants": stage.people}, &made); err != nil {
		return nil, fmt.Errorf("make a room: %w", err)
	}
	if err := api.Call(ctx, "POST", "/rooms/"+made.ID+"/actions/generate_join_client_token", rig.Object{"token_ttl_secs": 3600}, &token); err != nil {
		return nil, fmt.Errorf("make a token: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	r := &room{dismiss: cancel, ends: make(chan error, stage.people)}
	for i := range stage.people {
		s := seat{stage: stage, url: api.URL, room: made.ID, token: token.Token, id: video.NewUUID(), number: i, talks: i < talking}
		if kind == onOurs {
			r.guests = append(r.guests, &native{seat: s})
		} else {
			r.guests = append(r.guests, &dialect{seat: s})
		}
	}
	early, late := context.WithTimeoutCause(ctx, setUp, fmt.Errorf("not all are in within %v", setUp))
	defer late()
	if err := r.all(func(g guest) error { return g.enter(early) }); err != nil {
		return r, fmt.Errorf("enter: %w", err)
	}
	if err := r.all(func(g guest) error { return g.watch(early) }); err != nil {
		return r, fmt.Errorf("watch: %w", err)
	}
	for _, g := range r.guests {
		r.staying.Go(func() { r.ends <- g.stay(ctx) })
	}
	return r, nil
}

// all has every guest do something at the same time.
func (r *room) all(do func(guest) error) error {
	var doing sync.WaitGroup
	failed := make([]error, len(r.guests))
	for i, g := range r.guests {
		doing.Go(func() { failed[i] = do(g) })
	}
	doing.Wait()
	return errors.Join(failed...)
}

// empty lets everybody leave. The error is of those who had to leave before.
func (r *room) empty() error {
	r.dismiss()
	r.staying.Wait()
	close(r.ends)
	for _, g := range r.guests {
		g.close()
	}
	var all error
	for err := range r.ends {
		all = errors.Join(all, err)
	}
	return all
}
