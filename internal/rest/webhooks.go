package rest

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Webhooks keeps the accounts' webhook settings, and the public halves of the keys that sign their webhooks.
type Webhooks interface {
	// WebhookSettings are zero before the first change.
	WebhookSettings(ctx context.Context, account video.AccountID) (video.WebhookSettings, error)
	// ChangeWebhookSettings lets change work on the settings and returns what was kept. No other change comes in between.
	ChangeWebhookSettings(
		ctx context.Context, account video.AccountID, change func(*video.WebhookSettings) error,
	) (video.WebhookSettings, error)
	// EventKeys returns the active key pair and, if there is one, the one prepared to follow it.
	EventKeys(ctx context.Context, account video.AccountID) ([]video.EventKey, error)
}

// EventKeys makes the keys that sign webhooks, and changes them.
type EventKeys interface {
	EnsureEventKey(ctx context.Context, account video.AccountID) error
	PrepareEventKey(ctx context.Context, account video.AccountID) (video.EventKey, error)
	// ActivateEventKey fails with video.CodeState if no key is prepared.
	ActivateEventKey(ctx context.Context, account video.AccountID) error
}

const (
	secretPrefix   = "whsec_" // of Standard Webhooks
	secretBytes    = 32       // of a secret we make
	minSecretBytes = 24
	maxSecretBytes = 64

	// secretOverlap is how long a secret that was replaced signs beside the new one.
	secretOverlap = 24 * time.Hour
)

func (e *entrance) webhookSettings(r *request) (answer, error) {
	settings, err := e.Webhooks.WebhookSettings(r.Context(), r.account)
	if err != nil {
		return answer{}, err
	}
	return e.oneWebhookSettings(settings)
}

func (e *entrance) updateWebhookSettings(r *request) (answer, error) {
	var secret []byte
	if plain, fits := decodeSecret(r.body.text("secret")); fits {
		var err error
		if secret, err = e.Vault.SealSecret(plain); err != nil {
			return answer{}, err
		}
	}
	settings, err := e.Webhooks.ChangeWebhookSettings(r.Context(), r.account, func(s *video.WebhookSettings) error {
		if url := r.body.clearableText("webhook_event_url"); url.Present {
			s.URL = orDefault(url.Value, "")
		}
		if url := r.body.clearableText("webhook_event_failover_url"); url.Present {
			s.FailoverURL = orDefault(url.Value, "")
		}
		if secs := r.body.clearableInteger("webhook_timeout_secs"); secs.Present {
			s.TimeoutSecs = secs.Value
		}
		if types, present := r.body.texts("extra_event_types"); present {
			slices.Sort(types)
			s.ExtraEventTypes = each(slices.Compact(types), func(name string) video.EventType { return video.EventType(name) })
		}
		switch _, present := r.body["secret"]; {
		case secret != nil:
			e.replaceSecret(s, secret)
		case present:
			s.Secret, s.OldSecret, s.OldSecretUntil = nil, nil, nil
		}
		return nil
	})
	if err != nil {
		return answer{}, err
	}
	return e.oneWebhookSettings(settings)
}

// checkSecret finds what no schema can say of a secret.
func checkSecret(r *request) ([]fault, error) {
	written := r.body.text("secret")
	if written == "" {
		return nil, nil
	}
	if _, fits := decodeSecret(written); fits {
		return nil, nil
	}
	return []fault{faultAt([]string{"secret"}, badRequest,
		fmt.Sprintf("secret must be %s and %d to %d bytes in base64.", secretPrefix, minSecretBytes, maxSecretBytes))}, nil
}

// decodeSecret reads a secret in its written form.
func decodeSecret(written string) ([]byte, bool) {
	encoded, prefixed := strings.CutPrefix(written, secretPrefix)
	secret, err := base64.StdEncoding.DecodeString(encoded)
	fits := prefixed && err == nil && !strings.ContainsAny(encoded, "\r\n") && len(secret) >= minSecretBytes && len(secret) <= maxSecretBytes
	return secret, fits
}

// replaceSecret makes a sealed secret the account's. The one before signs beside it for a while.
func (e *entrance) replaceSecret(s *video.WebhookSettings, sealed []byte) {
	if len(s.Secret) > 0 {
		until := time.Now().UTC().Add(secretOverlap).Truncate(time.Microsecond)
		s.OldSecret, s.OldSecretUntil = s.Secret, &until
	}
	s.Secret = sealed
}

func (e *entrance) rotateWebhookSecret(r *request) (answer, error) {
	secret := make([]byte, secretBytes)
	_, _ = rand.Read(secret) // never fails
	sealed, err := e.Vault.SealSecret(secret)
	if err != nil {
		return answer{}, err
	}
	settings, err := e.Webhooks.ChangeWebhookSettings(r.Context(), r.account, func(s *video.WebhookSettings) error {
		e.replaceSecret(s, sealed)
		return nil
	})
	if err != nil {
		return answer{}, err
	}
	return e.oneWebhookSettings(settings)
}

func (e *entrance) oneWebhookSettings(s video.WebhookSettings) (answer, error) {
	rendered := webhookSettingsJSON{
		RecordType:              "webhook_settings",
		WebhookEventURL:         optional(s.URL),
		WebhookEventFailoverURL: optional(s.FailoverURL),
		WebhookTimeoutSecs:      s.TimeoutSecs,
		ExtraEventTypes:         each(s.ExtraEventTypes, func(t video.EventType) string { return string(t) }),
	}
	if len(s.Secret) > 0 {
		secret, err := e.Vault.OpenSecret(s.Secret)
		if err != nil {
			return answer{}, err
		}
		rendered.Secret = optional(secretPrefix + base64.StdEncoding.EncodeToString(secret))
	}
	if s.OldSecretUntil != nil && time.Now().Before(*s.OldSecretUntil) {
		rendered.OldSecretExpiresAt = optionalTimestamp(s.OldSecretUntil)
	}
	if !s.UpdatedAt.IsZero() {
		rendered.UpdatedAt = optionalTimestamp(&s.UpdatedAt)
	}
	return one(http.StatusOK, rendered), nil
}

func (e *entrance) publicKey(r *request) (answer, error) {
	if err := e.EventKeys.EnsureEventKey(r.Context(), r.account); err != nil {
		return answer{}, err
	}
	return e.onePublicKey(r)
}

func (e *entrance) preparePublicKey(r *request) (answer, error) {
	if err := e.EventKeys.EnsureEventKey(r.Context(), r.account); err != nil {
		return answer{}, err
	}
	if _, err := e.EventKeys.PrepareEventKey(r.Context(), r.account); err != nil {
		return answer{}, err
	}
	return e.onePublicKey(r)
}

func (e *entrance) activatePublicKey(r *request) (answer, error) {
	if err := e.EventKeys.ActivateEventKey(r.Context(), r.account); err != nil {
		return answer{}, err
	}
	return e.onePublicKey(r)
}

// onePublicKey shows the keys as they are now.
func (e *entrance) onePublicKey(r *request) (answer, error) {
	keys, err := e.Webhooks.EventKeys(r.Context(), r.account)
	if err != nil {
		return answer{}, err
	}
	rendered := publicKeyJSON{RecordType: "public_key"}
	for _, key := range keys {
		public := base64.StdEncoding.EncodeToString(key.Public)
		if key.Active {
			rendered.PublicKey = public
		} else {
			rendered.NextPublicKey = &public
		}
	}
	return one(http.StatusOK, rendered), nil
}

type (
	webhookSettingsJSON struct {
		RecordType              string     `json:"record_type"`
		WebhookEventURL         *string    `json:"webhook_event_url"`
		WebhookEventFailoverURL *string    `json:"webhook_event_failover_url"`
		WebhookTimeoutSecs      *int       `json:"webhook_timeout_secs"`
		Secret                  *string    `json:"secret"`
		OldSecretExpiresAt      *timestamp `json:"old_secret_expires_at"`
		ExtraEventTypes         []string   `json:"extra_event_types"`
		UpdatedAt               *timestamp `json:"updated_at"`
	}
	publicKeyJSON struct {
		RecordType    string  `json:"record_type"`
		PublicKey     string  `json:"public_key"`
		NextPublicKey *string `json:"next_public_key"`
	}
)
