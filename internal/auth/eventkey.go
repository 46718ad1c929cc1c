package auth

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// eventKeyMemory is how long an opened webhook key is used without asking the store, and so how long a change by another
// process may go unnoticed.
const eventKeyMemory = 2 * time.Second

// eventSigner is an opened webhook key, remembered for a moment.
type eventSigner struct {
	private ed25519.PrivateKey
	until   time.Time
}

// EnsureEventKey makes the key that signs the account's webhooks if there is none, and otherwise checks that the root key
// opens it.
func (a *Authority) EnsureEventKey(ctx context.Context, account video.AccountID) error {
	_, err := a.activeEventKey(ctx, account)
	return err
}

// PrepareEventKey returns the key that will sign the account's webhooks after ActivateEventKey, so that receivers can be
// told of it before. It makes one unless one is prepared already.
func (a *Authority) PrepareEventKey(ctx context.Context, account video.AccountID) (video.EventKey, error) {
	return a.eventKey(ctx, account, false)
}

// ActivateEventKey lets the prepared key sign from now on and forgets the one before. Without a prepared key it is an error
// with CodeState.
func (a *Authority) ActivateEventKey(ctx context.Context, account video.AccountID) error {
	if err := a.store.ActivateEventKey(ctx, account); err != nil {
		return err
	}
	a.mu.Lock()
	delete(a.eventSigners, account)
	a.mu.Unlock()
	return nil
}

// SignEvent signs a message to the account's webhooks: the 64 bytes of Ed25519 (RFC 8032) with the active key. A key that
// another process activated is noticed within two seconds.
func (a *Authority) SignEvent(ctx context.Context, account video.AccountID, message []byte) ([]byte, error) {
	now := a.now()
	a.mu.Lock()
	known, ok := a.eventSigners[account]
	a.mu.Unlock()
	if !ok || now.After(known.until) {
		private, err := a.activeEventKey(ctx, account)
		if err != nil {
			return nil, fmt.Errorf("sign event: %w", err)
		}
		known = eventSigner{private, now.Add(eventKeyMemory)}
		a.mu.Lock()
		a.eventSigners[account] = known
		a.mu.Unlock()
	}
	return ed25519.Sign(known.private, message), nil
}

// EventSecrets returns the account's secrets for signatures by HMAC that are valid now, the newest first: none, one, or two
// while one follows another.
func (a *Authority) EventSecrets(ctx context.Context, account video.AccountID) ([][]byte, error) {
	if a.settings == nil {
		return nil, nil
	}
	settings, err := a.settings.WebhookSettings(ctx, account)
	if err != nil {
		return nil, fmt.Errorf("find webhook secrets: %w", err)
	}
	var secrets [][]byte
	sealed := [][]byte{settings.Secret}
	if settings.OldSecretUntil != nil && a.now().Before(*settings.OldSecretUntil) {
		sealed = append(sealed, settings.OldSecret)
	}
	for _, s := range sealed {
		if len(s) == 0 {
			continue
		}
		secret, err := a.OpenSecret(s)
		if err != nil {
			return nil, err
		}
		secrets = append(secrets, secret)
	}
	return secrets, nil
}

func (a *Authority) activeEventKey(ctx context.Context, account video.AccountID) (ed25519.PrivateKey, error) {
	key, err := a.eventKey(ctx, account, true)
	if err != nil {
		return nil, err
	}
	return openKeyPair(a.eventSeal, "webhook key", key.ID, key.Public, key.Sealed)
}

// eventKey returns the account's active or prepared key, having made it if there is none.
func (a *Authority) eventKey(ctx context.Context, account video.AccountID, active bool) (video.EventKey, error) {
	for range 2 { // once more if someone else made it in between
		keys, err := a.store.EventKeys(ctx, account)
		if err != nil {
			return video.EventKey{}, err
		}
		for _, key := range keys {
			if key.Active == active {
				return key, nil
			}
		}
		key := video.EventKey{AccountID: account, Active: active, CreatedAt: a.now().UTC().Truncate(time.Microsecond)}
		if key.ID, key.Public, key.Sealed, err = newKeyPair(a.eventSeal); err != nil {
			return video.EventKey{}, fmt.Errorf("make webhook key: %w", err)
		}
		err = a.store.AddEventKey(ctx, key)
		if err == nil {
			return key, nil
		}
		if video.CodeOf(err) != video.CodeDuplicate {
			return video.EventKey{}, err
		}
	}
	return video.EventKey{}, video.Errorf(video.CodeUnavailable, "the webhook key is being changed, try again")
}
