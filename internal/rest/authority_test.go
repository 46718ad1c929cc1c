package rest

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/auth"
	"github.com/rotunda-rtc/rotunda/internal/store"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

// newAuthority makes the real thing, with apiKey for the account.
func newAuthority(t testing.TB, opened *store.Store, account video.AccountID, now func() time.Time) *auth.Authority {
	t.Helper()
	root := make([]byte, auth.RootKeySize)
	_, _ = rand.Read(root)
	authority := auth.New(auth.Config{
		Store: opened, Settings: opened, RootKey: root, ExtraKeys: []string{apiKey}, ExtraKeyAccount: account, Now: now,
	})
	if err := authority.EnsureSigningKey(t.Context(), account); err != nil {
		t.Fatal(err)
	}
	return authority
}
