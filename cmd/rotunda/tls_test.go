package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
)

// pairOf makes a self-signed certificate for loopback that says its name, and its key, both as PEM.
func pairOf(t *testing.T, name string, lifetime time.Duration) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(lifetime),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
}

// writePair puts files into dir and returns their flags.
func writePair(t *testing.T, dir string, cert, key []byte) (certFlag, keyFlag string) {
	t.Helper()
	for name, content := range map[string][]byte{"cert.pem": cert, "key.pem": key} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return "--tls-cert=" + filepath.Join(dir, "cert.pem"), "--tls-key=" + filepath.Join(dir, "key.pem")
}

// trusting is a client that believes these certificates only.
func trusting(certs ...[]byte) *http.Client {
	pool := x509.NewCertPool()
	for _, cert := range certs {
		pool.AppendCertsFromPEM(cert)
	}
	return &http.Client{
		Transport: &http.Transport{DisableKeepAlives: true, ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: pool}},
		Timeout:   10 * time.Second,
	}
}

func TestCertificateFiles(t *testing.T) {
	cert, key := pairOf(t, "first", time.Hour)
	certFlag, keyFlag := writePair(t, t.TempDir(), cert, key)
	s := start(t, t.TempDir(), certFlag, keyFlag)
	if !strings.HasPrefix(s.url, "https://127.0.0.1:") {
		t.Errorf("it says it is at %s", s.url)
	}
	answer, err := trusting(cert).Get(s.url + "/v2/nowhere")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var body bytes.Buffer
	_, _ = body.ReadFrom(answer.Body)
	if answer.ProtoMajor != 2 || answer.TLS.Version != tls.VersionTLS13 {
		t.Errorf("spoke %s over %x", answer.Proto, answer.TLS.Version)
	}
	if got := answer.Header.Get("Strict-Transport-Security"); got != "max-age=31536000" {
		t.Errorf("Strict-Transport-Security is %q", got)
	}
	if !strings.Contains(body.String(), s.url+"/docs/errors/") {
		t.Errorf("links lead elsewhere: %s", body.String())
	}

	// A browser offers HTTP/1.1 alone for a socket, and so does this client.
	plain := trusting(cert)
	plain.Transport.(*http.Transport).ForceAttemptHTTP2 = false
	socket, upgraded, err := websocket.Dial(t.Context(), strings.Replace(s.url, "https", "wss", 1)+"/v2/signal",
		&websocket.DialOptions{HTTPClient: plain, Subprotocols: []string{"rotunda.v1"}})
	if err != nil {
		t.Fatal(err)
	}
	if upgraded.StatusCode != http.StatusSwitchingProtocols {
		t.Errorf("the socket's answer is %d", upgraded.StatusCode)
	}
	_ = socket.CloseNow()

	// Publishing over HTTP must reach its own handler by HTTP/2 as well.
	whip, err := trusting(cert).Post(s.url+"/rooms/00000000-0000-4000-8000-000000000000/whip/self", "application/sdp", strings.NewReader("v=0"))
	if err != nil {
		t.Fatal(err)
	}
	_ = whip.Body.Close()
	if whip.StatusCode != http.StatusUnauthorized || whip.ProtoMajor != 2 {
		t.Errorf("WHIP answered %d over %s", whip.StatusCode, whip.Proto)
	}

	old := trusting(cert)
	old.Transport.(*http.Transport).TLSClientConfig.MaxVersion = tls.VersionTLS11
	if answer, err := old.Get(s.url); err == nil {
		_ = answer.Body.Close()
		t.Error("TLS 1.1 is spoken")
	}
}

func TestNoStrictTransportWithoutTLS(t *testing.T) {
	for args, want := range map[string]string{"--public-url=http://v.example.com": "", "--public-url=https://v.example.com": "max-age=31536000"} {
		address := freePort(t)
		start(t, t.TempDir(), "--http="+address, args)
		answer, err := client.Get("http://" + address + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if got := answer.Header.Get("Strict-Transport-Security"); got != want {
			t.Errorf("%s: %q, want %q", args, got, want)
		}
	}
}

// A renewal is taken over without a restart; one that is no good, or only half written, leaves the old one in place.
func TestRenewedCertificateFiles(t *testing.T) {
	dir, log := t.TempDir(), new(lockedBuffer)
	first, firstKey := pairOf(t, "first", time.Hour)
	second, secondKey := pairOf(t, "second", time.Hour)
	third, thirdKey := pairOf(t, "third", time.Hour)
	writePair(t, dir, first, firstKey)
	synctest.Test(t, func(t *testing.T) {
		files, err := openCertificate(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), slog.New(slog.NewTextHandler(log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); files.watch(ctx) }()
		defer func() { cancel(); <-done }()
		inUse := func() string {
			time.Sleep(renewalInterval + time.Second)
			synctest.Wait()
			pair, err := files.get(nil)
			if err != nil {
				t.Fatal(err)
			}
			return pair.Leaf.Subject.CommonName
		}
		for _, c := range []struct {
			name      string
			cert, key []byte
			want      string
			warnings  int
		}{
			{"nothing happened", first, firstKey, "first", 0},
			{"half written", second, firstKey, "first", 0},
			{"written", second, secondKey, "second", 0},
			{"not a certificate", []byte("sorry"), secondKey, "second", 0},
			{"still not", []byte("sorry"), secondKey, "second", 1},
			{"and still not", []byte("sorry"), secondKey, "second", 1},
			{"of different pairs", third, secondKey, "second", 1},
			{"mended", third, thirdKey, "third", 1},
		} {
			writePair(t, dir, c.cert, c.key)
			if got := inUse(); got != c.want {
				t.Errorf("%s: %s is in use, want %s", c.name, got, c.want)
			}
			if got := strings.Count(log.String(), "level=WARN"); got != c.warnings {
				t.Errorf("%s: %d warnings, want %d:\n%s", c.name, got, c.warnings, log)
			}
		}
		if err := os.Remove(filepath.Join(dir, "key.pem")); err != nil {
			t.Fatal(err)
		}
		inUse()
		if got := inUse(); got != "third" || strings.Count(log.String(), "level=WARN") != 2 {
			t.Errorf("without a file %s is in use:\n%s", got, log)
		}
	})
}

func TestExpiredRenewalIsNotTaken(t *testing.T) {
	dir, log := t.TempDir(), new(lockedBuffer)
	good, goodKey := pairOf(t, "good", time.Hour)
	past, pastKey := pairOf(t, "past", -time.Hour)
	writePair(t, dir, good, goodKey)
	files, err := openCertificate(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	writePair(t, dir, past, pastKey)
	files.look()
	files.look()
	if got := files.current.Load().Leaf.Subject.CommonName; got != "good" || !strings.Contains(log.String(), "it has expired") {
		t.Errorf("%s is in use:\n%s", got, log)
	}
}

func TestWrongTLSSettingsAreExplained(t *testing.T) {
	dir := t.TempDir()
	cert, key := pairOf(t, "one", time.Hour)
	_, otherKey := pairOf(t, "other", time.Hour)
	certFlag, keyFlag := writePair(t, dir, cert, otherKey)
	if err := os.WriteFile(filepath.Join(dir, "good.pem"), key, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		args []string
		want []string
	}{
		{"no key", []string{certFlag}, []string{"--tls-cert needs --tls-key"}},
		{"no certificate", []string{keyFlag}, []string{"--tls-key needs --tls-cert"}},
		{"no such file", []string{certFlag, "--tls-key=/nonexistent.pem"}, []string{"/nonexistent.pem", "no such file", "--tls-key"}},
		{"not a pair", []string{certFlag, keyFlag}, []string{"private key does not match public key", "--tls-cert"}},
		{"not PEM", []string{"--tls-cert=" + filepath.Join(dir, "good.pem"), keyFlag}, []string{"use " + dir, "--tls-cert"}},
		{"two ways", []string{certFlag, keyFlag, "--acme-domains=v.example.com"}, []string{"choose one"}},
		{"email alone", []string{"--acme-email=ops@example.com"}, []string{"need --acme-domains"}},
		{"redirect alone", []string{"--acme-http=:0"}, []string{"need --acme-domains"}},
		{"directory alone", []string{"--acme-directory=https://ca.example.com/"}, []string{"need --acme-domains"}},
		{"plain public URL", []string{"--acme-domains=v.example.com", "--public-url=http://v.example.com"}, []string{"--public-url", "https"}},
		{"an IP address", []string{"--acme-domains=192.0.2.1"}, []string{`--acme-domains "192.0.2.1" must be a host name`}},
		{"a bare word", []string{"--acme-domains=localhost"}, []string{"must be a host name"}},
		{"a wildcard", []string{"--acme-domains=*.example.com"}, []string{"must be a host name"}},
		{"a name that is none", []string{"--acme-email=Ops <ops@example.com>", "--acme-domains=v.example.com"}, []string{"--acme-email must be an email address"}},
		{"plain directory", []string{"--acme-domains=v.example.com", "--acme-directory=http://ca.example.com"}, []string{"--acme-directory must be the https address"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := append([]string{"serve", "--http=127.0.0.1:0", "--rtc-udp-port=0", "--metrics=off", "--data=" + t.TempDir()}, c.args...)
			code, _, stderr := command(t, nil, args...)
			want := 2
			if strings.HasPrefix(c.name, "no such") || strings.HasPrefix(c.name, "not ") { // files may be there at the next try
				want = 1
			}
			if code != want {
				t.Errorf("ended with %d", code)
			}
			for _, want := range c.want {
				if !strings.Contains(stderr, want) {
					t.Errorf("%q does not say %q", stderr, want)
				}
			}
		})
	}
}

func TestHandshakesOfStrangersAreQuiet(t *testing.T) {
	cert, key := pairOf(t, "quiet", time.Hour)
	certFlag, keyFlag := writePair(t, t.TempDir(), cert, key)
	s := start(t, t.TempDir(), certFlag, keyFlag)
	if answer, err := trusting().Get(s.url); err == nil {
		_ = answer.Body.Close()
		t.Error("a client that trusts nobody got an answer")
	}
	s.stop()
	if strings.Contains(s.stderr.String(), "handshake") {
		t.Errorf("it logged:\n%s", s.stderr)
	}
}
