package store

import (
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// openAt opens a store over a file; the test closes it.
func openAt(t *testing.T, path string, c *clock) *fixture {
	t.Helper()
	s, err := Open(t.Context(), Config{Path: path, Now: c.now})
	must(t, err)
	account, _, err := s.DefaultAccount(t.Context())
	must(t, err)
	return &fixture{Store: s, t: t, clock: c, account: account.ID}
}

func openNew(t *testing.T) *fixture {
	f := openAt(t, filepath.Join(t.TempDir(), "new folder", "a?b#100%.db"), &clock{t: start})
	t.Cleanup(func() { must(t, f.Close()) })
	return f
}

func TestSQLite(t *testing.T) { contract(t, openNew) }
