package oidctest

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
)

// token gives tokens for a code, once, to the client that asked for it.
func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	if !p.knows(r) {
		answer(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client", "error_description": "never heard of " + r.FormValue("code")})
		return
	}
	p.mu.Lock()
	asked, known := p.codes[r.FormValue("code")]
	delete(p.codes, r.FormValue("code"))
	p.mu.Unlock()
	challenge := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	if !known || r.FormValue("grant_type") != "authorization_code" || r.FormValue("redirect_uri") != asked.Get("redirect_uri") ||
		base64.RawURLEncoding.EncodeToString(challenge[:]) != asked.Get("code_challenge") {
		answer(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
		return
	}
	answer(w, http.StatusOK, map[string]any{
		"access_token": "access", "token_type": "Bearer", "expires_in": lasting.Seconds(), "id_token": p.idToken(asked.Get("nonce")),
	})
}

// knows checks the client's secret, in the way the provider takes it.
func (p *Provider) knows(r *http.Request) bool {
	if len(p.AuthMethods) > 0 && !slices.Contains(p.AuthMethods, "client_secret_basic") {
		return r.FormValue("client_id") == ClientID && r.FormValue("client_secret") == ClientSecret
	}
	id, secret, given := r.BasicAuth()
	id, idErr := url.QueryUnescape(id) // RFC 6749, section 2.3.1
	secret, secretErr := url.QueryUnescape(secret)
	return given && idErr == nil && secretErr == nil && id == ClientID && secret == ClientSecret
}
