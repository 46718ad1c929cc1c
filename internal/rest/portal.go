package rest

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/auth"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Members signs people in to the portal. Whatever is wrong with a session or a password is video.CodeUnauthorized, with a
// link video.CodeForbidden.
type Members interface {
	SignIn(ctx context.Context, email, password string) (auth.SignedIn, error)
	SignInAs(ctx context.Context, account video.AccountID, identity video.Identity) (auth.SignedIn, error)
	Passwords() auth.PasswordPolicy
	Session(ctx context.Context, secret string) (auth.SignedIn, error)
	SignOut(ctx context.Context, secret string) error
	UseLink(ctx context.Context, secret, password string, owner video.Member) (auth.SignedIn, error)
	ChangePassword(ctx context.Context, member video.Member, present, password string) (auth.SignedIn, error)
	PasswordLink(ctx context.Context, account video.AccountID, member string) (secret string, expires time.Time, err error)
}

const (
	portalPath = "/portal_session"

	// sessionCookie holds the secret of a portal session, where no script can read it.
	sessionCookie = "rotunda_portal"

	// csrfHeader shows that a request with the cookie comes from the portal itself: other sites cannot know its value.
	csrfHeader = "X-CSRF-Token"
)

// sessionSecret is the secret that a request's cookie holds, if any.
func sessionSecret(r *http.Request) string {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return ""
	}
	return cookie.Value
}

// signedIn finds the member whose session the request's cookie names, and refuses requests that another site made.
func (e *entrance) signedIn(r *http.Request, secret string) (caller, error) {
	found, err := e.Members.Session(r.Context(), secret)
	if err != nil {
		if video.CodeOf(err) == video.CodeUnauthorized {
			err = errSignedOut
		}
		return caller{}, err
	}
	if err := sameOrigin(r); err != nil {
		return caller{}, err
	}
	safe := r.Method == http.MethodGet || r.Method == http.MethodHead
	if !safe && subtle.ConstantTimeCompare([]byte(r.Header.Get(csrfHeader)), []byte(found.CSRF)) != 1 {
		return caller{}, refuse(http.StatusForbidden, authorizationFailed,
			"A change in a portal session needs the header %s with the token that the session came with.", csrfHeader)
	}
	return memberCaller(found.Member, secret), nil
}

var errSignedOut = refuse(http.StatusUnauthorized, authenticationFailed, "The portal session has ended. Sign in again.")

// sameOrigin refuses what a browser sends for another site's page. Who is no browser says nothing of origins.
func sameOrigin(r *http.Request) error {
	own := true
	switch site := r.Header.Get("Sec-Fetch-Site"); site {
	case "same-origin", "none":
	case "":
		if origin := r.Header.Get("Origin"); origin != "" {
			from, err := url.Parse(origin)
			own = err == nil && strings.EqualFold(from.Host, r.Host)
		}
	default:
		own = false
	}
	if own {
		return nil
	}
	return refuse(http.StatusForbidden, authorizationFailed, "Pages of other sites may not use a portal session.")
}

// mine finds the session that the portal's own operations are about.
func (e *entrance) mine(r *request) (caller, error) {
	secret := sessionSecret(r.Request)
	if secret == "" {
		return caller{}, errSignedOut
	}
	who, err := e.signedIn(r.Request, secret)
	if err == nil {
		e.recognise(r, who)
	}
	return who, err
}

// recognise puts a member down as the one who asks.
func (e *entrance) recognise(r *request, who caller) {
	actor, _ := video.ActorOf(r.Context())
	actor.MemberID, actor.MemberName = who.member.ID, who.member.Name
	r.caller, r.account, r.objectID = who, who.account, who.id
	r.Request = r.WithContext(video.WithActor(r.Context(), actor))
}

func (e *entrance) portalSession(r *request) (answer, error) {
	secret := sessionSecret(r.Request)
	if secret == "" {
		return answer{}, errSignedOut
	}
	found, err := e.Members.Session(r.Context(), secret)
	if err != nil {
		if video.CodeOf(err) == video.CodeUnauthorized {
			err = errSignedOut
		}
		return answer{}, err
	}
	return one(http.StatusOK, renderPortalSession(found)), nil
}

func (e *entrance) signIn(r *request) (answer, error) {
	found, err := e.Members.SignIn(r.Context(), r.body.text("email"), r.body.text("password"))
	return e.welcome(r, found, err)
}

func (e *entrance) useLink(r *request) (answer, error) {
	found, err := e.Members.UseLink(r.Context(), r.body.text("link_secret"), r.body.text("password"),
		video.Member{Email: r.body.text("email"), Name: r.body.text("name")})
	return e.welcome(r, found, err)
}

func (e *entrance) changePassword(r *request) (answer, error) {
	who, err := e.mine(r)
	if err != nil {
		return answer{}, err
	}
	found, err := e.Members.ChangePassword(r.Context(), who.member, r.body.text("present_password"), r.body.text("password"))
	return e.welcome(r, found, err)
}

// welcome answers who was signed in with the cookie of their session.
func (e *entrance) welcome(r *request, found auth.SignedIn, err error) (answer, error) {
	if wait, ok := errors.AsType[*auth.WaitError](err); ok {
		a := refuse(http.StatusTooManyRequests, tooManyRequests,
			"There were too many wrong passwords. Wait %s seconds, or let an owner or 'rotunda member reset' make a new link.", wholeSeconds(wait.For))
		a.retryAfter = wait.For
		return answer{}, a
	}
	if err != nil {
		return answer{}, err
	}
	e.recognise(r, memberCaller(found.Member, found.Secret))
	a := one(http.StatusCreated, renderPortalSession(found))
	a.cookies = []*http.Cookie{e.cookie(r.Request, found.Secret)}
	return a, nil
}

// signOut ends the session. Without one there is nothing to end, which is no fault.
func (e *entrance) signOut(r *request) (answer, error) {
	who, err := e.mine(r)
	if err != nil {
		return answer{}, err
	}
	if err := e.Members.SignOut(r.Context(), who.session); err != nil {
		return answer{}, err
	}
	gone := e.cookie(r.Request, "")
	gone.MaxAge = -1
	return answer{status: http.StatusNoContent, cookies: []*http.Cookie{gone}}, nil
}

// cookie ends with the browser's own session or the server's, whichever is first.
func (e *entrance) cookie(r *http.Request, secret string) *http.Cookie {
	return &http.Cookie{
		Name: sessionCookie, Value: secret, Path: base, HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: strings.HasPrefix(e.root(r), "https:"),
	}
}

type portalSessionJSON struct {
	RecordType string     `json:"record_type"`
	Member     memberJSON `json:"member"`
	Rights     []right    `json:"rights"`
	CSRFToken  string     `json:"csrf_token"`
	ExpiresAt  timestamp  `json:"expires_at"`
}

func renderPortalSession(s auth.SignedIn) portalSessionJSON {
	return portalSessionJSON{
		RecordType: "portal_session", Member: renderMember(s.Member), Rights: rightsAs[s.Member.Role], CSRFToken: s.CSRF,
		ExpiresAt: timestamp(s.ExpiresAt),
	}
}
