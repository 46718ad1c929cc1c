package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"

	"github.com/rotunda-rtc/rotunda/internal/blob"
	"github.com/rotunda-rtc/rotunda/internal/janus"
	"github.com/rotunda-rtc/rotunda/internal/rest"
)

// routes are the handlers that share the public listener. The app is served wherever nothing else is.
type routes struct {
	health http.Handler
	rest   http.Handler
	signal http.Handler
	janus  http.Handler // nil: switched off
	whip   http.Handler
	media  http.Handler // recordings and compositions
	demo   http.Handler // nil unless there is a demo room
	docs   http.Handler
	portal http.Handler
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
		case janus.IsPath(path) && r.janus == nil:
			http.NotFound(w, req)
		case janus.IsPath(path):
			r.janus.ServeHTTP(w, req)
		case strings.HasPrefix(path, blob.LinkPath):
			r.media.ServeHTTP(w, req)
		case path == "/v2", strings.HasPrefix(path, "/v2/"):
			r.rest.ServeHTTP(w, req)
		case strings.HasPrefix(path, rest.ErrorPages):
			rest.ErrorPage(w, req)
		case path == "/docs", strings.HasPrefix(path, "/docs/"):
			r.docs.ServeHTTP(w, req)
		case path == "/portal", strings.HasPrefix(path, "/portal/"):
			r.portal.ServeHTTP(w, req)
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
	return recovered(log, http.HandlerFunc(pick))
}

// securityHeaders are those of every answer whose handler does not know better: the app needs cameras, answers of the
// API nothing at all.
var securityHeaders = map[string]string{
	"X-Content-Type-Options":       "nosniff",
	"Referrer-Policy":              "no-referrer",
	"X-Frame-Options":              "DENY",
	"Content-Security-Policy":      "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin", // says nothing to requests with CORS
	"Permissions-Policy":           "camera=(), microphone=(), display-capture=(), geolocation=(), payment=(), usb=()",
}

// secured sets the security headers. With https, browsers are told to come by HTTPS only for a year.
func secured(next http.Handler, https bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		for name, value := range securityHeaders {
			header.Set(name, value)
		}
		if https {
			header.Set("Strict-Transport-Security", "max-age=31536000")
		}
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
