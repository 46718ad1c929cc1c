package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const acmeDomain = "video.rotunda.test"

// pebble is a certificate authority for tests, with a name server that says every name is at one address.
type pebble struct {
	directory string
	trust     string // file of the certificate its own API has
	roots     *x509.CertPool
	stop      func()
}

// buildPebble builds both programs; the build cache makes that quick the second time.
func buildPebble(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-C", "../../test/acme", "-o", dir+string(filepath.Separator), "tool")
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build pebble: %v\n%s", err, said)
	}
	return dir
}

// startPebble starts an authority that looks for challenges at these ports of ip.
func startPebble(t *testing.T, programs, ip string, tlsPort, httpPort int) *pebble {
	t.Helper()
	dir := t.TempDir()
	api, err := net.Listen("tcp", "127.0.0.1:0") // the certificate is for this address
	if err != nil {
		t.Fatal(err)
	}
	listen := api.Addr().String()
	_ = api.Close()
	management, names := freePort(t), freePort(t)
	cert, key := pairOf(t, "pebble", time.Hour)
	writePair(t, dir, cert, key)
	management = "127.0.0.1" + management[strings.LastIndex(management, ":"):]
	config, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": listen, "managementListenAddress": management,
		"certificate": filepath.Join(dir, "cert.pem"), "privateKey": filepath.Join(dir, "key.pem"),
		"tlsPort": tlsPort, "httpPort": httpPort, "retryAfter": map[string]int{"authz": 1, "order": 1},
		"profiles": map[string]any{"default": map[string]any{"description": "ninety days", "validityPeriod": 90 * 24 * 3600}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), config, 0o600); err != nil {
		t.Fatal(err)
	}
	stopNames := background(t, exec.Command(filepath.Join(programs, "pebble-challtestsrv"), "-defaultIPv4", ip, "-defaultIPv6", "",
		"-dnsserver", names, "-doh", "", "-http01", "", "-https01", "", "-tlsalpn01", "", "-management", freePort(t)))
	server := exec.Command(filepath.Join(programs, "pebble"), "-strict", "-config", filepath.Join(dir, "config.json"), "-dnsserver", names)
	server.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1")
	stopServer := background(t, server)
	p := &pebble{
		directory: "https://" + listen + "/dir", trust: filepath.Join(dir, "cert.pem"), roots: x509.NewCertPool(),
		stop: func() { stopServer(); stopNames() },
	}
	eventually(t, "pebble has started", func() bool {
		answer, err := trusting(cert).Get("https://" + management + "/roots/0")
		if err != nil {
			return false
		}
		root, _ := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if !p.roots.AppendCertsFromPEM(root) {
			t.Fatalf("pebble's root is %q", root)
		}
		return true
	})
	return p
}

// background starts a program that ends with the test, or before by stop. What it printed is shown if the test fails.
func background(t *testing.T, cmd *exec.Cmd) (stop func()) {
	t.Helper()
	output := new(lockedBuffer)
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	}
	t.Cleanup(func() {
		stop()
		if t.Failed() {
			t.Logf("%s:\n%s", cmd.Path, output)
		}
	})
	return stop
}

// await returns once the server has logged a line with these words.
func (s *server) await(words string) {
	s.t.Helper()
	if !s.stderr.await(words) {
		s.t.Fatalf("the log does not say %q:\n%s", words, s.stderr)
	}
}

// visit gets a page of the domain as if its name led to address.
func (p *pebble) visit(t *testing.T, url, address string) *http.Response {
	t.Helper()
	visitor := &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DisableKeepAlives: true, ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: p.roots},
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, address)
			},
		},
		Timeout: 20 * time.Second,
	}
	answer, err := visitor.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	return answer
}

func splitPort(t *testing.T, address string) (ip string, port int) {
	t.Helper()
	ip, text, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	port, err = strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return ip, port
}

// A certificate is got from a real authority by either kind of challenge, kept for the next start, and used.
func TestACME(t *testing.T) {
	programs := buildPebble(t)
	for _, c := range []struct {
		name string
		http bool // the authority reaches the port of HTTP-01 only
	}{{"TLS-ALPN-01", false}, {"HTTP-01", true}} {
		t.Run(c.name, func(t *testing.T) {
			address := freePort(t)
			ip, port := splitPort(t, address)
			challenges := net.JoinHostPort(ip, strconv.Itoa(port%60000+1024))
			_, httpPort := splitPort(t, challenges)
			tlsPort := port
			if c.http {
				tlsPort = 1
			}
			authority := startPebble(t, programs, ip, tlsPort, httpPort)
			t.Setenv("SSL_CERT_FILE", authority.trust)
			dir := t.TempDir()
			args := []string{"--http=" + address, "--acme-domains=" + acmeDomain, "--acme-email=ops@rotunda.test", "--acme-directory=" + authority.directory}
			if c.http {
				args = append(args, "--acme-http="+challenges)
			}
			s := startProcess(t, dir, args...)
			if want := "https://" + acmeDomain + ":" + strconv.Itoa(port); s.url != want {
				t.Errorf("it says it is at %s, want %s", s.url, want)
			}
			s.await("certificate in use")
			got := authority.visit(t, s.url+"/healthz", address)
			if got.StatusCode != http.StatusOK || got.ProtoMajor != 2 || got.Header.Get("Strict-Transport-Security") == "" {
				t.Errorf("answered %d over %s with %v", got.StatusCode, got.Proto, got.Header)
			}
			if c.http {
				redirect := authority.visit(t, "http://"+acmeDomain+"/v2/rooms?x=1", challenges)
				if to := redirect.Header.Get("Location"); redirect.StatusCode != http.StatusMovedPermanently || to != s.url+"/v2/rooms?x=1" {
					t.Errorf("plain HTTP is answered %d to %q", redirect.StatusCode, to)
				}
				refused, err := client.Post("http://"+challenges+"/v2/rooms", "application/json", strings.NewReader("{}"))
				if err != nil {
					t.Fatal(err)
				}
				_ = refused.Body.Close()
				if refused.StatusCode != http.StatusBadRequest {
					t.Errorf("a POST over plain HTTP is answered %d", refused.StatusCode)
				}
			}
			for path, mode := range map[string]os.FileMode{"acme": 0o700, "acme/" + acmeDomain: 0o600, "acme/acme_account+key": 0o600} {
				if info, err := os.Stat(filepath.Join(dir, path)); err != nil || info.Mode().Perm() != mode {
					t.Errorf("%s: %v, %v, want %v", path, info, err, mode)
				}
			}
			end(t, s)

			authority.stop()
			again := startProcess(t, dir, args...)
			again.await("certificate in use")
			if kept := authority.visit(t, again.url+"/healthz", address); !kept.TLS.PeerCertificates[0].Equal(got.TLS.PeerCertificates[0]) {
				t.Error("the second start has another certificate")
			}
			end(t, again)
		})
	}
}

// A server whose authority does not answer starts, says so, and stops at once.
func TestACMEWithoutAuthority(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	s := startProcess(t, t.TempDir(), "--acme-domains="+acmeDomain, "--acme-directory=https://"+silent.Addr().String()+"/dir")
	asked, err := silent.Accept() // the server waits for an answer that never comes
	if err != nil {
		t.Fatal(err)
	}
	defer asked.Close()
	end(t, s)

	refused := freePort(t)
	s = startProcess(t, t.TempDir(), "--acme-domains="+acmeDomain, "--acme-directory=https://"+refused+"/dir")
	s.await("no certificate was obtained")
	end(t, s)
}

func end(t *testing.T, s *server) {
	t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := s.wait(); code != 0 {
		t.Errorf("ended with %d:\n%s", code, s.stderr)
	}
}
