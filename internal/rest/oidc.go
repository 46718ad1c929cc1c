package rest

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/auth"
	"github.com/rotunda-rtc/rotunda/internal/oidc"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// IdentityProvider knows people elsewhere. Its errors are those of internal/oidc.
type IdentityProvider interface {
	// Name is what people call it.
	Name() string
	// SetsRoles reports whether it says which roles people have.
	SetsRoles() bool
	Begin(ctx context.Context, redirect string) (address, secret string, err error)
	Finish(ctx context.Context, back oidc.Return) (video.Identity, error)
}

// SingleSignOn lets people sign in to the portal by a provider.
type SingleSignOn struct {
	Provider IdentityProvider
	Account  video.AccountID // whose members they become
}

const (
	// OIDCPage is the portal's page that the provider sends browsers back to.
	OIDCPage = "/portal/oidc"

	// attemptCookie holds the secret of a sign-in under way. Only the portal's own page sends it, after the browser has come back.
	attemptCookie = "rotunda_oidc"
	attemptTime   = 10 * time.Minute
)

var errNoProvider = refuse(http.StatusNotFound, notFound, "This server has no sign-in provider.")

type (
	signInMethodsJSON struct {
		RecordType string              `json:"record_type"`
		Passwords  auth.PasswordPolicy `json:"passwords"`
		OIDC       *providerJSON       `json:"oidc"`
	}
	providerJSON struct {
		Name      string `json:"name"`
		SetsRoles bool   `json:"sets_roles"`
	}
	beginningJSON struct {
		RecordType string `json:"record_type"`
		Address    string `json:"authorization_url"`
	}
)

// signInMethods says by which ways one may sign in, before anybody has.
func (e *entrance) signInMethods(*request) (answer, error) {
	methods := signInMethodsJSON{RecordType: "sign_in_methods", Passwords: e.Members.Passwords()}
	if e.SingleSignOn != nil {
		provider := e.SingleSignOn.Provider
		methods.OIDC = &providerJSON{Name: provider.Name(), SetsRoles: provider.SetsRoles()}
	}
	return one(http.StatusOK, methods), nil
}

func (e *entrance) beginOIDC(r *request) (answer, error) {
	if e.SingleSignOn == nil {
		return answer{}, errNoProvider
	}
	address, secret, err := e.SingleSignOn.Provider.Begin(r.Context(), e.root(r.Request)+OIDCPage)
	if err != nil {
		return answer{}, err
	}
	a := one(http.StatusCreated, beginningJSON{"oidc_attempt", address})
	a.cookies = []*http.Cookie{e.attempt(r.Request, secret)}
	return a, nil
}

// finishOIDC signs in whom the provider sent back. Who is refused leaves a line in the log, like a wrong password.
func (e *entrance) finishOIDC(r *request) (answer, error) {
	if e.SingleSignOn == nil {
		return answer{}, errNoProvider
	}
	back := oidc.Return{
		State: r.body.text("state"), Code: r.body.text("code"), Error: r.body.text("error"), Issuer: r.body.text("issuer"),
		Redirect: e.root(r.Request) + OIDCPage,
	}
	if cookie, err := r.Cookie(attemptCookie); err == nil {
		back.Secret = cookie.Value
	}
	identity, err := e.SingleSignOn.Provider.Finish(r.Context(), back)
	if err != nil {
		e.logRefusal(r, err)
		return answer{}, err
	}
	found, err := e.Members.SignInAs(r.Context(), e.SingleSignOn.Account, identity)
	if err != nil {
		e.logRefusal(r, err)
	}
	a, err := e.welcome(r, found, err)
	if err != nil {
		return answer{}, err
	}
	r.note(found.Member.ID, "by OIDC")
	done := e.attempt(r.Request, "")
	done.MaxAge = -1
	a.cookies = append(a.cookies, done)
	return a, nil
}

// logRefusal logs why somebody was not let in. Faults of the server and the provider are logged where they are answered.
func (e *entrance) logRefusal(r *request, err error) {
	switch video.CodeOf(err) {
	case video.CodeInternal, video.CodeUnavailable:
		return
	}
	actor, _ := video.ActorOf(r.Context())
	e.Log.LogAttrs(r.Context(), slog.LevelWarn, "sign-in by OIDC was refused",
		slog.String("address", actor.Address), slog.String("request", actor.RequestID), slog.Any("error", err))
}

func (e *entrance) attempt(r *http.Request, secret string) *http.Cookie {
	return &http.Cookie{
		Name: attemptCookie, Value: secret, Path: base + portalPath, HttpOnly: true, SameSite: http.SameSiteStrictMode,
		MaxAge: int(attemptTime.Seconds()), Secure: strings.HasPrefix(e.root(r), "https:"),
	}
}
