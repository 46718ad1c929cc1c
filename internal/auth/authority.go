package auth

import (
	"context"
	"sync"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// KeyStore keeps the records of keys.
type KeyStore interface {
	// APIKeyByHash finds a key by the SHA-256 of the whole key; an unknown one is an error with CodeUnauthorized.
	APIKeyByHash(ctx context.Context, hash [32]byte) (video.APIKey, error)
	AddSigningKey(ctx context.Context, key video.SigningKey) error
	// SigningKeys returns an account's keys, newest first.
	SigningKeys(ctx context.Context, account video.AccountID) ([]video.SigningKey, error)
	// SigningKey finds a key by its kid in any account; an unknown one is an error with CodeNotFound.
	SigningKey(ctx context.Context, kid string) (video.SigningKey, error)
}

// Config is what an Authority works with.
type Config struct {
	Store           KeyStore
	RootKey         []byte           // RootKeySize bytes, from LoadRootKey or ParseRootKey
	ExtraKeys       []string         // API keys valid while configured; each must pass CheckAPIKey
	ExtraKeyAccount video.AccountID  // whose keys the extra ones are
	Now             func() time.Time // nil is time.Now
}

// Authority checks API keys, and makes and checks client tokens.
type Authority struct {
	store   KeyStore
	sealKey []byte
	extra   map[[32]byte]video.APIKey
	now     func() time.Time

	// Public halves by kid. They never change, and each is in the store, so that their number is bounded by it.
	mu     sync.RWMutex
	public map[string]publicKey
}

// New makes an Authority. It panics if the root key has the wrong size or an extra key does not pass CheckAPIKey: both
// are for the caller to check where they were read.
func New(config Config) *Authority {
	if len(config.RootKey) != RootKeySize {
		panic("auth: root key of wrong size")
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	a := &Authority{
		store:   config.Store,
		sealKey: Derive(config.RootKey, "rotunda signing keys v1"),
		extra:   make(map[[32]byte]video.APIKey, len(config.ExtraKeys)),
		now:     config.Now,
		public:  make(map[string]publicKey),
	}
	for _, key := range config.ExtraKeys {
		if err := CheckAPIKey(key); err != nil {
			panic("auth: extra key: " + err.Error())
		}
		hash := HashKey(key)
		a.extra[hash] = video.APIKey{
			ID: "configured", AccountID: config.ExtraKeyAccount, Name: "configured", Hash: hash, CreatedAt: config.Now(),
		}
	}
	return a
}
