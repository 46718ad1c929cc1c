package auth

import (
	"context"
	"crypto/rand"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rotunda-rtc/rotunda/internal/video"
)

// keyStore keeps keys in memory, by the contract of KeyStore, for tests that break them. Other tests use the real store.
type keyStore struct {
	KeyStore // nil: what is not below must not be called

	mu      sync.Mutex
	api     map[[32]byte]video.APIKey
	signing []video.SigningKey // oldest first
	broken  error
}

func (s *keyStore) FamilyRevoked(context.Context, string) (bool, error) { return false, s.broken }

func (s *keyStore) APIKeyByHash(_ context.Context, hash [32]byte) (video.APIKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key, ok := s.api[hash]
	if !ok {
		return video.APIKey{}, video.Errorf(video.CodeUnauthorized, "the API key is not valid")
	}
	return key, nil
}

func (s *keyStore) AddSigningKey(_ context.Context, key video.SigningKey) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.signing = append(s.signing, key)
	return nil
}

func (s *keyStore) SigningKeys(_ context.Context, account video.AccountID) ([]video.SigningKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var keys []video.SigningKey
	for _, key := range slices.Backward(s.signing) {
		if key.AccountID == account {
			keys = append(keys, key)
		}
	}
	return keys, s.broken
}

func (s *keyStore) SigningKey(_ context.Context, kid string) (video.SigningKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return video.SigningKey{}, s.broken
	}
	for _, key := range s.signing {
		if key.ID == kid {
			return key, nil
		}
	}
	return video.SigningKey{}, video.Errorf(video.CodeNotFound, "no such signing key")
}

var (
	account = video.AccountID(video.NewUUID())
	foreign = video.AccountID(video.NewUUID())
	room    = video.RoomID(video.NewUUID())
	start   = time.Date(2026, 3, 26, 17, 51, 59, 588408000, time.UTC)
)

// desk is an Authority with the time in the test's hand.
type desk struct {
	*Authority
	store *keyStore
	root  []byte
	time  time.Time
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	d := &desk{store: &keyStore{api: map[[32]byte]video.APIKey{}}, root: make([]byte, RootKeySize), time: start}
	_, _ = rand.Read(d.root)
	d.Authority = d.again()
	for _, id := range []video.AccountID{account, foreign} {
		if err := d.EnsureSigningKey(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// again is another Authority over the same keys.
func (d *desk) again() *Authority {
	return New(Config{Store: d.store, RootKey: d.root, Now: func() time.Time { return d.time }})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t testing.TB, err error, code video.Code) {
	t.Helper()
	if err == nil || video.CodeOf(err) != code {
		t.Fatalf("got error %v, want code %s", err, code)
	}
}
