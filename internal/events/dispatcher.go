package events

import (
	"context"
	"sync"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// dispatcher is the one goroutine that decides which attempts are made. All its fields are its own.
type dispatcher struct {
	*Relay
	attempts context.Context // of all attempts; ended to cut them short

	endpoints map[string]*endpoint // those with something under way or queued, and slow ones
	queued    map[*endpoint]bool   // those with a queue
	running   int                  // attempts under way
	slow      int                  // attempts under way to slow endpoints
	unsettled []video.DeliveryOutcome
	stopping  bool

	// reports come from attempts. Each sends two at most, for which there is room: an attempt never waits.
	reports chan report

	lastTurn time.Time
	turn     *time.Timer
}

// report is what an attempt tells: that its request is on its way, or its end.
type report struct {
	endpoint *endpoint
	delivery video.Delivery
	slow     bool // the endpoint was, when the attempt began
	ended    bool
	result   result
	cut      bool // what came of it is not known
}

// rememberedSlow bounds the endpoints that are kept only because they were slow. Forgetting one costs a few places for a
// few seconds.
const rememberedSlow = 4096

func newDispatcher(attempts context.Context, r *Relay) *dispatcher {
	return &dispatcher{
		Relay: r, attempts: attempts,
		endpoints: make(map[string]*endpoint), queued: make(map[*endpoint]bool),
		reports: make(chan report, 2*r.config.Places),
		turn:    time.NewTimer(0),
	}
}

func (p *dispatcher) run() {
	defer close(p.ended)
	defer p.cut(errClosing)
	defer p.turn.Stop()
	committed := p.config.Outbox.DeliveriesCommitted()
	for {
		select {
		case <-committed:
			p.hurry()
		case report := <-p.reports:
			p.hear(report)
		case <-p.turn.C:
			p.turn.Reset(p.takeTurn())
		case <-p.stop:
			p.finish()
			return
		}
	}
}

// hurry makes the next turn come as soon as the gap allows.
func (p *dispatcher) hurry() { p.turn.Reset(max(0, turnGap-time.Since(p.lastTurn))) }

// finish awaits what is under way and writes what came of it. What is queued stays claimed until the next start.
func (p *dispatcher) finish() {
	p.stopping = true
	for p.running > 0 {
		p.hear(<-p.reports)
	}
	if !p.settle() {
		p.config.Logger.Warn("outcomes of webhooks could not be written; they will be sent again", "deliveries", len(p.unsettled))
	}
}

// hear takes a report and starts what it makes room for.
func (p *dispatcher) hear(report report) {
	e := report.endpoint
	if e.starting[report.delivery.SessionID] == report.delivery.Seq {
		delete(e.starting, report.delivery.SessionID)
	}
	if report.ended {
		p.end(report)
		p.hurry()
	}
	p.start(e)
	if report.ended && len(p.queued) > 0 {
		for other := range p.queued { // there may have been no place at all
			p.start(other)
		}
	}
	if e.running == 0 && len(e.queue) == 0 && (!e.slow || len(p.endpoints) > rememberedSlow) {
		delete(p.endpoints, e.url)
	}
}

func (p *dispatcher) end(report report) {
	e := report.endpoint
	p.running--
	e.running--
	if report.slow {
		p.slow--
	}
	p.metrics.count(report)
	if report.cut {
		return
	}
	e.slow = report.result.slow
	p.unsettled = append(p.unsettled, p.outcome(report.delivery, report.result))
}

// outcome is what follows from an attempt.
func (p *dispatcher) outcome(d video.Delivery, res result) video.DeliveryOutcome {
	outcome := video.DeliveryOutcome{Seq: d.Seq, Attempt: res.attempt, Step: d.Step, Status: video.DeliveryDelivered}
	if res.verdict == delivered {
		return outcome
	}
	step, pause, more := p.config.Schedule.next(d, res.verdict, res.retryAfter, p.config.Jitter())
	if !more {
		outcome.Status = video.DeliveryFailed
		return outcome
	}
	at := res.attempt.FinishedAt.Add(pause)
	outcome.Status, outcome.Step, outcome.Target, outcome.NextAt = video.DeliveryPending, step, p.config.Schedule.target(d, step), &at
	return outcome
}

// place reports whether another attempt to the endpoint fits into the places of all.
func (p *dispatcher) place(e *endpoint) bool {
	return p.running < p.config.Places && (!e.slow || p.slow < p.slowPlaces())
}

// slowPlaces are what all slow endpoints may take together.
func (p *dispatcher) slowPlaces() int { return p.config.Places / 2 }

// start begins what is queued at the endpoint, as far as there are places.
func (p *dispatcher) start(e *endpoint) {
	for !p.stopping && p.attempts.Err() == nil && p.place(e) { // what begins after attempts are cut off would be cut off itself
		d, ok := e.take()
		if !ok {
			break
		}
		p.running++
		e.running++
		if e.slow {
			p.slow++
		}
		if d.SessionID != "" {
			e.starting[d.SessionID] = d.Seq
		}
		go p.carryOut(report{endpoint: e, delivery: d, slow: e.slow})
	}
	if len(e.queue) > 0 {
		p.queued[e] = true
	} else {
		delete(p.queued, e)
	}
}

// carryOut makes an attempt, in a goroutine of its own.
func (p *dispatcher) carryOut(about report) {
	var sent sync.Once // and never after the end, though the connection's goroutine may come late
	res, err := p.attempt(p.attempts, about.delivery, func() { sent.Do(func() { p.reports <- about }) })
	sent.Do(func() {})
	end := about
	end.ended, end.result, end.cut = true, res, err != nil
	p.reports <- end
}

// takeTurn settles what ended, claims what is due, and returns how long to wait for the next turn.
func (p *dispatcher) takeTurn() time.Duration {
	p.lastTurn = time.Now()
	if !p.settle() {
		return outboxPause
	}
	full, err := p.claim()
	if err != nil {
		p.config.Logger.Warn("webhooks could not be claimed, trying again", "error", err, "pause", outboxPause)
		return outboxPause
	}
	if full {
		return turnGap
	}
	if p.running >= p.config.Places {
		return longestWait // the end of an attempt brings the next turn
	}
	ctx, cancel := context.WithTimeout(p.attempts, outboxTimeout)
	defer cancel()
	next, err := p.config.Outbox.NextDelivery(ctx, p.busy())
	if err != nil {
		p.config.Logger.Warn("webhooks could not be looked up, trying again", "error", err, "pause", outboxPause)
		return outboxPause
	}
	if next == nil {
		return longestWait
	}
	return min(max(next.Sub(p.config.Now()), turnGap), longestWait)
}

// claim takes what is due and starts it. It reports whether there may be more that could start now.
func (p *dispatcher) claim() (full bool, err error) {
	n := min(claimSize, p.config.Places-p.running)
	if n <= 0 || p.stopping {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(p.attempts, outboxTimeout)
	defer cancel()
	claimed, err := p.config.Outbox.ClaimDeliveries(ctx, p.busy(), lease, n)
	if err != nil {
		return false, err
	}
	for _, d := range claimed {
		e := p.endpoint(p.config.Schedule.target(d, d.Step))
		e.queue = append(e.queue, d)
		p.queued[e] = true
	}
	for e := range p.queued {
		p.start(e)
	}
	return len(claimed) > 0, nil
}

func (p *dispatcher) endpoint(url string) *endpoint {
	e := p.endpoints[url]
	if e == nil {
		e = &endpoint{url: url, starting: make(map[video.SessionID]int64)}
		p.endpoints[url] = e
	}
	return e
}

// busy are the endpoints that take up nothing now.
func (p *dispatcher) busy() []string {
	var urls []string
	for url, e := range p.endpoints {
		if e.busy() || !p.place(e) {
			urls = append(urls, url)
		}
	}
	return urls
}

// settle writes what came of attempts. It reports whether nothing is left to write. What the outbox will never take is
// given up: the claim runs out and the attempt is made again.
func (p *dispatcher) settle() bool {
	if len(p.unsettled) == 0 {
		return true
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(p.attempts), outboxTimeout)
	defer cancel()
	err := p.config.Outbox.SettleDeliveries(ctx, p.unsettled)
	if err != nil && video.CodeOf(err) != video.CodeUnavailable && len(p.unsettled) > 1 {
		p.settleEach(ctx)
		return len(p.unsettled) == 0
	}
	if err != nil && video.CodeOf(err) == video.CodeUnavailable {
		p.config.Logger.Warn("outcomes of webhooks could not be written, trying again", "error", err, "deliveries", len(p.unsettled))
		return false
	}
	if err != nil {
		p.config.Logger.Error("outcome of a webhook given up", "delivery", p.unsettled[0].Seq, "error", err)
	}
	p.unsettled = nil
	return true
}

func (p *dispatcher) settleEach(ctx context.Context) {
	var left []video.DeliveryOutcome
	for i, outcome := range p.unsettled {
		err := p.config.Outbox.SettleDeliveries(ctx, p.unsettled[i:i+1])
		if err != nil && video.CodeOf(err) == video.CodeUnavailable {
			left = append(left, outcome)
		} else if err != nil {
			p.config.Logger.Error("outcome of a webhook given up", "delivery", outcome.Seq, "error", err)
		}
	}
	p.unsettled = left
}
