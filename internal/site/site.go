package site

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

const page = "/index.html"

// Config says what an app is called, where it is, and what its pages may do.
type Config struct {
	Name string // in sentences, such as "The call app"
	Path string // where it is mounted, without a slash at the end; empty for the root

	Pages   []string // further paths of its page, which looks at where it is
	OnePage bool     // all further paths are, but those of files

	Policy      string // Content-Security-Policy
	Permissions string // Permissions-Policy
}

// types is our own table because the system's differs from machine to machine.
var types = map[string]string{
	".html":  "text/html; charset=utf-8",
	".js":    "text/javascript; charset=utf-8",
	".css":   "text/css; charset=utf-8",
	".svg":   "image/svg+xml",
	".json":  "application/json",
	".txt":   "text/plain; charset=utf-8",
	".woff2": "font/woff2",
	".png":   "image/png",
	".wasm":  "application/wasm",
}

// Site is an app's files by request path. It may be used from any number of goroutines.
type Site struct {
	Config
	files map[string]*file
}

type file struct {
	body        []byte
	contentType string
	etag        string
	// zipped is made at the first request that takes it; nil if the body does not gain.
	zipped func() []byte
}

// New reads every file with a known type; what has none, such as .gitkeep, is not served. The page index.html is at the
// path itself, those of folders are at the folder's, with or without a slash, hashed files are under its /assets/, and every other path is a plain 404 page. In a binary made without the
// app, its page explains how to build it.
func New(source fs.FS, config Config) *Site {
	s := &Site{Config: config, files: make(map[string]*file)}
	_ = fs.WalkDir(source, ".", func(name string, entry fs.DirEntry, err error) error {
		contentType, known := types[path.Ext(name)]
		if err != nil || entry.IsDir() || !known {
			return err
		}
		body, err := fs.ReadFile(source, name)
		if err != nil {
			return err
		}
		s.files["/"+name] = newFile(body, contentType)
		return nil
	})
	return s
}

func newFile(body []byte, contentType string) *file {
	sum := sha256.Sum256(body)
	return &file{
		body:        body,
		contentType: contentType,
		etag:        base64.RawURLEncoding.EncodeToString(sum[:12]),
		zipped:      sync.OnceValue(func() []byte { return zip(body) }),
	}
}

// ServeHTTP takes requests with their full path.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.protect(w.Header())
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		answer(w, http.StatusMethodNotAllowed, "Only GET and HEAD work here", "")
		return
	}
	name := strings.TrimPrefix(r.URL.Path, s.Path)
	if name == "/" || name == "" || slices.Contains(s.Pages, name) || s.OnePage && path.Ext(name) == "" {
		name = page
	}
	f, found := s.files[name]
	if !found {
		f, found = s.files[strings.TrimSuffix(name, "/")+page] // The first page of a folder.
	}
	switch {
	case found:
		f.serve(w, r, strings.HasPrefix(name, "/assets/"))
	case name == page:
		answer(w, http.StatusServiceUnavailable, s.Name+" is not part of this binary",
			"It was built without its web parts. The rest of the server works. To get it, run <code>make build</code>.")
	default:
		answer(w, http.StatusNotFound, "There is no such page", s.Name+` is at <a href="`+s.Path+`/">its own page</a>.`)
	}
}

func (s *Site) protect(header http.Header) {
	header.Set("Content-Security-Policy", s.Policy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Permissions-Policy", s.Permissions)
}

// serve answers conditional and range requests as well. A hashed name never changes its content, so it may be kept for good.
func (f *file) serve(w http.ResponseWriter, r *http.Request, hashed bool) {
	header := w.Header()
	header.Set("Content-Type", f.contentType)
	header.Set("Cache-Control", "no-cache")
	if hashed {
		header.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	header.Set("Vary", "Accept-Encoding")
	body, etag := f.body, f.etag
	if takesGzip(r.Header.Get("Accept-Encoding")) {
		if zipped := f.zipped(); zipped != nil {
			header.Set("Content-Encoding", "gzip")
			body, etag = zipped, etag+"-gzip"
		}
	}
	header.Set("ETag", `"`+etag+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// takesGzip reads an Accept-Encoding header (RFC 9110, 12.5.3) as far as gzip goes.
func takesGzip(accept string) bool {
	for offer := range strings.SplitSeq(accept, ",") {
		coding, weight, _ := strings.Cut(offer, ";")
		if !strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			continue
		}
		q, isWeight := strings.CutPrefix(strings.ReplaceAll(weight, " ", ""), "q=")
		return !isWeight || strings.Trim(q, "0.") != ""
	}
	return false
}

// zip compresses, or returns nil when that saves less than a tenth: fonts and pictures are compressed already.
func zip(body []byte) []byte {
	var out bytes.Buffer
	writer, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil
	}
	if _, err := writer.Write(body); err != nil {
		return nil
	}
	if err := writer.Close(); err != nil || out.Len() > len(body)*9/10 {
		return nil
	}
	return out.Bytes()
}

// answer writes a plain page. Both texts are ours and may hold markup.
func answer(w http.ResponseWriter, status int, title, text string) {
	w.Header().Set("Content-Type", types[".html"])
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(`<!doctype html><html lang="en"><meta charset="utf-8">` +
		`<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">` +
		`<title>Rotunda</title><h1>` + title + `</h1><p>` + text + `</p></html>`))
}
