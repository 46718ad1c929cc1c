package auth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

const (
	minAPIKeyLength = 24
	maxAPIKeyLength = 512
)

// NewAPIKey makes a key from random, for instance crypto/rand.Reader: "KEY", 32 hex digits, "_", and 32 characters that
// hold 192 random bits. It panics if random fails.
func NewAPIKey(random io.Reader) (key string, hash [32]byte) {
	var b [16 + 24]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		panic("auth: no randomness: " + err.Error())
	}
	key = "KEY" + hex.EncodeToString(b[:16]) + "_" + base64.RawURLEncoding.EncodeToString(b[16:])
	return key, HashKey(key)
}

// HashKey is what a key is looked up by: the SHA-256 of the whole string. Keys are random, so nothing slower is needed.
func HashKey(key string) [32]byte { return sha256.Sum256([]byte(key)) }

// CheckAPIKey says why an operator's own key cannot be used: it needs 24 to 512 characters, all of which can be sent in
// an Authorization header. The error does not quote the key.
func CheckAPIKey(key string) error {
	if len(key) < minAPIKeyLength || len(key) > maxAPIKeyLength {
		return fmt.Errorf("an API key needs %d to %d characters, this one has %d", minAPIKeyLength, maxAPIKeyLength, len(key))
	}
	if strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return fmt.Errorf("an API key may hold printable ASCII characters only, and no spaces")
	}
	return nil
}

// Authenticate finds whose API key this is (the key alone, without "Bearer"). Every call asks the store, so that a
// revoked key stops working at once. A key that is unknown, revoked or expired is an error with CodeUnauthorized. The use is
// noted, with the User-Agent of the actor in ctx, by Tend; nobody waits for that.
func (a *Authority) Authenticate(ctx context.Context, bearer string) (video.APIKey, error) {
	if bearer == "" {
		return video.APIKey{}, video.Errorf(video.CodeUnauthorized, "an API key is required")
	}
	if len(bearer) > maxAPIKeyLength {
		return video.APIKey{}, video.Errorf(video.CodeUnauthorized, "the API key is not valid")
	}
	hash := HashKey(bearer)
	if key, ok := a.extra[hash]; ok {
		return key, nil
	}
	key, err := a.store.APIKeyByHash(ctx, hash)
	if err != nil {
		return video.APIKey{}, err
	}
	a.uses.note(ctx, key, a.now())
	return key, nil
}
