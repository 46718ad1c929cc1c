package oidc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	openid "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

const (
	discoveryAge = 10 * time.Minute // after which the provider is asked anew for its addresses and keys
	patience     = 10 * time.Second // with each request
	skew         = time.Minute      // by which the provider's clock may be behind ours
	largest      = 1 << 20          // bytes of an answer
)

// Config is what the operator knows of the provider, and wants of it. Issuer and ClientID are required.
type Config struct {
	Issuer       string   // as the provider writes it in its tokens, to the letter
	ClientID     string   //
	ClientSecret string   // empty: a public client, which PKCE alone protects
	Name         string   // what people call the provider; empty: its host
	Scopes       []string // beside openid
	Roles        Mapping
	Domains      []string // of verified email addresses that may sign in, in lower case; empty: all addresses

	Now func() time.Time // nil: time.Now
}

// Provider signs people in. It is safe for concurrent use.
type Provider struct {
	config Config
	client *http.Client

	mu    sync.Mutex
	known *openid.Provider // guarded by mu
	until time.Time        // guarded by mu: known is good before
}

// New makes one. It asks the provider nothing yet, so that a server starts while its provider is down.
func New(config Config) (*Provider, error) {
	issuer, err := url.Parse(config.Issuer)
	switch {
	case err != nil || issuer.Host == "":
		return nil, errors.New("oidc: the issuer is no address")
	case config.ClientID == "":
		return nil, errors.New("oidc: ClientID is required")
	}
	if config.Name == "" {
		config.Name = issuer.Host
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	return &Provider{config: config, client: newClient()}, nil
}

// Name is what people call the provider.
func (p *Provider) Name() string { return p.config.Name }

// Check asks whether the provider is there, and is the one that the settings mean.
func (p *Provider) Check(ctx context.Context) error {
	_, err := p.discoverAnew(ctx)
	return err
}

// Begin returns the address at the provider that a browser goes to, and the secret that the same browser must bring back to Finish. The
// provider sends it back to redirect. A provider that does not answer is video.CodeUnavailable.
func (p *Provider) Begin(ctx context.Context, redirect string) (address, secret string, err error) {
	provider, err := p.discover(ctx)
	if err != nil {
		return "", "", err
	}
	a := newAttempt()
	return p.asClient(provider, redirect).AuthCodeURL(a.state(), openid.Nonce(a.nonce()), oauth2.S256ChallengeOption(a.verifier())), a.text(), nil
}

// SetsRoles reports whether the provider says which roles people have, at each sign-in.
func (p *Provider) SetsRoles() bool { return p.config.Roles.governs() }

// Return is what comes back with a browser: a code, or an error.
type Return struct {
	Secret   string // that Begin gave it
	State    string
	Code     string
	Error    string // why there is no code
	Issuer   string // RFC 9207; empty where the provider does not say it
	Redirect string // as it was at Begin
}

// Finish exchanges the code for an ID token, checks it and returns who it is about. An attempt that was not begun in this browser, a
// spent code and a token that cannot be trusted are video.CodeUnauthorized; somebody whom the provider or the settings keep out is
// video.CodeForbidden; a provider that does not answer, or refuses this server, is video.CodeUnavailable. Causes are for the log,
// and hold neither codes nor tokens.
func (p *Provider) Finish(ctx context.Context, back Return) (video.Identity, error) {
	a, ok := parseAttempt(back.Secret)
	if !ok || !same(back.State, a.state()) {
		return video.Identity{}, errStrange
	}
	if back.Issuer != "" && back.Issuer != p.config.Issuer {
		return video.Identity{}, untrusted(fmt.Errorf("the answer is of the issuer %q", brief(back.Issuer)))
	}
	if back.Error != "" {
		return video.Identity{}, refused(back.Error)
	}
	if back.Code == "" {
		return video.Identity{}, untrusted(errors.New("there is neither a code nor an error"))
	}
	provider, err := p.discover(ctx)
	if err != nil {
		return video.Identity{}, err
	}
	ctx = openid.ClientContext(ctx, p.client)
	tokens, err := p.asClient(provider, back.Redirect).Exchange(ctx, back.Code, oauth2.VerifierOption(a.verifier()))
	if err != nil {
		return video.Identity{}, exchangeFailed(err)
	}
	said, err := p.verify(ctx, provider, tokens, a.nonce())
	if err != nil {
		return video.Identity{}, err
	}
	return p.identify(said)
}

// discover finds the provider's addresses. They are asked for anew from time to time, and its keys with them: a key that was withdrawn
// is good for discoveryAge at most, and a new one at once.
func (p *Provider) discover(ctx context.Context) (*openid.Provider, error) {
	p.mu.Lock()
	known, fresh := p.known, p.config.Now().Before(p.until)
	p.mu.Unlock()
	if fresh {
		return known, nil
	}
	return p.discoverAnew(ctx)
}

func (p *Provider) discoverAnew(ctx context.Context) (*openid.Provider, error) {
	found, err := openid.NewProvider(openid.ClientContext(ctx, p.client), p.config.Issuer)
	if err != nil {
		return nil, unreachable("discover", err)
	}
	if err := p.checkAddresses(found); err != nil {
		return nil, unreachable("discover", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known, p.until = found, p.config.Now().Add(discoveryAge)
	return found, nil
}

// checkAddresses refuses a provider whose browsers, secrets or keys would go unprotected where its issuer is protected.
func (p *Provider) checkAddresses(found *openid.Provider) error {
	var says struct {
		Keys string `json:"jwks_uri"`
	}
	if err := found.Claims(&says); err != nil {
		return err
	}
	addresses := []string{found.Endpoint().AuthURL, found.Endpoint().TokenURL, says.Keys}
	if info := found.UserInfoEndpoint(); info != "" {
		addresses = append(addresses, info)
	}
	for _, address := range addresses {
		u, err := url.Parse(address)
		if err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && strings.HasPrefix(p.config.Issuer, "http:")) {
			return fmt.Errorf("its address %q cannot be used", brief(address))
		}
	}
	return nil
}

// asClient is this server as a client of the provider, in the sense of OAuth 2.0.
func (p *Provider) asClient(provider *openid.Provider, redirect string) *oauth2.Config {
	end := provider.Endpoint()
	end.AuthStyle = p.authStyle(provider)
	return &oauth2.Config{
		ClientID: p.config.ClientID, ClientSecret: p.config.ClientSecret, Endpoint: end, RedirectURL: redirect,
		Scopes: append([]string{openid.ScopeOpenID}, p.config.Scopes...),
	}
}

// authStyle is how this server shows its secret. Left to itself the library finds out by trying, which spends codes.
func (p *Provider) authStyle(provider *openid.Provider) oauth2.AuthStyle {
	var says struct {
		Methods []string `json:"token_endpoint_auth_methods_supported"`
	}
	_ = provider.Claims(&says) // what is not understood counts as not said
	basic := len(says.Methods) == 0 || slices.Contains(says.Methods, "client_secret_basic")
	if p.config.ClientSecret != "" && basic {
		return oauth2.AuthStyleInHeader
	}
	return oauth2.AuthStyleInParams
}

func newClient() *http.Client {
	return &http.Client{
		Timeout:   patience,
		Transport: bounded{http.DefaultTransport},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			first := via[0]
			// A code and a secret go nowhere else, and what was asked for by TLS comes by TLS.
			if first.Method != http.MethodGet || first.URL.Scheme != r.URL.Scheme && r.URL.Scheme != "https" || len(via) > 3 {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}
}

// bounded lets no answer grow beyond largest.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := b.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	answer.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(answer.Body, largest), answer.Body}
	return answer, nil
}
