package auth

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// newKeyPair makes an Ed25519 key pair under a new id, its private part sealed.
func newKeyPair(seal sealer) (id string, public, sealed []byte, err error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", nil, nil, err
	}
	id = video.NewUUID()
	return id, public, seal.seal(id, private.Seed()), nil
}

// openKeyPair returns the private part, having seen that it belongs to the public one. name tells which key in errors.
func openKeyPair(seal sealer, name, id string, public, sealed []byte) (ed25519.PrivateKey, error) {
	seed, err := seal.open(id, sealed)
	if err != nil {
		return nil, fmt.Errorf("%s %s %w", name, id, err)
	}
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("%s %s: private part of %d bytes", name, id, len(seed))
	}
	private := ed25519.NewKeyFromSeed(seed)
	if !ed25519.PublicKey(public).Equal(private.Public()) {
		return nil, fmt.Errorf("%s %s: public and private part do not match", name, id)
	}
	return private, nil
}
