package auth

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// KeyStore keeps the records of keys. A record of an unknown account is an error with CodeNotFound.
type KeyStore interface {
	Accounts(ctx context.Context) ([]video.Account, error)

	// APIKeyByHash finds a key by the SHA-256 of the whole key; one that is unknown, revoked or expired is an error with
	// CodeUnauthorized.
	APIKeyByHash(ctx context.Context, hash [32]byte) (video.APIKey, error)
	// TouchAPIKey notes that a key was used.
	TouchAPIKey(ctx context.Context, id string, at time.Time, agent string) error

	AddSigningKey(ctx context.Context, key video.SigningKey) error
	// SigningKeys returns an account's keys, newest first.
	SigningKeys(ctx context.Context, account video.AccountID) ([]video.SigningKey, error)
	// SigningKey finds a key by its kid in any account; an unknown one is an error with CodeNotFound.
	SigningKey(ctx context.Context, kid string) (video.SigningKey, error)
	RemoveSigningKeys(ctx context.Context, account video.AccountID, kids []string) error

	FamilyRevoked(ctx context.Context, family string) (bool, error)
	// ForgetFamilies removes the families that were revoked before a time.
	ForgetFamilies(ctx context.Context, before time.Time) error

	// EventKeys returns the keys that sign an account's webhooks, the active one and the one prepared.
	EventKeys(ctx context.Context, account video.AccountID) ([]video.EventKey, error)
	// AddEventKey refuses a second active or prepared key with CodeDuplicate.
	AddEventKey(ctx context.Context, key video.EventKey) error
	ActivateEventKey(ctx context.Context, account video.AccountID) error
}

// SettingsStore keeps the accounts' webhook settings; an account without any has the zero value.
type SettingsStore interface {
	WebhookSettings(ctx context.Context, account video.AccountID) (video.WebhookSettings, error)
}

// Config is what an Authority works with.
type Config struct {
	Store           KeyStore
	Settings        SettingsStore    // nil: no account has webhook secrets
	RootKey         []byte           // RootKeySize bytes, from LoadRootKey or ParseRootKey
	ExtraKeys       []string         // API keys valid while configured; each must pass CheckAPIKey
	ExtraKeyAccount video.AccountID  // whose keys the extra ones are
	Rotation        time.Duration    // age at which Tend replaces a signing key; 0: never
	Logger          *slog.Logger     // nil discards
	Now             func() time.Time // nil is time.Now
}

// Authority checks API keys, makes and checks client tokens, and signs events.
type Authority struct {
	store       KeyStore
	settings    SettingsStore
	signingSeal sealer
	eventSeal   sealer
	secretSeal  sealer
	extra       map[[32]byte]video.APIKey
	rotation    time.Duration
	uses        *uses
	logger      *slog.Logger
	now         func() time.Time

	mu           sync.Mutex
	eventSigners map[video.AccountID]eventSigner // at most one for each account
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
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	a := &Authority{
		store:        config.Store,
		settings:     config.Settings,
		signingSeal:  newSealer(config.RootKey, "rotunda signing keys v1"),
		eventSeal:    newSealer(config.RootKey, "rotunda webhook keys v1"),
		secretSeal:   newSealer(config.RootKey, "rotunda webhook secrets v1"),
		extra:        make(map[[32]byte]video.APIKey, len(config.ExtraKeys)),
		rotation:     config.Rotation,
		uses:         newUses(),
		logger:       config.Logger,
		now:          config.Now,
		eventSigners: make(map[video.AccountID]eventSigner),
	}
	for _, key := range config.ExtraKeys {
		if err := CheckAPIKey(key); err != nil {
			panic("auth: extra key: " + err.Error())
		}
		hash := HashKey(key)
		a.extra[hash] = video.APIKey{
			ID: "configured", AccountID: config.ExtraKeyAccount, Name: "configured", Rights: video.RightsAdmin, Hash: hash,
			CreatedAt: config.Now(),
		}
	}
	return a
}
