package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/mail"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

const (
	// obtainAgain is how long a refusal is left alone; authorities count failed attempts, five an hour in places.
	obtainAgain = 15 * time.Minute
	// inspection is how often the certificates in use are looked at.
	inspection = 12 * time.Hour
)

// authority gets certificates by ACME and renews them in time.
type authority struct {
	manager *autocert.Manager
	domains []string
	log     *slog.Logger
	seen    inspections
	stopped context.Context // ends requests to the authority that are under way
	stop    context.CancelFunc
}

// newAuthority asks nobody anything yet. Certificates and the account's key are kept in the data directory.
func newAuthority(c *Config, log *slog.Logger) *authority {
	a := &authority{domains: c.ACMEDomains, log: log, seen: inspections{domains: c.ACMEDomains}}
	a.stopped, a.stop = context.WithCancel(context.Background())
	a.manager = &autocert.Manager{
		Prompt:     autocert.AcceptTOS,
		Cache:      autocert.DirCache(filepath.Join(c.Data, "acme")),
		HostPolicy: autocert.HostWhitelist(c.ACMEDomains...),
		Email:      c.ACMEEmail,
		Client: &acme.Client{
			DirectoryURL: c.ACMEDirectory, UserAgent: "rotunda/" + version,
			HTTPClient: &http.Client{Timeout: 30 * time.Second, Transport: until{a.stopped, http.DefaultTransport}},
		},
	}
	return a
}

// tls answers the authority's TLS-ALPN-01 challenges beside everyone else's handshakes.
func (a *authority) tls() *tls.Config { return newTLS(a.manager.GetCertificate, acme.ALPNProto) }

// challenges answers HTTP-01 challenges, and sends everything else to the same place at base.
func (a *authority) challenges(base string) http.Handler {
	answers := a.manager.HTTPHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			refuse(w, http.StatusBadRequest, "10015", "Bad Request", "This server is reached by HTTPS only, at "+base+".")
			return
		}
		http.Redirect(w, r, base+r.URL.RequestURI(), http.StatusMovedPermanently)
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name, _, err := net.SplitHostPort(r.Host); err == nil {
			r.Host = name // autocert compares it with the domains as it is
		}
		answers.ServeHTTP(w, r)
	})
}

// keep gets a certificate for every domain, so that no visitor waits for it, and then looks after them. It returns the
// function that ends it; a request to the authority that is under way ends with it.
func (a *authority) keep() (stop func() error) {
	var keeping sync.WaitGroup
	for _, domain := range a.domains {
		keeping.Go(func() { a.keepOne(domain) })
	}
	return func() error { a.stop(); keeping.Wait(); return nil }
}

func (a *authority) keepOne(domain string) {
	wait := time.Duration(0)
	for {
		select {
		case <-a.stopped.Done():
			return
		case <-time.After(wait):
		}
		wait = a.inspect(domain)
	}
}

// inspect says how long to wait before the next look.
func (a *authority) inspect(domain string) time.Duration {
	certificate, err := a.manager.GetCertificate(&tls.ClientHelloInfo{
		ServerName:       domain,
		CipherSuites:     []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
		SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256},
		SupportedCurves:  []tls.CurveID{tls.CurveP256},
	})
	switch {
	case a.stopped.Err() != nil:
		return obtainAgain
	case err != nil:
		a.seen.note(domain, nil, err)
		a.log.Warn("no certificate was obtained", "domain", domain, "error", err, "again_in", obtainAgain)
		return obtainAgain
	}
	leaf := certificate.Leaf
	a.seen.note(domain, leaf, nil)
	// Renewal is tried from the last third of the lifetime on. It failed for long if that is nearly over.
	if left := time.Until(leaf.NotAfter); left < leaf.NotAfter.Sub(leaf.NotBefore)/5 {
		a.seen.note(domain, leaf, errors.New("it is not being renewed"))
		a.log.Warn("the certificate is not being renewed", "domain", domain, "expires", leaf.NotAfter)
	} else {
		a.log.Info("certificate in use", "domain", domain, "expires", leaf.NotAfter)
	}
	return inspection
}

// until is a transport whose requests end when ctx does.
type until struct {
	ctx  context.Context // autocert takes none of its caller
	next http.RoundTripper
}

// RoundTrip ends with the request's own context as well.
func (u until) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(r.Context())
	stop := context.AfterFunc(u.ctx, func() { cancel(u.ctx.Err()) })
	answer, err := u.next.RoundTrip(r.WithContext(ctx))
	if err != nil {
		stop()
		cancel(nil)
		return nil, err
	}
	context.AfterFunc(r.Context(), func() { stop(); cancel(nil) })
	return answer, nil
}

var label = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

func domainName(s string) (string, error) {
	name := strings.ToLower(strings.TrimSuffix(s, "."))
	labels := strings.Split(name, ".")
	_, notIP := netip.ParseAddr(name)
	good := len(labels) > 1 && len(name) <= 253 && notIP != nil
	for _, l := range labels {
		good = good && label.MatchString(l)
	}
	if !good {
		return "", fmt.Errorf("must be a host name in ASCII, such as video.example.com")
	}
	return name, nil
}

func emailAddress(s string) (string, error) {
	parsed, err := mail.ParseAddress(s)
	if err != nil || parsed.Address != s {
		return "", fmt.Errorf("must be an email address, such as ops@example.com")
	}
	return s, nil
}

func directory(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "" {
		return "", fmt.Errorf("must be the https address of an ACME directory")
	}
	return s, nil
}
