package auth

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
)

// sealVersion is the first byte of what is sealed: AES-256-GCM, then 12 bytes of nonce, then the sealed text.
const sealVersion = 1

var (
	errSealForm = errors.New("sealed in an unknown form")
	errSealRoot = errors.New("cannot be opened: the root key is not the one it was sealed under; " +
		"restore the root key that belongs to this database")
)

// sealer encrypts what the database keeps, under a key derived from the root key for one purpose.
type sealer struct{ aead cipher.AEAD }

func newSealer(root []byte, label string) sealer {
	block, err := aes.NewCipher(Derive(root, label))
	if err != nil {
		panic("auth: cipher: " + err.Error()) // only for keys of another length than Derive's
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic("auth: cipher: " + err.Error()) // only for blocks of another length than AES's
	}
	return sealer{aead}
}

// seal encrypts plain. The id of what it belongs to is bound to it, so that the sealed parts of two things cannot be swapped.
func (s sealer) seal(id string, plain []byte) []byte {
	head := 1 + s.aead.NonceSize()
	sealed := make([]byte, head, head+len(plain)+s.aead.Overhead())
	sealed[0] = sealVersion
	_, _ = rand.Read(sealed[1:]) // never fails
	return s.aead.Seal(sealed, sealed[1:], plain, []byte(id))
}

func (s sealer) open(id string, sealed []byte) ([]byte, error) {
	head := 1 + s.aead.NonceSize()
	if len(sealed) < head || sealed[0] != sealVersion {
		return nil, errSealForm
	}
	plain, err := s.aead.Open(nil, sealed[1:head], sealed[head:], []byte(id))
	if err != nil {
		return nil, errSealRoot
	}
	return plain, nil
}

// SealSecret encrypts an account's secret for the database.
func (a *Authority) SealSecret(plain []byte) ([]byte, error) {
	return a.secretSeal.seal("", plain), nil
}

// OpenSecret decrypts what SealSecret made. An error says what is wrong with the root key or the database.
func (a *Authority) OpenSecret(sealed []byte) ([]byte, error) {
	plain, err := a.secretSeal.open("", sealed)
	if err != nil {
		return nil, fmt.Errorf("webhook secret: %w", err)
	}
	return plain, nil
}
