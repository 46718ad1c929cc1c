package download

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/rotunda-rtc/rotunda/internal/blob"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shelf is what there is to download.
type shelf struct {
	mutex sync.Mutex
	known map[string]error // by kind and id; an error in place of the object
}

func (s *shelf) MediaObject(_ context.Context, account video.AccountID, kind video.MediaKind, id string) (video.MediaObject, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	err, known := s.known[string(kind)+id]
	if !known || account != owner {
		return video.MediaObject{}, video.Errorf(video.CodeNotFound, "none")
	}
	return video.MediaObject{Key: "a/" + id + ".webm", Name: `video "` + id + `".webm`, ContentType: "video/webm", CompletedAt: completedAt, RoomID: "the room"}, err
}

func (s *shelf) set(id string, err error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.known[string(video.MediaRecording)+id] = err
}

func (s *shelf) remove(id string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	delete(s.known, string(video.MediaRecording)+id)
}

const owner = video.AccountID("4f1c2d3e-5a6b-4c7d-8e9f-0a1b2c3d4e5f")

var completedAt = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

// house serves one recording.
type house struct {
	*httptest.Server
	t       *testing.T
	shelf   *shelf
	store   *blob.Store
	dir     string
	links   *blob.Links
	id      string
	content []byte
	log     *lockedBuffer
}

type lockedBuffer struct {
	mutex sync.Mutex
	bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.Buffer.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.Buffer.String()
}

func open(t *testing.T, size int, change func(*Config, *http.Server)) *house {
	t.Helper()
	h := &house{t: t, shelf: &shelf{known: map[string]error{}}, id: video.NewUUID(), content: make([]byte, size), log: new(lockedBuffer), dir: t.TempDir()}
	_, _ = rand.NewChaCha8([32]byte{}).Read(h.content)
	secret := bytes.Repeat([]byte{7}, 32)
	var err error
	if h.store, err = blob.Open(blob.Config{Dir: h.dir, Secret: secret, Encrypt: true}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, h.content, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := h.store.Put(t.Context(), "a/"+h.id+".webm", file); err != nil {
		t.Fatal(err)
	}
	h.shelf.set(h.id, nil)
	h.links = blob.NewLinks(secret, nil)
	config := Config{Links: h.links, Objects: h.shelf, Media: h.store, Log: slog.New(slog.NewTextHandler(h.log, nil)), ErrorPages: "https://a.example/errors/"}
	h.Server = httptest.NewUnstartedServer(nil)
	if change != nil {
		change(&config, h.Config)
	}
	h.Config.Handler = New(config)
	h.Start()
	t.Cleanup(h.Close)
	t.Cleanup(h.Client().CloseIdleConnections)
	return h
}

func (h *house) url() string { return h.URL + h.links.Path(video.MediaRecording, owner, h.id) }

func (h *house) ask(method, url string, header map[string]string) (*http.Response, []byte) {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), method, url, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	for name, value := range header {
		if name != "" {
			r.Header.Set(name, value)
		}
	}
	answer, err := h.Client().Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	body, err := io.ReadAll(answer.Body)
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		h.t.Fatal(err)
	}
	return answer, body
}

func TestDownload(t *testing.T) {
	h := open(t, 300_000, nil)
	answer, body := h.ask("GET", h.url(), nil)
	if answer.StatusCode != http.StatusOK || !bytes.Equal(body, h.content) {
		t.Fatalf("%s with %d bytes", answer.Status, len(body))
	}
	etag := answer.Header.Get("ETag")
	for name, want := range map[string]string{
		"Content-Type": "video/webm", "Content-Length": "300000", "Accept-Ranges": "bytes", "X-Content-Type-Options": "nosniff",
		"Content-Disposition": `attachment; filename="video \"` + h.id + `\".webm"`, "Cache-Control": "private, no-cache",
		"Last-Modified": "Fri, 27 Nov 2026 12:00:00 GMT", "Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin",
	} {
		if got := answer.Header.Get(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if policy := answer.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "sandbox") {
		t.Errorf("policy %s", policy)
	}
	for _, c := range []struct {
		method, header, value string
		status                int
		want                  []byte
	}{
		{"HEAD", "", "", http.StatusOK, nil},
		{"GET", "Range", "bytes=1000-1999", http.StatusPartialContent, h.content[1000:2000]},
		{"GET", "Range", "bytes=299999-", http.StatusPartialContent, h.content[299_999:]},
		{"GET", "Range", "bytes=-70000", http.StatusPartialContent, h.content[230_000:]},
		{"HEAD", "Range", "bytes=0-9", http.StatusPartialContent, nil},
		{"GET", "Range", "bytes=299990-400000", http.StatusPartialContent, h.content[299_990:]},
		{"GET", "Range", "bytes=-400000", http.StatusPartialContent, h.content},
		{"GET", "Range", "bytes=0-9,1000-1009", http.StatusOK, h.content},
		{"GET", "If-None-Match", etag, http.StatusNotModified, nil},
	} {
		answer, body := h.ask(c.method, h.url(), map[string]string{c.header: c.value})
		if answer.StatusCode != c.status || !bytes.Equal(body, c.want) {
			t.Errorf("%s with %s: %s answers %s with %d bytes", c.method, c.header, c.value, answer.Status, len(body))
		}
	}
	for condition, want := range map[string]int{
		etag: http.StatusPartialContent, `"another"`: http.StatusOK, "Fri, 27 Nov 2026 12:00:00 GMT": http.StatusPartialContent, "Fri, 27 Nov 2026 11:59:59 GMT": http.StatusOK,
	} {
		if answer, _ := h.ask("GET", h.url(), map[string]string{"Range": "bytes=0-9", "If-Range": condition}); answer.StatusCode != want {
			t.Errorf("If-Range %s: %s", condition, answer.Status)
		}
	}
	if answer, _ := h.ask("GET", h.url(), map[string]string{"Range": "bytes=300000-"}); answer.StatusCode != http.StatusRequestedRangeNotSatisfiable {
		t.Errorf("beyond the end: %s", answer.Status)
	}
	if answer, _ := h.ask("OPTIONS", h.url(), map[string]string{"Origin": "https://a.example"}); answer.StatusCode != http.StatusNoContent {
		t.Errorf("OPTIONS: %s", answer.Status)
	}
}

func TestRefusals(t *testing.T) {
	h := open(t, 1000, nil)
	past := blob.NewLinks(bytes.Repeat([]byte{7}, 32), func() time.Time { return time.Now().Add(-2 * blob.LinkLife) })
	other := video.NewUUID()
	h.shelf.set(other, video.Errorf(video.CodeState, "still being made"))
	lost := video.NewUUID()
	h.shelf.set(lost, nil)
	for name, c := range map[string]struct {
		method, path string
		status       int
		code         string
	}{
		"no path of media":       {"GET", "/v2/media/", http.StatusNotFound, "10005"},
		"not signed":             {"GET", strings.TrimSuffix(h.links.Path(video.MediaRecording, owner, h.id), "A") + "x", http.StatusForbidden, "10010"},
		"expired":                {"GET", past.Path(video.MediaRecording, owner, h.id), http.StatusForbidden, "10010"},
		"another account's":      {"GET", h.links.Path(video.MediaRecording, "11111111-5a6b-4c7d-8e9f-0a1b2c3d4e5f", h.id), http.StatusGone, "10005"},
		"another kind":           {"GET", h.links.Path(video.MediaComposition, owner, h.id), http.StatusGone, "10005"},
		"not complete":           {"GET", h.links.Path(video.MediaRecording, owner, other), http.StatusNotFound, "10005"},
		"lost in the storage":    {"GET", h.links.Path(video.MediaRecording, owner, lost), http.StatusServiceUnavailable, "10037"},
		"a method that is not":   {"POST", h.links.Path(video.MediaRecording, owner, h.id), http.StatusMethodNotAllowed, "10030"},
		"deletion by the public": {"DELETE", h.links.Path(video.MediaRecording, owner, h.id), http.StatusMethodNotAllowed, "10030"},
	} {
		answer, body := h.ask(c.method, h.URL+c.path, nil)
		var said struct {
			Errors []struct {
				Code, Title, Detail string
				Meta                struct{ URL string }
			}
		}
		err := json.Unmarshal(body, &said)
		if answer.StatusCode != c.status || err != nil || len(said.Errors) != 1 || said.Errors[0].Code != c.code || said.Errors[0].Detail == "" ||
			said.Errors[0].Meta.URL != "https://a.example/errors/"+c.code {
			t.Errorf("%s: %s: %s", name, answer.Status, body)
		}
		if answer.Header.Get("Cache-Control") != "no-store" || answer.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", name, answer.Header)
		}
	}
	if !strings.Contains(h.log.String(), lost) || strings.Contains(h.log.String(), "signature") {
		t.Errorf("log: %s", h.log)
	}
	answer, body := h.ask("GET", h.URL+"/v2/media/x", map[string]string{"Accept": "text/html,*/*"})
	if !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html") || !bytes.Contains(body, []byte("<h1>Resource not found")) ||
		!bytes.Contains(body, []byte(`<a href="https://a.example/errors/10005">`)) {
		t.Errorf("for people: %s", body)
	}
}

// A URL is of no use from the moment of the deletion on, whatever is still in the storage.
func TestDeletedAtOnce(t *testing.T) {
	h := open(t, 1000, nil)
	url := h.url()
	if answer, _ := h.ask("GET", url, nil); answer.StatusCode != http.StatusOK {
		t.Fatal(answer.Status)
	}
	h.shelf.remove(h.id)
	if answer, _ := h.ask("GET", url, map[string]string{"If-None-Match": "*"}); answer.StatusCode != http.StatusGone {
		t.Errorf("after the deletion: %s", answer.Status)
	}
}

// taken asks for the object over a connection of its own and takes nothing of it.
func (h *house) taken() net.Conn {
	h.t.Helper()
	conn, err := net.Dial("tcp", h.Listener.Addr().String())
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, "GET "+strings.TrimPrefix(h.url(), h.URL)+" HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		h.t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, 12)); err != nil { // HTTP/1.1 200
		h.t.Fatal(err)
	}
	return conn
}

// More than so many at once are sent away, and a client that takes nothing makes room after a while.
func TestDownloadsAtOnce(t *testing.T) {
	h := open(t, 32<<20, func(c *Config, _ *http.Server) { c.MaxDownloads, c.Stall = 1, 300*time.Millisecond })
	h.taken()
	answer, _ := h.ask("HEAD", h.url(), nil)
	if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" {
		t.Fatalf("a second one: %s", answer.Status)
	}
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for late := time.After(20 * time.Second); ; {
		if answer, _ := h.ask("HEAD", h.url(), nil); answer.StatusCode == http.StatusOK {
			return
		}
		select {
		case <-look.C:
		case <-late:
			t.Fatal("who takes nothing keeps the place")
		}
	}
}

// A download may last longer than requests may take to arrive.
func TestSlowDownload(t *testing.T) {
	h := open(t, 16<<20, func(_ *Config, server *http.Server) { server.ReadTimeout = 100 * time.Millisecond })
	conn := h.taken()
	time.Sleep(300 * time.Millisecond) // the time itself is what is tested
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	n, err := io.CopyN(io.Discard, conn, 16<<20)
	if err != nil {
		t.Errorf("cut off after %d bytes: %v", n, err)
	}
}

// What turns out damaged on the way is not passed off as whole.
func TestDamagedOnTheWay(t *testing.T) {
	h := open(t, 2<<20, nil)
	path := filepath.Join(h.dir, "a", h.id+".webm")
	stored, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	stored[1<<20] ^= 1
	if err := os.WriteFile(path, stored, 0o600); err != nil {
		t.Fatal(err)
	}
	answer, err := h.Client().Get(h.url())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	got, err := io.ReadAll(answer.Body)
	if err == nil || !bytes.Equal(got, h.content[:len(got)]) {
		t.Errorf("%d bytes came with error %v", len(got), err)
	}
	if !strings.Contains(h.log.String(), "cut off") {
		t.Errorf("log: %s", h.log)
	}
}
