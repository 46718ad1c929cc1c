package events

import (
	"context"
	"crypto/x509"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rotunda-rtc/rotunda/internal/observe"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Outbox keeps deliveries.
type Outbox interface {
	// ClaimDeliveries takes deliveries that are due, at most n, none whose next target is busy, in the order of their events.
	ClaimDeliveries(ctx context.Context, busy []string, lease time.Duration, n int) ([]video.Delivery, error)
	// SettleDeliveries writes outcomes of claimed deliveries, all or none.
	SettleDeliveries(ctx context.Context, outcomes []video.DeliveryOutcome) error
	// ReleaseDeliveries frees what a process claimed that is no more.
	ReleaseDeliveries(ctx context.Context) error
	// NextDelivery says when the next delivery is due whose target is not busy; nil if there is none.
	NextDelivery(ctx context.Context, busy []string) (*time.Time, error)
	// DeliveriesCommitted holds a token whenever deliveries were added.
	DeliveriesCommitted() <-chan struct{}
	// WaitingDeliveries counts those with an attempt to come or under way.
	WaitingDeliveries(ctx context.Context) (int, error)
}

// Config is what a Relay needs. Outbox and Signer are required.
type Config struct {
	Outbox       Outbox
	Signer       Signer
	AllowPrivate bool                  // requests may go to private networks and this machine
	UserAgent    string                // empty: telnyx-webhooks
	Roots        *x509.CertPool        // nil: the system's
	Metrics      prometheus.Registerer // nil: none
	Logger       *slog.Logger          // nil discards
	Traces       *observe.Tracer       // nil: none
	Now          func() time.Time      // nil is time.Now

	Schedule Schedule       // zero: DefaultSchedule
	Timeout  time.Duration  // of an attempt where the room has none; 0: 2 s
	Places   int            // attempts under way at once, at least 2; 0: 512
	Jitter   func() float64 // 0 to 1; nil: random

	// MediaURL makes the URL that a finished recording or composition is fetched from, anew for each attempt because it
	// expires. nil: there is none, and events say an empty one.
	MediaURL func(account video.AccountID, kind video.MediaKind, id string) string
}

const (
	defaultTimeout = 2 * time.Second
	defaultPlaces  = 512

	// placesPerEndpoint is how many attempts one URL has under way at most.
	placesPerEndpoint = 8

	// claimSize is how many deliveries one claim takes at most.
	claimSize = 64

	// lease is how long a claim lasts. It is far longer than the few attempts that a delivery waits for at its endpoint take, so
	// that a claim runs out only if its outcome was lost.
	lease = 15 * time.Minute

	// turnGap is the least time between two turns at the outbox, which gathers outcomes and new events into few transactions.
	turnGap = 10 * time.Millisecond

	// longestWait bounds the trust in timers: the outbox is looked at at least this often.
	longestWait = time.Minute

	outboxTimeout = 15 * time.Second
	outboxPause   = time.Second // after a failure
)

// Relay delivers events. Make one with New, Start it once, and Close it.
type Relay struct {
	config    Config
	transport *http.Transport
	metrics   *metrics

	stop  chan struct{}
	once  sync.Once
	cut   context.CancelCauseFunc
	ended chan struct{} // closed when nothing runs; nil before Start
}

// New makes a Relay that does nothing yet.
func New(config Config) *Relay {
	if config.UserAgent == "" {
		config.UserAgent = "telnyx-webhooks"
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Schedule.MaxRetryAfter == 0 && config.Schedule.Quick == nil && config.Schedule.Tail == nil {
		config.Schedule = DefaultSchedule
	}
	if config.Timeout == 0 {
		config.Timeout = defaultTimeout
	}
	if config.Places == 0 {
		config.Places = defaultPlaces
	}
	if config.Jitter == nil {
		config.Jitter = rand.Float64
	}
	return &Relay{
		config:    config,
		transport: newTransport(config.AllowPrivate, config.Roots),
		metrics:   newMetrics(config.Metrics, config.Outbox),
		stop:      make(chan struct{}),
	}
}

// Start frees what an earlier process had claimed, and begins to deliver.
func (r *Relay) Start(ctx context.Context) error {
	if err := r.config.Outbox.ReleaseDeliveries(ctx); err != nil {
		return err
	}
	attempts, cut := context.WithCancelCause(context.Background())
	r.cut, r.ended = cut, make(chan struct{})
	go newDispatcher(attempts, r).run()
	return nil
}

// Close begins no further attempts, waits for those under way, and cuts them short when ctx ends; these are made again
// after the next start. When it returns, nothing runs. It may be called again.
func (r *Relay) Close(ctx context.Context) error {
	if r.ended == nil {
		return nil
	}
	r.once.Do(func() { close(r.stop) })
	select {
	case <-r.ended:
		return nil
	case <-ctx.Done():
	}
	select {
	case <-r.ended: // both were true
		return nil
	default:
	}
	r.cut(errClosing)
	<-r.ended
	return context.Cause(ctx)
}
