package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/auth"
	"github.com/rotunda-rtc/rotunda/internal/doctor"
	"github.com/rotunda-rtc/rotunda/internal/oidc"
	"github.com/rotunda-rtc/rotunda/internal/rest"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// signInConfig is how people sign in to the portal.
type signInConfig struct {
	Passwords    auth.PasswordPolicy // who may use one
	Issuer       string              // of the OpenID provider; empty: there is none
	ClientID     string
	ClientSecret string // empty: a public client
	Name         string // what the provider is called; empty: its host
	Scopes       []string
	RoleClaim    string
	Roles        []roleGrant // none: members keep the role they have
	DefaultRole  video.Role  // of who has none of these values, or of newcomers; empty: they are refused
	Domains      []string    // of email addresses
}

// roleGrant is a value of the role claim and the role it gives.
type roleGrant struct {
	value string
	role  video.Role
}

func defaultSignIn() signInConfig {
	return signInConfig{Passwords: auth.PasswordsForAll, Scopes: []string{"email", "profile"}, RoleClaim: "groups"}
}

// checkSignIn finds what a provider lacks. Commands beside the server need none of it.
func (c *Config) checkSignIn() error {
	s := c.SignIn
	switch {
	case s.Issuer == "" && s.Passwords != auth.PasswordsForAll:
		return misuse{errors.New("--portal-passwords leaves all but owners no way to sign in: name a provider with --oidc-issuer")}
	case s.Issuer == "" && (s.ClientID != "" || s.ClientSecret != "" || len(s.Roles) > 0 || s.DefaultRole != "" || len(s.Domains) > 0):
		return misuse{errors.New("the settings of OIDC mean nothing without a provider: name it with --oidc-issuer")}
	case s.Issuer == "":
		return nil
	case s.ClientID == "":
		return misuse{errors.New("--oidc-issuer needs --oidc-client-id: what the provider calls this server")}
	case c.PublicURL == nil && len(c.ACMEDomains) == 0 && !onLoopback(c.HTTP):
		return misuse{errors.New("--oidc-issuer needs --public-url: the provider sends browsers back there")}
	}
	return nil
}

// signInProvider is nil where the operator named none.
func (c *Config) signInProvider() (p *oidc.Provider, err error) {
	s := c.SignIn
	if s.Issuer == "" {
		return p, nil
	}
	roles := make(map[string]video.Role, len(s.Roles))
	for _, grant := range s.Roles {
		roles[grant.value] = grant.role
	}
	return oidc.New(oidc.Config{
		Issuer: s.Issuer, ClientID: s.ClientID, ClientSecret: s.ClientSecret, Name: s.Name, Scopes: s.Scopes, Domains: s.Domains,
		Roles: oidc.Mapping{Claim: s.RoleClaim, Roles: roles, Default: s.DefaultRole},
	})
}

func (h *house) singleSignOn() *rest.SingleSignOn {
	if h.provider == nil {
		return nil
	}
	return &rest.SingleSignOn{Provider: h.provider, Account: h.own.account.ID}
}

// providerPatience is how long a look at the machine waits for the provider.
const providerPatience = 3 * time.Second

// signIn looks at whether the provider answers.
func (m *machine) signIn(ctx context.Context, p *oidc.Provider) {
	if p == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, providerPatience)
	defer cancel()
	if err := p.Check(ctx); err != nil {
		m.note("sign-in provider", doctor.Warn, "--oidc-issuer", "%v", err)
		return
	}
	m.note("sign-in provider", doctor.OK, "", "%s answers", p.Name())
}

// issuer takes http on this machine alone: tokens and the client's secret are on the way.
func issuer(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && !(u.Scheme == "http" && isHere(u.Hostname())) {
		return "", fmt.Errorf("must be the https address of an OpenID provider as its tokens name it, such as https://id.example.com/realms/staff")
	}
	return s, nil
}

func isHere(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

func passwordPolicy(s string) (auth.PasswordPolicy, error) {
	policy := auth.PasswordPolicy(s)
	if !slices.Contains(auth.AllPasswordPolicies, policy) {
		return "", fmt.Errorf("must be all or owners")
	}
	return policy, nil
}

func memberRole(s string) (video.Role, error) {
	role := video.Role(s)
	if !slices.Contains(video.AllRoles, role) {
		return "", fmt.Errorf("must be owner, developer, support or viewer")
	}
	return role, nil
}

// grant reads VALUE=ROLE. Values of directories have = in them.
func grant(s string) (roleGrant, error) {
	at := strings.LastIndexByte(s, '=')
	if at < 1 {
		return roleGrant{}, fmt.Errorf("must be VALUE=ROLE, such as admins=owner")
	}
	role, err := memberRole(strings.TrimSpace(s[at+1:]))
	if err != nil {
		return roleGrant{}, fmt.Errorf("must end with =owner, =developer, =support or =viewer")
	}
	return roleGrant{strings.TrimSpace(s[:at]), role}, nil
}
