package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/rotunda-rtc/rotunda/apps/sample"
	"github.com/rotunda-rtc/rotunda/internal/demo"
	"github.com/rotunda-rtc/rotunda/internal/live"
	"github.com/rotunda-rtc/rotunda/internal/observe"
	"github.com/rotunda-rtc/rotunda/internal/rest"
	"github.com/rotunda-rtc/rotunda/internal/sfu"
	signalling "github.com/rotunda-rtc/rotunda/internal/signal"
	"github.com/rotunda-rtc/rotunda/internal/store"
	"github.com/rotunda-rtc/rotunda/internal/video"
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
	log, err := observe.NewLogger(t.stderr, config.LogLevel, config.LogFormat)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // from now on signals have their usual meaning
	defer stop()
	return serve(ctx, config, log, t)
}

// serve starts the house floor by floor, and stops it downwards when ctx ends or the listener fails.
func serve(ctx context.Context, config *Config, log *slog.Logger, t *terminal) (err error) {
	begun := time.Now()

	// The ground: the data directory, and the doors to the outside.
	unlock, err := lockData(config.Data)
	if err != nil {
		return err
	}
	defer closing(&err, unlock)
	listener, err := listen(ctx, "http", config.HTTP)
	if err != nil {
		return err
	}
	defer closing(&err, closeOnce(listener))
	metrics := observe.NewRegistry(version)
	stopMetrics, err := serveMetrics(ctx, config, observe.Handler(metrics), log)
	if err != nil {
		return err
	}
	defer stopMetrics()

	// Engines.
	db, err := store.Open(ctx, store.Config{Path: databasePath(config.Data), Logger: log})
	if err != nil {
		return err
	}
	defer closing(&err, db.Close)
	own, err := unpack(ctx, config, db)
	if err != nil {
		return err
	}
	if n, err := db.CloseDangling(ctx); err != nil {
		return err
	} else if n > 0 {
		log.Warn("sessions of a server that died were closed", "sessions", n)
	}
	engine, err := sfu.New(sfu.Config{
		UDPPort: config.RTCUDPPort, Addresses: config.RTCPublicIP, Logger: log,
		Loopback: onLoopback(config.HTTP) || config.Demo != DemoOff,
	})
	if err != nil {
		return fmt.Errorf("%w: choose another with --rtc-udp-port, or addresses with --rtc-public-ip", err)
	}
	defer engine.Close()
	metrics.MustRegister(media{engine})

	// The core.
	host := live.NewHost(live.Config{
		Rooms: db, Journal: db, Media: media{engine}, Logger: log,
		Linger: orNever(config.Linger), MaxViewers: config.WHEPViewers,
	})

	// Entrances.
	ready := &health{check: func(ctx context.Context) error {
		_, err := db.CountAPIKeys(ctx, own.account.ID)
		return err
	}}
	public := &routes{health: ready, app: sample.Handler()}
	if public.rest, err = rest.New(rest.Config{
		Rooms: db, Sessions: db, Keys: own.authority, Tokens: own.authority, Live: ending{host, log},
		PublicURL: config.publicURL(listener.Addr().String()), Log: log,
	}); err != nil {
		return err
	}
	sockets := signalling.New(signalling.Config{
		Host: host, Tokens: own.authority, Version: version, Origins: config.AllowedOrigins, Logger: log,
	})
	public.signal = sockets
	hello := &greeting{config: config, listening: listener.Addr().String(), mediaPort: engine.Port(), fresh: own.fresh}
	if config.Demo != DemoOff {
		hello.demo = demoSecret(own.rootKey)
		entrance, err := demo.New(demo.Config{Account: own.account.ID, Secret: hello.demo, Rooms: db, Tokens: own.authority, Log: log})
		if err != nil {
			return err
		}
		if _, err := entrance.Room(ctx); err != nil {
			return err
		}
		public.demo = entrance
	}

	// Open.
	server := newServer(ready.gate(public.handler(log)), log)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	ready.set(serving)
	if hello.apiKey, err = firstAPIKey(ctx, config, db, own.account.ID); err == nil {
		err = hello.print(t.stdout)
	}
	log.Info("serving", "version", version, "http", listener.Addr().String(), "media_port", engine.Port(), "metrics", config.Metrics, "took", time.Since(begun).Round(time.Millisecond))
	if err == nil {
		select {
		case <-ctx.Done():
		case err = <-failed:
			err = fmt.Errorf("listen: %w", err)
		}
	}

	// Closed. What is left stops in the order opposite to its start, by the deferred calls above.
	ready.set(draining)
	log.Info("stopping", "at_most", config.DrainTimeout)
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), config.DrainTimeout)
	defer cancel()
	if late := host.Close(drain); late != nil {
		log.Error("sessions were cut off", "error", late)
	}
	if late := sockets.Close(drain); late != nil {
		log.Error("signalling sockets were cut off", "error", late)
	}
	if late := server.Shutdown(drain); late != nil {
		log.Error("requests were cut off", "error", errors.Join(late, server.Close()))
	}
	return err
}

// closing adds to *err what end says, for use with defer.
func closing(err *error, end func() error) {
	*err = errors.Join(*err, end())
}

// closeOnce closes a listener that its server may have closed already.
func closeOnce(listener net.Listener) func() error {
	return func() error {
		if err := listener.Close(); !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	}
}

// listen opens a TCP listener; its errors name the setting to change.
func listen(ctx context.Context, key, address string) (net.Listener, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("listen on %s: another program has this port: stop it, or choose another with %s", address, flagOf(key))
	case err != nil:
		return nil, fmt.Errorf("listen on %s: %w: choose another address with %s", address, err, flagOf(key))
	}
	return listener, nil
}

// serveMetrics opens the operators' own listener, if there is to be one.
func serveMetrics(ctx context.Context, config *Config, handler http.Handler, log *slog.Logger) (stop func(), err error) {
	if config.Metrics == "" {
		return func() {}, nil
	}
	listener, err := listen(ctx, "metrics", config.Metrics)
	if err != nil {
		return nil, err
	}
	server := newServer(handler, log)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("metrics listener failed", "error", err)
		}
	}()
	return func() { _ = server.Close(); <-done }, nil
}

// newServer sets no write timeout: sockets and profiles take as long as they take.
func newServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    2 * rest.MaxHeaderBytes, // within it, rest says in its own words that headers are too large
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

// publicURL is what rest builds links from. On loopback it is left to the host that the request names.
func (c *Config) publicURL(listening string) string {
	if c.PublicURL == nil && onLoopback(c.HTTP) {
		return ""
	}
	return c.baseURL(listening)
}

// orNever turns no linger at all into live's word for it.
func orNever(linger time.Duration) time.Duration {
	if linger == 0 {
		return -1
	}
	return linger
}

// ending is what rest asks of live when a room is deleted.
type ending struct {
	host *live.Host
	log  *slog.Logger
}

// EndRoom puts everyone out of a room that was deleted.
func (e ending) EndRoom(ctx context.Context, room video.RoomID) {
	if err := e.host.EndRoom(ctx, room); err != nil {
		e.log.Warn("session of a deleted room is still ending", "room", room, "error", err)
	}
}
