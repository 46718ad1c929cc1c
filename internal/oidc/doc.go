// Package oidc signs people in by an OpenID Connect provider that the operator runs or trusts: the authorization code flow of OpenID
// Connect Core 1.0 with PKCE (RFC 7636), state and nonce.
//
// It says who somebody is and which role the operator's mapping gives them. What becomes of that is the caller's: members, sessions
// and cookies are elsewhere. Nothing is kept of a sign-in that is under way: the browser holds one secret, from which state, nonce
// and code verifier follow, so that attempts that are given up leave nothing behind.
//
// A Provider starts no goroutine of its own. The library fetches keys in one that ends with its request, after ten seconds at most.
package oidc
