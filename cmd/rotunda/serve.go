package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/rotunda-rtc/rotunda/internal/auth"
	"github.com/rotunda-rtc/rotunda/internal/blob"
	"github.com/rotunda-rtc/rotunda/internal/demo"
	"github.com/rotunda-rtc/rotunda/internal/events"
	"github.com/rotunda-rtc/rotunda/internal/janus"
	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/mixer"
	"github.com/rotunda-rtc/rotunda/internal/observe"
	"github.com/rotunda-rtc/rotunda/internal/oidc"
	"github.com/rotunda-rtc/rotunda/internal/quality"
	"github.com/rotunda-rtc/rotunda/internal/record"
	"github.com/rotunda-rtc/rotunda/internal/rest"
	"github.com/rotunda-rtc/rotunda/internal/sfu"
	signalling "github.com/rotunda-rtc/rotunda/internal/signal"
	"github.com/rotunda-rtc/rotunda/internal/store"
	"github.com/rotunda-rtc/rotunda/internal/turn"
	"github.com/rotunda-rtc/rotunda/internal/whip"
)

type serveCommand struct {
	serveFlags
}

// Help is what 'rotunda serve --help' says before the flags.
func (*serveCommand) Help() string {
	return `Starts on nothing: a fresh data directory is given a database, an account, keys and an API key, which is printed once.

Every setting is a flag, an environment variable ROTUNDA_NAME, and a key of the YAML file; a flag wins over the variable, the variable over the file. ` +
		`The root key, which seals what is kept, is made in the data directory unless ROTUNDA_ROOT_KEY holds one: 32 bytes in base64.

SIGTERM and SIGINT end all sessions and stop; a second one stops at once.`
}

// Run serves until ctx ends or the process is told to stop. A second signal ends it at once.
func (*serveCommand) Run(ctx context.Context, line *kong.Context, t *terminal) error {
	config, err := loadConfig(given(line), t.env)
	if err != nil {
		return err
	}
	if err := config.checkMedia(); err != nil {
		return err
	}
	if err := config.checkSignIn(); err != nil {
		return err
	}
	log, err := observe.NewLogger(t.stderr, config.LogLevel, config.LogFormat)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // from now on signals have their usual meaning
	defer stop()
	return serve(ctx, config, log, t)
}

// house is a server being built, running, or being taken down.
type house struct {
	config *Config
	log    *slog.Logger
	begun  time.Time

	listener  net.Listener
	tls       *tls.Config       // what the listener speaks; nil: plain HTTP
	files     *certificateFiles // nil without a certificate in files
	authority *authority        // nil without ACME
	metrics   *prometheus.Registry
	traces    *observe.Tracer // nil without a collector
	db        *store.Store
	own       *belongings
	objects   *blob.Store
	engine    *sfu.Engine
	mixer     *mixer.Engine
	recorder  *record.Recorder
	quality   *quality.Keeper
	meter     *meter
	host      *live.Host
	turn      *turn.Server // nil without a relay
	relay     *events.Relay
	ready     *health
	routes    *routes
	sockets   *signalling.Handler
	dialect   *janus.Handler
	whip      *whip.Handler
	provider  *oidc.Provider // that members may sign in by; nil without one
	secret    string         // of the demo link; empty without a demo room
	setup     string         // of the link that makes the owner; empty once there is one
	draining  chan struct{}

	stops []func() error // what to undo, in the order it was done
}

// serve starts the house floor by floor, and stops it downwards when ctx ends or the listener fails.
func serve(ctx context.Context, config *Config, log *slog.Logger, t *terminal) (err error) {
	h := &house{config: config, log: log, begun: time.Now(), draining: make(chan struct{})}
	defer func() { err = errors.Join(err, h.stop()) }()
	for _, floor := range []func(context.Context) error{h.ground, h.engines, h.core, h.entrances} {
		if err := floor(ctx); err != nil {
			return err
		}
	}
	server := publicServer(secured(h.ready.gate(h.routes.handler(log)), config.https()), log, arrivalTimeout, departureTimeout)
	failed := make(chan error, 1)
	var accepting sync.WaitGroup
	accepting.Go(func() { failed <- accept(server, h.listener, h.tls) })
	h.ready.set(serving)
	if h.authority != nil {
		h.later(h.authority.keep())
	}
	if err = h.greet(ctx, t.stdout); err == nil {
		select {
		case <-ctx.Done():
		case err = <-failed:
			err = fmt.Errorf("serve: %w", err)
		}
	}
	h.drain(ctx, server)
	accepting.Wait()
	return err
}

// ground is the data directory, and the doors to the outside.
func (h *house) ground(ctx context.Context) error {
	unlock, err := lockData(h.config.Data)
	if err != nil {
		return err
	}
	h.later(unlock)
	if h.listener, err = listen(ctx, "http", h.config.HTTP); err != nil {
		return err
	}
	h.later(closeOnce(h.listener))
	h.metrics = observe.NewRegistry(version)
	stopMetrics, err := serveAside(ctx, "metrics", h.config.Metrics, newServer(observe.Handler(h.metrics), h.log), h.log)
	if err != nil {
		return err
	}
	h.later(stopMetrics)
	if err := h.openTraces(ctx); err != nil {
		return err
	}
	return h.identity(ctx)
}

// identity is the certificate of the public listener, if it is to have one.
func (h *house) identity(ctx context.Context) error {
	switch c := h.config; {
	case c.TLSCert != "":
		files, err := openCertificate(c.TLSCert, c.TLSKey, h.log)
		if err != nil {
			return err
		}
		h.files, h.tls = files, newTLS(files.get)
		watching, stop := context.WithCancel(context.WithoutCancel(ctx))
		var watch sync.WaitGroup
		watch.Go(func() { files.watch(watching) })
		h.later(func() error { stop(); watch.Wait(); return nil })
	case len(c.ACMEDomains) > 0:
		h.authority = newAuthority(c, h.log)
		h.tls = h.authority.tls()
		challenges := secured(h.authority.challenges(c.baseURL(h.listener.Addr().String())), false)
		stop, err := serveAside(ctx, "acme_http", c.ACMEHTTP, publicServer(challenges, h.log, arrivalTimeout, departureTimeout), h.log)
		if err != nil {
			return err
		}
		h.later(stop)
	}
	return nil
}

func (h *house) engines(ctx context.Context) (err error) {
	database := h.config.database()
	database.Logger = h.log
	if h.db, err = store.Open(ctx, database); err != nil {
		return err
	}
	h.later(h.db.Close)
	if h.own, err = unpack(ctx, h.config, h.db, h.log); err != nil {
		return err
	}
	h.later(h.tendKeys(ctx))
	if err := h.openObjects(ctx); err != nil {
		return err
	}
	died, err := h.db.CloseDangling(ctx)
	if err != nil {
		return err
	}
	if died > 0 {
		h.log.Warn("sessions of a server that died were closed", "sessions", died)
	}
	h.engine, err = sfu.New(sfu.Config{
		UDPPort: h.config.RTCUDPPort, TCPPort: h.config.RTCTCPPort, Addresses: h.config.mediaAddresses(ctx, h.log), Logger: h.log,
		Loopback: h.config.clientsHere(), LoudestVoices: h.config.LoudestVoices, LargeRoom: h.config.LargeRoom,
	})
	if err != nil {
		return fmt.Errorf("%w: choose another port with --rtc-udp-port or --rtc-tcp-port, or addresses with --rtc-public-ip", err)
	}
	h.later(func() error { h.engine.Close(); return nil })
	if port := h.engine.TCPPort(); port != h.engine.Port() && h.config.RTCTCPPort == 0 {
		h.log.Warn("another program has the TCP port of that number: firewalls may not know this one", "port", port, "setting", "--rtc-tcp-port")
	}
	if err := h.metrics.Register(media{h.engine}); err != nil {
		return err
	}
	if err := h.openMixer(); err != nil {
		return err
	}
	return h.openTURN()
}

// tendKeys has the keys looked after until the returned function is called.
func (h *house) tendKeys(ctx context.Context) (stop func() error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var tending sync.WaitGroup
	tending.Go(func() { h.own.authority.Tend(ctx) })
	return func() error { cancel(); tending.Wait(); return nil }
}

func (h *house) core(ctx context.Context) error {
	if err := h.openRecorder(ctx); err != nil {
		return err
	}
	figures, err := h.measure(ctx)
	if err != nil {
		return err
	}
	h.host = live.NewHost(live.Config{
		Quality: figures, Traces: h.traces,
		Rooms: h.db, Journal: h.db, Media: media{h.engine}, Recorder: recorder{h.recorder}, Mixer: mixes{h.mixer}, Logger: h.log,
		Linger: lingerOf(h.config), Identities: live.IdentityPolicy(h.config.Identities), MaxViewers: h.config.WHEPViewers,
	})
	if err := h.tell(ctx); err != nil {
		return err
	}
	h.meterTraffic(ctx)
	if err := h.archiveRecordings(ctx); err != nil {
		return err
	}
	if err := h.keepMedia(ctx); err != nil {
		return err
	}
	return h.compose(ctx)
}

func (h *house) entrances(ctx context.Context) (err error) {
	h.ready = &health{check: func(ctx context.Context) error {
		_, err := h.db.CountAPIKeys(ctx, h.own.account.ID)
		return err
	}}
	publicURL, tokens := h.config.publicURL(h.listener.Addr().String()), h.own.authority
	proxies := h.config.proxies()
	h.sockets = signalling.New(signalling.Config{
		Host: h.host, Tokens: tokens, Version: version, Origins: h.config.AllowedOrigins, Logger: h.log, Traces: h.traces, Proxies: proxies,
		ICEServers: h.config.ICEServers, Relay: h.turnServers, ResumeGrace: h.config.ResumeGrace, QualityInterval: h.reportInterval(),
	})
	h.dialect = janus.New(janus.Config{
		Host: h.host, Tokens: tokens, OpenText: media{h.engine}.openText, Origins: h.config.AllowedOrigins, Logger: h.log, Proxies: proxies,
		MaxHandles: h.config.JanusHandles,
	})
	if err := h.metrics.Register(dialectMetrics{h.dialect}); err != nil {
		return err
	}
	if err := h.metrics.Register(socketMetrics{h.sockets}); err != nil {
		return err
	}
	h.whip = whip.New(whip.Config{Host: h.host, Tokens: tokens, PublicURL: publicURL, Logger: h.log, ICEServers: h.config.ICEServers, Relay: h.turnServers})
	h.routes = &routes{health: h.ready, signal: h.sockets, janus: h.dialect, whip: h.whip, media: h.downloads(), app: callApp(), docs: reference(), portal: portalApp()}
	if h.config.Janus == switchedOff {
		h.routes.janus = nil
	}
	members := auth.NewMembers(h.db, h.log, nil)
	members.LimitPasswords(h.config.SignIn.Passwords)
	if h.provider, err = h.config.signInProvider(); err != nil {
		return err
	}
	if h.setup, err = members.SetupLink(ctx, h.own.account.ID); err != nil {
		return err
	}
	if h.routes.rest, err = rest.New(rest.Config{
		Rooms: h.db, Sessions: h.db, Recordings: h.db, Compositions: h.db, Quality: h.quality, Keys: tokens, Tokens: tokens,
		Live: moderation{h.host, h.db, h.log}, Draining: h.draining,
		KeyRing: h.db, Members: members, SingleSignOn: h.singleSignOn(), Roster: h.db, Overview: h.db, Usage: h.db, System: systems{h}, Checks: h.checks, Machine: newGauge(h.config.Data).read,
		Audits: h.db, Idempotency: h.db, Vault: tokens, Webhooks: h.db, EventKeys: tokens, Deliveries: h.db,
		RateLimit: h.config.RateLimit, CORSOrigins: h.config.CORSOrigins, Proxies: proxies, PublicURL: publicURL,
		MediaURL: h.mediaURL(), Log: h.log, Traces: h.traces,
	}); err != nil || h.config.Demo == DemoOff {
		return err
	}
	h.secret = demoSecret(h.own.rootKey)
	entrance, err := demo.New(demo.Config{Account: h.own.account.ID, Secret: h.secret, Rooms: h.db, Tokens: tokens, Log: h.log, Proxies: proxies})
	if err != nil {
		return err
	}
	h.routes.demo = entrance
	_, err = entrance.Room(ctx)
	return err
}

// greet makes the first API key, if one is due, and says how to go on.
func (h *house) greet(ctx context.Context, w io.Writer) error {
	key, err := firstAPIKey(ctx, h.config, h.db, h.own.account.ID)
	if err != nil {
		return err
	}
	hello := &greeting{
		config: h.config, listening: h.listener.Addr().String(), mediaPort: h.engine.Port(), tcpPort: h.engine.TCPPort(),
		fresh: h.own.fresh, apiKey: key, demo: h.secret, setup: h.setup,
	}
	if h.turn != nil {
		hello.turnPort = h.turn.Port()
	}
	if err := hello.print(w); err != nil {
		return fmt.Errorf("print greeting: %w", err)
	}
	h.log.Info("serving", "version", version, "http", h.listener.Addr().String(), "media_port", h.engine.Port(),
		"took", time.Since(h.begun).Round(time.Millisecond))
	return nil
}

// drain empties the upper floors: everyone is told, sessions end, requests finish. It takes as long as the operator
// allows, and no longer than it needs.
func (h *house) drain(ctx context.Context, server *http.Server) {
	h.log.Info("stopping", "at_most", h.config.DrainTimeout)
	h.ready.set(draining)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.config.DrainTimeout)
	defer cancel()
	for _, part := range []struct {
		name string
		stop func(context.Context) error
	}{
		{"sessions", h.host.Close},
		{"signalling sockets", h.sockets.Close},
		{"sockets of the Janus dialect", h.dialect.Close},
		{"WHIP resources", h.whip.Close},
		{"recordings", h.recorder.Close},
		{"streams of session events", func(context.Context) error { close(h.draining); return nil }},
		{"requests", server.Shutdown},
		{"webhooks", h.relay.Close},
	} {
		if err := part.stop(ctx); err != nil {
			h.log.Warn(part.name+" were cut off", "error", err)
		}
	}
	if err := server.Close(); err != nil {
		h.log.Warn("connections were not closed", "error", err)
	}
}

// later remembers what undoes a step.
func (h *house) later(stop func() error) { h.stops = append(h.stops, stop) }

// stop undoes every step, the last one first.
func (h *house) stop() error {
	var faults []error
	for _, stop := range slices.Backward(h.stops) {
		faults = append(faults, stop())
	}
	return errors.Join(faults...)
}
