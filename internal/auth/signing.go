package auth

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// keyRetention is how long after a newer key came an old one still verifies: as long as a token that it signed at the last
// moment can be good, and a minute for one that was being signed just then.
const keyRetention = video.MaxRefreshTokenTTLSecs*time.Second + Leeway + time.Minute

// publicKey is what verifying needs of a signing key.
type publicKey struct {
	account video.AccountID
	key     ed25519.PublicKey
}

// signer is what signing needs of a signing key.
type signer struct {
	kid     string
	private ed25519.PrivateKey
}

// EnsureSigningKey makes the account's first signing key if it has none, and otherwise checks that the root key opens the
// newest. Call it at start: a data directory with another's root key is found out here, not at the first token.
func (a *Authority) EnsureSigningKey(ctx context.Context, account video.AccountID) error {
	_, err := a.signer(ctx, account)
	return err
}

// Rotate makes a new key that signs the account's tokens from now on, also those of other processes on the same database.
// Tokens signed before stay good. Keys whose tokens have all expired are removed.
func (a *Authority) Rotate(ctx context.Context, account video.AccountID) (video.SigningKey, error) {
	keys, err := a.store.SigningKeys(ctx, account)
	if err != nil {
		return video.SigningKey{}, fmt.Errorf("rotate signing key: %w", err)
	}
	made, err := a.addSigningKey(ctx, account, keys)
	if err != nil {
		return video.SigningKey{}, err
	}
	return made, a.removeSpent(ctx, account, append([]video.SigningKey{made}, keys...))
}

// DiscardOldKeys removes all of the account's signing keys but the newest: every token signed by them is refused from now
// on. It is for a key that leaked.
func (a *Authority) DiscardOldKeys(ctx context.Context, account video.AccountID) error {
	keys, err := a.store.SigningKeys(ctx, account)
	if err != nil {
		return fmt.Errorf("discard signing keys: %w", err)
	}
	return a.store.RemoveSigningKeys(ctx, account, kids(keys[min(1, len(keys)):]))
}

// addSigningKey makes a key newer than those there are, which come newest first.
func (a *Authority) addSigningKey(ctx context.Context, account video.AccountID, others []video.SigningKey) (video.SigningKey, error) {
	key := video.SigningKey{AccountID: account, CreatedAt: a.now().UTC().Truncate(time.Microsecond)}
	if len(others) > 0 && !key.CreatedAt.After(others[0].CreatedAt) { // the clock was set back
		key.CreatedAt = others[0].CreatedAt.Add(time.Microsecond)
	}
	var err error
	if key.ID, key.Public, key.Sealed, err = newKeyPair(a.signingSeal); err != nil {
		return video.SigningKey{}, fmt.Errorf("make signing key: %w", err)
	}
	return key, a.store.AddSigningKey(ctx, key)
}

// removeSpent removes the keys, newest first, whose tokens have all expired.
func (a *Authority) removeSpent(ctx context.Context, account video.AccountID, keys []video.SigningKey) error {
	for i := 1; i < len(keys); i++ {
		if a.now().Sub(keys[i-1].CreatedAt) > keyRetention {
			return a.store.RemoveSigningKeys(ctx, account, kids(keys[i:]))
		}
	}
	return nil
}

func kids(keys []video.SigningKey) []string {
	ids := make([]string, len(keys))
	for i, key := range keys {
		ids[i] = key.ID
	}
	return ids
}

func (a *Authority) unseal(key video.SigningKey) (ed25519.PrivateKey, error) {
	return openKeyPair(a.signingSeal, "signing key", key.ID, key.Public, key.Sealed)
}

// signer returns the account's newest key, opened, having made one if there is none.
func (a *Authority) signer(ctx context.Context, account video.AccountID) (signer, error) {
	keys, err := a.store.SigningKeys(ctx, account)
	if err != nil {
		return signer{}, fmt.Errorf("find signing key: %w", err)
	}
	if len(keys) == 0 {
		key, err := a.addSigningKey(ctx, account, nil)
		if err != nil {
			return signer{}, err
		}
		keys = []video.SigningKey{key}
	}
	private, err := a.unseal(keys[0])
	return signer{kid: keys[0].ID, private: private}, err
}

// verifier returns the public half of a signing key. Kids come from strangers: only one that may exist is looked up. It is
// asked of the store each time, so that a key which another process made or removed is noticed at once.
func (a *Authority) verifier(ctx context.Context, kid string) (publicKey, error) {
	if !video.IsUUID(kid) {
		return publicKey{}, errForged
	}
	key, err := a.store.SigningKey(ctx, kid)
	if err != nil {
		if video.CodeOf(err) == video.CodeNotFound {
			return publicKey{}, errForged
		}
		return publicKey{}, fmt.Errorf("verify token: %w", err)
	}
	if len(key.Public) != ed25519.PublicKeySize {
		return publicKey{}, fmt.Errorf("signing key %s: public part of %d bytes", kid, len(key.Public))
	}
	return publicKey{account: key.AccountID, key: key.Public}, nil
}
