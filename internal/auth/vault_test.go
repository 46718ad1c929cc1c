package auth

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/rotunda-rtc/rotunda/internal/store"
	"github.com/rotunda-rtc/rotunda/internal/video"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// vault is an Authority over a real store.
type vault struct {
	*Authority
	t     *testing.T
	store *store.Store
	root  []byte
	own   video.AccountID
	other video.AccountID
	time  time.Time // zero: the clock's
}

func newVault(t *testing.T, at time.Time) *vault {
	t.Helper()
	v := &vault{t: t, root: bytes.Repeat([]byte{9}, RootKeySize), time: at}
	var err error
	v.store, err = store.Open(t.Context(), store.Config{Path: filepath.Join(t.TempDir(), "keys.db"), Now: v.now})
	must(t, err)
	t.Cleanup(func() { must(t, v.store.Close()) })
	own, _, err := v.store.DefaultAccount(t.Context())
	must(t, err)
	other, err := v.store.CreateAccount(t.Context(), "other")
	must(t, err)
	v.own, v.other = own.ID, other.ID
	v.Authority = v.elsewhere()
	return v
}

func (v *vault) now() time.Time {
	if v.time.IsZero() {
		return time.Now()
	}
	return v.time
}

// elsewhere is the Authority of another process over the same store.
func (v *vault) elsewhere() *Authority {
	return New(Config{Store: v.store, RootKey: v.root, Rotation: 720 * time.Hour, Now: v.now})
}

func (v *vault) tokens() Tokens {
	v.t.Helper()
	tokens, err := v.Generate(v.t.Context(), v.own, room, TokenRequest{RefreshTTL: 24 * time.Hour})
	must(v.t, err)
	return tokens
}

func (v *vault) signingKeys(account video.AccountID) int {
	v.t.Helper()
	keys, err := v.store.SigningKeys(v.t.Context(), account)
	must(v.t, err)
	return len(keys)
}

func (v *vault) addKey(key video.APIKey) (bearer string) {
	v.t.Helper()
	bearer, key.Hash = NewAPIKey(rand.Reader)
	must(v.t, v.store.AddAPIKey(v.t.Context(), key))
	return bearer
}

func TestRevokedAndExpiredAPIKeys(t *testing.T) {
	v := newVault(t, start)
	expires := start.Add(time.Hour)
	bearer := v.addKey(video.APIKey{ID: "a", AccountID: v.own, Rights: video.RightsTokensOnly})
	brief := v.addKey(video.APIKey{ID: "b", AccountID: v.own, ExpiresAt: &expires})
	for _, key := range []string{bearer, brief} {
		_, err := v.Authenticate(t.Context(), key)
		must(t, err)
	}
	v.time = expires
	_, err := v.Authenticate(t.Context(), brief)
	wantCode(t, err, video.CodeUnauthorized)
	key, err := v.Authenticate(t.Context(), bearer)
	must(t, err)
	if key.Rights != video.RightsTokensOnly {
		t.Fatalf("rights %q", key.Rights)
	}
	_, err = v.store.RevokeAPIKey(t.Context(), v.own, "a")
	must(t, err)
	_, err = v.Authenticate(t.Context(), bearer)
	wantCode(t, err, video.CodeUnauthorized)
}

func TestRevokedFamily(t *testing.T) {
	v := newVault(t, start)
	kicked, stays := v.tokens(), v.tokens()
	refreshed, err := v.Refresh(t.Context(), room, kicked.RefreshToken, 0)
	must(t, err)
	grant, err := v.Verify(t.Context(), kicked.Token)
	must(t, err)
	must(t, v.store.RevokeFamilies(t.Context(), v.own, []string{grant.Family}))
	for _, token := range []string{kicked.Token, refreshed.Token} {
		if _, err := v.Verify(t.Context(), token); !errors.Is(err, errRevoked) {
			t.Errorf("token of a revoked family: %v", err)
		}
	}
	_, err = v.Refresh(t.Context(), room, kicked.RefreshToken, 0)
	wantCode(t, err, video.CodeForbidden)
	if !strings.Contains(err.Error(), "the refresh token was revoked") {
		t.Errorf("refresh is refused with %v", err)
	}
	_, err = v.Verify(t.Context(), stays.Token)
	must(t, err)
	_, err = v.Verify(t.Context(), v.tokens().Token) // one the backend makes later is good
	must(t, err)
}

func TestRotation(t *testing.T) {
	v := newVault(t, start)
	before := v.tokens()
	made, err := v.elsewhere().Rotate(t.Context(), v.own)
	must(t, err)
	after := v.tokens() // signed by what another process made, at once
	if kid := headerOf(t, after.Token)["kid"]; kid != made.ID {
		t.Fatalf("signed with %v, rotated to %s", kid, made.ID)
	}
	for _, token := range []string{before.Token, after.Token} {
		_, err := v.Verify(t.Context(), token)
		must(t, err)
	}

	v.time = before.RefreshExpiresAt
	_, err = v.Rotate(t.Context(), v.own)
	must(t, err)
	_, err = v.Refresh(t.Context(), room, before.RefreshToken, 0)
	must(t, err) // good to its last second
	v.time = start.Add(keyRetention + time.Second)
	_, err = v.Rotate(t.Context(), v.own)
	must(t, err)
	if n := v.signingKeys(v.own); n != 3 {
		t.Fatalf("%d keys are kept, want the last three", n)
	}
	_, err = v.Refresh(t.Context(), room, before.RefreshToken, 0)
	wantCode(t, err, video.CodeForbidden)
}

func TestRotationWhenTheClockWasSetBack(t *testing.T) {
	v := newVault(t, start)
	v.tokens()
	v.time = start.Add(-time.Hour)
	made, err := v.Rotate(t.Context(), v.own)
	must(t, err)
	if kid := headerOf(t, v.tokens().Token)["kid"]; kid != made.ID {
		t.Fatalf("signed with %v, rotated to %s", kid, made.ID)
	}
}

func TestDiscardOldKeys(t *testing.T) {
	v := newVault(t, start)
	must(t, v.DiscardOldKeys(t.Context(), v.own)) // none yet
	leaked := v.tokens()
	_, err := v.Rotate(t.Context(), v.own)
	must(t, err)
	theirs, err := v.Generate(t.Context(), v.other, room, TokenRequest{})
	must(t, err)
	must(t, v.elsewhere().DiscardOldKeys(t.Context(), v.own))
	_, err = v.Verify(t.Context(), leaked.Token)
	wantCode(t, err, video.CodeUnauthorized)
	for _, token := range []string{v.tokens().Token, theirs.Token} {
		_, err := v.Verify(t.Context(), token)
		must(t, err)
	}
}

func TestEventKeys(t *testing.T) {
	v := newVault(t, start)
	message := []byte("1|{}")
	wantCode(t, v.ActivateEventKey(t.Context(), v.own), video.CodeState)
	first, err := v.SignEvent(t.Context(), v.own, message) // makes the key it needs
	must(t, err)
	must(t, v.EnsureEventKey(t.Context(), v.own))
	theirs, err := v.SignEvent(t.Context(), v.other, message)
	must(t, err)
	prepared, err := v.PrepareEventKey(t.Context(), v.own)
	must(t, err)
	again, err := v.PrepareEventKey(t.Context(), v.own)
	must(t, err)
	if again.ID != prepared.ID || prepared.Active {
		t.Fatalf("prepared %s, then %s", prepared.ID, again.ID)
	}
	keys, err := v.store.EventKeys(t.Context(), v.own)
	must(t, err)
	if len(keys) != 2 || !ed25519.Verify(keys[0].Public, message, first) || ed25519.Verify(keys[0].Public, message, theirs) {
		t.Fatal("the first signature is not the active key's")
	}

	abroad := v.elsewhere()
	old, err := abroad.SignEvent(t.Context(), v.own, message)
	must(t, err)
	must(t, v.ActivateEventKey(t.Context(), v.own))
	signature, err := v.SignEvent(t.Context(), v.own, message)
	must(t, err)
	if !ed25519.Verify(prepared.Public, message, signature) || !bytes.Equal(old, first) {
		t.Error("the activated key does not sign at once")
	}
	v.time = v.time.Add(eventKeyMemory + time.Microsecond)
	signature, err = abroad.SignEvent(t.Context(), v.own, message)
	must(t, err)
	if !ed25519.Verify(prepared.Public, message, signature) {
		t.Error("another process goes on signing with the old key")
	}

	stranger := New(Config{Store: v.store, RootKey: bytes.Repeat([]byte{8}, RootKeySize)})
	if err := stranger.EnsureEventKey(t.Context(), v.own); err == nil || !strings.Contains(err.Error(), "root key") {
		t.Errorf("another root key: %v", err)
	}
}

// settings are webhook settings as a store would keep them.
type settings video.WebhookSettings

func (s *settings) WebhookSettings(context.Context, video.AccountID) (video.WebhookSettings, error) {
	return video.WebhookSettings(*s), nil
}

func TestEventSecrets(t *testing.T) {
	v := newVault(t, start)
	secrets, err := v.EventSecrets(t.Context(), v.own)
	if err != nil || len(secrets) != 0 {
		t.Fatalf("without settings: %q, %v", secrets, err)
	}
	var kept settings
	a := New(Config{Store: v.store, Settings: &kept, RootKey: v.root, Now: v.now})
	check := func(want string) {
		t.Helper()
		secrets, err := a.EventSecrets(t.Context(), v.own)
		must(t, err)
		if got := string(bytes.Join(secrets, []byte(" "))); got != want {
			t.Errorf("secrets %q, want %q", got, want)
		}
	}
	check("")
	kept.Secret, err = a.SealSecret([]byte("new"))
	must(t, err)
	if bytes.Contains(kept.Secret, []byte("new")) {
		t.Error("the secret lies open")
	}
	check("new")
	until := start.Add(time.Hour)
	kept.OldSecretUntil = &until
	kept.OldSecret, err = a.SealSecret([]byte("old"))
	must(t, err)
	check("new old")
	v.time = until
	check("new")
	kept.Secret[20] ^= 1
	if _, err := a.EventSecrets(t.Context(), v.own); err == nil {
		t.Error("a damaged secret was opened")
	}
	if _, err := a.OpenSecret([]byte("short")); err == nil {
		t.Error("nonsense was opened")
	}
}

// What is sealed for one purpose cannot be opened for another.
func TestSealsAreApart(t *testing.T) {
	v := newVault(t, start)
	sealed := v.signingSeal.seal("", []byte("x"))
	if _, err := v.OpenSecret(sealed); err == nil {
		t.Error("a signing key was opened as a secret")
	}
	if _, err := v.eventSeal.open("", sealed); err == nil {
		t.Error("a signing key was opened as a webhook key")
	}
}

// tending runs Tend in invented time until the test ends.
func (v *vault) tending() (stop func()) {
	ctx, cancel := context.WithCancel(v.t.Context())
	done := make(chan struct{})
	go func() { defer close(done); v.Tend(ctx) }()
	synctest.Wait()
	return func() { cancel(); <-done }
}

func TestTendRotatesAndForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVault(t, time.Time{})
		family := video.NewUUID()
		must(t, v.store.RevokeFamilies(t.Context(), v.own, []string{family}))
		stop := v.tending()
		if n := v.signingKeys(v.other); n != 1 {
			t.Errorf("%d signing keys of an account that had none", n)
		}
		keys, err := v.store.EventKeys(t.Context(), v.other)
		if err != nil || len(keys) != 1 || !keys[0].Active {
			t.Errorf("webhook keys %+v, %v", keys, err)
		}
		for _, c := range []struct {
			days, keys int
			revoked    bool
		}{{1, 1, true}, {1, 1, false}, {27, 1, false}, {1, 2, false}, {1, 2, false}, {1, 1, false}} {
			time.Sleep(time.Duration(c.days) * 24 * time.Hour)
			synctest.Wait()
			if n := v.signingKeys(v.own); n != c.keys {
				t.Errorf("%d signing keys, want %d", n, c.keys)
			}
			if revoked, err := v.store.FamilyRevoked(t.Context(), family); err != nil || revoked != c.revoked {
				t.Errorf("family revoked: %t, %v", revoked, err)
			}
		}
		stop()
	})
}

func TestUsesAreWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVault(t, time.Time{})
		bearer := v.addKey(video.APIKey{ID: "k", AccountID: v.own})
		used := func(agent string) {
			t.Helper()
			_, err := v.Authenticate(video.WithActor(t.Context(), video.Actor{UserAgent: agent}), bearer)
			must(t, err)
			synctest.Wait()
		}
		wantAgent := func(want string) {
			t.Helper()
			keys, err := v.store.APIKeys(t.Context(), v.own)
			must(t, err)
			if keys[0].LastAgent != want || keys[0].LastUsedAt == nil {
				t.Errorf("last used at %v by %q, want %q", keys[0].LastUsedAt, keys[0].LastAgent, want)
			}
		}
		stop := v.tending()
		used("curl")
		wantAgent("curl")
		time.Sleep(30 * time.Second)
		used("node")
		wantAgent("curl") // within the minute
		time.Sleep(31 * time.Second)
		used(strings.Repeat("é", maxAgentBytes) + "\x00")
		wantAgent(strings.Repeat("é", maxAgentBytes/2))
		stop()

		time.Sleep(2 * time.Minute)
		used("last")
		v.tending()() // what came in is written before the end
		wantAgent("last")
	})
}

// faulty is a store whose writing of uses fails.
type faulty struct {
	KeyStore

	tries atomic.Int32
}

func (f *faulty) TouchAPIKey(context.Context, string, time.Time, string) error {
	f.tries.Add(1)
	return errors.New("disk full")
}

func TestUsesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVault(t, time.Time{})
		broken := &faulty{KeyStore: v.store}
		v.Authority = New(Config{Store: broken, RootKey: v.root})
		for range maxWaitingUses + 1 {
			v.uses.note(t.Context(), video.APIKey{ID: video.NewUUID()}, time.Now())
		}
		if n := len(v.uses.waiting); n != maxWaitingUses {
			t.Errorf("%d uses wait", n)
		}
		stop := v.tending()
		for range 5 {
			v.uses.note(t.Context(), video.APIKey{ID: "k"}, time.Now())
			synctest.Wait()
		}
		if n := broken.tries.Load(); n != 1 {
			t.Errorf("%d tries at once on a store that fails", n)
		}
		time.Sleep(pauseAfterFault)
		synctest.Wait()
		if n := broken.tries.Load(); n != 2 {
			t.Errorf("%d tries after the pause", n)
		}
		stop()
	})
}
