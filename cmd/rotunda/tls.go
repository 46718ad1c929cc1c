package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// renewalInterval is how often the certificate's files are looked at. Renewals come weeks before the end of the old one.
const renewalInterval = 10 * time.Second

// servesTLS reports whether the public listener speaks TLS itself.
func (c *Config) servesTLS() bool { return c.TLSCert != "" || len(c.ACMEDomains) > 0 }

// https reports whether clients reach this server by HTTPS, be it through a proxy.
func (c *Config) https() bool {
	return c.servesTLS() || c.PublicURL != nil && c.PublicURL.Scheme == "https"
}

// checkTLS finds what is wrong between the settings of TLS.
func (c *Config) checkTLS() error {
	var faults []error
	switch {
	case c.TLSCert != "" && c.TLSKey == "":
		faults = append(faults, errors.New("--tls-cert needs --tls-key, the file of its private key"))
	case c.TLSKey != "" && c.TLSCert == "":
		faults = append(faults, errors.New("--tls-key needs --tls-cert, the file of its certificate"))
	}
	switch {
	case len(c.ACMEDomains) > 0 && c.TLSCert != "":
		faults = append(faults, errors.New("--acme-domains and --tls-cert are two ways to one certificate: choose one"))
	case len(c.ACMEDomains) > 0:
	case c.ACMEEmail != "", c.ACMEHTTP != "", c.ACMEDirectory != defaultConfig().ACMEDirectory:
		faults = append(faults, errors.New("--acme-email, --acme-http and --acme-directory need --acme-domains, the names to get a certificate for"))
	}
	if c.servesTLS() && c.PublicURL != nil && c.PublicURL.Scheme != "https" {
		faults = append(faults, errors.New("--public-url begins with http, but the server speaks TLS only: say https"))
	}
	return errors.Join(faults...)
}

// newTLS is what the public listener speaks: HTTP/2, and HTTP/1.1 for the sockets of signalling, which browsers open on a
// connection of their own.
func newTLS(certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error), protocols ...string) *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     append([]string{"h2", "http/1.1"}, protocols...),
		GetCertificate: certificate,
	}
}

// accept serves the public listener until the server is shut down.
func accept(server *http.Server, listener net.Listener, speaks *tls.Config) error {
	if speaks == nil {
		return server.Serve(listener)
	}
	server.TLSConfig = speaks
	if shared, ok := listener.(*sharedPort); ok { // which shook hands
		server.Handler = overTLS(server.Handler)
		return server.Serve(shared)
	}
	return server.ServeTLS(listener, "", "")
}

// certificateFiles is a certificate that is kept in two PEM files and renewed there by somebody else.
type certificateFiles struct {
	cert, key string
	log       *slog.Logger
	current   atomic.Pointer[tls.Certificate]

	// Of the goroutine that watches, alone.
	seen   []byte // both files as they were at the last look
	warned bool   // that what was seen is no pair
}

// openCertificate reads both files. The error names the setting to change.
func openCertificate(cert, key string, log *slog.Logger) (*certificateFiles, error) {
	f := &certificateFiles{cert: cert, key: key, log: log}
	certPEM, keyPEM, err := f.read()
	if err != nil {
		return nil, fmt.Errorf("read the certificate: %w: name PEM files with --tls-cert and --tls-key", err)
	}
	pair, err := parsePair(certPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("use %s with %s: %w: name a PEM certificate chain with --tls-cert and its key with --tls-key", cert, key, err)
	}
	if expired(pair) {
		log.Warn("the certificate has expired", "file", cert, "expired", pair.Leaf.NotAfter)
	}
	f.current.Store(pair)
	f.seen = both(certPEM, keyPEM)
	return f, nil
}

func (f *certificateFiles) read() (cert, key []byte, err error) {
	if cert, err = os.ReadFile(f.cert); err != nil {
		return nil, nil, err
	}
	key, err = os.ReadFile(f.key)
	return cert, key, err
}

func parsePair(cert, key []byte) (*tls.Certificate, error) {
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "tls: "))
	}
	return &pair, nil
}

func expired(pair *tls.Certificate) bool { return time.Now().After(pair.Leaf.NotAfter) }

func both(cert, key []byte) []byte { return bytes.Join([][]byte{cert, key}, []byte{0}) }

// get is for tls.Config.GetCertificate.
func (f *certificateFiles) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return f.current.Load(), nil
}

// watch takes over renewals until ctx ends.
func (f *certificateFiles) watch(ctx context.Context) {
	ticker := time.NewTicker(renewalInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			f.look()
		}
	}
}

// look takes over what the files hold if that is new and good. What is not good may be half written, so there is a warning
// only when it is still there at the next look, and no second one of the same.
func (f *certificateFiles) look() {
	cert, key, err := f.read()
	now := both(cert, key)
	if err != nil {
		now = []byte(err.Error())
	}
	again := bytes.Equal(now, f.seen)
	if again && f.warned {
		return
	}
	if !again {
		f.seen, f.warned = now, false
	}
	var pair *tls.Certificate
	if err == nil {
		pair, err = parsePair(cert, key)
	}
	if err == nil && expired(pair) {
		err = errors.New("it has expired")
	}
	switch {
	case err == nil && !again:
		f.current.Store(pair)
		f.log.Info("certificate renewed", "file", f.cert, "expires", pair.Leaf.NotAfter)
	case err != nil && again:
		f.warned = true
		f.log.Warn("the renewed certificate is not good, the old one stays", "file", f.cert, "error", err, "expires", f.current.Load().Leaf.NotAfter)
	}
}

// handshakes lowers the noise of scanners: every stranger that gives up a handshake would be a warning.
type handshakes struct{ log *slog.Logger }

// Write is called by a log.Logger, once for each line.
func (h handshakes) Write(line []byte) (int, error) {
	level := slog.LevelWarn
	if bytes.HasPrefix(line, []byte("http: TLS handshake error")) {
		level = slog.LevelDebug
	}
	h.log.Log(context.Background(), level, strings.TrimSpace(string(line)))
	return len(line), nil
}
