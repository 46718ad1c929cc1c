package loadtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

const (
	crowdPoll   = 20 * time.Millisecond // how often its sockets are looked at: nobody measures latencies
	shortVisit  = 5 * time.Second
	longVisit   = 40 * time.Second
	longestRest = 2 * time.Second // between two things that somebody does
	comeAgain   = time.Second     // after a room was full, or a session ended
)

// Crowd is people who join, leave, and do at random whatever clients can do, to find what a server keeps of it. Where Plan measures, a crowd
// only looks whether the server does what it should. With the same seed it makes the same choices, though the times differ.
type Crowd struct {
	URL    string // such as http://127.0.0.1:8080
	APIKey string
	Seed   uint64

	Rooms int // the first is a large one: it has a fifth of the people
	// People is how many there are at a time: when one leaves another comes.
	People   int
	Duration time.Duration // from the first that comes until all go
	Grace    time.Duration // for how long the server keeps those whose sockets are lost

	Loss  float64       // of the datagrams of every second person, each way, 0 to 1
	Delay time.Duration // likewise
}

// CrowdReport is what became of a crowd.
type CrowdReport struct {
	Participants []string       // ids of all that entered
	Ended        []string       // ids of the sessions that were ended over REST
	Deeds        map[string]int // how often each thing was done
	Faults       map[string]int // what should not have happened, and how often
}

// crowd is one run.
type crowd struct {
	plan  Crowd
	run   *run
	api   *api
	rooms []room

	mu      sync.Mutex
	present map[string]*person // by participant id; guarded by mu
	report  CrowdReport        // guarded by mu
}

// Run has a crowd come, stay and go. full is called with true when all are in for the first time, and with false when it is time to go. Rooms are
// deleted in the end. An error is why there was no crowd; what went wrong with it is in the report.
func (c Crowd) Run(ctx context.Context, full func(bool)) (*CrowdReport, error) {
	id, err := newIdentity()
	if err != nil {
		return nil, fmt.Errorf("make DTLS certificate: %w", err)
	}
	r := &crowd{
		plan: c, api: newAPI(c.URL, c.APIKey), present: map[string]*person{},
		run: &run{
			plan:     Plan{AudioBitRate: 1, VideoBitRate: 1, Delay: c.Delay, NACK: true},
			identity: id, outcomes: outcomes{errors: map[string]int{}},
		},
		report: CrowdReport{Deeds: map[string]int{}, Faults: map[string]int{}},
	}
	defer r.api.HTTP.CloseIdleConnections()
	looping, stop := context.WithCancel(context.WithoutCancel(ctx))
	for i := range max(1, runtime.GOMAXPROCS(0)/2) {
		r.run.loops = append(r.run.loops, startLoop(looping, c.Seed+uint64(i), crowdPoll))
	}
	defer func() {
		stop()
		for _, l := range r.run.loops {
			<-l.ended
		}
	}()
	r.rooms, err = r.api.makeRooms(ctx, c.Rooms, video.MaxRoomParticipants)
	defer r.deleteRooms(context.WithoutCancel(ctx))
	if err != nil {
		return nil, err
	}
	r.fill(ctx, full)
	return &r.report, ctx.Err()
}

func (c *crowd) deleteRooms(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, cleanupTimeout)
	defer cancel()
	if err := c.api.deleteRooms(ctx, c.rooms); err != nil {
		c.fault("delete rooms", err)
	}
}

// fill has everyone there until the time is over, and returns when all have gone.
func (c *crowd) fill(ctx context.Context, full func(bool)) {
	staying, dismiss := context.WithTimeout(ctx, c.plan.Duration)
	defer dismiss()
	var seats, entered sync.WaitGroup
	entered.Add(c.plan.People)
	for i := range c.plan.People {
		seats.Go(func() { c.occupy(staying, i, sync.OnceFunc(entered.Done)) })
	}
	seats.Go(func() { c.moderate(staying) })
	all := make(chan struct{})
	go func() { entered.Wait(); close(all) }()
	select {
	case <-all:
		full(true)
		<-staying.Done()
		full(false)
	case <-staying.Done():
		c.fault("fill", errors.New("not everyone was in before all had to go"))
	}
	seats.Wait()
	<-all // whoever did not enter is counted when the seat is given up
}

// occupy has one person after another in a seat. The first come one after another, so that not all shake hands at once.
func (c *crowd) occupy(ctx context.Context, seat int, entered func()) {
	defer entered()
	random := rand.New(rand.NewPCG(c.plan.Seed, uint64(seat)))
	if pause(ctx, time.Duration(seat)*25*time.Millisecond) != nil {
		return
	}
	for n := uint64(1); ctx.Err() == nil; n++ {
		p := c.person(seat, random)
		err := p.visit(ctx, entered)
		if err != nil {
			c.fault("visit", err)
		}
		if err != nil || p.turnedOut {
			_ = pause(ctx, comeAgain)
		}
	}
}

// roomOf gives the first room a fifth of the seats, and the others the rest in turn.
func (c *crowd) roomOf(seat int) room {
	if seat < c.plan.People/5 || len(c.rooms) == 1 {
		return c.rooms[0]
	}
	return c.rooms[1+seat%(len(c.rooms)-1)]
}

func (c *crowd) did(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.report.Deeds[what]++
}

func (c *crowd) fault(what string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if text := what + ": " + err.Error(); len(c.report.Faults) < maxErrors || c.report.Faults[text] > 0 {
		c.report.Faults[text]++
	}
}

func (c *crowd) entered(p *person) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.report.Participants = append(c.report.Participants, p.id)
	c.present[p.id] = p
}

func (c *crowd) gone(p *person) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.present, p.id)
}

// someone is anyone who is there, nil if nobody is.
func (c *crowd) someone(random *rand.Rand) *person {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.present) == 0 {
		return nil
	}
	ids := make([]string, 0, len(c.present))
	for id := range c.present {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return c.present[ids[random.IntN(len(ids))]]
}
