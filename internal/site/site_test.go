package site

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

var script = strings.Repeat("console.log('hello');\n", 100)

var root = Config{Name: "The app", Policy: "default-src 'none'; script-src 'self'", Permissions: "camera=(self)"}

var built = fstest.MapFS{
	".gitkeep":              {},
	"index.html":            {Data: []byte("<!doctype html><title>Rotunda</title>")},
	"guide/index.html":      {Data: []byte("<!doctype html><title>Guide</title>")},
	"assets/app-a1b2.js":    {Data: []byte(script)},
	"assets/inter-1.woff2":  {Data: []byte("wOF2 already small")},
	"assets/favicon-9.svg":  {Data: []byte("<svg/>")},
	"assets/odd.unknownext": {Data: []byte("?")},
}

func get(t *testing.T, handler http.Handler, method, path string, header map[string]string) *http.Response {
	t.Helper()
	request := httptest.NewRequest(method, path, nil)
	for name, value := range header {
		request.Header.Set(name, value)
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	return recorder.Result()
}

func TestFilesAreServedWithTypesAndCaching(t *testing.T) {
	handler := New(built, root)
	for _, want := range []struct{ path, contentType, caching string }{
		{"/", "text/html; charset=utf-8", "no-cache"},
		{"/index.html", "text/html; charset=utf-8", "no-cache"},
		{"/assets/app-a1b2.js", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		{"/assets/inter-1.woff2", "font/woff2", "public, max-age=31536000, immutable"},
		{"/assets/favicon-9.svg", "image/svg+xml", "public, max-age=31536000, immutable"},
	} {
		response := get(t, handler, http.MethodGet, want.path, nil)
		if response.StatusCode != http.StatusOK {
			t.Errorf("%s: status %d", want.path, response.StatusCode)
		}
		if got := response.Header.Get("Content-Type"); got != want.contentType {
			t.Errorf("%s: type %q, want %q", want.path, got, want.contentType)
		}
		if got := response.Header.Get("Cache-Control"); got != want.caching {
			t.Errorf("%s: caching %q, want %q", want.path, got, want.caching)
		}
	}
}

func TestEveryAnswerIsProtected(t *testing.T) {
	for _, handler := range []http.Handler{New(built, root), New(fstest.MapFS{}, root)} {
		for _, path := range []string{"/", "/assets/app-a1b2.js", "/nowhere"} {
			header := get(t, handler, http.MethodGet, path, nil).Header
			for name, part := range map[string]string{
				"Content-Security-Policy": root.Policy,
				"Permissions-Policy":      root.Permissions,
				"X-Content-Type-Options":  "nosniff",
				"Referrer-Policy":         "no-referrer",
			} {
				if !strings.Contains(header.Get(name), part) {
					t.Errorf("%s: %s is %q", path, name, header.Get(name))
				}
			}
		}
	}
}

func TestTextIsCompressedForThoseWhoTakeIt(t *testing.T) {
	handler := New(built, root)
	zipped := get(t, handler, http.MethodGet, "/assets/app-a1b2.js", map[string]string{"Accept-Encoding": "br, gzip;q=0.8"})
	if zipped.Header.Get("Content-Encoding") != "gzip" {
		t.Fatal("not compressed")
	}
	reader, err := gzip.NewReader(zipped.Body)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(reader); err != nil || string(body) != script {
		t.Errorf("body differs after decompression (%v)", err)
	}

	for path, accept := range map[string]string{
		"/assets/app-a1b2.js":   "gzip;q=0, br",
		"/assets/inter-1.woff2": "gzip",
	} {
		plain := get(t, handler, http.MethodGet, path, map[string]string{"Accept-Encoding": accept})
		body, _ := io.ReadAll(plain.Body)
		if plain.Header.Get("Content-Encoding") != "" || !bytes.Equal(body, built[path[1:]].Data) {
			t.Errorf("%s with %q: not the plain file", path, accept)
		}
		if plain.Header.Get("ETag") == zipped.Header.Get("ETag") {
			t.Errorf("%s: one ETag for two forms", path)
		}
	}
}

func TestUnchangedPageIsNotSentAgain(t *testing.T) {
	handler := New(built, root)
	etag := get(t, handler, http.MethodGet, "/", nil).Header.Get("ETag")
	if etag == "" {
		t.Fatal("no ETag")
	}
	again := get(t, handler, http.MethodGet, "/", map[string]string{"If-None-Match": etag})
	if again.StatusCode != http.StatusNotModified {
		t.Errorf("status %d", again.StatusCode)
	}
}

func TestRefusals(t *testing.T) {
	handler := New(built, root)
	for _, refused := range []struct {
		method, path string
		status       int
	}{
		{http.MethodGet, "/nowhere", http.StatusNotFound},
		{http.MethodGet, "/.gitkeep", http.StatusNotFound},
		{http.MethodGet, "/assets/", http.StatusNotFound},
		{http.MethodGet, "/assets/odd.unknownext", http.StatusNotFound},
		{http.MethodGet, "/../embed.go", http.StatusNotFound},
		{http.MethodPost, "/", http.StatusMethodNotAllowed},
	} {
		if got := get(t, handler, refused.method, refused.path, nil).StatusCode; got != refused.status {
			t.Errorf("%s %s: status %d, want %d", refused.method, refused.path, got, refused.status)
		}
	}
}

func TestBinaryWithoutTheAppSaysSo(t *testing.T) {
	response := get(t, New(fstest.MapFS{".gitkeep": {}}, root), http.MethodGet, "/", nil)
	body, _ := io.ReadAll(response.Body)
	if response.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(body), "make build") {
		t.Errorf("status %d, body %s", response.StatusCode, body)
	}
}

func TestBelowAPath(t *testing.T) {
	handler := New(built, Config{Name: "The reference", Path: "/docs"})
	for path, want := range map[string]int{
		"/docs": http.StatusOK, "/docs/": http.StatusOK, "/docs/assets/app-a1b2.js": http.StatusOK, "/docs/nowhere": http.StatusNotFound,
		"/docs/guide": http.StatusOK, "/docs/guide/": http.StatusOK, "/docs/guide/index.html": http.StatusOK, "/docs/assets": http.StatusNotFound,
	} {
		response := get(t, handler, http.MethodGet, path, nil)
		body, _ := io.ReadAll(response.Body)
		if response.StatusCode != want || want == http.StatusNotFound && !strings.Contains(string(body), `The reference is at <a href="/docs/">`) {
			t.Errorf("%s: status %d, %s", path, response.StatusCode, body)
		}
	}
}
