package store

import (
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/rotunda-rtc/rotunda/internal/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// openAt opens a store over a file; the test closes it.
func openAt(t *testing.T, path string, c *clock) *fixture {
	t.Helper()
	return openWith(t, Config{Path: path}, c)
}

func openWith(t *testing.T, config Config, c *clock) *fixture {
	t.Helper()
	config.Now = c.now
	s, err := Open(t.Context(), config)
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

func openPostgresNew(t *testing.T) *fixture {
	url := storetest.PreparedPostgres(t, func(url string) {
		_, err := Migrate(t.Context(), Config{URL: url})
		must(t, err)
	})
	f := openWith(t, Config{URL: url}, &clock{t: start})
	t.Cleanup(func() { must(t, f.Close()) })
	return f
}

func TestPostgres(t *testing.T) { contract(t, openPostgresNew) }

func TestSQLite(t *testing.T) { contract(t, openNew) }
