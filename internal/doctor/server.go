package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

const (
	requestTime = 10 * time.Second
	// renewBefore is how long a certificate should be good for at least.
	renewBefore = 14 * 24 * time.Hour
	// How far two clocks may be apart: tokens allow for 5 s.
	clocksDiffer, clocksFail = 2 * time.Second, 5 * time.Second
)

// Server is the server to look at.
type Server struct {
	URL    string      // https://host[:port]
	Token  string      // a client token of a room, that allows to publish; or else
	APIKey string      // a key that may make rooms and tokens: a room is made for the checks, and deleted
	TLS    *tls.Config // how to trust the server; nil: as the system does
}

// Examine looks at a server in every way there is. It reports what it finds; nothing of that is an error.
func Examine(ctx context.Context, s Server) Report {
	at, err := url.Parse(s.URL)
	if err != nil || at.Host == "" || at.Scheme != "http" && at.Scheme != "https" {
		return Report{{"server", Fail, fmt.Sprintf("%q is no address such as https://video.example.com", s.URL), "the address"}}
	}
	e := &examination{server: s, at: at, base: strings.TrimSuffix(s.URL, "/")}
	e.client = &http.Client{Timeout: requestTime, Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: s.TLS}}
	defer e.client.CloseIdleConnections()
	if !e.greet(ctx) {
		return e.report
	}
	e.media(ctx)
	return e.report
}

// examination is one look at a server.
type examination struct {
	server Server
	at     *url.URL
	base   string
	client *http.Client
	report Report
}

func (e *examination) note(name string, level Level, setting, format string, args ...any) {
	if level == OK {
		setting = ""
	}
	e.report = append(e.report, Check{name, level, fmt.Sprintf(format, args...), setting})
}

// greet looks whether the server is there, at its certificate and its clock. It reports false if there is no use in going on.
func (e *examination) greet(ctx context.Context) bool {
	begun := time.Now()
	answer, err := e.get(ctx, "/healthz")
	if certificate := (*tls.CertificateVerificationError)(nil); errors.As(err, &certificate) {
		e.note("TLS certificate", Fail, "--tls-cert, --acme-domains", "not trusted: %v", certificate.Err)
		e.distrust()
		begun = time.Now()
		answer, err = e.get(ctx, "/healthz")
	}
	if err != nil {
		e.note("server", Fail, "--http, --public-url, or the firewall", "not reached: %v", plain(err))
		return false
	}
	took := time.Since(begun)
	body, _ := io.ReadAll(io.LimitReader(answer.Body, 256))
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		e.note("server", Fail, "the server's log says why", "%s answers %d: %s", e.base, answer.StatusCode, strings.TrimSpace(string(body)))
		return false
	}
	e.note("server", OK, "", "%s answers in %d ms", e.base, took.Milliseconds())
	e.certificate(answer.TLS)
	e.clock(answer.Header.Get("Date"), begun.Add(took/2))
	return true
}

func (e *examination) get(ctx context.Context, path string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, e.base+path, nil)
	if err != nil {
		return nil, err
	}
	return e.client.Do(request)
}

// distrust goes on with a server whose certificate is no good; that was noted.
func (e *examination) distrust() {
	e.client.CloseIdleConnections()
	e.client.Transport.(*http.Transport).TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
}

func (e *examination) certificate(state *tls.ConnectionState) {
	switch {
	case state == nil && isLoopback(e.at.Hostname()):
		e.note("TLS certificate", Skipped, "", "plain HTTP on this machine")
		return
	case state == nil:
		e.note("TLS certificate", Fail, "--acme-domains, --tls-cert, or a proxy with --public-url", "plain HTTP: browsers give cameras to HTTPS pages only")
		return
	case len(e.report) > 1: // it was noted as not trusted
		return
	}
	leaf := state.PeerCertificates[0]
	left := time.Until(leaf.NotAfter)
	level := OK
	if left < renewBefore {
		level = Warn
	}
	e.note("TLS certificate", level, "--tls-cert, --acme-http: it is not being renewed", "good until %s", leaf.NotAfter.UTC().Format("2 Jan 2006"))
}

func (e *examination) clock(date string, here time.Time) {
	there, err := http.ParseTime(date)
	if err != nil {
		e.note("clock", Skipped, "", "the server does not tell the time")
		return
	}
	// The header has whole seconds.
	apart := max(here.Sub(there.Add(time.Second)), there.Sub(here), 0).Round(100 * time.Millisecond)
	level := OK
	switch {
	case apart > clocksFail:
		level = Fail
	case apart > clocksDiffer:
		level = Warn
	}
	e.note("clock", level, "the time service (NTP) of both machines", "%s apart from this machine's", apart)
}

func isLoopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

// plain leaves away what the HTTP client says of the request.
func plain(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if o, ok := errors.AsType[*net.OpError](err); ok && o.Op == "dial" {
		return fmt.Errorf("%s: %w", o.Addr, o.Err)
	}
	return err
}
