package auth

import (
	"context"
	"fmt"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

const tendInterval = 24 * time.Hour

// Tend looks after the keys until ctx ends, and returns soon after. At once and then daily it gives every account the keys it
// lacks, replaces signing keys that are older than Config.Rotation, removes those that are spent, and forgets families whose
// tokens have all expired. In between it writes when API keys were last used. Run it once in a process that serves.
func (a *Authority) Tend(ctx context.Context) {
	day := time.NewTicker(tendInterval)
	defer day.Stop()
	a.tendKeys(ctx)
	wake := a.uses.wake
	var rested <-chan time.Time
	for {
		select {
		case <-wake:
			if !a.writeUses(ctx) {
				wake, rested = nil, time.After(pauseAfterFault)
			}
		case <-rested:
			wake, rested = a.uses.wake, nil
		case <-day.C:
			a.tendKeys(ctx)
		case <-ctx.Done():
			a.writeUses(ctx) // what came in before the end
			return
		}
	}
}

// tendKeys does what is due. What fails is logged and tried again the next day; until then old keys go on working.
func (a *Authority) tendKeys(ctx context.Context) {
	accounts, err := a.store.Accounts(ctx)
	if err == nil {
		// A family lives no longer than its refresh token, and the last client token that was made with it.
		longest := (video.MaxRefreshTokenTTLSecs + video.MaxTokenTTLSecs) * time.Second
		err = a.store.ForgetFamilies(ctx, a.now().Add(-longest-2*Leeway))
	}
	if err != nil && ctx.Err() == nil {
		a.logger.Error("keys could not be looked after", "error", err)
	}
	for _, account := range accounts {
		rotated, err := a.tendAccount(ctx, account.ID)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			a.logger.Error("keys of an account could not be looked after", "account", account.ID, "error", err)
		case rotated:
			a.logger.Info("signing key rotated", "account", account.ID)
		}
	}
}

func (a *Authority) tendAccount(ctx context.Context, account video.AccountID) (rotated bool, err error) {
	if err := a.EnsureSigningKey(ctx, account); err != nil {
		return false, err
	}
	if err := a.EnsureEventKey(ctx, account); err != nil {
		return false, err
	}
	keys, err := a.store.SigningKeys(ctx, account)
	if err != nil {
		return false, fmt.Errorf("find signing keys: %w", err)
	}
	if a.rotation > 0 && len(keys) > 0 && a.now().Sub(keys[0].CreatedAt) >= a.rotation {
		_, err := a.Rotate(ctx, account)
		return err == nil, err
	}
	return false, a.removeSpent(ctx, account, keys)
}
