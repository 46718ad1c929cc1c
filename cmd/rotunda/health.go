package main

import (
	"io"
	"net/http"
	"sync/atomic"
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
	check func(*http.Request) error // what must work for the server to be of use; nil: nothing
}

func (h *health) set(p phase) { h.phase.Store(int32(p)) }

// ServeHTTP writes one word that says why.
func (h *health) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status, word := http.StatusServiceUnavailable, "starting"
	switch phase(h.phase.Load()) {
	case serving:
		status, word = http.StatusOK, "ok"
		if h.check != nil && h.check(r) != nil {
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
