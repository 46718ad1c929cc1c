package main

import (
	"context"
	"errors"
	"fmt"
	stdlog "log"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/rest"
)

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

// serveAside opens a listener beside the public one, if there is to be one. key is the setting that has its address.
func serveAside(ctx context.Context, key, address string, server *http.Server, log *slog.Logger) (stop func() error, err error) {
	if address == "" {
		return func() error { return nil }, nil
	}
	listener, err := listen(ctx, key, address)
	if err != nil {
		return nil, err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("listener failed", "setting", flagOf(key), "error", err)
		}
	}()
	return func() error { err := server.Close(); <-done; return err }, nil
}

// How long strangers may take over a request.
const (
	arrivalTimeout   = 30 * time.Second // to send it, its body included
	departureTimeout = 2 * time.Minute  // to send it and take its answer
)

// publicServer is the server strangers talk to. Sockets leave the time limits behind when they are upgraded, and streams of
// events set their own.
func publicServer(handler http.Handler, log *slog.Logger, arrival, departure time.Duration) *http.Server {
	server := newServer(handler, log)
	server.ReadTimeout, server.WriteTimeout = arrival, departure
	server.HTTP2 = &http.HTTP2Config{WriteByteTimeout: departure} // the other limit is for one answer, not for the connection
	return server
}

// newServer sets no write timeout: profiles take as long as they take.
func newServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    2 * rest.MaxHeaderBytes, // within it, rest says in its own words that headers are too large
		ErrorLog:          stdlog.New(handshakes{log}, "", 0),
	}
}
