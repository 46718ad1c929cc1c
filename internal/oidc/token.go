package oidc

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	openid "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// What the library's errors begin with that have no type of their own.
const (
	noKeys    = "failed to verify signature: fetching keys" // the provider did not give them
	notYetDue = "oidc: current time"                        // it is before the token's nbf
)

// verify checks the ID token (OpenID Connect Core 1.0, section 3.1.3.7) and returns its claims, with those of the provider's UserInfo
// where the token lacks some that matter.
func (p *Provider) verify(ctx context.Context, provider *openid.Provider, tokens *oauth2.Token, nonce string) (claims, error) {
	raw, _ := tokens.Extra("id_token").(string)
	if raw == "" {
		return nil, untrusted(errors.New("there is no ID token"))
	}
	verifier := provider.Verifier(&openid.Config{
		ClientID: p.config.ClientID,
		Now:      func() time.Time { return p.config.Now().Add(-skew) },
	})
	token, err := verifier.Verify(ctx, raw)
	if err != nil {
		return nil, unverified(err)
	}
	said := claims{}
	if err := token.Claims(&said); err != nil {
		return nil, untrusted(errors.New("its claims are no object"))
	}
	party, named := said["azp"]
	switch {
	case !same(token.Nonce, nonce):
		return nil, untrusted(errors.New("the token has another nonce"))
	case named && party != p.config.ClientID:
		return nil, untrusted(fmt.Errorf("the token is for the party %q", brief(fmt.Sprint(party))))
	case token.Subject == "" || len(token.Subject) > 255:
		return nil, untrusted(errors.New("the token has no subject of 1 to 255 bytes"))
	case token.AccessTokenHash != "" && token.VerifyAccessToken(tokens.AccessToken) != nil:
		return nil, untrusted(errors.New("the access token is not that of the ID token"))
	}
	if p.suffices(said) || provider.UserInfoEndpoint() == "" {
		return said, nil
	}
	return p.ask(ctx, provider, tokens, said)
}

// unverified says why the library takes no token.
func unverified(err error) error {
	_, expired := errors.AsType[*openid.TokenExpiredError](err)
	switch {
	case strings.HasPrefix(err.Error(), noKeys):
		return unreachable("verify ID token", err)
	case expired, strings.HasPrefix(err.Error(), notYetDue):
		return fmt.Errorf("verify ID token: %w: %s", errUntimely, brief(err.Error()))
	}
	return untrusted(errors.New(brief(err.Error())))
}

// suffices reports whether the claims name an email address and a role.
func (p *Provider) suffices(said claims) bool {
	return said.text("email") != "" && (!p.config.Roles.governs() || len(said.values(p.config.Roles.Claim)) > 0)
}

// ask adds what only the UserInfo endpoint tells (section 5.3).
func (p *Provider) ask(ctx context.Context, provider *openid.Provider, tokens *oauth2.Token, said claims) (claims, error) {
	info, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(tokens))
	if err != nil {
		return nil, unreachable("ask for user info", err)
	}
	more := claims{}
	if err := info.Claims(&more); err != nil {
		return nil, untrusted(errors.New("the user info is no object"))
	}
	if info.Subject != said.text("sub") { // tokens may have been exchanged (section 5.3.2)
		return nil, untrusted(errors.New("the user info is of another subject"))
	}
	said.complete(more)
	return said, nil
}
