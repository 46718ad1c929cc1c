package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"

	"github.com/rotunda-rtc/rotunda/internal/rest"
)

// routes are the handlers that share the public listener. The app is served wherever nothing else is.
type routes struct {
	health http.Handler
	rest   http.Handler
	signal http.Handler
	whip   http.Handler
	demo   http.Handler // nil unless there is a demo room
	app    http.Handler
}

// handler picks by prefix. A ServeMux would redirect paths it finds unclean, which API clients do not follow.
func (r *routes) handler(log *slog.Logger) http.Handler {
	pick := func(w http.ResponseWriter, req *http.Request) {
		switch path := req.URL.Path; {
		case path == "/healthz":
			r.health.ServeHTTP(w, req)
		case path == "/v2/signal":
			r.signal.ServeHTTP(w, req)
		case path == "/v2", strings.HasPrefix(path, "/v2/"):
			r.rest.ServeHTTP(w, req)
		case strings.HasPrefix(path, rest.ErrorPages):
			rest.ErrorPage(w, req)
		case strings.HasPrefix(path, "/rooms/"):
			r.whip.ServeHTTP(w, req)
		case path == "/demo/token" && r.demo != nil:
			r.demo.ServeHTTP(w, req)
		case path == "/demo/token":
			refuse(w, http.StatusNotFound, "10005", "Resource not found", "This server has no demo room.")
		default:
			r.app.ServeHTTP(w, req)
		}
	}
	return secured(recovered(log, http.HandlerFunc(pick)))
}

// secured sets the headers every answer has unless a handler knows better.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("X-Frame-Options", "DENY")
		next.ServeHTTP(w, r)
	})
}

// recovered ends a request that panics, and only that. The stack is in the log.
func recovered(log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if p != any(http.ErrAbortHandler) {
				log.Error("request crashed", "method", r.Method, "path", r.URL.Path, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			}
			panic(http.ErrAbortHandler) // the connection ends: nobody knows how much of an answer went out
		}()
		next.ServeHTTP(w, r)
	})
}

// refuse answers in the form of the REST API, for paths that are nobody's.
func refuse(w http.ResponseWriter, status int, code, title, detail string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []map[string]string{{"code": code, "title": title, "detail": detail}}})
}
