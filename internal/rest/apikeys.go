package rest

import (
	"context"
	"crypto/rand"
	"net/http"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/auth"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// KeyRing keeps the records of API keys. A key of another account is not found.
type KeyRing interface {
	AddAPIKey(ctx context.Context, key video.APIKey) error
	APIKeys(ctx context.Context, account video.AccountID) ([]video.APIKey, error)
	RevokeAPIKey(ctx context.Context, account video.AccountID, id string) (video.APIKey, error)
}

func (e *entrance) listKeys(r *request) (answer, error) {
	page, err := onlyPage(r)
	if err != nil {
		return answer{}, err
	}
	keys, err := e.KeyRing.APIKeys(r.Context(), r.account)
	if err != nil {
		return answer{}, err
	}
	return list(pageOf(keys, page), page, renderKey), nil
}

// checkKey has against a new key that it would end before it begins.
func (e *entrance) checkKey(r *request) ([]fault, error) {
	pointer := "/expires_at"
	if at := expiryOf(r); at != nil && !at.After(time.Now()) {
		return []fault{{kind: outsideRange, detail: "A key ends in the future.", pointer: &pointer}}, nil
	}
	return nil, nil
}

// expiryOf is when the key of the body ends; nil is never.
func expiryOf(r *request) *time.Time {
	at, err := time.Parse(time.RFC3339Nano, r.body.text("expires_at"))
	if err != nil {
		return nil
	}
	at = at.UTC().Truncate(time.Microsecond)
	return &at
}

// createKey makes a key. Only its hash is kept, so that it is shown this once.
func (e *entrance) createKey(r *request) (answer, error) {
	key, hash := auth.NewAPIKey(rand.Reader)
	rights := video.Rights(r.body.text("rights"))
	if rights == "" {
		rights = video.RightsAdmin
	}
	record := video.APIKey{
		ID: r.newID(), AccountID: r.account, Name: r.body.text("name"), Rights: rights, Hash: hash,
		ExpiresAt: expiryOf(r), CreatedAt: time.Now().UTC().Truncate(time.Microsecond),
	}
	if err := e.KeyRing.AddAPIKey(r.Context(), record); err != nil {
		return answer{}, err
	}
	return one(http.StatusCreated, newKeyJSON{renderKey(record), key}), nil
}

func (e *entrance) revokeKey(r *request) (answer, error) {
	_, err := e.KeyRing.RevokeAPIKey(r.Context(), r.account, r.id)
	return answer{status: http.StatusNoContent}, err
}

type (
	keyJSON struct {
		RecordType    string       `json:"record_type"`
		ID            string       `json:"id"`
		Name          string       `json:"name"`
		Rights        video.Rights `json:"rights"`
		CreatedAt     timestamp    `json:"created_at"`
		ExpiresAt     *timestamp   `json:"expires_at"`
		RevokedAt     *timestamp   `json:"revoked_at"`
		LastUsedAt    *timestamp   `json:"last_used_at"`
		LastUserAgent *string      `json:"last_user_agent"`
	}
	newKeyJSON struct {
		keyJSON
		APIKey string `json:"api_key"`
	}
)

func renderKey(k video.APIKey) keyJSON {
	return keyJSON{
		RecordType: "api_key", ID: k.ID, Name: k.Name, Rights: k.Rights, CreatedAt: timestamp(k.CreatedAt),
		ExpiresAt: optionalTimestamp(k.ExpiresAt), RevokedAt: optionalTimestamp(k.RevokedAt),
		LastUsedAt: optionalTimestamp(k.LastUsedAt), LastUserAgent: optional(k.LastAgent),
	}
}
