package main

import "net/http"

// routes are the handlers that share the public listener.
type routes struct {
	health http.Handler
}

func (r routes) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", r.health)
	return secured(mux)
}

// secured sets the headers every answer has unless a handler knows better.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Frame-Options", "DENY")
		next.ServeHTTP(w, r)
	})
}
