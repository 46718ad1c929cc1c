package oidc

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode"

	"golang.org/x/oauth2"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

var (
	errStrange     = video.Errorf(video.CodeUnauthorized, "this sign-in was not begun in this browser, or too long ago, or another one was begun since: begin again")
	errSpent       = video.Errorf(video.CodeUnauthorized, "this sign-in was finished before, or took too long: begin again")
	errUntrusted   = video.Errorf(video.CodeUnauthorized, "what the sign-in provider says of you does not hold: begin again, or ask the operator, who finds why in the server's log")
	errUntimely    = video.Errorf(video.CodeUnauthorized, "what the sign-in provider says of you is out of date, or not good yet: begin again, or ask the operator whether the clocks of this server and the provider agree")
	errUnreachable = video.Errorf(video.CodeUnavailable, "the sign-in provider cannot be reached at present: try again, or sign in another way")
	errRefused     = video.Errorf(video.CodeUnavailable, "the sign-in provider refuses this server: the operator finds why in the server's log")

	errGivenUp  = video.Errorf(video.CodeForbidden, "the sign-in was given up, or the provider does not let you in here")
	errBusy     = video.Errorf(video.CodeUnavailable, "the sign-in provider cannot sign you in at present: try again later")
	errRejected = video.Errorf(video.CodeUnavailable, "the sign-in provider refuses what this server asks for: the operator finds why in the server's log")

	errNoAddress   = video.Errorf(video.CodeForbidden, "the sign-in provider tells no email address of you: the operator must have it do so (scope email)")
	errNotVerified = video.Errorf(video.CodeForbidden, "your email address is not verified at the sign-in provider")
	errDomain      = video.Errorf(video.CodeForbidden, "email addresses of your domain may not sign in here")
	errNoRole      = video.Errorf(video.CodeForbidden, "you have no role here: ask whoever runs the sign-in provider for a group that has one")
)

func untrusted(cause error) error { return fmt.Errorf("sign in: %w: %w", errUntrusted, cause) }

func unreachable(doing string, cause error) error {
	return fmt.Errorf("%s: %w: %s", doing, errUnreachable, brief(cause.Error()))
}

// exchangeFailed says why the provider gave no token for a code. Its answer is not repeated, but for the code of the error.
func exchangeFailed(err error) error {
	said, answered := errors.AsType[*oauth2.RetrieveError](err)
	switch {
	case !answered:
		return unreachable("exchange code", err)
	case said.ErrorCode == "invalid_grant":
		return fmt.Errorf("exchange code: %w", errSpent)
	case said.Response.StatusCode >= http.StatusInternalServerError:
		return unreachable("exchange code", errors.New(said.Response.Status))
	}
	return fmt.Errorf("exchange code: %w: %s %s", errRefused, said.Response.Status, brief(said.ErrorCode))
}

// refused says why the provider sent a browser back with an error (RFC 6749, section 4.1.2.1, and OpenID Connect Core 1.0, section
// 3.1.2.6). Its own words are for the log: what stands in an address may be anybody's.
func refused(code string) error {
	err := errRejected
	switch code {
	case "access_denied", "interaction_required", "login_required", "account_selection_required", "consent_required":
		err = errGivenUp
	case "server_error", "temporarily_unavailable":
		err = errBusy
	}
	return fmt.Errorf("sign in: %w: the provider answers %q", err, brief(code))
}

// brief makes a line of the log of what a stranger wrote.
func brief(s string) string {
	s = strings.Map(func(r rune) rune {
		if r != ' ' && !unicode.IsGraphic(r) {
			return ' '
		}
		return r
	}, s)
	if runes := []rune(s); len(runes) > 300 {
		return string(runes[:300]) + "…"
	}
	return s
}
