package oidc

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
)

// attempt is the secret of a sign-in under way. Only the browser in which it was begun has it, so that nobody can be made to finish
// somebody else's. What is sent to the provider is derived from it one way.
type attempt [32]byte

func newAttempt() (a attempt) {
	_, _ = rand.Read(a[:]) // never fails
	return a
}

// parseAttempt reads what text wrote.
func parseAttempt(text string) (a attempt, ok bool) {
	decoded, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(decoded) != len(a) {
		return a, false
	}
	copy(a[:], decoded)
	return a, true
}

func (a attempt) text() string { return base64.RawURLEncoding.EncodeToString(a[:]) }

func (a attempt) state() string    { return a.derive("state") }
func (a attempt) nonce() string    { return a.derive("nonce") }
func (a attempt) verifier() string { return a.derive("verifier") } // 43 characters, as RFC 7636 wants

func (a attempt) derive(purpose string) string {
	mac := hmac.New(sha256.New, a[:])
	mac.Write([]byte("rotunda oidc v1 " + purpose))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
