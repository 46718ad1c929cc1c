package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// proxy is an nginx with the configuration that operators are given; only addresses and files are others.
type proxy struct {
	url, plain string
	client     *http.Client
}

func startNginx(t *testing.T, upstream string) *proxy {
	t.Helper()
	program, err := exec.LookPath("nginx")
	if err != nil {
		program = "/usr/sbin/nginx" // Debian keeps it out of the path of others than root
	}
	site, err := os.ReadFile("../../deploy/nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key := pairOf(t, "proxy", time.Hour)
	writePair(t, dir, cert, key)
	secure, plain := freeLoopbackPort(t), freeLoopbackPort(t)
	text := string(site)
	for _, change := range [][2]string{
		{"127.0.0.1:8080", upstream},
		{"listen 80;", "listen " + plain + ";"},
		{"listen [::]:80;", ""},
		{"listen 443 ssl http2;", "listen " + secure + " ssl http2;"},
		{"listen [::]:443 ssl http2;", ""},
		{"/etc/letsencrypt/live/video.example.com/fullchain.pem", filepath.Join(dir, "cert.pem")},
		{"/etc/letsencrypt/live/video.example.com/privkey.pem", filepath.Join(dir, "key.pem")},
	} {
		if strings.Count(text, change[0]) != 1 {
			t.Fatalf("deploy/nginx.conf changed its shape: %q", change[0])
		}
		text = strings.Replace(text, change[0], change[1], 1)
	}
	owner := ""
	if os.Getuid() == 0 {
		owner = "user root;\n" // the directory is root's alone
	}
	temporary := ""
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		temporary += fmt.Sprintf("%s_temp_path %s;\n", kind, filepath.Join(dir, kind))
	}
	whole := owner + "pid " + filepath.Join(dir, "pid") + ";\nevents {}\nhttp {\naccess_log off;\n" + temporary + text + "}\n"
	path := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(path, []byte(whole), 0o600); err != nil {
		t.Fatal(err)
	}
	server := exec.Command(program, "-p", dir, "-e", "stderr", "-c", path, "-g", "daemon off; master_process off;")
	background(t, server)
	p := &proxy{url: "https://" + secure, plain: "http://" + plain, client: trusting(cert)}
	eventually(t, "nginx has started", func() bool {
		conn, err := net.Dial("tcp", secure)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	return p
}

// freeLoopbackPort is a port of 127.0.0.1, for which the tests' certificates are.
func freeLoopbackPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestBehindNginx(t *testing.T) {
	s := start(t, t.TempDir(), "--public-url=https://video.example.com", "--http="+freePort(t))
	upstream := strings.TrimPrefix(listeningOf(t, s), "http://")
	p := startNginx(t, upstream)

	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url+"/v2/rooms", strings.NewReader(`{"unique_name": "tea"}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+s.key())
	request.Header.Set("Content-Type", "application/json")
	answer, err := p.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusCreated || answer.ProtoMajor != 2 {
		t.Errorf("a room: %d %s over %s", answer.StatusCode, text, answer.Proto)
	}
	if got := answer.Header.Values("Strict-Transport-Security"); len(got) != 1 {
		t.Errorf("Strict-Transport-Security: %q", got)
	}

	// The limits of the server hold, not those of nginx.
	for size, want := range map[int]int{40 << 10: http.StatusRequestHeaderFieldsTooLarge, 100: http.StatusOK} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+"/healthz", nil)
		if err != nil {
			t.Fatal(err)
		}
		if want != http.StatusOK {
			request.URL.Path = "/v2/rooms"
		}
		request.Header.Set("X-Large", strings.Repeat("x", size))
		answer, err := p.client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("headers of %d bytes are answered %d, want %d", size, answer.StatusCode, want)
		}
	}

	sockets := &http.Client{Transport: p.client.Transport.(*http.Transport).Clone()}
	sockets.Transport.(*http.Transport).ForceAttemptHTTP2 = false
	sockets.Transport.(*http.Transport).TLSClientConfig.NextProtos = []string{"http/1.1"}
	socket, _, err := websocket.Dial(t.Context(), strings.Replace(p.url, "https", "wss", 1)+"/v2/signal",
		&websocket.DialOptions{HTTPClient: sockets, Subprotocols: []string{"rotunda.v1"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := socket.Write(t.Context(), websocket.MessageText, []byte(`{"id": 1, "type": "hello", "version": 1, "token": "forged"}`)); err != nil {
		t.Fatal(err)
	}
	if _, frame, err := socket.Read(t.Context()); err != nil || !strings.Contains(string(frame), "error") {
		t.Errorf("the socket says %s, %v", frame, err)
	}
	_ = socket.CloseNow()

	whip, err := p.client.Post(p.url+"/rooms/00000000-0000-4000-8000-000000000000/whip/self", "application/sdp", strings.NewReader("v=0"))
	if err != nil {
		t.Fatal(err)
	}
	_ = whip.Body.Close()
	if whip.StatusCode != http.StatusUnauthorized {
		t.Errorf("WHIP answered %d", whip.StatusCode)
	}

	stay := *client
	stay.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	redirect, err := stay.Get(p.plain + "/v2/rooms?x=1")
	if err != nil {
		t.Fatal(err)
	}
	_ = redirect.Body.Close()
	if to := redirect.Header.Get("Location"); redirect.StatusCode != http.StatusMovedPermanently || !strings.HasSuffix(to, "/v2/rooms?x=1") || !strings.HasPrefix(to, "https://") {
		t.Errorf("plain HTTP is answered %d to %q", redirect.StatusCode, to)
	}
}

// listeningOf is where a server with a public URL really listens: in its log.
func listeningOf(t *testing.T, s *server) string {
	t.Helper()
	s.await("msg=serving")
	_, after, _ := strings.Cut(s.stderr.String(), " http=")
	address, _, _ := strings.Cut(after, " ")
	return address
}

// Events reach who follows a session one by one, and the server learns the true address of a client.
func TestNginxHoldsNoEventsBack(t *testing.T) {
	next := make(chan struct{})
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("X-Seen", r.Header.Get("X-Forwarded-For")+" "+r.Header.Get("X-Forwarded-Proto")+" "+r.Host)
		for i := range 3 {
			fmt.Fprintf(w, "id: %d\n\n", i)
			_ = http.NewResponseController(w).Flush()
			select {
			case <-next:
			case <-r.Context().Done():
				return
			}
		}
	}))
	defer upstream.Close()
	p := startNginx(t, strings.TrimPrefix(upstream.URL, "http://"))
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+"/v2/room_sessions/5e7a1f0c-6d1e-4c58-a7c9-8ee0b5f0a3d1/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "text/event-stream")
	request.Header.Set("X-Forwarded-For", "192.0.2.66")
	answer, err := p.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if want := "127.0.0.1 https " + strings.TrimPrefix(p.url, "https://"); answer.Header.Get("X-Seen") != want {
		t.Errorf("the server saw %q, want %q", answer.Header.Get("X-Seen"), want)
	}
	lines := bufio.NewReader(answer.Body)
	for i := range 3 {
		line, err := lines.ReadString('\n') // the next event is sent only after this one was seen
		if err != nil || line != fmt.Sprintf("id: %d\n", i) {
			t.Fatalf("event %d: %q, %v", i, line, err)
		}
		_, _ = lines.ReadString('\n')
		next <- struct{}{}
	}
}

func TestServiceUnitIsSound(t *testing.T) {
	program, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("there is no systemd here")
	}
	unit, err := os.ReadFile("../../deploy/rotunda.service")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "rotunda.service")
	here := bytes.Replace(unit, []byte("/usr/local/bin/rotunda"), []byte(os.Args[0]), 1)
	if err := os.WriteFile(path, here, 0o600); err != nil {
		t.Fatal(err)
	}
	said, err := exec.CommandContext(t.Context(), program, "verify", "--man=no", path).CombinedOutput()
	for line := range strings.Lines(string(said)) {
		if strings.Contains(line, "rotunda.service") {
			t.Errorf("%s", line)
		}
	}
	if err != nil && strings.Contains(string(said), "rotunda.service") {
		t.Errorf("%v", err)
	}
}
