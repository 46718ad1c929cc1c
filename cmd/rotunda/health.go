package main

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// phase is where the server is in its life. It only moves on.
type phase int32

const (
	starting phase = iota
	serving
	draining
)

// health answers /healthz: 200 while the server serves, 503 before and after, so that a balancer sends nobody to it.
type health struct {
	phase atomic.Int32
	check func(context.Context) error // what must work for the server to be of use
}

func (h *health) set(p phase) { h.phase.Store(int32(p)) }

// ServeHTTP writes one word that says why.
func (h *health) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status, word := http.StatusServiceUnavailable, "starting"
	switch phase(h.phase.Load()) {
	case serving:
		ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
		defer cancel()
		status, word = http.StatusOK, "ok"
		if h.check(ctx) != nil {
			status, word = http.StatusServiceUnavailable, "database unavailable"
		}
	case draining:
		word = "draining"
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, word+"\n")
}

// gate turns everyone but health checks away while the server is not serving. It stays reachable meanwhile, to say so.
func (h *health) gate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if phase(h.phase.Load()) == serving || r.URL.Path == "/healthz" {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Retry-After", "2")
		w.Header().Set("Connection", "close")
		refuse(w, http.StatusServiceUnavailable, "10037", "Service unavailable", "The server is starting or stopping. Try again shortly.")
	})
}
