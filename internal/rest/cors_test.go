package rest

import (
	"net/http"
	"strings"
	"testing"
)

func TestCORS(t *testing.T) {
	h := newHouse(t)
	room := h.room(nil)
	refresh := "/rooms/" + room + "/actions/refresh_client_token"
	const trusted = "https://admin.example.com"
	for _, c := range []struct {
		what           string
		origins        []string
		path, origin   string
		allowed        string // Access-Control-Allow-Origin
		headers        string // that a browser may send
		varies         bool
		preflightAllow string
	}{
		{"no setting", nil, "/rooms", trusted, "", "", false, ""},
		{"named", []string{"https://x.example", trusted}, "/rooms", trusted, trusted, "authorization, *", true, "GET, HEAD, POST, OPTIONS"},
		{"another", []string{trusted}, "/rooms", "https://admin.example.com.evil.example", "", "", true, ""},
		{"another scheme", []string{trusted}, "/rooms", "http://admin.example.com", "", "", true, ""},
		{"no origin", []string{trusted}, "/rooms", "", "", "", true, ""},
		{"null", []string{trusted}, "/rooms", "null", "", "", true, ""},
		{"for anyone", nil, refresh, "https://app.example", "*", "authorization, content-type, x-request-id", false, "POST, OPTIONS"},
		{"for anyone, with a setting", []string{trusted}, refresh, "https://app.example", "*", "authorization, content-type, x-request-id", false, "POST, OPTIONS"},
	} {
		h.config.CORSOrigins = c.origins
		h.rebuild()
		preflight := h.call("OPTIONS", c.path, nil, "Origin", c.origin, "Authorization", "", "Access-Control-Request-Method", "POST").want(http.StatusNoContent)
		method := "GET"
		if c.path == refresh {
			method = "POST"
		}
		real := h.call(method, c.path, nil, "Origin", c.origin)
		for name, r := range map[string]reply{"preflight": preflight, "request": real} {
			if got := r.header.Get("Access-Control-Allow-Origin"); got != c.allowed {
				t.Errorf("%s, %s: allowed %q, want %q", c.what, name, got, c.allowed)
			}
			if got := r.header.Get("Vary") == "Origin"; got != c.varies {
				t.Errorf("%s, %s: Vary is %q", c.what, name, r.header.Get("Vary"))
			}
			if r.header.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s, %s: credentials are allowed", c.what, name)
			}
			if exposed := r.header.Get("Access-Control-Expose-Headers"); strings.Contains(exposed, "x-ratelimit-reset") != (c.allowed != "") {
				t.Errorf("%s, %s: exposed %q", c.what, name, exposed)
			}
		}
		if got := preflight.header.Get("Access-Control-Allow-Methods"); got != c.preflightAllow {
			t.Errorf("%s: methods %q, want %q", c.what, got, c.preflightAllow)
		}
		if got := preflight.header.Get("Access-Control-Allow-Headers"); got != c.headers {
			t.Errorf("%s: headers %q, want %q", c.what, got, c.headers)
		}
		if preflight.header.Get("Allow") == "" || real.header.Get("Access-Control-Allow-Methods") != "" {
			t.Errorf("%s: %v and %v", c.what, preflight.header, real.header)
		}
	}
	// Refusals can be read too.
	h.config.CORSOrigins = []string{trusted}
	h.rebuild()
	for _, target := range []string{"/nothing", "/rooms?page[size]=0", "/rooms/x"} {
		for _, authorization := range []string{"", "Bearer " + apiKey} {
			r := h.call("GET", target, nil, "Origin", trusted, "Authorization", authorization)
			if r.status < 400 || r.header.Get("Access-Control-Allow-Origin") != trusted {
				t.Errorf("%s: %d %v", target, r.status, r.header)
			}
		}
	}
}

func TestSecurityHeaders(t *testing.T) {
	h := newHouse(t)
	for _, target := range []string{"/rooms", "/nothing", "/openapi.yaml", "/rooms/x"} {
		r := h.call("GET", target, nil)
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff",
			"Cache-Control":          "no-store",
		} {
			if got := r.header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", target, name, got, want)
			}
		}
	}
}
