package auth

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// sealVersion is the first byte of a sealed private key: AES-256-GCM, then 12 bytes of nonce, then the sealed seed.
const sealVersion = 1

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
	keys, err := a.store.SigningKeys(ctx, account)
	if err != nil {
		return err
	}
	if len(keys) > 0 {
		_, err := a.unseal(keys[0])
		return err
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("make signing key: %w", err)
	}
	key := video.SigningKey{ID: video.NewUUID(), AccountID: account, Public: public, CreatedAt: a.now()}
	if key.Sealed, err = a.seal(key.ID, private.Seed()); err != nil {
		return err
	}
	return a.store.AddSigningKey(ctx, key)
}

func (a *Authority) aead() (cipher.AEAD, error) {
	block, err := aes.NewCipher(a.sealKey)
	if err != nil {
		return nil, fmt.Errorf("signing key cipher: %w", err)
	}
	return cipher.NewGCM(block)
}

// seal encrypts a private key's seed. The kid is bound to it, so that the sealed parts of two keys cannot be swapped.
func (a *Authority) seal(kid string, seed []byte) ([]byte, error) {
	aead, err := a.aead()
	if err != nil {
		return nil, err
	}
	sealed := make([]byte, 1+aead.NonceSize(), 1+aead.NonceSize()+len(seed)+aead.Overhead())
	sealed[0] = sealVersion
	_, _ = rand.Read(sealed[1:]) // never fails
	return aead.Seal(sealed, sealed[1:], seed, []byte(kid)), nil
}

func (a *Authority) unseal(key video.SigningKey) (ed25519.PrivateKey, error) {
	aead, err := a.aead()
	if err != nil {
		return nil, err
	}
	head := 1 + aead.NonceSize()
	if len(key.Sealed) < head || key.Sealed[0] != sealVersion {
		return nil, fmt.Errorf("signing key %s: sealed in an unknown form", key.ID)
	}
	seed, err := aead.Open(nil, key.Sealed[1:head], key.Sealed[head:], []byte(key.ID))
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("signing key %s cannot be opened: the root key is not the one it was sealed under; "+
			"restore the root key that belongs to this database", key.ID)
	}
	private := ed25519.NewKeyFromSeed(seed)
	if !ed25519.PublicKey(key.Public).Equal(private.Public()) {
		return nil, fmt.Errorf("signing key %s: public and private part do not match", key.ID)
	}
	return private, nil
}

// signer returns the account's newest key, opened.
func (a *Authority) signer(ctx context.Context, account video.AccountID) (signer, error) {
	keys, err := a.store.SigningKeys(ctx, account)
	if err != nil {
		return signer{}, fmt.Errorf("sign token: %w", err)
	}
	if len(keys) == 0 {
		return signer{}, fmt.Errorf("sign token: account %s has no signing key", account)
	}
	private, err := a.unseal(keys[0])
	return signer{kid: keys[0].ID, private: private}, err
}

// verifier returns the public half of a signing key. Kids come from strangers: only one that may exist is looked up.
func (a *Authority) verifier(ctx context.Context, kid string) (publicKey, error) {
	if !video.IsUUID(kid) {
		return publicKey{}, errForged
	}
	a.mu.RLock()
	public, ok := a.public[kid]
	a.mu.RUnlock()
	if ok {
		return public, nil
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
	public = publicKey{account: key.AccountID, key: key.Public}
	a.mu.Lock()
	a.public[kid] = public
	a.mu.Unlock()
	return public, nil
}
