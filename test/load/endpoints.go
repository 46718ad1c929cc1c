package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// endpoints are servers that webhooks are posted to, each on a loopback address of its own. The first ones hang: they read what they are
// sent and never answer.
type endpoints struct {
	servers []*http.Server
	urls    []string
	stopped context.CancelFunc

	mutex   sync.Mutex
	healthy []time.Duration // from an event to its arrival
	hanging int             // requests
}

func openEndpoints(ctx context.Context, count, hanging int) (*endpoints, error) {
	ctx, cancel := context.WithCancel(ctx)
	e := &endpoints{stopped: cancel}
	for i := range count {
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", fmt.Sprintf("127.0.%d.%d:0", 1+i/200, 1+i%200))
		if err != nil {
			e.close()
			return nil, err
		}
		answer := http.HandlerFunc(e.take)
		if i < hanging {
			answer = e.hang(ctx)
		}
		server := &http.Server{Handler: answer, ReadHeaderTimeout: 10 * time.Second}
		e.servers = append(e.servers, server)
		e.urls = append(e.urls, "http://"+listener.Addr().String()+"/hook")
		go func() { _ = server.Serve(listener) }() // ends with close
	}
	return e, nil
}

// url is where the events of the room with this number go.
func (e *endpoints) url(room int) string {
	if len(e.urls) == 0 {
		return ""
	}
	return e.urls[room%len(e.urls)]
}

func (e *endpoints) take(w http.ResponseWriter, r *http.Request) {
	var event struct {
		Data struct {
			OccurredAt time.Time `json:"occurred_at"`
		} `json:"data"`
	}
	if err := json.NewDecoder(r.Body).Decode(&event); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.healthy = append(e.healthy, time.Since(event.Data.OccurredAt))
}

func (e *endpoints) hang(ctx context.Context) http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) {
		e.mutex.Lock()
		e.hanging++
		e.mutex.Unlock()
		select {
		case <-ctx.Done():
		case <-r.Context().Done():
		}
	}
}

// forget starts counting anew.
func (e *endpoints) forget() {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.healthy, e.hanging = nil, 0
}

func (e *endpoints) String() string {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	return fmt.Sprintf("webhooks: %d arrived, from event to endpoint p50 %s, p99 %s, max %s; %d attempts at endpoints that hang", len(e.healthy),
		short(percentile(e.healthy, 50)), short(percentile(e.healthy, 99)), short(percentile(e.healthy, 100)), e.hanging)
}

func (e *endpoints) close() {
	e.stopped()
	for _, server := range e.servers {
		_ = server.Close()
	}
}
