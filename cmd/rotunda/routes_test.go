package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHealthFollowsTheServersLife(t *testing.T) {
	var broken error
	h := &health{check: func(context.Context) error { return broken }}
	ask := func(path string) (int, string) {
		w := httptest.NewRecorder()
		inside := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/healthz" {
				h.ServeHTTP(w, r)
			}
		})
		h.gate(inside).ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w.Code, strings.TrimSpace(w.Body.String())
	}
	for _, c := range []struct {
		phase  phase
		err    error
		status int
		word   string
		other  int
	}{
		{starting, nil, http.StatusServiceUnavailable, "starting", http.StatusServiceUnavailable},
		{serving, nil, http.StatusOK, "ok", http.StatusOK},
		{serving, errors.New("disk full"), http.StatusServiceUnavailable, "database unavailable", http.StatusOK},
		{draining, nil, http.StatusServiceUnavailable, "draining", http.StatusServiceUnavailable},
	} {
		h.set(c.phase)
		broken = c.err
		if status, word := ask("/healthz"); status != c.status || word != c.word {
			t.Errorf("in phase %d: %d %s, want %d %s", c.phase, status, word, c.status, c.word)
		}
		if status, _ := ask("/v2/rooms"); status != c.other {
			t.Errorf("in phase %d others get %d, want %d", c.phase, status, c.other)
		}
	}
}

func TestEveryAnswerIsGuarded(t *testing.T) {
	s := start(t, t.TempDir())
	for _, path := range []string{"/", "/healthz", "/v2/rooms", "/v2/nowhere", "/v2//rooms", "/rooms/x/whip/y", "/../etc/passwd", "/demo/token"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.URL.Opaque = path
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		app := path == "/" || path == "/../etc/passwd" // the app knows better what it needs
		for name, want := range securityHeaders {
			if got := answer.Header.Get(name); got != want && !app || got == "" {
				t.Errorf("%s: %s %q", path, name, got)
			}
		}
		if got := answer.Header.Get("Permissions-Policy"); app && !strings.Contains(got, "camera=(self), microphone=(self), display-capture=(self)") {
			t.Errorf("%s: no call can be made: Permissions-Policy %q", path, got)
		}
		if answer.StatusCode/100 == 3 {
			t.Errorf("%s: redirected to %s", path, answer.Header.Get("Location"))
		}
	}
}

// The portal plays media, and loads everything from this server alone.
func TestPortalPolicy(t *testing.T) {
	w := httptest.NewRecorder()
	portalApp().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/portal/recordings", nil))
	allowed := map[string]string{}
	for directive := range strings.SplitSeq(w.Header().Get("Content-Security-Policy"), "; ") {
		name, sources, _ := strings.Cut(directive, " ")
		allowed[name] = sources
		if sources != "'self'" && sources != "'none'" {
			t.Errorf("%s is %s", name, sources)
		}
	}
	for name, want := range map[string]string{"default-src": "'none'", "media-src": "'self'", "frame-ancestors": "'none'"} {
		if allowed[name] != want {
			t.Errorf("%s is %q, want %s", name, allowed[name], want)
		}
	}
}

// Who is turned away while the server starts or stops is guarded as well.
func TestRefusalsAtTheGateAreGuarded(t *testing.T) {
	w := httptest.NewRecorder()
	secured(new(health).gate(http.NotFoundHandler()), true).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v2/rooms", nil))
	for _, name := range []string{"X-Content-Type-Options", "Content-Security-Policy", "Strict-Transport-Security"} {
		if w.Header().Get(name) == "" || w.Code != http.StatusServiceUnavailable {
			t.Errorf("%d without %s: %v", w.Code, name, w.Header())
		}
	}
}

func TestHeadersTooLarge(t *testing.T) {
	s := start(t, t.TempDir())
	for _, size := range []int{40 << 10, 1 << 20} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/v2/rooms", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Large", strings.Repeat("x", size))
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("%d bytes: %d", size, answer.StatusCode)
		}
	}
}

func TestPanicEndsOneRequest(t *testing.T) {
	log := new(lockedBuffer)
	logger := slog.New(slog.NewJSONHandler(log, nil))
	server := httptest.NewUnstartedServer(recovered(logger, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/bad" {
			panic("out of cheese")
		}
	})))
	server.Start()
	defer server.Close()
	if answer, err := client.Get(server.URL + "/bad"); err == nil {
		_ = answer.Body.Close()
		t.Errorf("a crashed request was answered %d", answer.StatusCode)
	}
	answer, err := client.Get(server.URL + "/good")
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	var line struct{ Msg, Panic, Stack, Path string }
	if err := json.Unmarshal([]byte(log.String()), &line); err != nil {
		t.Fatalf("%s: %v", log.String(), err)
	}
	if line.Panic != "out of cheese" || line.Path != "/bad" || !strings.Contains(line.Stack, "routes_test.go") {
		t.Errorf("logged %+v", line)
	}
}

func TestBaseURL(t *testing.T) {
	for _, c := range []struct{ args, listening, want string }{
		{"--http=127.0.0.1:8080", "127.0.0.1:8080", "http://127.0.0.1:8080"},
		{"--http=localhost:0", "127.0.0.1:4000", "http://localhost:4000"},
		{"--http=[::1]:8080", "[::1]:8080", "http://[::1]:8080"},
		{"--http=192.0.2.5:80", "192.0.2.5:80", "http://192.0.2.5:80"},
		{"--public-url=https://video.example.com", "127.0.0.1:8080", "https://video.example.com"},
	} {
		config, err := load(t, []string{c.args}, "")
		if err != nil {
			t.Fatal(err)
		}
		if got := config.baseURL(c.listening); got != c.want {
			t.Errorf("%s: %s, want %s", c.args, got, c.want)
		}
	}
	config, err := load(t, []string{"--http=:8080"}, "")
	if err != nil {
		t.Fatal(err)
	}
	if got := config.baseURL("[::]:8080"); strings.Contains(got, "[::]") || !strings.HasSuffix(got, ":8080") {
		t.Errorf("all addresses: %s", got)
	}
}

// Links in answers follow the request's host on loopback only; elsewhere anybody could make them lead anywhere.
func TestLinksDoNotFollowTheHostHeader(t *testing.T) {
	linkIn := func(s *server) string {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/v2/nowhere", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = "evil.example"
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if got := linkIn(start(t, t.TempDir())); !strings.Contains(got, "evil.example") {
		t.Errorf("on loopback: %s", got)
	}
	s := start(t, t.TempDir(), "--http=0.0.0.0:0")
	if got := linkIn(s); strings.Contains(got, "evil.example") || !strings.Contains(got, s.url+"/docs/errors/") {
		t.Errorf("beyond loopback: %s", got)
	}
}

// The call app looks at the address itself, on the pages it has.
func TestCallAppPages(t *testing.T) {
	app := callApp()
	for path, known := range map[string]bool{"/": true, "/connectivity": true, "/elsewhere": false} {
		answer := httptest.NewRecorder()
		app.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
		if known == (answer.Code == http.StatusNotFound) {
			t.Errorf("%s is answered with %d", path, answer.Code)
		}
	}
}

// TestDialectCanBeSwitchedOff: with --janus=off there is nothing at its paths.
func TestDialectCanBeSwitchedOff(t *testing.T) {
	for switched, want := range map[string]int{"on": http.StatusUpgradeRequired, "off": http.StatusNotFound} {
		s := start(t, t.TempDir(), "--janus="+switched)
		answer, err := client.Get(s.url + "/0ccc7b54-4df3-4bca-a65a-3da1ecc777f0/janus")
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("switched %s it answers %d, want %d", switched, answer.StatusCode, want)
		}
	}
}
