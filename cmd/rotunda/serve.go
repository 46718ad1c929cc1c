package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
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
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // from now on signals have their usual meaning
	defer stop()
	return serve(ctx, config, t)
}

// serve starts the house floor by floor and stops it downwards once ctx ends.
func serve(ctx context.Context, config *Config, t *terminal) error {
	listener, err := listen(ctx, "http", config.HTTP)
	if err != nil {
		return err
	}
	ready := &health{}
	server := newServer(routes{health: ready}.handler())
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	ready.set(serving)
	fmt.Fprintf(t.stdout, "rotunda %s\nweb      http://%s\n", version, listener.Addr())

	select {
	case <-ctx.Done():
	case err = <-failed:
	}

	ready.set(draining)
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), config.DrainTimeout)
	defer cancel()
	return errors.Join(err, server.Shutdown(drain))
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

func newServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10, // beyond it: 431
	}
}
