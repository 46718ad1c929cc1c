package events

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// Signer has the accounts' keys.
type Signer interface {
	// SignEvent returns the Ed25519 signature of the message with the account's active key, 64 bytes.
	SignEvent(ctx context.Context, account video.AccountID, message []byte) ([]byte, error)
	// EventSecrets returns the secrets of the account that sign now: none, one, or two while one takes over from the other.
	EventSecrets(ctx context.Context, account video.AccountID) ([][]byte, error)
}

// sign makes the headers that prove where a body comes from: the reference's two, and the three of Standard Webhooks.
func sign(ctx context.Context, signer Signer, event video.Event, at time.Time, body []byte) ([][2]string, error) {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	signature, err := signer.SignEvent(ctx, event.AccountID, []byte(timestamp+"|"+string(body)))
	if err != nil {
		return nil, fmt.Errorf("sign event %s: %w", event.ID, err)
	}
	standard, err := signStandard(ctx, signer, event, timestamp, body)
	if err != nil {
		return nil, fmt.Errorf("sign event %s: %w", event.ID, err)
	}
	return [][2]string{
		{"telnyx-timestamp", timestamp},
		{"telnyx-signature-ed25519", base64.StdEncoding.EncodeToString(signature)},
		{"webhook-id", event.ID},
		{"webhook-timestamp", timestamp},
		{"webhook-signature", standard},
	}, nil
}

// signStandard follows github.com/standard-webhooks/standard-webhooks: one signature with the key pair, and one with each
// secret.
func signStandard(ctx context.Context, signer Signer, event video.Event, timestamp string, body []byte) (string, error) {
	message := []byte(event.ID + "." + timestamp + "." + string(body))
	signature, err := signer.SignEvent(ctx, event.AccountID, message)
	if err != nil {
		return "", err
	}
	secrets, err := signer.EventSecrets(ctx, event.AccountID)
	if err != nil {
		return "", err
	}
	signatures := []string{"v1a," + base64.StdEncoding.EncodeToString(signature)}
	for _, secret := range secrets {
		sum := hmac.New(sha256.New, secret)
		sum.Write(message)
		signatures = append(signatures, "v1,"+base64.StdEncoding.EncodeToString(sum.Sum(nil)))
	}
	return strings.Join(signatures, " "), nil
}
