package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"

	"github.com/rotunda-rtc/rotunda/internal/auth"
	"github.com/rotunda-rtc/rotunda/internal/store"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

func databasePath(dir string) string { return filepath.Join(dir, "rotunda.db") }

// database says where the record is kept.
func (c *Config) database() store.Config {
	return store.Config{URL: c.DatabaseURL, Path: databasePath(c.Data)}
}

// lockData makes the data directory, if need be, and keeps other servers out of it until release is called. The lock ends
// with the process in any case.
func lockData(dir string) (release func() error, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make data directory: %w: choose another with --data", err)
	}
	lock := flock.New(filepath.Join(dir, "rotunda.lock"))
	held, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock data directory: %w: give this user write permission, or choose another with --data", err)
	}
	if !held {
		return nil, fmt.Errorf("data directory %s is in use by another server: stop that one, or choose another with --data", dir)
	}
	return lock.Unlock, nil
}

// belongings are what a data directory holds for the floors above, and what this start had to make.
type belongings struct {
	account   video.Account
	authority *auth.Authority
	rootKey   []byte
	fresh     bool // this is the first start
}

// unpack finds in the data directory what every start needs, and makes what is missing.
func unpack(ctx context.Context, config *Config, db *store.Store, log *slog.Logger) (*belongings, error) {
	b := &belongings{rootKey: config.RootKey}
	if b.rootKey == nil {
		key, _, err := auth.LoadRootKey(config.Data)
		if err != nil {
			return nil, err
		}
		b.rootKey = key
	}
	var err error
	if b.account, b.fresh, err = db.DefaultAccount(ctx); err != nil {
		return nil, err
	}
	settings := auth.Config{
		Store: db, Settings: db, RootKey: b.rootKey, ExtraKeyAccount: b.account.ID, Rotation: config.SigningKeyRotation, Logger: log,
	}
	if config.APIKey != "" {
		settings.ExtraKeys = []string{config.APIKey}
	}
	b.authority = auth.New(settings)
	if err := b.authority.EnsureSigningKey(ctx, b.account.ID); err != nil {
		return nil, err
	}
	return b, b.authority.EnsureEventKey(ctx, b.account.ID)
}

// firstAPIKey makes an API key if the account has none and the operator configured none. Nobody can see the key again, so
// it is made only when nothing can keep the start from printing it.
func firstAPIKey(ctx context.Context, config *Config, db *store.Store, account video.AccountID) (key string, err error) {
	if config.APIKey != "" {
		return "", nil
	}
	n, err := db.CountAPIKeys(ctx, account)
	if n > 0 || err != nil {
		return "", err
	}
	return newAPIKey(ctx, db, video.APIKey{AccountID: account, Name: "first"})
}

// newAPIKey makes a key of which the record says everything but the hash.
func newAPIKey(ctx context.Context, db *store.Store, record video.APIKey) (key string, err error) {
	key, record.Hash = auth.NewAPIKey(rand.Reader)
	return key, db.AddAPIKey(ctx, record)
}

// demoSecret stays the same as long as the root key does, and with it the demo link.
func demoSecret(rootKey []byte) string {
	return base64.RawURLEncoding.EncodeToString(auth.Derive(rootKey, "demo"))
}
