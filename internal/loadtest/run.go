package loadtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// settle is the time between the last join and the measuring, in which keyframes and reports of the joins pass.
	settle = time.Second
	// quiet is how long nothing may arrive until all that was sent counts as arrived, and drain how long that is waited for.
	quiet = 200 * time.Millisecond
	drain = 3 * time.Second
	// cleanupTimeout is how long the rooms may take to be deleted.
	cleanupTimeout = 30 * time.Second
	// maxJoining is how many participants join at once at most, whatever the ramp-up.
	maxJoining = 64
)

// run is one load test.
type run struct {
	plan     Plan
	version  string // of this program
	identity *identity
	loops    []*loop
	seats    []*seat
	ending   chan struct{} // closed when everyone should leave
	present  sync.WaitGroup
	random   *rand.Rand // of churn
	lastID   atomic.Uint32

	mu       sync.Mutex
	server   string   // its version; guarded by mu
	outcomes outcomes // guarded by mu
}

// seat is a place in a room, which churn gives to one participant after another.
type seat struct {
	room      room
	number    int
	publishes bool
	leave     chan struct{} // whoever sits there should go
	taken     chan struct{} // closed when the first is in, or is not coming
}

// outcomes are what became of participants.
type outcomes struct {
	joined, failed          int
	left, lost              int             // after they had joined: by churn; because of an error
	published               []time.Duration // until media was secured
	first, pictures, wholes []time.Duration // until media arrived
	errors                  map[string]int
}

// Run carries out a plan and reports. Progress is told every second. The report is there even with an error, if anything was measured.
func Run(ctx context.Context, plan Plan, version string, progress func(Progress)) (*Report, error) {
	if err := plan.Check(); err != nil {
		return nil, err
	}
	if plan.ServerPID != 0 {
		if _, err := usageOf(plan.ServerPID); err != nil {
			return nil, err
		}
	}
	id, err := newIdentity()
	if err != nil {
		return nil, fmt.Errorf("make DTLS certificate: %w", err)
	}
	r := &run{
		plan: plan, version: version, identity: id, ending: make(chan struct{}),
		random: rand.New(rand.NewPCG(4, 5)), outcomes: outcomes{errors: map[string]int{}},
	}
	looping, stop := context.WithCancel(context.WithoutCancel(ctx))
	for i := range max(1, runtime.GOMAXPROCS(0)/2) {
		r.loops = append(r.loops, startLoop(looping, uint64(i), pollInterval))
	}
	defer func() {
		stop()
		for _, l := range r.loops {
			<-l.ended
		}
	}()
	rest := newAPI(plan.URL, plan.APIKey)
	rooms, err := rest.makeRooms(ctx, plan.Rooms, plan.Publishers+plan.Subscribers)
	defer func() {
		cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
		defer cancel()
		if err := rest.deleteRooms(cleanup, rooms); err != nil {
			r.note(err)
		}
		rest.HTTP.CloseIdleConnections()
	}()
	if err != nil {
		return nil, err
	}
	r.takeSeats(rooms)
	return r.measure(ctx, progress)
}

// takeSeats numbers the seats so that all publishers come before all subscribers.
func (r *run) takeSeats(rooms []room) {
	for _, publishes := range []bool{true, false} {
		n := r.plan.Subscribers
		if publishes {
			n = r.plan.Publishers
		}
		for range n {
			for _, room := range rooms {
				r.seats = append(r.seats, &seat{room, len(r.seats), publishes, make(chan struct{}, 1), make(chan struct{})})
			}
		}
	}
}

// measure lets everyone join, measures, lets everyone leave, and reports.
func (r *run) measure(ctx context.Context, progress func(Progress)) (*Report, error) {
	begun := r.look()
	watching, stop := context.WithCancel(ctx)
	var watcher sync.WaitGroup
	watcher.Go(func() { r.watch(watching, begun, progress) })
	defer func() { stop(); watcher.Wait() }()

	everyone, dismiss := context.WithCancel(context.WithoutCancel(ctx))
	defer func() { dismiss(); r.present.Wait() }()
	if err := r.fill(ctx, everyone); err != nil {
		return nil, err
	}
	filled := r.look()
	if err := pause(ctx, settle); err != nil {
		return nil, err
	}
	r.setMeasuring(true)
	from := r.look()
	err := r.hold(ctx)
	to := r.look()
	r.setMeasuring(false)
	delivery := r.finish()
	report := r.report(begun, filled, from, to, delivery)
	close(r.ending)
	r.awaitDeparture(dismiss)
	r.mu.Lock()
	report.addOutcomes(&r.outcomes, r.server)
	r.mu.Unlock()
	return report, err
}

// fill lets the publishers come in, then the subscribers, evenly over the time of ramping up, and returns when the last is in.
func (r *run) fill(ctx, everyone context.Context) error {
	places := make(chan struct{}, maxJoining)
	begun := time.Now()
	for i, s := range r.seats {
		if i > 0 && r.seats[i-1].publishes && !s.publishes {
			for _, publisher := range r.seats[:i] {
				<-publisher.taken
			}
		}
		due := begun.Add(r.plan.RampUp * time.Duration(i) / time.Duration(len(r.seats)))
		if err := pause(ctx, time.Until(due)); err != nil {
			return err
		}
		places <- struct{}{}
		r.present.Go(func() { r.occupy(everyone, s) })
		go func() { <-s.taken; <-places }()
	}
	for _, s := range r.seats {
		select {
		case <-s.taken:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// occupy has one participant after another in a seat until the end.
func (r *run) occupy(ctx context.Context, s *seat) {
	var once sync.Once
	taken := func() { once.Do(func() { close(s.taken) }) }
	defer taken()
	for {
		leave, left := make(chan struct{}), make(chan struct{})
		churned := false
		var waiting sync.WaitGroup
		waiting.Go(func() {
			select {
			case <-s.leave:
				churned = true
			case <-r.ending:
			case <-left:
				return
			}
			close(leave)
		})
		p := &participant{run: r, room: s.room, number: s.number, publishes: s.publishes}
		joined := false
		err := p.stay(ctx, leave, func() {
			joined = true
			r.joined(p)
			taken()
		})
		close(left)
		waiting.Wait()
		if joined {
			r.stayed(p)
		}
		if err != nil && ctx.Err() == nil {
			r.gone(err, joined)
		}
		if err != nil || !churned {
			return
		}
		r.mu.Lock()
		r.outcomes.left++
		r.mu.Unlock()
	}
}

// hold waits for the time of measuring, and lets people leave and come back meanwhile.
func (r *run) hold(ctx context.Context) error {
	over := time.Now().Add(r.plan.Duration)
	if r.plan.Churn == 0 {
		return pause(ctx, time.Until(over))
	}
	every := time.Duration(float64(time.Minute) / r.plan.Churn)
	for next := time.Now().Add(every); next.Before(over); next = next.Add(every) {
		if err := pause(ctx, time.Until(next)); err != nil {
			return err
		}
		select {
		case r.seats[r.random.IntN(len(r.seats))].leave <- struct{}{}:
		default: // is on the way out
		}
	}
	return pause(ctx, time.Until(over))
}

// finish stops sending, waits for what is under way, and compares what was sent to each subscriber with what it got.
func (r *run) finish() Delivery {
	for _, l := range r.loops {
		l.do(func() {
			for _, t := range l.transports {
				if t.sender != nil {
					t.sender.stopped = true
				}
			}
		})
	}
	end, last, since := time.Now().Add(drain+2*r.plan.Delay), uint64(0), time.Now()
	for time.Now().Before(end) && time.Since(since) < quiet+2*r.plan.Delay {
		time.Sleep(10 * time.Millisecond) // that nothing comes is what is waited for
		if now := r.total().arrived; now != last {
			last, since = now, time.Now()
		}
	}
	var d Delivery
	if r.plan.Churn > 0 || r.plan.Layers > 1 {
		return d // what one line carries is of several sources then
	}
	sent := map[uint32]uint64{}
	for _, l := range r.loops {
		l.do(func() {
			for _, t := range l.transports {
				if t.sender == nil {
					continue
				}
				for _, src := range t.sender.sources {
					sent[src.id] = src.sent
				}
			}
		})
	}
	for _, l := range r.loops {
		l.do(func() {
			for _, t := range l.transports {
				if t.receiver == nil {
					continue
				}
				for _, in := range t.receiver.all {
					if in.first.source != 0 {
						d.Expected += sent[in.first.source] - in.first.count
						d.Received += in.reception.Received()
					}
				}
			}
		})
	}
	return d
}

// awaitDeparture gives everyone the time to leave, and then ends those who do not.
func (r *run) awaitDeparture(dismiss context.CancelFunc) {
	gone := make(chan struct{})
	go func() { r.present.Wait(); close(gone) }()
	late := time.NewTimer(joinTimeout + leaveTimeout)
	defer late.Stop()
	select {
	case <-gone:
	case <-late.C:
	}
	dismiss()
}

func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	wait := time.NewTimer(d)
	defer wait.Stop()
	select {
	case <-wait.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// newSource makes a source to send from.
func (r *run) newSource(kind byte) *source {
	src := &source{
		id: r.lastID.Add(1), ssrc: rand.Uint32() | 1, kind: kind, seq: uint16(rand.Uint32()) & 0x7fff, timestamp: rand.Uint32(),
		interval: int64(time.Second) / audioRate, level: usualLevel,
	}
	if kind == vp8Type {
		src.rtx = rand.Uint32() | 1
		src.interval = int64(time.Second) / frameRate
		src.history = make([]record, sentHistory)
	}
	return src
}

// greeted notes what the server says of itself.
func (r *run) greeted(data json.RawMessage) error {
	var hello struct {
		Server struct {
			Version string `json:"version"`
		} `json:"server"`
	}
	if err := json.Unmarshal(data, &hello); err != nil {
		return fmt.Errorf("read reply to hello: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.server = hello.Server.Version
	return nil
}

// joined counts someone who is in.
func (r *run) joined(p *participant) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.outcomes.joined++
	if p.publishes {
		r.outcomes.published = append(r.outcomes.published, time.Since(p.arrivals.begun))
	}
}

// stayed notes when the media of someone who was in began: with churn not all streams had when they counted as joined.
func (r *run) stayed(p *participant) {
	first, picture, whole := p.arrivals.times()
	r.mu.Lock()
	defer r.mu.Unlock()
	for times, d := range map[*[]time.Duration]time.Duration{
		&r.outcomes.first: first, &r.outcomes.pictures: picture, &r.outcomes.wholes: whole,
	} {
		if d > 0 {
			*times = append(*times, d)
		}
	}
}

// gone notes why someone did not get in, or was lost.
func (r *run) gone(err error, joined bool) {
	r.mu.Lock()
	if joined {
		r.outcomes.lost++
	} else {
		r.outcomes.failed++
		err = fmt.Errorf("join: %w", err)
	}
	r.mu.Unlock()
	r.note(err)
}

// maxErrors is how many different errors are kept.
const maxErrors = 50

func (r *run) note(err error) {
	if errors.Is(err, errLeft) {
		err = errors.New("the server closed the signalling socket: left")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if text := err.Error(); len(r.outcomes.errors) < maxErrors || r.outcomes.errors[text] > 0 {
		r.outcomes.errors[text]++
	}
}
